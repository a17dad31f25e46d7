"""Any way to cut a range of days into runs leaves the same rows, bit by bit."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from support.restless import Tables, bits, delivered_events, restless_events
from support.source_files import deliver
from support.world import DAILY, SORTED_OUT, UNDIVIDED, Row, World, world

from resources.delta.table import Table
from video_assets.engagement.tables import SESSIONS

DAYS = tuple(date(2025, 3, day) for day in (1, 2, 3, 4))
FIRST, SECOND, THIRD, FOURTH = DAYS

Step = tuple[Sequence[Table], Sequence[date]]


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

BY_DAGSTER = "ranges and days mixed"


def carry_out(plan: Sequence[Step], events: World, *, by_dagster: bool) -> Tables:
    fill = events.run if by_dagster else events.compute
    for tables, days in plan:
        fill(*days, tables=tables)
    fill(tables=UNDIVIDED)
    return bits(events)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_way_to_run_the_days_gives_the_same_rows(seed: int, tmp_path: Path) -> None:
    rows = restless_events(seed, DAYS)
    found = {}
    for name, plan in PLANS.items():
        settings = delivered_events(tmp_path / name, rows, FIRST)
        with world(tmp_path / name / "warehouse", **settings) as events:
            found[name] = carry_out(plan, events, by_dagster=name == BY_DAGSTER and seed == 1)
    whole = found["whole range"]
    assert sum("'isContinuation': True" in row for row in whole["sessions"]) > len(DAYS)
    for name, tables in found.items():
        assert tables == whole, name


def test_days_run_again_after_a_new_delivery_equal_a_fresh_warehouse(tmp_path: Path) -> None:
    old = restless_events(3, DAYS)
    kept = [row for row in old if row["timestamp"].date() != SECOND]
    new = kept + [row for row in restless_events(4, DAYS) if row["timestamp"].date() == SECOND]
    settings = delivered_events(tmp_path / "fresh", new, FIRST)
    with world(tmp_path / "fresh" / "warehouse", **settings) as fresh:
        fresh.compute(FIRST, FOURTH)
        expected = bits(fresh)
    settings = delivered_events(tmp_path / "used", old, FIRST)
    with world(tmp_path / "used" / "warehouse", **settings) as used:
        used.compute(FIRST, FOURTH)
        before = used.rows(SESSIONS)
        deliver(tmp_path / "used" / "events", new)
        used.compute(SECOND, tables=SORTED_OUT)
        for day in (THIRD, SECOND):
            used.compute(day, tables=ROWS)
        used.compute(tables=UNDIVIDED)
        assert bits(used) == expected
        assert changed_days(before, used.rows(SESSIONS)) == {SECOND, THIRD}


def changed_days(before: Sequence[Row], after: Sequence[Row]) -> set[date]:
    return {
        row["sessionDate"]
        for rows, others in ((before, after), (after, before))
        for row in rows
        if row not in others
    }
