"""Months are the sums of their own days, and each month is a partition of its own."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from support.source_files import write
from support.views import LARGE, view
from support.world import MONTHS, VIEWS, Row, World, world

from resources.delta.errors import StagingError
from video_assets.catalog import asset_key
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MONTHLY_VIEWS

FEBRUARY, MARCH = date(2024, 2, 1), date(2024, 3, 1)
LEAP_DAY = date(2024, 2, 29)


def delivered(root: Path, rows: list[Row]) -> dict[str, Any]:
    return {"daily_views": str(write(root / "views.parquet", rows))}


def sums(views: World) -> dict[tuple[str, str, str], int | None]:
    return {
        (row["channel_id"], row["video_id"], row["month"]): row["aggViewCount"]
        for row in views.rows(MONTHLY_VIEWS)
    }


def test_a_month_is_the_sum_of_its_days_and_of_no_other(tmp_path: Path) -> None:
    rows = [
        view("v", date(2024, 1, 31), 1),
        view("v", FEBRUARY, LARGE),
        view("v", LEAP_DAY, 20),
        view("v", LEAP_DAY, 300, channel_id="c2", video_id="w"),
        view("v", MARCH, 4_000),
    ]
    with world(tmp_path, start_date=date(2024, 1, 15), **delivered(tmp_path, rows)) as views:
        views.compute(date(2024, 1, 31), MARCH, tables=VIEWS)
        run = views.run(FEBRUARY, tables=MONTHS)
        assert sums(views) == {("c1", "v", "2024-02"): LARGE + 20, ("c2", "w", "2024-02"): 300}
        assert run.row_count_by_partition(MONTHLY_VIEWS) == {"2024-02-01": 2}
        views.compute(date(2024, 1, 1), MARCH, tables=MONTHS)
        assert sums(views) == {
            ("c1", "v", "2024-01"): 1,
            ("c1", "v", "2024-02"): LARGE + 20,
            ("c2", "w", "2024-02"): 300,
            ("c1", "v", "2024-03"): 4_000,
        }


def test_months_of_videos_without_a_channel_are_stored(tmp_path: Path) -> None:
    rows = [view(f"v{n}", FEBRUARY, n, channel_id=None if n % 2 else "c") for n in range(6)]
    with world(tmp_path, start_date=FEBRUARY, **delivered(tmp_path, rows)) as views:
        views.compute(FEBRUARY, tables=VIEWS)
        views.compute(FEBRUARY, tables=MONTHS)
        assert sums(views) == {(None if n % 2 else "c", f"v{n}", "2024-02"): n for n in range(6)}


def test_a_month_depends_on_its_days_from_the_first_partition_on(tmp_path: Path) -> None:
    with world(tmp_path, start_date=date(2024, 1, 15)) as views:
        asset = views.asset(MONTHLY_VIEWS)
        mapping = asset.get_partition_mapping(asset_key(DAILY_VIDEO_VIEWS))
        days = views.asset(DAILY_VIDEO_VIEWS).partitions_def
        months = asset.partitions_def
    assert mapping is not None
    assert days is not None
    assert months is not None
    for month, wanted in {"2024-01-01": range(15, 32), "2024-02-01": range(1, 30)}.items():
        subset = months.subset_with_partition_keys([month])
        found = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, months, days)
        assert sorted(found.partitions_subset.get_partition_keys()) == [
            f"{month[:7]}-{day:02}" for day in wanted
        ]


def test_a_month_that_runs_again_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    with world(tmp_path, start_date=FEBRUARY, **delivered(tmp_path, ROWS)) as views:
        views.compute(FEBRUARY, MARCH, tables=VIEWS)
        views.compute(FEBRUARY, MARCH, tables=MONTHS)
        delivered(tmp_path, [{**row, "viewCount": 9} for row in ROWS])
        views.compute(FEBRUARY, MARCH, tables=VIEWS)
        views.compute(MARCH, tables=MONTHS)
        assert sums(views) == {("c1", "v", "2024-02"): 1, ("c1", "v", "2024-03"): 9}


ROWS = [view("v", FEBRUARY, 1), view("v", MARCH, 2)]


def test_a_month_whose_days_are_gone_becomes_empty(tmp_path: Path) -> None:
    with world(tmp_path, start_date=FEBRUARY, **delivered(tmp_path, ROWS)) as views:
        views.compute(FEBRUARY, MARCH, tables=VIEWS)
        views.compute(FEBRUARY, MARCH, tables=MONTHS)
        delivered(tmp_path, ROWS[1:])
        views.compute(FEBRUARY, tables=VIEWS)
        run = views.run(FEBRUARY, tables=MONTHS)
        assert sums(views) == {("c1", "v", "2024-03"): 2}
        assert run.row_count_by_partition(MONTHLY_VIEWS) == {"2024-02-01": 0}


def test_the_current_month_is_a_partition_and_says_that_it_is_incomplete(tmp_path: Path) -> None:
    this_month = datetime.now(UTC).date().replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    rows = [view("v", last_month, 5)]
    with world(tmp_path, start_date=last_month, **delivered(tmp_path, rows)) as views:
        assert views.partition_keys(MONTHLY_VIEWS)[-1] == str(this_month)
        views.compute(last_month, tables=VIEWS)
        run = views.run(last_month, this_month, tables=MONTHS)
        months = run.metadata_by_partition(MONTHLY_VIEWS)
        assert {month: said["is_incomplete"] for month, said in months.items()} == {
            str(last_month): False,
            str(this_month): True,
        }
        assert views.run(this_month, tables=MONTHS).counted(MONTHLY_VIEWS, "is_incomplete")
        assert not views.run(last_month, tables=MONTHS).counted(MONTHLY_VIEWS, "is_incomplete")
        assert list(sums(views).values()) == [5]


def test_months_of_which_no_day_was_written_are_empty(tmp_path: Path) -> None:
    march = LEAP_DAY + timedelta(days=1)
    settings = delivered(tmp_path, [view("v", LEAP_DAY, 1)])
    with world(tmp_path, start_date=FEBRUARY, **settings) as views:
        views.compute(LEAP_DAY, tables=VIEWS)
        run = views.run(march, tables=MONTHS)
        assert run.row_count_by_partition(MONTHLY_VIEWS) == {"2024-03-01": 0}
        assert views.rows(MONTHLY_VIEWS) == []


def test_a_sum_beyond_64_bits_fails_by_video_and_month_and_commits_nothing(tmp_path: Path) -> None:
    rows = [view("v", FEBRUARY, 2**63 - 1), view("v", LEAP_DAY, 1), view("w", FEBRUARY, 2**63 - 1)]
    with world(tmp_path, start_date=FEBRUARY, **delivered(tmp_path, rows)) as views:
        views.compute(FEBRUARY, LEAP_DAY, tables=VIEWS)
        run = views.attempt(FEBRUARY, tables=MONTHS)
        assert not run.succeeded
        assert run.error.cls_name == StagingError.__name__
        assert "the views of video v exceed 64 bits in the month of 2024-02-01" in run.error.message
        assert not (views.folder(MONTHLY_VIEWS) / "_delta_log").exists()


def test_a_day_is_no_month(tmp_path: Path) -> None:
    with world(tmp_path, start_date=FEBRUARY) as views, pytest.raises(dg.DagsterError):
        views.run(LEAP_DAY, tables=MONTHS)
