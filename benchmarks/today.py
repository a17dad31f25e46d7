"""What a look at today costs, step by step, when small files come and the day already has many.

`python benchmarks/today.py` delivers a day of a million events as a file a minute of JSON lines,
computes it through engagement, delivers ten more files and times the look and the run of them;
with `--events` a day has another size.
"""

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np

from resources.delta.commit import commit
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.days import DayRange
from video_assets.deliveries.pending import pending_of
from video_assets.engagement.stage_engagement import stage_engagement
from video_assets.engagement.stage_sessions import stage_loaded_sessions
from video_assets.engagement.stage_video_metadata import stage_video_metadata
from video_assets.engagement.tables import SESSIONS, VIDEO_METADATA
from video_assets.player_events.stage_events import events_delivered, stage_events
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.settings import Settings
from video_assets.staged_days import StagedDays

TODAY = datetime.now(UTC).date()
_EVENTS_OF_SESSION, _SECONDS_BETWEEN = 25, 10
FILES, NEW_FILES, NEW_EVENTS = 1_440, 10, 1_000
_REPEATS = 3
_LOG = logging.getLogger(__name__)


def main() -> None:
    """Deliver, compute, deliver more and time what follows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events that the day has")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _Bench(Path(folder), asked.events).run()


class _Bench:
    def __init__(self, root: Path, events: int) -> None:
        self._root = root
        self._events = events
        self._settings = Settings(
            warehouse=str(root / "tables"),
            events=str(root / "events"),
            video_metadata=None,
            start_date=TODAY - timedelta(days=1),
            include_today=True,
            _env_file=None,
        )
        self._spark = SparkEngine.from_settings(self._settings)
        self._seconds: dict[str, list[float]] = {}

    def run(self) -> None:
        """All of it."""
        deliver(
            self._root / "events",
            "yesterday",
            rows_of_day(TODAY - timedelta(days=1), 0, self._events),
            1,
        )
        deliver(self._root / "events", "first", rows_of_day(TODAY, 0, self._events), FILES)
        self._commit(stage_video_metadata(self._spark, self._settings, _LOG))
        self._compute(DayRange(TODAY - timedelta(days=1), TODAY))
        self._seconds.clear()
        self._compute(DayRange.single(TODAY))
        self._report("the whole day")
        for number in range(_REPEATS):
            first = self._events + number * NEW_EVENTS
            deliver(
                self._root / "events",
                f"new{number}",
                rows_of_day(TODAY, first, NEW_EVENTS),
                NEW_FILES,
            )
            self._look()
            self._compute(DayRange.single(TODAY))
        self._look()
        self._report(f"{NEW_FILES} files of {NEW_EVENTS} events more")

    def _look(self) -> None:
        with self._timed("look"):
            pending_of(events_delivered(self._settings), self._settings, datetime.now(UTC))

    def _compute(self, run: DayRange) -> None:
        stored = Warehouse(self._settings.warehouse, lambda: self._spark.spark_session)
        settings, spark = self._settings, self._spark
        with self._timed("raw_events"):
            self._commit(stage_events(spark, settings, run, _LOG))
        with self._timed("sessions"):
            events = stored.frame(RAW_EVENTS)
            self._commit(stage_loaded_sessions(events, spark, settings, run, _LOG))
        with self._timed("engagement"):
            inputs = stored.frame(SESSIONS), stored.frame(VIDEO_METADATA)
            commit(stage_engagement(*inputs, spark, settings, _LOG))

    def _commit(self, staged: StagedDays) -> None:
        if staged.failed or staged.unread:
            raise SystemExit(f"{staged.failed} {staged.unread}")
        for table in staged.tables.values():
            commit(table)
        staged.note()

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._seconds.setdefault(what, []).append(time.perf_counter() - began)

    def _report(self, what: str) -> None:
        steps = ", ".join(f"{name} {median(times):.2f} s" for name, times in self._seconds.items())
        print(f"{what} ({self._events:,} events): {steps}", flush=True)
        self._seconds.clear()


def rows_of_day(day: date, first: int, events: int) -> list[str]:
    """Lines of events in the order of their times, of sessions that overlap.

    Args:
        day: when they happen.
        first: number of the first event; equal numbers are equal events.
        events: how many.
    """
    numbers = np.arange(first, first + events)
    session, step = numbers // _EVENTS_OF_SESSION, numbers % _EVENTS_OF_SESSION
    begin = (session * 79_999) % 80_000
    seconds = begin + step * _SECONDS_BETWEEN
    order = np.argsort(seconds, kind="stable")
    start = datetime.combine(day, datetime.min.time())
    return [
        json.dumps(
            {
                "timestamp": f"{start + timedelta(seconds=int(seconds[n]))}Z",
                "userId": f"user{session[n] % 9_973}",
                "sessionId": f"session{session[n]}",
                "videoId": f"video{session[n] % 211}",
                "eventName": "video_heartbeat" if step[n] else "video_play",
                "currentTime": float(step[n] * _SECONDS_BETWEEN),
            }
        )
        for n in order
    ]


def deliver(folder: Path, name: str, rows: list[str], files: int) -> None:
    """Write lines as files of about the same size; their names begin with `name`."""
    folder.mkdir(exist_ok=True)
    edges = np.linspace(0, len(rows), files + 1).astype(int)
    for number in range(files):
        lines = "\n".join(rows[edges[number] : edges[number + 1]])
        (folder / f"{name}-{number:05}.json").write_text(f"{lines}\n")


if __name__ == "__main__":
    main()
