"""Bulk reports of many videos and countries, with backfills and repeats, against a plain sum.

A report has a row for each video and country with views that day, and no others, as real ones do:
few videos are watched in many countries, and most in none.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc
from support.world import MONTHS, VIEWS, World, months_of, world

from resources.epoch import day_number
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MONTHLY_VIEWS

FIRST = date(2025, 1, 1)
COUNTRIES = 30
# Of the days, so many are reported again later, with other counts.
BACKFILLED = 0.1
# Of the rows, so many stand in their file twice: two rows that add up, as any others.
REPEATED = 0.01

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Size:
    """How much is delivered."""

    videos: int
    days: int
    rows_a_day: int


def _report(chance: np.random.Generator, size: Size) -> tuple[Counts, Counts, Counts]:
    """Video, country and views of each row, videos by popularity."""
    places = chance.permutation(_watched(chance, size))[: size.rows_a_day]
    repeated = places[: int(REPEATED * len(places))]
    places = chance.permutation(np.concatenate([places, repeated]))
    views = chance.geometric(0.01, len(places)) - chance.integers(0, 3, len(places))
    return places // COUNTRIES, places % COUNTRIES, views.astype(np.int64)


def _watched(chance: np.random.Generator, size: Size) -> Counts:
    """Each video in each country where so many rows are asked for, else the popular ones."""
    if size.rows_a_day >= size.videos * COUNTRIES:
        return np.arange(size.videos * COUNTRIES)
    video = (size.videos * chance.random(2 * size.rows_a_day) ** 3).astype(np.int64)
    country = (COUNTRIES * chance.random(2 * size.rows_a_day) ** 2).astype(np.int64)
    return np.unique(video * COUNTRIES + country)


def _write(path: Path, day: date, rows: tuple[Counts, Counts, Counts]) -> None:
    video, country, views = rows
    table = pa.table(
        {
            "date": pa.repeat(f"{day:%Y%m%d}", len(video)),
            "channel_id": pa.repeat("channel", len(video)),
            "video_id": [f"v{number:06d}" for number in video.tolist()],
            "country_code": [f"C{number:02d}" for number in country.tolist()],
            "views": views,
        }
    )
    pc.write_csv(table, path)


def _deliver(folder: Path, size: Size, seed: int) -> tuple[int, Counts]:
    """The reports as CSV, with times that tell nothing; the rows, and the views that must be."""
    folder.mkdir()
    chance = np.random.default_rng(seed)
    expected = np.zeros((size.days, size.videos), np.int64)
    rows = 0
    reports = [(day, 0) for day in range(size.days)]
    backfilled = chance.permutation(size.days)[: int(BACKFILLED * size.days)]
    reports += [(int(day), 1) for day in backfilled]
    for number, made in reports:
        day = FIRST + timedelta(days=number)
        made_on = day + timedelta(days=2 + 60 * made)
        report = _report(chance, size)
        rows += len(report[0])
        # A video that a backfill does not name keeps what the report before it said.
        named = np.bincount(report[0], minlength=size.videos) > 0
        sums = np.bincount(report[0], report[2], size.videos).astype(np.int64)
        expected[number] = np.where(named, sums, expected[number])
        path = folder / f"channel_basic_a3-{day:%Y%m%d}-made-{made_on:%Y%m%d}.csv"
        _write(path, day, report)
        moment = int(chance.integers(1_000_000_000))
        os.utime(path, (moment, moment))
    return rows, expected


def _differences(stored: World, size: Size, expected: Counts) -> Iterator[str]:
    found = np.zeros_like(expected)
    rows = pa.table(stored.delta(DAILY_VIDEO_VIEWS).scan(["video_id", "date", "viewCount"]))
    day = rows["date"].cast(pa.int32()).to_numpy() - day_number(FIRST)
    video = np.array([int(name[1:]) for name in rows["video_id"].to_pylist()])
    np.add.at(found, (day, video), rows["viewCount"].to_numpy())
    if different := np.count_nonzero(found != expected):
        yield f"{different} of {expected.size} days of videos have another sum"
    if len(rows) != np.count_nonzero(np.bincount(day * size.videos + video)):
        yield "a video has more than one row of a day"
    months = pa.table(stored.delta(MONTHLY_VIEWS).scan(["aggViewCount"]))
    if sum(months["aggViewCount"].to_pylist()) != expected.sum():
        yield "months have another sum"


def main() -> int:
    """Deliver, compute, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rows-a-day", type=int, default=150_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    size = Size(asked.videos, asked.days, asked.rows_a_day)
    last = FIRST + timedelta(days=size.days - 1)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        # In a process of its own, because its memory is not that of the computation.
        with ProcessPoolExecutor(1) as apart:
            rows, expected = apart.submit(_deliver, root / "reports", size, asked.seed).result()
        settings = {"daily_views_preset": "youtube_reporting", "start_date": FIRST}
        with world(root / "warehouse", daily_views=str(root / "reports"), **settings) as views:
            began = time.monotonic()
            views.compute(FIRST, last, tables=VIEWS)
            views.compute(*months_of(FIRST, last), tables=MONTHS)
            seconds = time.monotonic() - began
            gibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            wrong = list(_differences(views, size, expected))
    print(
        f"{rows:,} rows of {size.videos:,} videos, {COUNTRIES} countries and {size.days} days, "
        f"{int(BACKFILLED * size.days)} days backfilled: {expected.sum():,} views, "
        f"{seconds:.0f} s, at most {gibibytes:.1f} GiB of memory"
    )
    print("\n".join(wrong) or "every video and day, and all months, are the plain sum")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
