"""Old days of events are dropped by the job `maintenance`; what was computed from them stays."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import ExecuteInProcessResult
from pydantic import ValidationError
from support.lookout import Lookout
from support.source_files import EVENT
from support.tables import Row
from support.world import DAILY, UNDIVIDED, World

from resources.delta.table import Table
from video_assets.automation.maintenance import JOB
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS

TODAY = datetime.now(UTC).date()
DAYS = [TODAY - timedelta(days=9 - n) for n in range(9)]
KEPT = 4


def event(day: date, second: int = 0, **changed: Any) -> Row:
    return {**EVENT, "timestamp": f"{day}T10:00:{second:02}Z", "userId": str(day), **changed}


def rows_of(day: date) -> list[Row]:
    watched = [event(day), event(day, 30, eventName="video_pause", currentTime=42.5)]
    return [*watched, *(event(day, 40 + n, currentTime=1.0 + n) for n in range(6))]


@pytest.fixture
def lookout(tmp_path: Path) -> Iterator[Lookout]:
    with dg.DagsterInstance.ephemeral() as instance:
        sources = {"events": str(tmp_path / "events"), "daily_views": str(tmp_path / "none")}
        world = World(tmp_path / "tables", instance, **sources, start_date=DAYS[0])
        now = datetime.now(UTC)
        lookout = Lookout(world.with_settings(video_metadata=None), instance, now)
        refused = [event(day, 50, videoId="") for day in DAYS]
        undated = EVENT | {"timestamp": "no time"}
        rows = [*(row for day in DAYS for row in rows_of(day)), *refused, undated]
        lookout.deliver(tmp_path / "events" / "all.json", rows)
        lookout.world.compute(DAYS[0], DAYS[-1], tables=DAILY)
        lookout.world.compute(tables=UNDIVIDED)
        yield lookout


def maintain(lookout: Lookout, retention_days: int | None = KEPT) -> ExecuteInProcessResult:
    lookout.world = lookout.world.with_settings(retention_days=retention_days)
    job = lookout.world.definitions.resolve_job_def(JOB)
    return job.execute_in_process(instance=lookout.instance)


def days_in(lookout: Lookout, table: Table) -> list[date]:
    return sorted({row[table.partition_by] for row in lookout.world.rows(table)})


def test_old_days_of_events_go_and_what_was_computed_from_them_stays(lookout: Lookout) -> None:
    before = [lookout.world.rows(table) for table in (SESSIONS, ENGAGEMENT)]
    maintain(lookout)
    kept = DAYS[-KEPT:]
    assert days_in(lookout, RAW_EVENTS) == kept
    assert days_in(lookout, REJECTED_EVENTS) == [date(1970, 1, 1), *kept]
    assert [lookout.world.rows(table) for table in (SESSIONS, ENGAGEMENT)] == before
    lookout.world.compute(tables=UNDIVIDED)
    assert lookout.world.rows(ENGAGEMENT) == before[1]


def test_unset_all_days_stay(lookout: Lookout) -> None:
    maintain(lookout, retention_days=None)
    assert days_in(lookout, RAW_EVENTS) == DAYS


def test_a_dropped_day_is_neither_stale_nor_outside_and_nobody_asks_for_it(
    lookout: Lookout, tmp_path: Path
) -> None:
    maintain(lookout)
    assert lookout.work() == []
    checks = lookout.checks()
    assert checks["no_stale_day"].passed
    assert checks["no_row_outside_partitions"].passed
    late = [event(DAYS[1], 59), event(DAYS[-1], 59)]
    lookout.deliver(tmp_path / "events" / "late.json", late)
    assert lookout.work()[1:] == [("raw_events", str(DAYS[-1]))]
    assert days_in(lookout, RAW_EVENTS) == DAYS[-KEPT:]


def test_sessions_of_a_dropped_day_cannot_be_computed_from_nothing(lookout: Lookout) -> None:
    maintain(lookout)
    before = lookout.world.rows(SESSIONS)
    run = lookout.world.attempt(DAYS[0], DAYS[-1], tables=(SESSIONS,))
    [failure] = run.result.get_step_failure_events()
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert f"{len(DAYS) - KEPT} of {len(DAYS)} days of sessions stay as they were" in str(
        told.description
    )
    assert lookout.world.rows(SESSIONS) == before


def test_a_dropped_day_comes_back_with_its_events_and_goes_again(lookout: Lookout) -> None:
    before = lookout.world.rows(SESSIONS)
    maintain(lookout)
    lookout.world.compute(DAYS[2], DAYS[3], tables=DAILY)
    assert days_in(lookout, RAW_EVENTS) == [DAYS[2], DAYS[3], *DAYS[-KEPT:]]
    assert lookout.world.rows(SESSIONS) == before
    maintain(lookout)
    assert days_in(lookout, RAW_EVENTS) == DAYS[-KEPT:]


def test_checks_of_the_whole_table_know_what_was_dropped(lookout: Lookout) -> None:
    before = failing(lookout)
    maintain(lookout)
    assert failing(lookout) == before
    assert "events_accounted_for" not in before


def failing(lookout: Lookout) -> list[str]:
    checks = lookout.checks(SESSIONS, RAW_EVENTS)
    return [name for name, check in checks.items() if not check.passed]


@pytest.mark.parametrize("days", [0, 1, -3])
def test_fewer_than_two_days_are_refused(days: int, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="retention_days"):
        World(tmp_path, retention_days=days)
