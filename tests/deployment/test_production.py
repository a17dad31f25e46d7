"""docs/deployment/ on a real Postgres: processes that share nothing else are killed and renewed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TypeVar

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.storage.tags import BACKFILL_ID_TAG
from support.next_release import NEW
from support.postgres import running_postgres
from support.production import Production, require_folders_of_their_own
from support.samples import make_sample

from resources.delta.warehouse import Warehouse
from resources.runs.history import remove_old_runs
from video_assets.catalog import asset_key
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS

pytestmark = [pytest.mark.processes, pytest.mark.at_length, pytest.mark.timeout(900)]

FIRST = date(2025, 1, 1)
DAYS = [str(FIRST + timedelta(days=n)) for n in range(3)]
EVENTS = asset_key(RAW_EVENTS)
PATIENCE_SECONDS = 300
# An address of this machine alone, so that Postgres and code location have their usual ports.
ADDRESS = f"127.{77 + os.getpid() // 65_536 % 100}.{os.getpid() // 256 % 256}.{os.getpid() % 256}"

Seen = TypeVar("Seen")


class Site:
    """The three processes, and the history that they share."""

    def __init__(self, production: Production, instance: dg.DagsterInstance) -> None:
        self.production = production
        self.instance = instance

    def launch(self, asset: dg.AssetKey = EVENTS) -> "Backfill":
        return Backfill(self.instance, self.production.launch_backfill([asset], DAYS))

    def days_of(self, asset: dg.AssetKey) -> set[str]:
        return self.instance.get_materialized_partitions(asset)

    def wait_for(self, look: Callable[[], Seen]) -> Seen:
        end = time.monotonic() + PATIENCE_SECONDS
        while not (seen := look()):
            logs = map(self.production.log, ("daemon", "code"))
            assert time.monotonic() < end, "\n".join(logs)[-8_000:]
            time.sleep(0.1)
        return seen


class Backfill:
    """A backfill and its runs, as the history has them."""

    def __init__(self, instance: dg.DagsterInstance, backfill_id: str) -> None:
        self._instance = instance
        self._id = backfill_id

    def runs(self) -> list[dg.DagsterRun]:
        """The oldest first."""
        return self._instance.get_runs(dg.RunsFilter(tags={BACKFILL_ID_TAG: self._id}))[::-1]

    def statuses(self) -> list[str]:
        return [run.status.value for run in self.runs()]

    def has_succeeded(self) -> bool:
        backfill = self._instance.get_backfill(self._id)
        assert backfill is not None
        assert backfill.status not in (BulkActionStatus.FAILED, BulkActionStatus.COMPLETED_FAILED)
        return backfill.status is BulkActionStatus.COMPLETED_SUCCESS

    def computing_process(self) -> int | None:
        """The process of a run in the midst of a step."""
        for run in self.runs():
            events = [entry.dagster_event for entry in self._instance.all_logs(run.run_id)]
            said = [event for event in events if event is not None and event.is_engine_event]
            pids = [m["pid"].value for e in said if "pid" in (m := e.engine_event_data.metadata)]
            if pids and any(event.is_step_start for event in events if event):
                return int(str(pids[0]))
        return None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """All three processes, of which the webserver is never started again."""
    require_folders_of_their_own()
    source = make_sample(tmp_path_factory.mktemp("source"), events=4_000, days=3, first_day=FIRST)
    settings = {
        "WAREHOUSE": str(tmp_path_factory.mktemp("warehouse")),
        "EVENTS": str(source.folder / "events"),
        "VIDEO_METADATA": str(source.folder / "video_metadata.parquet"),
        "DAILY_VIEWS": str(source.folder / "daily_views"),
        "START_DATE": str(FIRST),
    }
    with running_postgres(ADDRESS) as postgres:
        production = Production(tmp_path_factory.mktemp("production"), postgres, settings)
        try:
            production.start_code_location()
            production.start_webserver()
            production.start_daemon()
            production.wait_for_assets(EVENTS)
            with production.history() as instance:
                yield Site(production, instance)
        finally:
            production.stop_everything()


@pytest.fixture(scope="module")
def backfilled(site: Site) -> Backfill:
    backfill = site.launch()
    site.wait_for(backfill.has_succeeded)
    return backfill


def test_a_backfill_and_what_follows_it_fill_the_tables(site: Site, backfilled: Backfill) -> None:
    assert backfilled.statuses() == ["SUCCESS"]
    assert site.days_of(EVENTS) == set(DAYS)
    site.wait_for(lambda: site.days_of(asset_key(SESSIONS)) >= set(DAYS))
    rows = Warehouse(site.production.settings["WAREHOUSE"]).rows_per_day(SESSIONS)
    assert set(map(date.fromisoformat, DAYS)) <= {day for day, count in rows.items() if count}


@pytest.mark.usefixtures("backfilled")
def test_a_run_whose_process_was_killed_is_started_again(site: Site) -> None:
    backfill = site.launch()
    os.kill(site.wait_for(backfill.computing_process), signal.SIGKILL)
    site.wait_for(backfill.has_succeeded)
    assert backfill.statuses() == ["FAILURE", "SUCCESS"]


@pytest.mark.usefixtures("backfilled")
def test_a_backfill_goes_on_after_the_daemon_was_killed(site: Site) -> None:
    site.production.kill("daemon")
    backfill = site.launch()
    assert backfill.statuses() == []
    site.production.start_daemon()
    site.wait_for(backfill.computing_process)
    site.production.kill("daemon")
    site.production.start_daemon()
    site.wait_for(backfill.has_succeeded)
    assert backfill.statuses() == ["SUCCESS"]


@pytest.fixture(scope="module")
def upgraded(site: Site, backfilled: Backfill) -> Backfill:  # noqa: ARG001 (afterwards)
    """A backfill of the old code, in whose midst the next release took its place."""
    backfill = site.launch()
    site.wait_for(backfill.computing_process)
    site.production.kill("code")
    site.production.start_code_location("support.next_release")
    site.production.wait_for_assets(EVENTS, NEW)
    return backfill


def test_a_run_that_an_upgrade_cut_off_is_started_again_with_the_new_code(
    site: Site, upgraded: Backfill
) -> None:
    site.wait_for(upgraded.has_succeeded)
    assert upgraded.statuses() == ["FAILURE", "SUCCESS"]


@pytest.mark.usefixtures("upgraded")
def test_the_next_release_runs_what_it_brings_and_knows_what_was_there(site: Site) -> None:
    assert site.days_of(EVENTS) == set(DAYS)
    site.wait_for(site.launch(NEW).has_succeeded)
    assert site.days_of(NEW) == set(DAYS)


@pytest.mark.usefixtures("upgraded")
def test_maintenance_takes_old_runs_out_of_postgres_and_nothing_looks_missing(site: Site) -> None:
    removed = remove_old_runs(site.instance, timedelta(0))
    assert removed.runs >= 5
    assert removed.events > 0
    assert site.days_of(EVENTS) == set(DAYS)
