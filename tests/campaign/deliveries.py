"""Simulates days of late deliveries with the sensor on, and kills runs at random moments."""

import argparse
import signal
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from random import Random

import dagster as dg
from support.late_deliveries import Sender
from support.late_platform import Platform, plainly
from support.world import ENGAGEMENT, RAW_EVENTS, REJECTED_EVENTS, SESSIONS, World

from resources.engine.session import use_utc
from video_assets.days import DayRange

FIRST = date(2025, 1, 1)
COMPARED = {
    RAW_EVENTS: (),
    REJECTED_EVENTS: ("source", "sourceRow", "rowText"),
    SESSIONS: (),
    ENGAGEMENT: ("processedAt",),
}
# A run takes a few seconds, most of them to start.
LONGEST = 12.0


def _world(root: Path, warehouse: str, instance: dg.DagsterInstance) -> World:
    sources = {"events": str(root / "in"), "daily_views": str(root / "none")}
    return World(root / warehouse, instance, **sources, video_metadata=None, start_date=FIRST)


class Killer:
    """Computes days in a process of their own, and kills some of them."""

    def __init__(self, root: Path, chance: Random, kills: int, runs: int) -> None:
        self._root, self._chance = root, chance
        self._kill = set(chance.sample(range(runs), kills))
        self._number = 0
        self.killed = 0

    def __call__(self, world: World, run: DayRange) -> None:
        warehouse = Path(world.settings.warehouse).name
        ends = (str(run.first), str(run.last))
        command = [sys.executable, __file__, "--compute", str(self._root), warehouse, *ends]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait = self._chance.uniform(0, LONGEST) if self._number in self._kill else None
        self._number += 1
        try:
            _, error = process.communicate(timeout=wait)
            if process.returncode:
                raise RuntimeError(error.decode()[-3000:])
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.killed += 1


def _compute(root: str, warehouse: str, first: str, last: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = DayRange(date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1))
        plainly(_world(Path(root), warehouse, instance), run)


def main() -> int:
    """Live through the days, compare with one clean run, and count the days that were computed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compute", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    use_utc()
    if asked.compute:
        _compute(*asked.compute)
        return 0
    chance = Random(asked.seed)  # noqa: S311 (a plan and moments, no secrets)
    with tempfile.TemporaryDirectory() as name, dg.DagsterInstance.ephemeral() as instance:
        root = Path(name)
        sender = Sender(root / "in", FIRST, asked.days, chance)
        killer = Killer(root, chance, asked.kills, asked.days)
        platform = Platform(_world(root, "late", instance), instance, killer)
        platform.live(sender)
        platform.require_one_fate_a_row(sender.rows_by_file())
        by_sensor = platform.day_runs
        platform.repair_vanished()
        clean = _world(root, "clean", instance)
        everything = DayRange(FIRST, sender.last)
        plainly(clean, everything)
        for world in (platform.world, clean):
            world.compute(everything.first, everything.last, tables=(SESSIONS,))
            world.compute(tables=(ENGAGEMENT,))
        differing = [
            table.name
            for table, left_out in COMPARED.items()
            if platform.world.rows(table, left_out) != clean.rows(table, left_out)
        ]
    share = by_sensor / platform.truth.changes
    print(
        f"{asked.days} days, {killer.killed} runs killed: {by_sensor} days computed, "
        f"{platform.truth.changes} truly changed ({share:.2f} times); "
        f"tables that differ: {differing or 'none'}"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
