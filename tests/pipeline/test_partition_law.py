"""Any way to cut a range of days into runs leaves the same rows, bit by bit."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.pipeline import DAILY, SORTED_OUT, UNDIVIDED, Pipeline, Row, pipeline
from support.source_files import write

from video_assets.schemas import SESSIONS, Table

DAYS = tuple(date(2025, 3, day) for day in (1, 2, 3, 4))
FIRST, SECOND, THIRD, FOURTH = DAYS
EVENT_NAMES = ("video_play", "video_play", "video_pause", "video_resume", "video_ended")
SECONDS_BETWEEN = (0, 1, 20, 60, 60, 300, 300, 600, 1_500, 1_799, 1_801, 7_000)

Step = tuple[Sequence[Table], Sequence[date]]
Tables = Mapping[str, list[str]]


def each_day(tables: Sequence[Table], *days: date) -> list[Step]:
    return [(tables, [day]) for day in days]


EVENTS, ROWS = SORTED_OUT, (SESSIONS,)
PLANS: Mapping[str, Sequence[Step]] = {
    "whole range": [(DAILY, [FIRST, FOURTH])],
    "day by day": each_day(DAILY, *DAYS),
    "days in any order": [
        *each_day(EVENTS, THIRD, FIRST, FOURTH, SECOND),
        *each_day(ROWS, SECOND, FOURTH, FIRST, THIRD),
    ],
    "days twice": [
        *each_day(DAILY, FIRST, FIRST, SECOND, SECOND, THIRD, THIRD, FOURTH, FOURTH),
    ],
    "ranges and days mixed": [
        (EVENTS, [SECOND, FOURTH]),
        *each_day(EVENTS, FIRST, THIRD),
        (ROWS, [THIRD, FOURTH]),
        (ROWS, [FIRST, SECOND]),
        (ROWS, [SECOND, THIRD]),
    ],
}


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
        yield {
            "timestamp": time,
            "userId": user,
            "sessionId": session,
            "videoId": chance.choice(("v1", "v1", "v1", "v2")),
            "eventName": chance.choice(EVENT_NAMES),
            "currentTime": position,
        }


def deliver(folder: Path, rows: Sequence[Row]) -> str:
    """The rows in files that have nothing to do with their days."""
    for part in range(3):
        write(folder / f"part-{part}.parquet", rows[part::3])
    return str(folder)


@contextmanager
def pipeline_of(root: Path, rows: Sequence[Row]) -> Iterator[Pipeline]:
    settings: dict[str, Any] = {"video_metadata": None, "start_date": FIRST}
    with pipeline(root / "warehouse", events=deliver(root / "events", rows), **settings) as events:
        yield events


def carry_out(plan: Sequence[Step], events: Pipeline) -> Tables:
    for tables, days in plan:
        events.run(*days, tables=tables)
    events.run(tables=UNDIVIDED)
    return bits(events)


def bits(events: Pipeline) -> Tables:
    """The tables so that two floats which are equal but not the same (0.0, -0.0) differ."""
    return {name: [repr(row) for row in rows] for name, rows in events.results().items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_any_way_to_run_the_days_gives_the_same_rows(seed: int, tmp_path: Path) -> None:
    rows = restless_events(seed, DAYS)
    found = {}
    for name, plan in PLANS.items():
        with pipeline_of(tmp_path / name, rows) as events:
            found[name] = carry_out(plan, events)
    whole = found["whole range"]
    assert sum("'isContinuation': True" in row for row in whole["sessions"]) > len(DAYS)
    for name, tables in found.items():
        assert tables == whole, name


def test_days_run_again_after_a_new_delivery_equal_a_fresh_warehouse(tmp_path: Path) -> None:
    old = restless_events(3, DAYS)
    kept = [row for row in old if row["timestamp"].date() != SECOND]
    new = kept + [row for row in restless_events(4, DAYS) if row["timestamp"].date() == SECOND]
    with pipeline_of(tmp_path / "fresh", new) as fresh:
        fresh.run(FIRST, FOURTH)
        expected = bits(fresh)
    with pipeline_of(tmp_path / "used", old) as used:
        used.run(FIRST, FOURTH)
        before = used.rows(SESSIONS)
        deliver(tmp_path / "used" / "events", new)
        used.run(SECOND, tables=SORTED_OUT)
        for day in (THIRD, SECOND):
            used.run(day, tables=ROWS)
        used.run(tables=UNDIVIDED)
        assert bits(used) == expected
        assert changed_days(before, used.rows(SESSIONS)) == {SECOND, THIRD}


def changed_days(before: Sequence[Row], after: Sequence[Row]) -> set[date]:
    return {
        row["sessionDate"]
        for rows, others in ((before, after), (after, before))
        for row in rows
        if row not in others
    }
