"""Files come, and a real daemon has their days and what follows from them computed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from support.source_files import EVENT, write

from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.catalog import asset_key
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 280
# Runs are launched in the daemon's own process: each of its own would import everything again.
INSTANCE = """
telemetry: {enabled: false}
run_launcher:
  module: dagster._core.launcher.sync_in_memory_run_launcher
  class: SyncInMemoryRunLauncher
"""

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]


def event(day: int, second: int = 0) -> dict[str, Any]:
    return EVENT | {"timestamp": f"2025-01-{day:02}T10:00:{second:02}Z"}


def deliver(path: Path, *rows: dict[str, Any]) -> None:
    """A file that was whole an hour ago."""
    write(path, rows)
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))


@contextmanager
def daemon(home: Path, settings: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    home.mkdir()
    (home / "dagster.yaml").write_text(INSTANCE)
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    ours = {f"VIDEO_ASSETS_{name}": value for name, value in settings.items()}
    command = [Path(sys.executable).with_name("dagster-daemon"), "run"]
    with pytest.MonkeyPatch.context() as patch, (home / "daemon.log").open("wb") as log:
        patch.setenv("DAGSTER_HOME", str(home))
        # Its storage is set up before the daemon needs it.
        with dg.DagsterInstance.from_config(str(home)) as instance:
            process = subprocess.Popen(
                [*command, "-m", "support.watched_deliveries"],
                cwd=home,
                env={**os.environ, **ours, "PYTHONPATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own, so that nothing it starts survives.
                start_new_session=True,
            )
            try:
                yield instance
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until(holds: Callable[[], bool], home: Path) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, (home / "daemon.log").read_text()[-5_000:]
        time.sleep(0.5)


def computed(instance: dg.DagsterInstance, table: Table) -> Counter[str | None]:
    """How often each day of a table was computed."""
    wanted = dg.AssetRecordsFilter(asset_key(table))
    records = instance.fetch_materializations(wanted, limit=1000).records
    return Counter(record.partition_key for record in records)


def test_the_daemon_computes_days_whose_files_came_and_what_follows(tmp_path: Path) -> None:
    first, second = "2025-01-02", "2025-01-03"
    settings = {
        "WAREHOUSE": str(tmp_path / "tables"),
        "EVENTS": str(tmp_path / "events"),
        "DAILY_VIEWS": str(tmp_path / "none"),
        "VIDEO_METADATA": "",
        "START_DATE": "2025-01-01",
    }
    stored, home = Warehouse(settings["WAREHOUSE"]), tmp_path / "home"
    deliver(tmp_path / "events/a.json", event(2), event(3))
    with daemon(home, settings) as instance:
        wait_until(lambda: set(stored.rows_per_day(SESSIONS)) == days(2, 3), home)
        deliver(tmp_path / "events/late.json", event(3, 7))
        wait_until(lambda: computed(instance, SESSIONS)[second] > 1, home)
        assert stored.rows_per_day(RAW_EVENTS) == {date(2025, 1, 2): 1, date(2025, 1, 3): 2}
        assert computed(instance, RAW_EVENTS) == {first: 1, second: 2}


def days(*numbers: int) -> set[date]:
    return {date(2025, 1, number) for number in numbers}
