"""Kills command-line runs at random moments, and compares what is left with a clean warehouse.

The commands that are killed are forked from a process that has imported everything, so that each
kill hits the run and not Python's start.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
from dagster._cli import main as dagster_command
from support.samples import make_sample
from support.tables import stored
from support.world import ENGAGEMENT, RAW_EVENTS, REJECTED_EVENTS, SESSIONS, Row

from resources.delta.commit import open_table
from resources.delta.table import Table

ROOT = Path(__file__).parents[2]
FIRST = date(2025, 1, 1)
COMPARED = {RAW_EVENTS: (), REJECTED_EVENTS: (), SESSIONS: (), ENGAGEMENT: ("processedAt",)}
SELECT = " or ".join(
    f'key:"video/{name}"' for name in (*(table.name for table in COMPARED), "video_metadata")
)


FORKED = multiprocessing.get_context("forkserver")


def run_command(arguments: list[str], folder: Path) -> None:
    """`dagster` with these arguments, in a process group of its own."""
    os.setsid()
    os.chdir(folder)
    output = os.open(folder / "killed.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    sys.argv = ["dagster", *arguments]
    dagster_command()


class Place:
    """A warehouse and a Dagster home of their own, with the command that fills them."""

    def __init__(self, folder: Path, sample: Path, days: int) -> None:
        self.folder, self.days = folder, days
        (folder / "home").mkdir(parents=True)
        shutil.copy(ROOT / "resources/runs/dagster.yaml", folder / "home")
        self.environment = {
            **os.environ,
            "DAGSTER_HOME": str(folder / "home"),
            "PYTHONPATH": str(ROOT),
            "VIDEO_ASSETS_WAREHOUSE": str(folder / "warehouse"),
            "VIDEO_ASSETS_EVENTS": str(sample / "events"),
            "VIDEO_ASSETS_VIDEO_METADATA": str(sample / "video_metadata.parquet"),
        }

    def arguments(self, first: date, last: date) -> list[str]:
        """What follows `dagster` on the command line."""
        return [
            *("asset", "materialize", "-m", "video_assets.definitions", "--select", SELECT),
            *("--partition-range", f"{first}...{last}"),
        ]

    def complete(self) -> float:
        """Run all days to the end; returns the seconds that took."""
        begin = time.monotonic()
        all_days = self.arguments(FIRST, FIRST + timedelta(days=self.days - 1))
        with (self.folder / "output.log").open("wb") as output:
            ended = subprocess.run(
                [sys.executable, "-m", "dagster", *all_days],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if ended.returncode:
            raise RuntimeError((self.folder / "output.log").read_text()[-5_000:])
        return time.monotonic() - begin

    def run_until(self, first: int, last: int, seconds: float | None = None) -> float | None:
        """Run from one day to another in a forked command, and kill it after so many seconds.

        Returns:
            The seconds that it took, where it had ended; None: it was killed.
        """
        begin = time.monotonic()
        arguments = self.arguments(*(FIRST + timedelta(days=day) for day in (first, last)))
        process = FORKED.Process(target=run_command, args=(arguments, self.folder))
        process.start()
        process.join(seconds)
        ended = None if process.is_alive() else time.monotonic() - begin
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
        return ended

    def rows(self, table: Table) -> list[Row]:
        found = open_table(str(self.folder / "warehouse" / "video" / table.name))
        return stored(found, COMPARED[table])

    def left_over(self) -> tuple[int, int]:
        """Runs that seem to go on, and pool slots that are held."""
        with dg.DagsterInstance.get() as instance:
            going = instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
            return going, len(instance.event_log_storage.get_concurrency_run_ids())


def main() -> int:
    """Kill, complete, compare; the exit code is 0 when nothing differs and nothing is held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--between", type=int, default=25, help="kills between two comparisons")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311 (moments, no secrets)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_sample(folder / "sample", first_day=FIRST, days=asked.days, events=asked.events)
        clean = Place(folder / "clean", folder / "sample", asked.days)
        without_kills = clean.complete()
        expected = {table.name: clean.rows(table) for table in COMPARED}
        place = Place(folder / "killed", folder / "sample", asked.days)
        # Of the process from which all commands are forked: they have this environment.
        os.environ.update(place.environment)
        FORKED.set_forkserver_preload(["__main__", "video_assets.definitions"])
        longest = place.run_until(0, asked.days - 1)
        killed, slowest = 0, 0.0
        while killed < asked.kills:
            batch = min(asked.between, asked.kills - killed)
            while batch:
                first, last = sorted(chance.choices(range(asked.days), k=2))
                ended = place.run_until(first, last, chance.uniform(0, longest or without_kills))
                longest = ended or longest
                batch -= ended is None
                killed += ended is None
            slowest = max(slowest, place.complete())
            differing = [t.name for t in COMPARED if place.rows(t) != expected[t.name]]
            going, held = place.left_over()
            print(
                f"{killed} runs killed; then a run completes in {slowest:.0f} s at most "
                f"(clean {without_kills:.0f} s); tables that differ: {differing or 'none'}; "
                f"runs that seem to go on: {going}; slots held: {held}",
                flush=True,
            )
            if differing or going or held:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
