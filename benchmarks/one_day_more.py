"""One day more of a folder with a file of JSON lines a day, against that day alone.

`python benchmarks/one_day_more.py` prints the seconds of both; with `--checkout FOLDER` also those
of another checkout of this repository, such as a `git worktree` of the build before.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

FIRST = date(2025, 1, 1)
_USERS, _REPEATS = 500, 5
_LOG = logging.getLogger(__name__)


def main() -> None:
    """Deliver a year and a day more, and time that day."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--events", type=int, default=20_000, help="events a day")
    parser.add_argument("--checkout", type=Path, help="another checkout to time as well")
    parser.add_argument("--time", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.time:
        print(json.dumps(_seconds(*asked.time, asked.days)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for day in range(asked.days):
            _deliver(root / "year", day, asked.events)
        _deliver(root / "alone", asked.days - 1, asked.events)
        for checkout in filter(None, (Path.cwd(), asked.checkout)):
            _report(checkout, root, asked.days)


def _report(checkout: Path, root: Path, days: int) -> None:
    alone = _timed(checkout, root / "alone", days)
    more = _timed(checkout, root / "year", days)
    print(
        f"{checkout.name}: the day alone {alone:.2f} s, one day more of {days} {more:.2f} s: "
        f"{more / alone:.2f} times",
        flush=True,
    )


def _deliver(folder: Path, number: int, events: int) -> None:
    folder.mkdir(exist_ok=True)
    start = datetime.combine(FIRST, datetime.min.time()) + timedelta(days=number)
    with (folder / f"{number:03}.json").open("w") as file:
        for event in range(events):
            row = {
                "timestamp": f"{start + timedelta(seconds=event % 86_400)}Z",
                "userId": f"user{event % _USERS}",
                "sessionId": f"session{number}",
                "videoId": f"video{event % 7}",
                "eventName": "video_heartbeat",
                "currentTime": event % 300,
            }
            file.write(json.dumps(row) + "\n")


def _timed(checkout: Path, source: Path, days: int) -> float:
    """Median seconds of the last day, in a process of that checkout."""
    with tempfile.TemporaryDirectory() as warehouse:
        command = [sys.executable, __file__, "--days", str(days), "--time", str(source), warehouse]
        environment = os.environ | {"PYTHONPATH": str(checkout.resolve())}
        finished = subprocess.run(  # noqa: S603 (this file)
            command, env=environment, cwd=checkout, capture_output=True, text=True, check=False
        )
    if finished.returncode:
        raise SystemExit(finished.stderr[-3000:])
    return float(median(json.loads(finished.stdout.splitlines()[-1])))


def _seconds(source: Path, warehouse: Path, days: int) -> list[float]:
    """Seconds of the last day, several times, after all days before it."""
    from resources.engine.session import SparkEngine  # noqa: PLC0415 (of the checkout)
    from video_assets.days import DayRange  # noqa: PLC0415
    from video_assets.settings import Settings  # noqa: PLC0415

    last = FIRST + timedelta(days=days - 1)
    settings = Settings(
        warehouse=str(warehouse), events=str(source), start_date=FIRST, _env_file=None
    )
    engine = SparkEngine.from_settings(settings)
    _compute(engine, settings, DayRange(FIRST, last + timedelta(days=1)))
    seconds = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        _compute(engine, settings, DayRange.single(last))
        seconds.append(time.perf_counter() - began)
    return seconds


def _compute(engine: Any, settings: Any, days: Any) -> None:
    from resources.delta.commit import commit  # noqa: PLC0415
    from video_assets.player_events.stage_events import stage_events  # noqa: PLC0415

    staged = stage_events(engine, settings, days, _LOG)
    tables = getattr(staged, "tables", staged)
    for table in tables.values():
        commit(table)
    getattr(staged, "note", lambda: None)()


if __name__ == "__main__":
    main()
