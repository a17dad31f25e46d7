"""The report of many videos and of many values of dimensions: how long it takes, how large it is.

Every value that filters can name has a list of videos for each period, and every video a page.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from support.samples import Sample, make_sample
from support.world import TABLES, world

from resources.engine.session import SparkEngine
from video_assets.analytics.tables import ANALYTICS_TABLES, DAILY_ANALYTICS_TABLES
from video_assets.report.addresses import PAGE_FILE
from video_assets.report.build import build_report, report_folder
from video_assets.report.files import File, report_files, write_files
from video_assets.settings import Settings

MAX_PAGE_BYTES = 2_000_000
# Beside the device and the player of the sample.
FURTHER = {"country": 12, "version": 8}


@dataclass
class Cost:
    """What files of one kind cost to make."""

    files: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0


def _with_further_dimensions(sample: Sample) -> None:
    chance = np.random.default_rng(1)
    for path in (sample.folder / "events").glob("*.parquet"):
        events = pq.read_table(path)
        sessions = events["sessionId"].combine_chunks().dictionary_encode()
        number = sessions.indices.fill_null(0)
        for name, values in FURTHER.items():
            of_sessions = chance.integers(0, values, len(sessions.dictionary))
            texts = pa.array([f"{name} {value}" for value in of_sessions])
            events = events.append_column(name, texts.take(number))
        pq.write_table(events, path)


def _timed(files: Iterator[File], costs: dict[str, Cost]) -> Iterator[File]:
    while True:
        began = time.process_time()
        file = next(files, None)
        if file is None:
            return
        path, text = file
        cost = costs[path.partition("/")[0]]
        cost.files += 1
        cost.seconds += time.process_time() - began
        cost.megabytes += len(text) / 1e6
        yield file


def _write_report(settings: Settings) -> int:
    spark = SparkEngine.from_settings(settings).spark_session
    costs: dict[str, Cost] = defaultdict(Cost)
    began = time.monotonic()
    built = build_report(spark, settings, datetime.now(UTC))
    figures = time.monotonic() - began
    files = report_files(built.report, built.details, built.lists)
    sizes = write_files(report_folder(settings.warehouse), _timed(files, costs))
    print(
        f"{len(built.report.videos):,} videos, {len(built.report.filters)} values, "
        f"{len(built.report.choices)} periods: figures in {figures:.1f} s, all of it in "
        f"{time.monotonic() - began:.1f} s; the page has {sizes[PAGE_FILE]:,} bytes"
    )
    for kind, cost in costs.items():
        print(
            f"{kind}: {cost.files:,} files, {cost.megabytes:.1f} MB, "
            f"{cost.seconds:.1f} s of CPU time of the process"
        )
    return sizes[PAGE_FILE]


def main() -> int:
    """Make a sample, fill the tables, write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--events", type=int, default=2_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sizes = {"events": asked.events, "days": asked.days, "videos": asked.videos}
        sample = make_sample(Path(name) / "sample", users=asked.events // 40, **sizes)
        _with_further_dimensions(sample)
        sources = {
            "events": str(sample.folder / "events"),
            "video_metadata": str(sample.folder / "video_metadata.parquet"),
            "events_dimensions": {each: each for each in ("device", "player", *FURTHER)},
            "start_date": sample.spec.first_day,
        }
        with world(Path(name) / "warehouse", **sources) as tables:
            first, *_, last = sample.spec.event_days
            tables.compute(first, last, tables=(*TABLES, *DAILY_ANALYTICS_TABLES))
            tables.compute(tables=ANALYTICS_TABLES)
            page_bytes = _write_report(tables.settings)
    return page_bytes >= MAX_PAGE_BYTES


if __name__ == "__main__":
    sys.exit(main())
