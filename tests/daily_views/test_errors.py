"""Daily views that cannot be read fail with one clear error, and leave the old tables whole."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from support.broken_sources import (
    Case,
    Reading,
    delta,
    file_behind,
    lone_file,
    nothing,
    rows_without,
)
from support.source_files import write
from support.views import view
from support.world import VIEWS, Row, world

from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS

FIRST = date(2025, 1, 1)
LAST = date(2025, 1, 3)
ROWS = [view(f"v{n}", FIRST + timedelta(days=n % 3), n) for n in range(30)]
without = partial(rows_without, ROWS)
RENAMED = {"daily_views_columns": {"views": "viewCount"}}


def with_counts(count: object) -> list[Row]:
    return [{**row, "viewCount": count} for row in ROWS]


SETTING = "VIDEO_ASSETS_DAILY_VIEWS"
NO_COUNT = ("'viewCount'", "'video_id'", f"{SETTING}_COLUMNS")
NUMBERED_DAYS = [{**row, "date": 20_250_101} for row in ROWS]

CASES = {
    **{
        f"no viewCount in {suffix}": Case(lone_file(f"v.{suffix}", without("viewCount")), NO_COUNT)
        for suffix in ("parquet", "jsonl", "jsonl.gz", "csv", "csv.gz")
    },
    "no viewCount in delta": Case(delta(without("viewCount")), NO_COUNT),
    "no viewCount in running totals": Case(
        lone_file("v.csv", without("viewCount")),
        NO_COUNT,
        settings={"view_count_kind": "cumulative"},
    ),
    "no viewCount in a second parquet": Case(
        file_behind(ROWS, "parquet", without("viewCount")), NO_COUNT
    ),
    "a mapped column is not there": Case(
        lone_file("v.csv", ROWS), ("'views'", f"{SETTING}_COLUMNS"), settings=RENAMED
    ),
    "counts are truth values": Case(
        lone_file("v.parquet", with_counts(count=True)), ("'viewCount'", "bool")
    ),
    "counts are lists": Case(lone_file("v.parquet", with_counts([1])), ("'viewCount'", "list")),
    "counts are lists in delta": Case(delta(with_counts([1])), ("'viewCount'", "list")),
    "days are numbers": Case(lone_file("v.parquet", NUMBERED_DAYS), ("'date'", "int64")),
    "no such path": Case(nothing, ("no such file or folder", SETTING)),
    "no file of a glob": Case(nothing, ("no file matches", SETTING), source="*.csv"),
    "no file of any day": Case(nothing, (f"no file for {FIRST}",), source="{date}.csv"),
    "csv said to be parquet": Case(
        lone_file("v.csv", ROWS),
        ("not a readable Parquet file",),
        settings={"daily_views_format": "parquet"},
    ),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    root = tmp_path_factory.mktemp("errors")
    good = str(write(root / "good.parquet", [*ROWS, view("v", FIRST, -1)]))
    with world(root / "warehouse", daily_views=good) as views:
        views.compute(FIRST, LAST, tables=VIEWS)
        yield Reading(views, "daily_views", (FIRST, LAST), VIEWS)


@pytest.mark.parametrize("name", CASES)
def test_a_broken_source_fails_with_one_clear_error_and_changes_nothing(
    name: str, filled: Reading, tmp_path: Path
) -> None:
    filled.must_fail(CASES[name], tmp_path / "source")


def test_a_broken_source_fails_the_run_with_its_error_and_changes_nothing(
    filled: Reading, tmp_path: Path
) -> None:
    filled.must_fail_the_run(write(tmp_path / "views.csv", without("viewCount")), NO_COUNT)


BAD_TEXTS = {
    "missing_video": {"video_id": ""},
    "missing_date": {"date": None},
    "unreadable_date": {"date": "yesterday"},
    "missing_count": {"viewCount": None},
    "unreadable_count": {"viewCount": "many"},
    "before_upload": {"created_date": "2025-01-02", "viewCount": 0},
}


@pytest.mark.parametrize("suffix", ["csv", "jsonl.gz"])
def test_every_bad_row_is_kept_with_its_text_and_reason(suffix: str, tmp_path: Path) -> None:
    good = {"channel_id": "c", "video_id": "v", "created_date": "2025-01-01", "date": "2025-01-01"}
    rows = [{**good, "video_id": f"v{number}", "viewCount": 1} for number in range(8)]
    rows += [
        {**rows[0], "channel_id": f"bad {number}", **wrong}
        for number, wrong in enumerate(BAD_TEXTS.values())
    ]
    source = write(tmp_path / f"views.{suffix}", rows)
    with world(tmp_path / "warehouse", daily_views=str(source)) as views:
        run = views.run(FIRST, tables=VIEWS)
        rejected = views.rows(REJECTED_DAILY_VIEWS)
    assert {row["reason"]: row["rowText"].count("bad ") for row in rejected} == dict.fromkeys(
        BAD_TEXTS, 1
    )
    assert {row["source"] for row in rejected} == {str(source)}
    assert run.counted(REJECTED_DAILY_VIEWS, "reasons") == dict.fromkeys(BAD_TEXTS, 1)
    assert run.counted(DAILY_VIDEO_VIEWS, "source_rows") == len(rows)
    assert run.counted(DAILY_VIDEO_VIEWS, "rows_written") == 8
