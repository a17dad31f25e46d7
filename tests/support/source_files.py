"""Source files of every format, and what reading them gives without an engine."""

import bz2
import csv
import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.sizes import UNIT_BYTES
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import Layout, RowKind
from video_assets.sources.listing import list_source
from video_assets.sources.reading import Reading
from video_assets.sources.tagged import COUNTERS
from video_assets.sources.times import Window
from video_assets.sources.units import cut_into_units

FIRST_DAY, END_DAY = date(2025, 1, 1), date(2025, 2, 1)

Row = Mapping[str, Any]

COMPRESSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}

EVENT: Row = {
    "timestamp": "2025-01-03T10:00:00.000001Z",
    "userId": "peter",
    "sessionId": "s1",
    "videoId": "video_001",
    "eventName": "video_play",
    "currentTime": 12.5,
}
DAILY_VIEW: Row = {
    "channel_id": "channel",
    "video_id": "video_001",
    "created_date": "2025-01-01",
    "date": "2025-01-03",
    "viewCount": 7,
}


@dataclass
class Outcome:
    """Tagged rows, told apart."""

    valid: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    source_rows: int = 0
    ignored: int = 0
    waiting: int = 0

    @property
    def reasons(self) -> list[str]:
        return sorted(row["reason"] for row in self.rejected)

    @property
    def texts(self) -> list[str]:
        return [row["rowText"] for row in self.rejected]

    def add(self, row: dict[str, Any]) -> None:
        if row["sourceRows"] is not None:
            assert all(value is None for name, value in row.items() if name not in COUNTERS)
            self.source_rows += row["sourceRows"]
            self.ignored += row["ignoredRows"]
            self.waiting += row["waitingRows"]
        else:
            (self.valid if row["reason"] is None else self.rejected).append(row)

    def is_complete(self) -> bool:
        in_no_table = self.ignored + self.waiting
        return len(self.valid) + len(self.rejected) + in_no_table == self.source_rows


def read(  # noqa: PLR0913 (all that a run may ask for)
    source: SourceConfig | Path | str,
    kind: RowKind = EVENT_ROWS,
    first_day: date = FIRST_DAY,
    end_day: date = END_DAY,
    unit_bytes: int = UNIT_BYTES,
    *,
    with_undated: bool = True,
) -> Outcome:
    config = source if isinstance(source, SourceConfig) else SourceConfig(str(source))
    listing = list_source(config, kind, first_day, end_day)
    window = Window(first_day, end_day, with_undated=with_undated)
    reading = Reading(Layout(kind, config), window)
    outcome = Outcome()
    for batch in reading.read_units(cut_into_units(listing, unit_bytes)):
        assert batch.schema == reading.tagged.arrow
        batch.validate(full=True)
        for row in batch.to_pylist():
            outcome.add(row)
    assert outcome.is_complete()
    return outcome


def collect(frame: DataFrame) -> Outcome:
    outcome = Outcome()
    for row in frame.toArrow().to_pylist():
        outcome.add(row)
    assert outcome.is_complete()
    return outcome


def write(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows in the format of the path's suffix; text formats also compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compress = COMPRESSIONS.get(path.suffix, bytes)
    name = path.stem if path.suffix in COMPRESSIONS else path.name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
        return path
    content = csv_bytes(rows) if name.endswith(".csv") else json_bytes(rows)
    path.write_bytes(compress(content))
    return path


def deliver(folder: Path, rows: Sequence[Row], parts: int = 3) -> str:
    """The rows in files that have nothing to do with their days."""
    size = -(-len(rows) // parts)
    for part in range(parts):
        write(folder / f"part-{part}.parquet", rows[part * size :][:size])
    return str(folder)


def json_bytes(rows: Sequence[Row]) -> bytes:
    return b"".join(orjson.dumps(dict(row)) + b"\n" for row in rows)


def csv_bytes(rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def write_table(path: Path, columns: Mapping[str, Any], **options: Any) -> Path:
    """A Parquet file of an event's columns, some of them replaced by arrays."""
    length = max((len(column) for column in columns.values()), default=1)
    defaults = {name: pa.array([value] * length) for name, value in EVENT.items()}
    pq.write_table(pa.table({**defaults, **columns}), path, **options)
    return path
