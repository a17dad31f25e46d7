"""A long range is read in chunks of days where a chunk need not read the rows of all others."""

import logging
from collections.abc import Collection
from datetime import date

import pytest

from video_assets.days import UNDATED, DayRange
from video_assets.sizes import Portion
from video_assets.source_chunks import source_chunks
from video_assets.sources.config import SourceConfig
from video_assets.sources.listing import Listing, SourceFile

RUN = DayRange(date(2025, 1, 1), date(2025, 1, 9))
LOG = logging.getLogger(__name__)
# A line takes as many bytes as a row in Parquet: 8 files of 100 bytes have 80 rows.
PORTION = Portion(20, bytes_per_row=10)


def lines(number: int, days: Collection[int] | None) -> SourceFile:
    """A file that has rows of these days of January, of day 0 those without a time."""
    dates = (UNDATED if day == 0 else date(2025, 1, day) for day in days or ())
    known = None if days is None else frozenset(dates)
    return SourceFile(f"/events/{number}.json.gz", 100, "json", "gzip", days=known)


def chunks(*days: Collection[int] | None) -> list[tuple[str, list[str]]]:
    """First and last day, and the numbers of the files, of each chunk."""
    listing = Listing(tuple(lines(number, some) for number, some in enumerate(days)))
    found = source_chunks(SourceConfig("/events"), listing, RUN, LOG, PORTION)
    return [
        (
            f"{chunk.days.first.day} to {chunk.days.last.day}",
            [file.uri.split("/")[-1][0] for file in chunk.listing.files],
        )
        for chunk in found
    ]


def test_files_whose_days_are_known_are_read_by_the_chunks_of_their_days() -> None:
    assert chunks([1], [1, 2], [3], [4, 5], [5], [6], [7], [8]) == [
        ("1 to 2", ["0", "1"]),
        ("3 to 4", ["2", "3"]),
        ("5 to 6", ["3", "4", "5"]),
        ("7 to 8", ["6", "7"]),
    ]


def test_files_of_which_nobody_knows_the_days_are_read_at_once() -> None:
    assert [days for days, _ in chunks(*[None] * 8)] == ["1 to 8"]
    assert [days for days, _ in chunks([1], [2], [3], *[None] * 5)] == ["1 to 8"]


def test_a_file_of_which_nobody_knows_the_days_is_read_by_each_chunk() -> None:
    found = chunks([1], [2], None, [4], [5], [6], [7], [8])
    assert [files for _, files in found] == [
        ["0", "1", "2"],
        ["2", "3"],
        ["2", "4", "5"],
        ["2", "6", "7"],
    ]


def test_chunks_are_so_few_that_files_of_many_days_are_read_twice_at_most() -> None:
    every_day = range(1, 9)
    assert [days for days, _ in chunks(*[every_day] * 8)] == ["1 to 4", "5 to 8"]
    assert [days for days, _ in chunks([1], *[every_day] * 7)] == ["1 to 4", "5 to 8"]


def test_rows_without_a_time_are_read_beside_others_of_their_file_else_first() -> None:
    assert chunks([0], [0, 7, 8], [2], [3], [4], [5], [6, 20], [0, 20]) == [
        ("1 to 2", ["0", "2", "7"]),
        ("3 to 4", ["3", "4"]),
        ("5 to 6", ["5", "6"]),
        ("7 to 8", ["1"]),
    ]


@pytest.mark.parametrize("file_format", ["parquet", "delta"])
def test_files_that_tell_their_days_themselves_are_read_by_all_chunks(file_format: str) -> None:
    file = SourceFile("/events", 800, file_format, days=frozenset([date(2025, 1, 1)]))  # type: ignore[arg-type]
    found = list(source_chunks(SourceConfig("/events"), Listing((file,)), RUN, LOG, PORTION))
    assert [len(chunk.listing.files) for chunk in found] == [1, 1, 1, 1]
