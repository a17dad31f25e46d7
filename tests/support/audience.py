"""Viewers who watch everything once, in even hours, and a day on which that went wrong."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

VIEWERS = 40
VIDEOS = 8
DURATION = 120.0
FIRST_HOUR = 8
IMPOSSIBLE_VIEWERS = 12
REPETITIONS = 12

Event = tuple[float, str, float]

WATCHED = [
    (0, "video_play", 0.0),
    (60, "video_pause", 60.0),
    (65, "video_resume", 60.0),
    (125, "video_ended", DURATION),
]
# The same two minutes again and again in one sitting: far more than the video is long.
IMPOSSIBLE = [
    event
    for n in range(REPETITIONS)
    for event in ((125 * n, "video_play", 0.0), (125 * n + 120, "video_ended", DURATION))
]
EVENTS_A_DAY = VIEWERS * VIDEOS * len(WATCHED)


def write_metadata(path: Path) -> None:
    videos = [_video(n) for n in range(VIDEOS)]
    titles = [f"Video {n}" for n in range(VIDEOS)]
    columns = {"videoId": videos, "duration": [DURATION] * VIDEOS, "title": titles}
    pq.write_table(pa.table(columns), path)


def write_good_day(folder: Path, day: date) -> None:
    _write(folder, day, range(VIDEOS), impossible=0)


def write_bad_day(folder: Path, day: date) -> None:
    """One hour is missing, and some viewers watch more than is possible."""
    _write(folder, day, range(1, VIDEOS), impossible=IMPOSSIBLE_VIEWERS)


def _write(folder: Path, day: date, videos: range, impossible: int) -> None:
    rows = [
        row
        for video in videos
        for viewer in range(VIEWERS)
        for row in _rows(day, video, viewer, impossible=video == 1 and viewer < impossible)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{day}.parquet")


def _rows(day: date, video: int, viewer: int, *, impossible: bool) -> Iterator[dict[str, object]]:
    begins = datetime(day.year, day.month, day.day, FIRST_HOUR + video, 0, viewer, tzinfo=UTC)
    for seconds, name, position in IMPOSSIBLE if impossible else WATCHED:
        yield {
            "timestamp": begins + timedelta(seconds=seconds),
            "userId": f"viewer_{viewer:02}",
            "sessionId": f"{day}-{viewer:02}-{video}",
            "videoId": _video(video),
            "eventName": name,
            "currentTime": position,
        }


def _video(number: int) -> str:
    return f"video_{number}"
