import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from pyspark.sql import SparkSession
from support.tables import day, frame, stored_days, views

from resources.delta.commit import commit
from resources.delta.maintenance import Extent, extent, tidy
from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable, stage_frame, table_location
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS

NOTHING_STAYS, A_WEEK = timedelta(0), timedelta(days=7)
VIDEOS = "abcdefgh"


@pytest.fixture
def location(tmp_path: Path) -> str:
    return table_location(str(tmp_path), DAILY_VIDEO_VIEWS)


@pytest.fixture
def stage_day(spark: SparkSession, tmp_path: Path) -> Callable[[str, int], StagedTable]:
    def staged(videos: str, number: int) -> StagedTable:
        """A file for each video."""
        into = (str(tmp_path), DAILY_VIDEO_VIEWS, Days([day(number)]))
        parts = (stage_frame(frame(spark, views(video, number)), *into) for video in videos)
        return reduce(StagedTable.merged_with, parts)

    return staged


@pytest.fixture
def crumbs(stage_day: Callable[[str, int], StagedTable], location: str) -> str:
    for number in (1, 2):
        for videos in (VIDEOS, VIDEOS[::-1]):
            commit(stage_day(videos, number))
    return location


def test_small_files_of_a_day_become_one_and_the_past_goes(crumbs: str, tmp_path: Path) -> None:
    rows = stored_days(str(tmp_path))
    before, after = tidy(crumbs, DAILY_VIDEO_VIEWS, NOTHING_STAYS)
    assert before.live_files > 8
    assert (after.live_files, after.needed_files) == (2, 2)
    assert after.live_bytes < before.live_bytes
    data = [path for path in Path(crumbs).rglob("*.parquet") if "_delta_log" not in str(path)]
    assert len(data) == 2
    assert stored_days(str(tmp_path)) == rows


def test_a_second_time_nothing_is_written(crumbs: str) -> None:
    tidy(crumbs, DAILY_VIDEO_VIEWS, NOTHING_STAYS)
    before, after = tidy(crumbs, DAILY_VIDEO_VIEWS, NOTHING_STAYS)
    assert before == after


def test_a_long_log_gets_a_checkpoint_and_loses_old_entries(
    stage_day: Callable[[str, int], StagedTable], location: str, tmp_path: Path
) -> None:
    commit(stage_day("a", 1))
    log = Path(location) / "_delta_log"
    tidy(location, DAILY_VIDEO_VIEWS, A_WEEK)
    assert not list(log.glob("*.checkpoint.parquet"))
    for _ in range(9):
        commit(stage_day("a", 1))
    for entry in log.iterdir():
        os.utime(entry, (0, 0))
    tidy(location, DAILY_VIDEO_VIEWS, A_WEEK)
    assert len(list(log.glob("*.checkpoint.parquet"))) == 1
    assert len(list(log.glob("*.json"))) < 10
    assert stored_days(str(tmp_path)) == [("a", 1)]


def test_what_a_running_step_reads_or_wrote_stays(
    crumbs: str, stage_day: Callable[[str, int], StagedTable], tmp_path: Path
) -> None:
    reader = DeltaTable(crumbs)
    writer = stage_day("z", 3)
    tidy(crumbs, DAILY_VIDEO_VIEWS, A_WEEK)
    assert len(reader.scan().read_all()) == 2 * len(VIDEOS)
    commit(writer)
    assert ("z", 3) in stored_days(str(tmp_path))


def test_a_run_that_replaces_the_day_meanwhile_wins(
    crumbs: str,
    stage_day: Callable[[str, int], StagedTable],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    optimizer = type(DeltaTable(crumbs).optimize)
    join = optimizer.compact

    def overtaken(self: object, **options: object) -> object:
        commit(stage_day("z", 1))
        return join(self, **options)

    monkeypatch.setattr(optimizer, "compact", overtaken)
    tidy(crumbs, DAILY_VIDEO_VIEWS, A_WEEK)
    assert [video for video, number in stored_days(str(tmp_path)) if number == 1] == ["z"]


def test_a_conflict_while_joining_leaves_the_table_and_goes_on(
    crumbs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = stored_days(str(tmp_path))

    def conflict(*_: object, **__: object) -> None:
        raise CommitFailedError("somebody was faster")

    monkeypatch.setattr(type(DeltaTable(crumbs).optimize), "compact", conflict)
    tidy(crumbs, DAILY_VIDEO_VIEWS, NOTHING_STAYS)
    assert stored_days(str(tmp_path)) == rows


def test_a_table_that_is_never_tidied_is_untidy_after_weeks_and_not_before(
    stage_day: Callable[[str, int], StagedTable], location: str
) -> None:
    for _ in range(5):
        commit(stage_day("a", 1))
    now = datetime.now(UTC)
    assert extent(location, A_WEEK, now).is_tidy
    later = extent(location, A_WEEK, now + timedelta(days=16))
    assert not later.is_tidy
    assert later.overdue_bytes == pytest.approx(4 * later.live_bytes, rel=0.1)


def extent_of(live_files: int) -> Extent:
    """Small files in two partitions, and nothing of the past."""
    return Extent(
        live_files=live_files,
        live_bytes=1_000,
        needed_files=2,
        past_files=0,
        past_bytes=0,
        log_files=3,
        log_bytes=1_000,
        overdue_bytes=0,
    )


def test_crumbs_alone_are_untidy() -> None:
    assert not extent_of(live_files=21).is_tidy
    assert extent_of(live_files=20).is_tidy
