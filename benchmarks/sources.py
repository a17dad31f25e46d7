"""How fast sources of odd shapes go in, against the same events in a plain one.

`.venv/bin/python benchmarks/sources.py [lines]` writes small files, takes each three times through
the step that fills `raw_events`, and prints lines a second, by the clock and of CPU time, where
what else the machine does matters little, and the ratios that the project promises.
"""

import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from resources.engine.session import SparkEngine
from video_assets.days import DayRange
from video_assets.player_events.stage_events import VALID, stage_events
from video_assets.settings import Settings

_START = datetime(2025, 1, 3, tzinfo=UTC)
_RUNS = 3
_CLOCKS = {"": time.perf_counter, " of CPU": time.process_time}
_VIDEO_LINES_OF_LOG = 40
Row = dict[str, Any]


def _flat(n: int) -> Row:
    return {
        "timestamp": (_START + timedelta(milliseconds=100 * n)).isoformat(),
        "userId": f"user-{n % 5000}",
        "sessionId": f"session-{n % 20_000}",
        "videoId": f"video-{n % 100}",
        "eventName": ("video_play", "video_pause")[n % 2],
        "currentTime": n % 300 + 0.5,
    }


def _nested(n: int) -> Row:
    """The same event in an envelope of about a kilobyte."""
    event = _flat(n)
    return {
        "schema": "iglu:org.example/event/jsonschema/1-0-0",
        "context": {
            "user": {"id": event["userId"], "roles": ["learner"], "locale": "de-CH"},
            "device": {"agent": "Mozilla/5.0 " + "x" * 300, "ip": "192.0.2.1"},
            "page": {"url": "https://example.org/" + "y" * 200, "title": "z" * 100},
        },
        "payload": {name: event[name] for name in ("videoId", "sessionId", "currentTime")},
        "name": event["eventName"],
        "sent": {"at": event["timestamp"]},
    }


_NESTED_COLUMNS = {
    "context.user.id": "userId",
    "payload.videoId": "videoId",
    "payload.sessionId": "sessionId",
    "payload.currentTime": "currentTime",
    "name": "eventName",
    "sent.at": "timestamp",
}


def _logged(n: int) -> Row:
    """A line of an Open edX log that is a video event."""
    event = _flat(n)
    return {
        "username": event["userId"],
        "event_type": ("play_video", "pause_video")[n % 2],
        "event_source": "browser",
        "time": event["timestamp"],
        "agent": "Mozilla/5.0 " + "x" * 200,
        "session": "fedcba98" * 4,
        "context": {"course_id": "course-v1:A+B+C", "org_id": "A", "path": "/event"},
        "page": "https://example.org/" + "y" * 200,
        "event": json.dumps(
            {"id": "9b7bb6bd96bd4f8f", "currentTime": event["currentTime"], "code": "html5"}
        ),
    }


def _mostly_other(n: int) -> Row:
    """Every fortieth line is a video event: 2.5 %."""
    row = _logged(n)
    if n % _VIDEO_LINES_OF_LOG:
        row |= {"event_type": "/courses/a/progress", "event": '{"POST": {}, "GET": {}}'}
    return row


def _in_rfc_2822(n: int) -> Row:
    return _flat(n) | {"timestamp": format_datetime(_START + timedelta(seconds=n // 10))}


def _in_us_english(n: int) -> Row:
    moment = _START + timedelta(seconds=n // 10)
    return _flat(n) | {"timestamp": f"{moment:%-m/%-d/%Y %-I:%M:%S %p}"}


_OPENEDX = {"events_preset": "openedx"}
_FILES: Mapping[str, tuple[Callable[[int], Row], Mapping[str, Any]]] = {
    "flat": (_flat, {}),
    "nested, 1 kB": (_nested, {"events_columns": _NESTED_COLUMNS}),
    "log, 100 % video events": (_logged, _OPENEDX),
    "log, 2.5 % video events": (_mostly_other, _OPENEDX),
    "times as in mails": (_in_rfc_2822, {}),
    "times as in Excel": (_in_us_english, {}),
}
_PROMISES = (
    ("nested, 1 kB", "flat", 0.5),
    ("log, 2.5 % video events", "log, 100 % video events", 3.0),
    ("times as in mails", "flat", 1 / 3),
    ("times as in Excel", "flat", 1 / 3),
)


def main() -> None:
    """Measure, print, and say which promises hold."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    speeds: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (row, settings) in _FILES.items():
            path = Path(folder) / "events.json"
            path.write_text("\n".join(json.dumps(row(n)) for n in range(lines)), "utf-8")
            taken = zip(*_seconds(path, settings), strict=True)
            speeds[name] = {
                clock: lines / statistics.median(seconds)
                for clock, seconds in zip(_CLOCKS, taken, strict=True)
            }
            shown = (f"{speed:>12,.0f} lines/s{clock}" for clock, speed in speeds[name].items())
            print(f"{name:28}{''.join(shown)}", flush=True)
    for name, against, wanted in _PROMISES:
        for clock in _CLOCKS:
            ratio = speeds[name][clock] / speeds[against][clock]
            verdict = "holds" if ratio >= wanted else "FAILS"
            print(f"{name} / {against}{clock}: {ratio:.2f}, at least {wanted:.2f}: {verdict}")


def _seconds(path: Path, given: Mapping[str, Any]) -> Iterator[list[float]]:
    """What each run took, by each clock."""
    settings = Settings(
        _env_file=None,
        events=str(path),
        warehouse=str(path.parent / "warehouse"),
        start_date=_START.date(),
        **given,
    )
    spark = SparkEngine.from_settings(settings)
    run = DayRange(_START.date(), _START.date() + timedelta(days=2))
    for _ in range(_RUNS):
        begun = [clock() for clock in _CLOCKS.values()]
        staged = stage_events(spark, settings, run, logging.getLogger(__name__))
        took = [clock() - at for clock, at in zip(_CLOCKS.values(), begun, strict=True)]
        if not staged.tables[VALID].rows:
            raise RuntimeError(f"no event of {path} is valid")
        staged.discard()
        yield took


if __name__ == "__main__":
    main()
