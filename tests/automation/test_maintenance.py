"""The job `maintenance` on real tables and on a real Dagster history."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from support.restless import bits, delivered_events, restless_events
from support.world import UNDIVIDED, World, copy_of

from asset_checks.growth import TABLES_ARE_TIDY
from asset_checks.rules import CheckInput
from resources.delta.maintenance import tidy
from resources.delta.warehouse import Warehouse
from resources.runs.history import remove_old_runs
from video_assets.automation.maintenance import JOB, SCHEDULE
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.settings.checks import CheckThresholds

DAYS = tuple(date(2025, 3, 1) + timedelta(days=n) for n in range(6))


@pytest.fixture(scope="module")
def of_small_runs(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Tables that nobody tidied."""
    folder = tmp_path_factory.mktemp("small_runs")
    settings = delivered_events(folder, restless_events(7, DAYS), DAYS[0])
    made = World(folder / "warehouse", **settings)
    for day in DAYS:
        made.compute(day)
    return made


@pytest.fixture
def events(of_small_runs: World, tmp_path: Path) -> Iterator[World]:
    with copy_of(of_small_runs, tmp_path / "warehouse") as events:
        yield events


def test_many_days_of_small_runs_stay_small_and_the_increments_go_on(events: World) -> None:
    before, rows = bits(events), len(events.rows(ENGAGEMENT))
    stored = sum(events.files().values())
    job = events.definitions.resolve_job_def(JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
    told = result.get_step_success_events()
    assert {event.step_key for event in told} == {"drop_old_days", "tidy_tables", "remove_runs"}
    assert bits(events) == before
    assert sum(events.files().values()) < 2 * stored

    assert events.compute(tables=UNDIVIDED)[ENGAGEMENT.name].counters["rows_computed"] == 0
    events.compute(DAYS[-1], tables=(SESSIONS,))
    computed = events.compute(tables=UNDIVIDED)[ENGAGEMENT.name].counters["rows_computed"]
    assert 0 < computed <= rows
    assert bits(events) == before


def test_tables_that_nobody_tidied_warn_until_maintenance_ran(events: World) -> None:
    for path in Path(events.settings.warehouse).rglob("*.parquet"):
        os.utime(path, (0, 0))
    assert ENGAGEMENT.name in untidy_tables(events)
    tidy(str(events.folder(ENGAGEMENT)), ENGAGEMENT, timedelta(0))
    assert ENGAGEMENT.name not in untidy_tables(events)


def untidy_tables(events: World) -> set[str]:
    """What the check `tables_are_tidy` names."""
    settings = events.settings
    given = CheckInput(
        stored=Warehouse(settings.warehouse),
        settings=settings,
        thresholds=CheckThresholds(),
        table=RAW_EVENTS,
        days=None,
        now=datetime.now(UTC),
    )
    return {str(row["table"]) for row in TABLES_ARE_TIDY.measure(given).sample}


def test_it_runs_on_sundays_once_somebody_switched_it_on(tmp_path: Path) -> None:
    definitions = World(tmp_path).definitions
    [schedule] = [s for s in definitions.schedules or () if s.name == SCHEDULE]
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 3 * * 0", "Europe/Zurich")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["a", "b"]),
    check_specs=[dg.AssetCheckSpec("fine", asset="table")],
)
def table() -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    yield dg.Output(None)
    yield dg.AssetCheckResult(passed=True)


def test_old_runs_go_and_what_says_that_a_partition_is_there_stays(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        for partition in ("a", "a", "b"):
            dg.materialize([table], instance=instance, partition_key=partition)
        assert remove_old_runs(instance, timedelta(days=1)).runs == 0
        removed = remove_old_runs(instance, timedelta(0))
        assert removed.runs == 3
        assert removed.events > 0
        assert instance.get_runs_count() == 0
        assert instance.get_materialized_partitions(table.key) == {"a", "b"}
        assert instance.get_latest_materialization_event(table.key)
        assert not list(tmp_path.glob("history/runs/*-*.db"))
        dg.materialize([table], instance=instance, partition_key="a")
        assert instance.get_runs_count() == 1
