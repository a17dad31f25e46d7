"""How long a file that arrives today takes until its viewers are in engagement.

`python benchmarks/arrival.py` delivers a day of a million events as a file a minute of JSON lines,
computes it, starts a real daemon with the sensor `new_deliveries` on, and delivers ten small files
at a time. Printed are the seconds from the delivery to the commit of
`aggregated_user_video_engagement` that has all of its viewers. Other settings of the project are
left aside; Dagster's own home, tables and files lie in a temporary folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

from today import FILES, NEW_EVENTS, NEW_FILES, TODAY, deliver, rows_of_day

from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.catalog import asset_key
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS

HERE = Path(__file__).parents[1]
_PATIENCE_SECONDS = 600
# Longer than a file must rest before it is read.
_HOURS_AGO = timedelta(hours=2)
_BETWEEN_DELIVERIES = 20


def main() -> None:
    """Deliver, compute, start the daemon, deliver more and time it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events that the day has")
    parser.add_argument("--deliveries", type=int, default=5, help="deliveries that are timed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _Bench(Path(folder), asked.events).run(asked.deliveries)


class _Bench:
    def __init__(self, root: Path, events: int) -> None:
        self._root = root
        self._events = events
        self._warehouse = Warehouse(str(root / "tables"))

    def run(self, deliveries: int) -> None:
        """All of it."""
        self._deliver_the_day()
        self._materialize([VIDEO_METADATA])
        self._materialize([RAW_EVENTS, REJECTED_EVENTS, SESSIONS, ENGAGEMENT], "--partition")
        self._dagster("sensor", "start", "new_deliveries", "-w", str(HERE / "workspace.yaml"))
        with self._daemon():
            taken = [self._arrival(number) for number in range(deliveries)]
        slowest = max(taken)
        print(f"median {median(taken):.0f} s, slowest {slowest:.0f} s of {len(taken)} deliveries")

    def _deliver_the_day(self) -> None:
        deliver(self._root / "events", "first", rows_of_day(TODAY, 0, self._events), FILES)
        earlier = time.time() - _HOURS_AGO.total_seconds()
        for file in (self._root / "events").iterdir():
            os.utime(file, (earlier, earlier))

    def _materialize(self, tables: Sequence[Table], *partition: str) -> None:
        keys = " or ".join(f'key:"{asset_key(table).to_user_string()}"' for table in tables)
        day = [*partition, TODAY.isoformat()] if partition else []
        module = ("-m", "video_assets.definitions")
        self._dagster("asset", "materialize", *module, "--select", keys, *day)

    def _arrival(self, number: int) -> float:
        """Seconds from a delivery until engagement has rows of all its viewers."""
        time.sleep(_BETWEEN_DELIVERIES)
        first = self._events + number * NEW_EVENTS
        # Viewers of their own, so that their rows tell when they have arrived.
        rows = [
            row.replace('"userId": "user', f'"userId": "arrival{number}-user')
            for row in rows_of_day(TODAY, first, NEW_EVENTS)
        ]
        rows_before = self._warehouse.row_count(ENGAGEMENT)
        deliver(self._root / "events", f"new{number}", rows, NEW_FILES)
        began = time.monotonic()
        while self._warehouse.row_count(ENGAGEMENT) == rows_before:
            if time.monotonic() - began > _PATIENCE_SECONDS:
                log = (self._root / "daemon.log").read_text(errors="replace")
                raise SystemExit(f"nothing arrived in {_PATIENCE_SECONDS} s:\n{log[-3000:]}")
            time.sleep(1)
        seconds = time.monotonic() - began
        rows_now = self._warehouse.row_count(ENGAGEMENT)
        print(f"delivery {number}: {seconds:.0f} s, {rows_now - rows_before} rows", flush=True)
        return seconds

    @property
    def _environment(self) -> Mapping[str, str]:
        others = {k: v for k, v in os.environ.items() if not k.startswith("VIDEO_ASSETS_")}
        return {
            **others,
            "PYTHONPATH": str(HERE),
            "DAGSTER_HOME": str(self._home),
            "VIDEO_ASSETS_WAREHOUSE": str(self._root / "tables"),
            "VIDEO_ASSETS_EVENTS": str(self._root / "events"),
            "VIDEO_ASSETS_VIDEO_METADATA": "",
            "VIDEO_ASSETS_START_DATE": (TODAY - timedelta(days=1)).isoformat(),
            "VIDEO_ASSETS_INCLUDE_TODAY": "true",
            "VIDEO_ASSETS_DAILY_VIEWS": str(self._root / "no_views"),
        }

    @property
    def _home(self) -> Path:
        home = self._root / "home"
        if not home.is_dir():
            home.mkdir()
            shutil.copy(HERE / "resources" / "runs" / "dagster.yaml", home)
        return home

    def _dagster(self, *arguments: str) -> None:
        command = [str(Path(sys.executable).with_name("dagster")), *arguments]
        done = subprocess.run(  # noqa: S603 (the command of this environment)
            command,
            check=False,
            cwd=self._root,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")

    @contextmanager
    def _daemon(self) -> Iterator[None]:
        command = [str(Path(sys.executable).with_name("dagster-daemon")), "run"]
        with (self._root / "daemon.log").open("w") as log:
            process = subprocess.Popen(  # noqa: S603 (as above)
                [*command, "-w", str(HERE / "workspace.yaml")],
                cwd=self._root,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
            try:
                yield
            finally:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
