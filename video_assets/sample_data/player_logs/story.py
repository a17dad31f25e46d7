"""The story that every sample log tells, as far as its players tell it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 3, 4, 9, 0, tzinfo=UTC)
DURATION = 300.0
TITLE = "How rivers find the sea"
DEVICES = {"ann": "desktop", "ben": "phone", "cleo": "tablet"}

Row = dict[str, Any]


@dataclass(frozen=True)
class PlayerSample:
    """A log that was written.

    Attributes:
        source: what `EVENTS` names.
        watched: seconds by user and video that must come out.
        ended: users who reached the end, as far as the log tells it.
        ignored: rows that nobody wants.
        refused: refused rows by reason.
        title: of Ann's video, as far as the log tells it; its duration is `DURATION`.
        devices: of the users, as far as the log tells them.
    """

    source: str
    watched: Mapping[tuple[str, str], float]
    ended: tuple[str, ...] = ("ann",)
    ignored: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    title: str | None = TITLE
    devices: Mapping[str, str] = field(default_factory=dict)

    @property
    def first_day(self) -> date:
        """The first day of events."""
        return START.date()

    @property
    def last_day(self) -> date:
        """The last day of events."""
        return START.date() + timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """What a player did.

    Attributes:
        user: who watched.
        session: number of the user's visit.
        seconds: after the story's begin.
        act: `play`, `pause`, `seek`, `end`, or `beat`: it still plays.
        position: in the video, in seconds; of a seek: where it left.
        target: of a seek: where it went.
    """

    user: str
    session: int
    seconds: float
    act: str
    position: float
    target: float | None = None

    @property
    def time(self) -> datetime:
        """When it happened."""
        return START + timedelta(seconds=self.seconds)

    @property
    def iso_time(self) -> str:
        """When it happened, as most players write it."""
        return self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_DAY = 86_400.0
# Ann jumps ahead and reaches the end; Ben closes the tab; Cleo comes back on the next day and
# watches at double speed what she has seen.
STORY = (
    Moment("ann", 1, 0, "play", 0),
    Moment("ann", 1, 60, "pause", 60),
    Moment("ann", 1, 90, "play", 60),
    Moment("ann", 1, 130, "seek", 100, 200),
    Moment("ann", 1, 230, "end", 300),
    Moment("ben", 1, 0, "play", 0),
    *(Moment("ben", 1, tick, "beat", tick) for tick in (10, 20, 30)),
    Moment("cleo", 1, 0, "play", 0),
    Moment("cleo", 1, 45.5, "pause", 45.5),
    Moment("cleo", 2, _DAY, "play", 0),
    Moment("cleo", 2, _DAY + 20, "pause", 40),
)


def moments(*, beats: bool = True) -> Iterator[Moment]:
    """The story; without heartbeats where players send none."""
    return (moment for moment in STORY if beats or moment.act != "beat")


def watched(
    video: str, *, ann: float = 200.0, ben: float = 30.0, cleo: float = 85.5
) -> dict[tuple[str, str], float]:
    """What the story amounts to, in seconds by user and video.

    Args:
        video: as the log names it.
        ann: what the log tells of Ann, who jumps.
        ben: of Ben, who closes the tab, so that only heartbeats tell what he watched.
        cleo: of Cleo.
    """
    return {("ann", video): ann, ("ben", video): ben, ("cleo", video): cleo}


def write_lines(path: Path, rows: Iterable[Row | str]) -> None:
    """Rows as JSON lines; texts as they stand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
