"""Days of a range that cannot be computed fail by name; the others are written."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from support.source_files import write
from support.views import view
from support.world import DAILY, SORTED_OUT, VIEWS, Row, Run, World, world

from resources.delta.stage import StagedTable
from resources.delta.table import Table
from video_assets.catalog import asset_key
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.days import days_listed
from video_assets.engagement import stage_sessions
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS

FIRST = date(2025, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(12)]
LAST = DAYS[-1]
MISSING = DAYS[4]
DAMAGED = DAYS[7]


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def event(day: date, second: int = 0, **changed: Any) -> Row:
    return {
        "timestamp": noon(day) + timedelta(seconds=second),
        "userId": "peter",
        "sessionId": "s1",
        "videoId": "v1",
        "eventName": "video_play",
        "currentTime": float(second),
    } | changed


def events_of(day: date, **changed: Any) -> list[Row]:
    return [event(day, second, **changed) for second in range(4)]


def views_of(day: date) -> list[Row]:
    return [view(f"v{number}", day) for number in range(4)]


def said(run: Run) -> str:
    """What the one failed step of a run says."""
    [failure] = run.result.get_step_failure_events()
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    return str(told.description)


def days_in(world: World, table: Table) -> set[date]:
    return {row[table.partition_by] for row in world.rows(table)}


def materialized(world: World, table: Table) -> set[date]:
    """The days that Dagster holds for materialized."""
    known = world.instance.get_materialized_partitions(asset_key(table))
    return {date.fromisoformat(day) for day in known}


def failed(world: World, table: Table) -> set[date]:
    """The days that Dagster shows as failed."""
    asset = world.definitions.resolve_asset_graph().get(asset_key(table))
    status = dg._core.storage.partition_status_cache.get_and_update_asset_status_cache_value(  # noqa: SLF001
        world.instance, asset.key, asset.partitions_def
    )
    keys = status.deserialize_failed_partition_subsets(asset.partitions_def).get_partition_keys()
    return {date.fromisoformat(day) for day in keys}


Deliver = Callable[[Path, date], Path]
SOURCES: dict[str, tuple[str, Callable[[date], list[Row]], Sequence[Table]]] = {
    "events": ("events", events_of, (*DAILY,)),
    "daily_views": ("daily_views", views_of, VIEWS),
}


@contextmanager
def delivered_by_day(folder: Path, source: str, days: Sequence[date]) -> Iterator[World]:
    setting, rows_of, _ = SOURCES[source]
    for day in days:
        write(folder / "source" / f"{day}.parquet", rows_of(day))
    settings = {setting: str(folder / "source" / "{date}.parquet"), "start_date": FIRST}
    with world(folder / "warehouse", video_metadata=None, **settings) as platform:
        yield platform


@pytest.mark.parametrize("source", SOURCES)
def test_days_without_a_readable_file_fail_by_name_and_the_others_are_written(
    source: str, tmp_path: Path
) -> None:
    tables = SOURCES[source][2]
    valid, rejected, *downstream = tables
    with delivered_by_day(tmp_path, source, [day for day in DAYS if day != MISSING]) as platform:
        (tmp_path / "source" / f"{DAMAGED}.parquet").write_bytes(b"PAR1 no more")
        run = platform.attempt(FIRST, LAST, tables=tables)
        written = set(DAYS) - {MISSING, DAMAGED}
        assert not run.succeeded
        assert not run.result.filter_events(lambda event: event.is_step_up_for_retry)
        for table in (valid, rejected):
            assert materialized(platform, table) == written
            assert failed(platform, table) == {MISSING, DAMAGED}
        assert days_in(platform, valid) == written
        assert run.row_count_by_partition(valid) == {str(day): 4 for day in sorted(written)}
        for table in downstream:
            assert materialized(platform, table) == set()
        named = ("2 of 12 days", f"{MISSING} (expected ", f"{DAMAGED}.parquet", "other 10 days")
        assert [part for part in named if part not in said(run)] == []

        for day in (MISSING, DAMAGED):
            write(tmp_path / "source" / f"{day}.parquet", SOURCES[source][1](day))
        platform.run(MISSING, DAMAGED, tables=(valid, rejected))
        assert failed(platform, valid) == set()


def test_a_source_that_fits_no_day_fails_as_a_whole(tmp_path: Path) -> None:
    with delivered_by_day(tmp_path, "events", []) as platform:
        for day in DAYS:
            write(tmp_path / "source" / f"{day}.parquet", [{"other": 1}])
        run = platform.attempt(FIRST, LAST, tables=SORTED_OUT)
        assert run.error.cls_name == "SourceError"
        assert materialized(platform, RAW_EVENTS) == set()


@contextmanager
def delivered(folder: Path, rows: Sequence[Row], **settings: Any) -> Iterator[World]:
    """Events in a folder whose files belong to no day."""
    settings = {"events": str(folder / "events.parquet"), "start_date": FIRST, **settings}
    write(folder / "events.parquet", rows)
    with world(folder / "warehouse", video_metadata=None, **settings) as platform:
        yield platform


GOOD = [row for day in DAYS[:3] for row in events_of(day)]


@pytest.mark.parametrize(
    "change", [{"userId": None}, {"timestamp": None}], ids=["without users", "without times"]
)
def test_events_that_are_refused_replace_nothing(change: Row, tmp_path: Path) -> None:
    with delivered(tmp_path, GOOD) as platform:
        platform.compute(FIRST, DAYS[2], tables=SORTED_OUT)
        write(tmp_path / "events.parquet", [{**row, **change} for row in GOOD])
        run = platform.attempt(FIRST, DAYS[2], tables=SORTED_OUT)
        assert not run.succeeded
        assert len(platform.rows(RAW_EVENTS)) == len(GOOD)
        assert len(platform.rows(REJECTED_EVENTS)) == len(GOOD)
        reason = "missing_user (12)" if "userId" in change else "missing_timestamp (12)"
        named = (reason, str(FIRST), "VIDEO_ASSETS_MAX_REFUSED_SHARE=1", "rejected_events")
        assert [part for part in named if part not in said(run)] == []
        platform.with_settings(max_refused_share=1).compute(FIRST, DAYS[2], tables=SORTED_OUT)
        assert platform.rows(RAW_EVENTS) == []


def test_the_refused_days_of_a_range_are_named_and_the_others_replaced(tmp_path: Path) -> None:
    bad = [{**row, "videoId": ""} for row in events_of(DAYS[1])]
    with delivered(tmp_path, GOOD) as platform:
        platform.compute(FIRST, DAYS[2], tables=SORTED_OUT)
        more = event(FIRST, 9)
        write(tmp_path / "events.parquet", [*GOOD[:4], more, *bad, *GOOD[5:6], *GOOD[8:]])
        run = platform.attempt(FIRST, DAYS[2], tables=SORTED_OUT)
        assert f"1 of 3 days of raw_events stay as they were: {DAYS[1]} (80%): " in said(run)
        by_day = [row["eventDate"] for row in platform.rows(RAW_EVENTS)]
        assert [by_day.count(day) for day in DAYS[:3]] == [5, 4, 4]
        assert set(run.row_count_by_partition(RAW_EVENTS)) == {str(DAYS[0]), str(DAYS[2])}
        assert len(platform.rows(REJECTED_EVENTS)) == 4


UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def in_unit(rows: Sequence[Row], unit: str) -> list[Row]:
    return [{**row, "timestamp": int(row["timestamp"].timestamp()) * UNITS[unit]} for row in rows]


@pytest.mark.parametrize("delivery", ["a file a day", "one file"])
@pytest.mark.parametrize(("right", "wrong", "found"), [("s", "ms", "1970-01-21"), ("ms", "s", "")])
def test_times_in_another_unit_replace_nothing_and_the_unit_is_named(
    right: str, wrong: str, found: str, delivery: str, tmp_path: Path
) -> None:
    days = DAYS[:3]
    with delivered(tmp_path, in_unit(GOOD, right), events_timestamp_unit=right) as platform:
        platform.compute(days[0], days[-1], tables=SORTED_OUT)
        misread = platform.with_settings(events_timestamp_unit=wrong)
        if delivery == "a file a day":
            for day in days:
                write(tmp_path / "days" / f"{day}.jsonl", in_unit(events_of(day), right))
            source = str(tmp_path / "days" / "{date}.jsonl")
            misread = misread.with_settings(events=source)
        run = misread.attempt(days[0], days[-1], tables=SORTED_OUT)
        assert not run.succeeded
        assert len(platform.rows(RAW_EVENTS)) == len(GOOD)
        setting = "VIDEO_ASSETS_EVENTS_TIMESTAMP_UNIT"
        named = (found, f"set {setting}={right}", f"{setting}={wrong}", f"{days[0]} to {days[-1]}")
        assert [part for part in named if part not in said(run)] == []


def test_a_quiet_day_is_no_day_of_refusals(tmp_path: Path) -> None:
    with delivered(tmp_path, [*GOOD, event(FIRST, timestamp=None)]) as platform:
        platform.run(DAYS[5], tables=SORTED_OUT)
        assert materialized(platform, RAW_EVENTS) == {DAYS[5]}


def test_views_of_another_century_replace_nothing(tmp_path: Path) -> None:
    source = tmp_path / "views.parquet"
    write(source, views_of(FIRST))
    settings = {"daily_views": str(source), "start_date": FIRST}
    with world(tmp_path / "warehouse", **settings) as platform:
        platform.compute(FIRST, tables=VIEWS)
        write(source, [{**row, "date": date(1925, 1, 1)} for row in views_of(FIRST)])
        run = platform.attempt(FIRST, tables=VIEWS)
        assert "1925-01-01" in said(run)
        assert len(platform.rows(DAILY_VIDEO_VIEWS)) == 4
        assert platform.rows(REJECTED_DAILY_VIEWS) == []


def test_sessions_of_days_without_loaded_events_fail_by_name_and_the_others_are_written(
    tmp_path: Path,
) -> None:
    with delivered(tmp_path, [*GOOD, *events_of(DAYS[4])]) as platform:
        platform.compute(FIRST, DAYS[2], tables=SORTED_OUT)
        platform.compute(DAYS[4], DAYS[5], tables=SORTED_OUT)
        run = platform.attempt(FIRST, DAYS[6], tables=(SESSIONS,))
        assert not run.succeeded
        written = {*DAYS[:3], DAYS[4], DAYS[5]}
        assert materialized(platform, SESSIONS) == written
        assert failed(platform, SESSIONS) == {DAYS[3], DAYS[6]}
        assert days_in(platform, SESSIONS) == written - {DAYS[5]}
        named = (str(DAYS[3]), str(DAYS[6]), "never loaded", 'key:"video/raw_events"+')
        assert [part for part in named if part not in said(run)] == []


def test_sessions_of_a_day_without_loaded_events_replace_nothing(tmp_path: Path) -> None:
    with delivered(tmp_path, GOOD) as platform:
        platform.compute(FIRST, tables=SORTED_OUT)
        run = platform.attempt(DAYS[1], tables=(SESSIONS,))
        assert f"1 of 1 days of sessions stay as they were: {DAYS[1]}: " in said(run)
        assert materialized(platform, SESSIONS) == set()


def test_runs_of_days_that_a_late_platform_did_not_deliver_yet_say_so(tmp_path: Path) -> None:
    with delivered(tmp_path, GOOD) as platform:
        platform.compute(FIRST, DAYS[2], tables=SORTED_OUT)
        for day in DAYS[3:5]:
            run = platform.run(day, tables=SORTED_OUT)
            said = {c.check_name: c for c in run.result.get_asset_check_evaluations()}
            overdue = said["delivered_in_time"]
            assert not overdue.passed
            assert day in days_listed(str(overdue.metadata["days"].value))


def test_events_that_another_run_replaces_meanwhile_are_in_the_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with delivered(tmp_path, events_of(FIRST)) as platform:
        platform.compute(FIRST, tables=SORTED_OUT)
        computed: list[StagedTable] = []

        def interrupted(*arguments: Any) -> StagedTable:
            computed.append(real(*arguments))
            if len(computed) == 1:
                write(tmp_path / "events.parquet", [*events_of(FIRST), event(FIRST, 9)])
                platform.compute(FIRST, tables=SORTED_OUT)
            return computed[-1]

        real = stage_sessions.stage_sessions
        monkeypatch.setattr(stage_sessions, "stage_sessions", interrupted)
        platform.run(FIRST, tables=(SESSIONS,))
        assert len(computed) == 2
        assert [row["eventCount"] for row in platform.rows(SESSIONS)] == [5]
