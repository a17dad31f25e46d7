"""`dimension_daily`: what is known of a session, and the rows of a day, run in any way."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.oracle import length, merged
from support.restless import delivered_events, restless_events
from support.world import DAILY, SORTED_OUT, TABLES, Row, World, world

from resources.delta.table import Table
from video_assets.analytics.tables import DIMENSION_DAILY, VIDEO_DAILY
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS

DAYS = tuple(date(2025, 3, day) for day in (1, 2, 3, 4))
FIRST, SECOND, THIRD, FOURTH = DAYS
OF_A_DAY = (*DAILY, ENGAGEMENT, DIMENSION_DAILY)
NAMED = {"events_dimensions": {"device": "context.device", "place": ["geo", "town"]}}
KEPT = 3
ADDITIVE = (
    *("plays", "newViewers", "sessions", "watchSeconds"),
    *("completions", "forwardSkips", "backwardSkips"),
)

Step = tuple[Sequence[Table], Sequence[date]]

PLANS: Mapping[str, Sequence[Step]] = {
    "days in any order": [(OF_A_DAY, [day]) for day in (THIRD, FIRST, FOURTH, SECOND)]
    + [(OF_A_DAY, [day]) for day in (FIRST, FOURTH, SECOND, THIRD)],
    "ranges and days mixed": [
        (SORTED_OUT, [FIRST, FOURTH]),
        ((SESSIONS, ENGAGEMENT, DIMENSION_DAILY), [THIRD, FOURTH]),
        ((SESSIONS, ENGAGEMENT, DIMENSION_DAILY), [SECOND]),
        ((SESSIONS, ENGAGEMENT, DIMENSION_DAILY), [FIRST]),
    ],
}


@pytest.fixture(scope="module")
def events() -> list[Row]:
    """Devices change within sessions, many events know none, and some repeats know another one."""
    chance = random.Random(7)  # noqa: S311 (a test's viewers are no secret)
    rows = restless_events(1, DAYS)
    rows = [r for r in rows if r["userId"] != "ann" or r["timestamp"].date() >= THIRD]
    return [
        {
            **row,
            "context": json.dumps({"device": chance.choice([None, None, "phone", "tv", "it's"])}),
            "geo": chance.choice([None, None, "other", "Bern", " "]),
            "town": chance.choice([None, "Genf", "Chur", "Thun"]),
        }
        for row in rows
    ]


@pytest.fixture(scope="module")
def filled(events: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("daily")
    settings = delivered_events(root, events, FIRST) | NAMED | {"dimension_values": KEPT}
    with world(root / "warehouse", **settings) as filled:
        run = filled.run(FIRST, FOURTH, tables=(*TABLES, VIDEO_DAILY, DIMENSION_DAILY))
        failed = [c for c in run.result.get_asset_check_evaluations() if not c.passed]
        assert {c.check_name for c in failed if c.asset_key.path[-1] == DIMENSION_DAILY.name} == {
            "values_are_named"
        }
        yield filled


def values(row: Row, column: str = "dimensions") -> dict[str, str]:
    return json.loads(row[column] or "{}")


def expected_values(world: World) -> dict[tuple[Any, ...], dict[str, str]]:
    """The dimensions of each session row, looked up event by event."""
    events: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for event in sorted(world.rows(RAW_EVENTS), key=lambda row: row["timestamp"]):
        events[event["userId"], event["videoId"], event["sessionId"]].append(event)
    lookback = timedelta(seconds=world.settings.rules.lookback)
    found = {}
    before: Row = {}
    for row in sorted(world.rows(SESSIONS), key=lambda row: [row[name] for name in SESSIONS.key]):
        ids = (row["userId"], row["videoId"], row["sessionId"])
        since = row["firstEventTime"]
        if row["isContinuation"]:
            midnight = datetime.combine(row["sessionDate"], datetime.min.time(), UTC)
            since = max(before["firstEventTime"], midnight - lookback)
        first: dict[str, str] = {}
        for event in events[ids]:
            if since <= event["timestamp"] <= row["lastEventTime"]:
                first = values(event) | first
        found[tuple(row[name] for name in SESSIONS.key)] = first
        before = row
    return found


def test_a_session_has_of_each_dimension_the_value_of_its_first_event_that_has_one(
    filled: World,
) -> None:
    rows = filled.rows(SESSIONS)
    found = {tuple(row[name] for name in SESSIONS.key): values(row) for row in rows}
    assert found == expected_values(filled)
    assert any(row["isContinuation"] and row["dimensions"] for row in rows)
    assert {value for row in rows for value in values(row).values()} >= {"it's", "other", "Genf"}
    assert {row["dimensions"] for row in rows} > {None}


def named_on(sessions: Sequence[Row], dimension: str, on: date) -> set[str]:
    """The values that stay on a day: those with most sessions, the first in the alphabet of two."""
    counted = Counter(
        value
        for row in sessions
        if row["sessionDate"] == on and (value := values(row).get(dimension)) != "other" and value
    )
    return set(sorted(counted, key=lambda value: (-counted[value], value))[:KEPT])


def expected_rows(world: World) -> list[Row]:
    """The same from the rows of sessions and engagement, by a plain loop."""
    sessions, engagement = world.rows(SESSIONS), world.rows(ENGAGEMENT)
    named = {(d, on): named_on(sessions, d, on) for d in ("device", "place") for on in DAYS}

    def label(dimension: str, known: Mapping[str, str], on: date) -> str:
        value = known.get(dimension, "unknown")
        return value if value in {*named[dimension, on], "unknown"} else "other"

    groups: dict[tuple[str, str, str, date], list[Row]] = defaultdict(list)
    for row in sessions:
        for dimension in ("device", "place"):
            on = row["sessionDate"]
            groups[dimension, label(dimension, values(row), on), row["videoId"], on].append(row)
    new = Counter(
        (dimension, label(dimension, values(row, "firstDimensions"), on), row["videoId"], on)
        for row in engagement
        for on in [row["firstWatchDate"].date()]
        for dimension in ("device", "place")
    )
    firsts = [(r["videoId"], r["firstWatchDate"].date()) for r in engagement]
    return [
        {
            "dimension": dimension,
            "value": value,
            "videoId": video,
            "date": on,
            "plays": sum(row["playCount"] for row in rows),
            "viewers": len({row["userId"] for row in rows}),
            "newViewers": new[dimension, value, video, on],
            "sessions": sum(not row["isContinuation"] for row in rows),
            "watchSeconds": pytest.approx(sum(row["watchTime"] for row in rows), abs=1e-2),
            "uniqueSeconds": pytest.approx(unique_seconds(rows), abs=1e-2),
            "completions": sum(row["endedCount"] for row in rows),
            "forwardSkips": sum(row["forwardSkips"] for row in rows),
            "backwardSkips": sum(row["backwardSkips"] for row in rows),
            "daysSinceFirst": (on - min(d for v, d in firsts if v == video)).days,
            "isUnfinished": False,
        }
        for (dimension, value, video, on), rows in sorted(groups.items())
    ]


def unique_seconds(rows: Sequence[Row]) -> float:
    by_user = defaultdict(list)
    for row in rows:
        by_user[row["userId"]] += [(i["start"], i["end"]) for i in row["watchedIntervals"]]
    return sum(length(merged(intervals)) for intervals in by_user.values())


def by_key(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [row[name] for name in DIMENSION_DAILY.key])


def test_each_day_of_a_value_is_counted_as_a_plain_loop_does(filled: World) -> None:
    rows = by_key(filled.rows(DIMENSION_DAILY))
    assert rows == expected_rows(filled)
    assert {row["value"] for row in rows} > {"unknown", "other"}


def test_the_values_of_a_dimension_add_up_to_the_days_of_the_video(filled: World) -> None:
    whole = {(row["videoId"], row["date"]): row for row in filled.rows(VIDEO_DAILY)}
    for dimension in ("device", "place"):
        sums: dict[tuple[str, date], Counter[str]] = defaultdict(Counter)
        for row in filled.rows(DIMENSION_DAILY):
            if row["dimension"] == dimension:
                sums[row["videoId"], row["date"]].update({name: row[name] for name in ADDITIVE})
        expected = {key: {name: row[name] for name in ADDITIVE} for key, row in whole.items()}
        assert sums.keys() == expected.keys()
        for key, row in expected.items():
            assert {name: sums[key][name] for name in ADDITIVE} == pytest.approx(row), key


@pytest.mark.parametrize("name", PLANS)
def test_any_way_to_run_the_days_gives_the_same_rows(
    name: str, events: list[Row], filled: World, tmp_path: Path
) -> None:
    settings = delivered_events(tmp_path, events[::-1], FIRST) | NAMED | {"dimension_values": KEPT}
    with world(tmp_path / "warehouse", **settings) as found:
        found.compute(tables=(VIDEO_METADATA,))
        for tables, days in PLANS[name]:
            found.compute(*days, tables=tables)
        assert found.rows(DIMENSION_DAILY) == filled.rows(DIMENSION_DAILY)


def test_dimensions_change_no_other_column_of_any_table(
    events: list[Row], filled: World, tmp_path: Path
) -> None:
    with world(tmp_path / "warehouse", **delivered_events(tmp_path, events, FIRST)) as plain:
        plain.compute(FIRST, FOURTH, tables=(*TABLES, DIMENSION_DAILY))
        for table, column in (
            (RAW_EVENTS, "dimensions"),
            (SESSIONS, "dimensions"),
            (ENGAGEMENT, "firstDimensions"),
        ):
            out = (column, "processedAt")
            assert plain.rows(table, out) == filled.rows(table, out)
            assert {row[column] for row in plain.rows(table)} == {None}
        assert plain.rows(DIMENSION_DAILY) == []
