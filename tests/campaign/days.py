"""Simulates many small days with a weekly maintenance: what the tables and the history occupy."""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import dagster as dg
from support.restless import delivered_events, restless_events
from support.world import World, deprecations_of_dagster_itself

from resources.delta.maintenance import extent, tidy
from resources.delta.warehouse import Warehouse
from resources.engine.session import use_utc
from resources.runs.history import remove_old_runs
from video_assets.tables import ALL_TABLES

FIRST = date(2025, 1, 1)
NOTHING = timedelta(0)
WEEK = 7
# Of the history 90 days stay, and the runs of a simulated day are seconds old.
RUNS_KEPT = 90


@contextmanager
def _instance(folder: Path) -> Iterator[dg.DagsterInstance]:
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        yield instance


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _tidy(world: World, instance: dg.DagsterInstance, begun: list[float]) -> None:
    stored = Warehouse(world.settings.warehouse)
    for table in ALL_TABLES:
        if stored.holds(table):
            tidy(stored.location(table), table, NOTHING)
    if len(begun) > RUNS_KEPT:
        age = timedelta(seconds=time.time() - begun[-RUNS_KEPT])
        remove_old_runs(instance, age)


def _a_day_passes(world: World) -> None:
    """Make all log entries a day older: those of more than 30 days are dropped by maintenance."""
    for path in Path(world.settings.warehouse).rglob("_delta_log/*"):
        written = path.stat().st_mtime - timedelta(days=1).total_seconds()
        os.utime(path, (written, written))


def _live_and_stored(world: World) -> tuple[int, int]:
    stored = Warehouse(world.settings.warehouse)
    extents = [
        extent(stored.location(table), NOTHING) for table in ALL_TABLES if stored.holds(table)
    ]
    return sum(e.live_bytes for e in extents), sum(e.stored_bytes for e in extents)


def main() -> int:
    """Run the days one after the other, and say what they cost and left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--begin-with", type=int, default=0, help="days of one run before all")
    parser.add_argument("--no-maintenance", action="store_true")
    asked = parser.parse_args()
    use_utc()
    days = [FIRST + timedelta(days=n) for n in range(asked.days)]
    with tempfile.TemporaryDirectory() as name, deprecations_of_dagster_itself():
        root = Path(name)
        settings = delivered_events(root, restless_events(1, days), FIRST)
        logging.getLogger("dagster").setLevel(logging.ERROR)
        with _instance(root / "home") as instance:
            world = World(root / "warehouse", instance, **settings)
            seconds: list[float] = []
            cpu_seconds: list[float] = []
            begun: list[float] = []
            if asked.begin_with:
                world.run(days[0], days[asked.begin_with - 1])
            singles = days[asked.begin_with :]
            for number, day in enumerate(singles, asked.begin_with + 1):
                begun.append(time.time())
                cpu = time.process_time()
                world.run(day)
                seconds.append(time.time() - begun[-1])
                # Of this process, which the engine and its tasks share.
                cpu_seconds.append(time.process_time() - cpu)
                _a_day_passes(world)
                if number % WEEK == 0 and not asked.no_maintenance:
                    _tidy(world, instance, begun)
                if number % 10 == 0 or number == asked.days:
                    live, stored = _live_and_stored(world)
                    print(
                        f"day {number}: {live:,} live bytes, {stored:,} stored "
                        f"({stored / live:.1f} times), home {_bytes(root / 'home'):,}, a day's run "
                        f"{median(seconds[-10:]):.1f} s, {median(cpu_seconds[-10:]):.1f} s of CPU",
                        flush=True,
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
