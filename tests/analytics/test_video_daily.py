"""`video_daily`: the rows of a day, however the days are run."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from support.checks import intervals, session
from support.oracle import length, merged
from support.restless import delivered_events, restless_events
from support.tables import day
from support.world import DAILY, SORTED_OUT, TABLES, Row, World, world

from resources.delta.table import Table
from video_assets.analytics.tables import VIDEO_DAILY
from video_assets.analytics.video_daily import SESSIONS_TAKEN, viewer_days
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA

DAYS = tuple(date(2025, 3, day) for day in (1, 2, 3, 4))
FIRST, SECOND, THIRD, FOURTH = DAYS
OF_A_DAY = (*DAILY, ENGAGEMENT, VIDEO_DAILY)

Step = tuple[Sequence[Table], Sequence[date]]

PLANS: Mapping[str, Sequence[Step]] = {
    "day by day": [(OF_A_DAY, [day]) for day in DAYS],
    "days in any order": [(OF_A_DAY, [day]) for day in (THIRD, FIRST, FOURTH, SECOND)]
    + [(OF_A_DAY, [day]) for day in (FIRST, FOURTH, SECOND, THIRD)],
    "days twice": [(OF_A_DAY, [day]) for day in DAYS for _ in range(2)],
    "ranges and days mixed": [
        (SORTED_OUT, [FIRST, FOURTH]),
        ((SESSIONS, ENGAGEMENT, VIDEO_DAILY), [THIRD, FOURTH]),
        ((SESSIONS, ENGAGEMENT, VIDEO_DAILY), [SECOND]),
        ((SESSIONS, ENGAGEMENT, VIDEO_DAILY), [FIRST]),
    ],
}


@pytest.fixture(scope="module")
def events() -> list[Row]:
    """Ann comes on the third day only, so that the day of new viewers moves."""
    rows = restless_events(1, DAYS)
    return [r for r in rows if r["userId"] != "ann" or r["timestamp"].date() >= THIRD]


@pytest.fixture(scope="module")
def filled(events: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("daily")
    with world(root / "warehouse", **delivered_events(root, events, FIRST)) as filled:
        filled.run(FIRST, FOURTH, tables=(*TABLES, VIDEO_DAILY))
        yield filled


def expected_rows(world: World) -> list[Row]:
    """The same from the rows of sessions and engagement, by a plain loop."""
    by_day: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in world.rows(SESSIONS):
        by_day[row["videoId"], row["sessionDate"]].append(row)
    firsts = [(r["videoId"], r["firstWatchDate"].date()) for r in world.rows(ENGAGEMENT)]
    return [
        {
            "videoId": video,
            "date": on,
            "plays": sum(row["playCount"] for row in rows),
            "viewers": len({row["userId"] for row in rows}),
            "newViewers": firsts.count((video, on)),
            "sessions": sum(not row["isContinuation"] for row in rows),
            "watchSeconds": pytest.approx(sum(row["watchTime"] for row in rows), abs=1e-2),
            "uniqueSeconds": pytest.approx(
                sum(
                    length(
                        merged(
                            (i["start"], i["end"])
                            for row in rows
                            if row["userId"] == user
                            for i in row["watchedIntervals"]
                        )
                    )
                    for user in {row["userId"] for row in rows}
                ),
                abs=1e-2,
            ),
            "completions": sum(row["endedCount"] for row in rows),
            "forwardSkips": sum(row["forwardSkips"] for row in rows),
            "backwardSkips": sum(row["backwardSkips"] for row in rows),
            "daysSinceFirst": (on - min(d for v, d in firsts if v == video)).days,
            "isUnfinished": False,
        }
        for (video, on), rows in sorted(by_day.items())
    ]


def by_key(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["videoId"], row["date"]))


def test_each_day_of_a_video_is_counted_as_a_plain_loop_does(filled: World) -> None:
    rows = by_key(filled.rows(VIDEO_DAILY))
    assert rows == expected_rows(filled)
    assert sum(row["newViewers"] for row in rows) == len(filled.rows(ENGAGEMENT))
    assert any(row["newViewers"] for row in rows if row["date"] == THIRD)


@pytest.mark.parametrize("name", PLANS)
def test_any_way_to_run_the_days_gives_the_same_rows(
    name: str, events: list[Row], filled: World, tmp_path: Path
) -> None:
    with world(tmp_path / "warehouse", **delivered_events(tmp_path, events, FIRST)) as found:
        found.compute(tables=(VIDEO_METADATA,))
        for tables, days in PLANS[name]:
            found.compute(*days, tables=tables)
        assert found.rows(VIDEO_DAILY) == filled.rows(VIDEO_DAILY)


def test_a_day_that_comes_late_restates_the_later_ones_alone(
    events: list[Row], tmp_path: Path
) -> None:
    with world(tmp_path / "warehouse", **delivered_events(tmp_path, events, FIRST)) as found:
        found.compute(FIRST, FOURTH, tables=SORTED_OUT)
        for first, last in ((THIRD, FOURTH), (SECOND, SECOND)):
            found.compute(first, last, tables=(SESSIONS,))
            found.compute(tables=(VIDEO_METADATA, ENGAGEMENT))
            staged = found.compute(first, last, tables=(VIDEO_DAILY,))[VIDEO_DAILY.name]
        assert staged.replaced == {SECOND, THIRD, FOURTH}
        again = found.compute(SECOND, tables=(VIDEO_DAILY,))[VIDEO_DAILY.name]
        assert again.replaced == {SECOND}


def viewers(*rows: Row) -> list[dict[str, Any]]:
    table = pa.Table.from_pylist(list(rows), SESSIONS.arrow_schema)
    return viewer_days(table.select(SESSIONS_TAKEN.names)).to_pylist()


def test_what_a_viewer_watches_in_two_sessions_is_unique_once() -> None:
    again = session(2, sessionId="s2", watchTime=30.0, watchedIntervals=intervals((10, 40)))
    [row] = viewers(session(2), again)
    assert (row["watchTime"], row["uniqueSeconds"], row["sessions"]) == (50, 40, 2)


def test_a_session_that_runs_past_midnight_has_a_viewer_on_both_days_and_counts_once() -> None:
    rows = viewers(session(2), session(3, isContinuation=True))
    assert [(row["date"], row["sessions"]) for row in rows] == [(day(2), 1), (day(3), 0)]


def test_plays_are_unknown_where_sessions_did_not_count_them_yet() -> None:
    assert [row["playCount"] for row in viewers(session(2, playCount=None))] == [None]
