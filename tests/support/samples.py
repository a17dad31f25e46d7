"""A written sample, read back for tests."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from video_assets.sample_data import SampleSpec, SampleSummary, write_sample


@dataclass(frozen=True)
class Sample:
    """A sample's folder and what its generator counted."""

    folder: Path
    summary: SampleSummary

    @property
    def spec(self) -> SampleSpec:
        return self.summary.spec

    @property
    def events_by_file(self) -> dict[date, pa.Table]:
        """The player events by the day in the file's name."""
        paths = sorted((self.folder / "events").glob("events-*.parquet"))
        return {date.fromisoformat(p.stem.removeprefix("events-")): pq.read_table(p) for p in paths}

    @property
    def content(self) -> dict[str, bytes]:
        """The bytes of every file of data, which also tell a NaN from another value."""
        paths = self.folder.rglob("*.parquet")
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}

    @property
    def events(self) -> pa.Table:
        return pa.concat_tables(self.events_by_file.values())

    @property
    def views(self) -> pa.Table:
        return pq.read_table(self.folder / "daily_views")

    @property
    def metadata(self) -> pa.Table:
        return pq.read_table(self.folder / "video_metadata.parquet")


def make_sample(folder: Path, **options: object) -> Sample:
    """Write a sample of these sizes."""
    return Sample(folder, write_sample(folder, SampleSpec.model_validate(options)))
