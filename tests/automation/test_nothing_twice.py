"""What follows from a range or a scheduled day is computed once: a real daemon, runs counted."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.scheduler.instigation import SensorInstigatorData
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.storage.tags import BACKFILL_ID_TAG
from support.hollow_graph import START, hollow_graph
from support.world import range_tags

from resources.delta.table import Table
from video_assets.automation.schedules import AUTOMATION_SENSOR, JOB
from video_assets.catalog import asset_key
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 280
# A change is waited for until it rests.
LOOKS_UNTIL_REST = 8

# Runs are launched in the daemon's own process: each of its own would import everything again.
INSTANCE = """
telemetry: {enabled: false}
run_launcher:
  module: dagster._core.launcher.sync_in_memory_run_launcher
  class: SyncInMemoryRunLauncher
"""

pytestmark = [pytest.mark.processes, pytest.mark.at_length, pytest.mark.timeout(1200)]

DAYS = [START + timedelta(days=n) for n in range(4)]
Counts = Counter[tuple[str, str | None]]


class Daemon:
    """Dagster's daemon on a graph of empty steps, and what happened on its instance."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.graph = hollow_graph()
        self._instance = instance

    def materialize(self, keys: Collection[dg.AssetKey], days: Sequence[date]) -> None:
        """A range in one run, as the command line runs it."""
        assets = [a for a in self.graph.assets or () if isinstance(a, dg.AssetsDefinition)]
        tags = range_tags(days[0], days[-1])
        dg.materialize(assets, instance=self._instance, selection=list(keys), tags=tags)

    def run_scheduled(self, day: date) -> None:
        """The job of the schedule, which names no assets to Dagster."""
        job = self.graph.resolve_job_def(JOB)
        job.execute_in_process(instance=self._instance, partition_key=str(day))

    def step_of(self, table: Table) -> Collection[dg.AssetKey]:
        """All that is computed with a table."""
        return self.graph.resolve_asset_graph().get(asset_key(table)).assets_def.keys

    def daily_steps(self) -> Collection[dg.AssetKey]:
        return self.graph.resolve_job_def(JOB).asset_layer.selected_asset_keys

    def look(self) -> str | None:
        """What the sensor noted at its newest look at the graph; each look notes another text."""
        states = self._instance.all_instigator_state()
        [data] = [s.instigator_data for s in states if s.name == AUTOMATION_SENSOR] or [None]
        return data.cursor if isinstance(data, SensorInstigatorData) else None

    def computed(self) -> Counts:
        """How often each partition of each asset was computed."""
        counted: Counts = Counter()
        for spec in self.graph.resolve_all_asset_specs():
            wanted = dg.AssetRecordsFilter(spec.key)
            records = self._instance.fetch_materializations(wanted, limit=1000).records
            counted.update((spec.key.path[-1], record.partition_key) for record in records)
        return counted

    def _is_active(self) -> bool:
        """Whether a run goes on, or what was asked for has become no run yet."""
        asked_for = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])
        return self._runs(statuses=IN_PROGRESS_RUN_STATUSES) > 0 or any(
            self._runs(tags={BACKFILL_ID_TAG: backfill.backfill_id}) == 0
            for backfill in self._instance.get_backfills(asked_for)
        )

    def _runs(self, **wanted: Any) -> int:
        return self._instance.get_runs_count(dg.RunsFilter(**wanted))

    def wait_for_rest(self) -> None:
        """Wait until nothing runs, and some looks in a row requested nothing."""
        end = time.monotonic() + PATIENCE_SECONDS
        runs, looks = -1, set[str | None]()
        while len(looks) <= LOOKS_UNTIL_REST:
            assert time.monotonic() < end, f"{runs} runs, and no rest"
            if self._is_active() or self._runs() != runs:
                runs, looks = self._runs(), set()
            looks.add(self.look())
            time.sleep(0.2)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    with (
        pytest.MonkeyPatch.context() as patch,
        dg.DagsterInstance.from_config(_home(patch, tmp_path)) as instance,
        _daemon_process(tmp_path),
    ):
        started = Daemon(instance)
        end = time.monotonic() + PATIENCE_SECONDS
        while not started.look():
            assert time.monotonic() < end, (tmp_path / "daemon.log").read_text()[-3_000:]
            time.sleep(0.5)
        yield started


def _home(patch: pytest.MonkeyPatch, folder: Path) -> str:
    patch.setenv("DAGSTER_HOME", str(folder))
    return str(folder)


@contextmanager
def _daemon_process(home: Path) -> Iterator[None]:
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    with (home / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("dagster-daemon"), "run", "-m", "support.hollow_graph"],
            cwd=home,
            env={**os.environ, "DAGSTER_HOME": str(home), "PYTHONPATH": path},
            stdout=log,
            stderr=subprocess.STDOUT,
            # A group of its own, so that nothing it starts survives.
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def of_days(name: str, days: Sequence[date]) -> Counts:
    return Counter((name, str(day)) for day in days)


def more_than_once(computed: Counts) -> dict[tuple[str, str | None], int]:
    return {partition: times for partition, times in computed.items() if times > 1}


def test_each_dependant_of_a_range_and_of_a_scheduled_day_is_computed_once(
    daemon: Daemon,
) -> None:
    daemon.materialize(daemon.step_of(RAW_EVENTS), DAYS)
    daemon.wait_for_rest()
    computed = daemon.computed()
    assert more_than_once(computed) == {}
    assert of_days(SESSIONS.name, DAYS) <= computed
    whole = {name for name, partition in computed if partition is None}
    assert {ENGAGEMENT.name, "engagement_report", "video_performance"} <= whole

    more = [DAYS[-1] + timedelta(days=n) for n in range(1, 5)]
    steps = daemon.daily_steps()
    for days, run in (
        (more[:3], lambda: daemon.materialize(steps, more[:3])),
        (more[3:], lambda: daemon.run_scheduled(more[3])),
    ):
        before = daemon.computed()
        run()
        daemon.wait_for_rest()
        computed = daemon.computed() - before
        # By the run itself or because of it, and never both.
        assert more_than_once(computed) == {}
        assert of_days(SESSIONS.name, days) <= computed
        assert computed["monthly_views", "2025-01-01"] == 1
