"""Viewers around midnight, delivered in any way, through Dagster: where days meet, rules break."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from support.source_files import deliver
from support.world import Row, World

EVENT_NAMES = (
    *("video_play", "video_play", "video_pause", "video_resume", "video_ended"),
    *("video_seek", "video_heartbeat"),
)
SECONDS_BETWEEN = (0, 1, 20, 60, 60, 300, 300, 600, 1_500, 1_799, 1_801, 7_000)

Tables = Mapping[str, list[str]]


def restless_events(seed: int, days: Sequence[date]) -> list[Row]:
    """A few viewers who play, wait and jump about around every midnight, in random delivery."""
    chance = random.Random(seed)  # noqa: S311 (a test's viewers are no secret)
    rows = [
        row
        for midnight in (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in days)
        for user in ("ann", "ben", "cleo", "dan")
        for row in _visit(user, midnight + timedelta(hours=chance.uniform(-6, 0)), chance)
        if days[0] <= row["timestamp"].date() <= days[-1]
    ]
    rows += chance.choices(rows, k=len(rows) // 20)
    chance.shuffle(rows)
    return rows


def _visit(user: str, start: datetime, chance: random.Random) -> Iterator[Row]:
    time, position = start, 0.0
    session = chance.choice(("s1", "s2"))
    for _ in range(chance.randrange(30, 50)):
        waited = chance.choice(SECONDS_BETWEEN) + chance.random()
        time += timedelta(seconds=waited)
        moved = chance.choice((waited, waited, 2 * waited, 0.0, 40.0, -position, -3.0))
        position = max(0.0, position + min(moved, 6_000.0))
        name = chance.choice(EVENT_NAMES)
        target = chance.choice((0.0, position, position + 100.0)) if name == "video_seek" else None
        yield {
            "timestamp": time,
            "userId": user,
            "sessionId": session,
            "videoId": chance.choice(("v1", "v1", "v1", "v2")),
            "eventName": name,
            "currentTime": position,
            "seekTime": target,
        }
        position = position if target is None else target


def restless_visitors(seed: int, days: Sequence[date]) -> list[Row]:
    """Other viewers every four days, so that a day concerns some of all."""
    return [
        {**row, "userId": f"{row['userId']}-{row['timestamp'].date().toordinal() // 4}"}
        for row in restless_events(seed, days)
    ]


def lonely_visit(day: date, position: float = 50.0, last: str = "video_pause") -> list[Row]:
    """One viewer of one video, whom no other day has."""
    rows = [row for row in restless_events(8, [day]) if row["userId"] == "ann"][:2]
    visit = zip(rows, ("video_play", last), (0.0, position), strict=True)
    return [
        {**row, "userId": "eve", "videoId": "v3", "eventName": name, "currentTime": at}
        for row, name, at in visit
    ]


def delivered_events(root: Path, rows: Sequence[Row], start: date) -> dict[str, Any]:
    """Settings that name these rows, as files below a folder, and no metadata of videos."""
    events = deliver(root / "events", rows)
    return {"events": events, "video_metadata": None, "start_date": start}


def bits(events: World) -> Tables:
    """The tables so that two floats which are equal but not the same (0.0, -0.0) differ."""
    return {name: [repr(row) for row in rows] for name, rows in events.event_results().items()}
