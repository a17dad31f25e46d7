"""The kernels against the plain oracle, on random event streams that crowd around thresholds."""

import math
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from support import oracle
from support.events import (
    MIDNIGHT,
    START,
    DayRange,
    day_range,
    engagement_of_sessions,
    sessions_table,
    shuffled,
    sorted_rows,
    to_table,
    values,
    visible,
)
from support.oracle import ENDED, HEARTBEAT, PAUSE, PLAY, RESUME, SEEK, Event, Row

from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.engagement.watch_time.sessions import session_rows, watched_segments
from video_assets.rules import WatchTimeRules

fast = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], database=None)

STEP = 0.125  # seconds; sums and differences of its multiples are exact in a double
VIDEOS = ("v1", "v2")

Draw = Callable[..., Any]

rule_sets = st.builds(
    WatchTimeRules,
    session_timeout=st.sampled_from([10, 1800, 3600]),
    max_segment=st.sampled_from([60, 300, 14400]),
    max_playback_rate=st.sampled_from([1, 1.25, 2, 16]),
    position_tolerance=st.sampled_from([0, 0.5, 5]),
    forward_skip=st.sampled_from([0, 5, 30]),
    backward_skip=st.sampled_from([0, 2, 10]),
    unterminated_credit=st.sampled_from([0, 7.5, 1000]),
    score_weight_watch_minutes=st.sampled_from([0, 1, 12.34]),
    score_weight_skips=st.sampled_from([-2, 3]),
    score_weight_unique_percentage=st.sampled_from([0, 0.3]),
    tier_low=st.sampled_from([-5, 10]),
    tier_high=st.sampled_from([60, 75]),
    duration_tolerance=st.sampled_from([1, 1.1, 1.5]),
    reached_end=st.sampled_from([0.5, 0.95, 1]),
    sufficient_watch_percentage=st.sampled_from([0, 75, 120]),
    very_short_watch=st.sampled_from([0, 10, 100]),
)
durations_known = st.dictionaries(
    st.sampled_from(VIDEOS),
    st.sampled_from([None, math.nan, math.inf, -300.0, 0.0, 0.125, 60.0, 300.0, 7200.0]),
)


def just_around(*thresholds: float) -> list[float]:
    return [value + nudge for value in thresholds for nudge in (-STEP, 0, STEP)]


def clock_steps(rules: WatchTimeRules) -> st.SearchStrategy[float]:
    """Seconds between events, crowded where sessions break and playback is too fast."""
    crowded = just_around(rules.session_timeout, rules.max_segment, rules.lookback)
    usual = [0, 0, STEP, 1, 20, 60, 300]
    return st.sampled_from([abs(seconds) for seconds in usual * 3 + crowded])


def moves(rules: WatchTimeRules, dt: float) -> st.SearchStrategy[float]:
    """Changes of position after `dt` seconds, crowded at every threshold."""
    reachable = dt * rules.max_playback_rate + rules.position_tolerance
    explaining_all_but_the_timeout = dt - rules.session_timeout
    crowded = just_around(
        0,
        reachable,
        rules.max_segment,
        rules.forward_skip,
        -rules.backward_skip,
        explaining_all_but_the_timeout,
    )
    return st.sampled_from([0, dt, dt, dt, dt / 2, -30, *crowded])


def first_times(rules: WatchTimeRules) -> st.SearchStrategy[float]:
    """Seconds after START of a session's first event, crowded before midnight."""
    before = (7200, 1800, 60, STEP, 0, *just_around(rules.lookback, 2 * rules.lookback))
    return st.sampled_from([0, *(MIDNIGHT - seconds for seconds in before)])


def targets(position: float) -> st.SearchStrategy[float]:
    """Where a seek goes: anywhere, and close to where it left."""
    near = [abs(position + move) for move in (-30, -1, -STEP, 0, STEP, 1, 6, 60)]
    return st.sampled_from([0.0, 100.0, *near])


@st.composite
def walks(draw: Draw, rules: WatchTimeRules) -> list[Event]:
    """The events of one user, video and session, as a player may report them."""
    user, video, session = (draw(st.sampled_from([x + "1", x + "2"])) for x in "uvs")
    at = draw(first_times(rules))
    position = draw(st.sampled_from([0.0, 50.0, 290.0]))
    # Odd fractions make sums inexact, so that the order of adding shows in the last bit.
    fraction = draw(st.sampled_from([0.0, 0.0, 0.1, 1 / 3]))
    names = st.sampled_from([PLAY, RESUME, PAUSE, ENDED, SEEK, HEARTBEAT, PLAY])
    events = []
    for _ in range(draw(st.integers(1, 14))):
        time, name = START + timedelta(seconds=at), draw(names)
        target = draw(targets(position)) if name == SEEK else None
        events.append(Event(time, user, session, video, name, position + fraction, target))
        dt = draw(clock_steps(rules))
        if target is not None and draw(st.booleans()):
            # Else the next event reports the old position.
            position = target
        position = max(0.0, position + draw(moves(rules, dt)))
        at += dt
    return events


@st.composite
def crowds(draw: Draw, rules: WatchTimeRules) -> list[Event]:
    """Events of one session at few instants, so that rule 2 has much to put in order."""
    instants = draw(st.lists(first_times(rules) | clock_steps(rules), min_size=1, max_size=4))
    names = st.sampled_from([PLAY, RESUME, PAUSE, ENDED, SEEK, HEARTBEAT])
    positions = st.sampled_from([0.0, 1.0, 2.0, 50.0, 100.0])
    events = []
    for _ in range(draw(st.integers(2, 14))):
        time, name = START + timedelta(seconds=draw(st.sampled_from(instants))), draw(names)
        target = draw(positions) if name == SEEK else None
        events.append(Event(time, "u1", "s1", "v1", name, draw(positions), target))
    return events


@st.composite
def streams(draw: Draw, rules: WatchTimeRules) -> list[Event]:
    """Events of several walks with some delivered twice, in any order."""
    found = draw(st.lists(walks(rules) | crowds(rules), min_size=1, max_size=4))
    events: list[Event] = [one for walk in found for one in walk]
    again = draw(st.lists(st.sampled_from(events), max_size=3))
    return shuffled(events + again, seed=draw(st.integers(0, 1000)))


@st.composite
def rules_and_streams(draw: Draw) -> tuple[WatchTimeRules, list[Event]]:
    rules = draw(rule_sets)
    return rules, draw(streams(rules))


@st.composite
def ways_to_run(draw: Draw, days: DayRange) -> list[DayRange]:
    """The days in any mix of ranges, in any order."""
    first, end = days
    inner = [first + timedelta(days=n) for n in range(1, (end - first).days)]
    cuts = [day for day in inner if draw(st.booleans())]
    runs: list[DayRange] = draw(st.permutations(list(pairwise([first, *cuts, end]))))
    return runs


def assert_same(actual: list[Row], expected: list[Row]) -> None:
    """Equal rows; floats to a millionth, everything else exactly."""
    assert len(actual) == len(expected)
    for row, like in zip(actual, expected, strict=True):
        compared = {name: _comparable(row[name]) for name in like}
        assert compared == {name: _comparable_to(value) for name, value in like.items()}


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return [bound for interval in value for bound in (interval["start"], interval["end"])]
    return value


def _comparable_to(value: Any) -> Any:
    if isinstance(value, float | list):
        return pytest.approx(_comparable(value), abs=1e-6, rel=1e-9)
    return value


def in_order(sessions: pa.Table) -> pa.Table:
    return sessions.sort_by([(name, "ascending") for name in SESSIONS.key]).combine_chunks()


@fast
@given(rules_and_streams())
def test_session_rows_agree_with_the_oracle(case: tuple[WatchTimeRules, list[Event]]) -> None:
    rules, events = case

    actual = sorted_rows(sessions_table(events, rules))

    expected = oracle.session_rows(events, rules)
    event(f"watched: {any(row['watchTime'] for row in expected)}")
    event(f"continued: {any(row['isContinuation'] for row in expected)}")
    event(f"split: {any(row['sessionNumber'] > 1 for row in expected)}")
    event(f"ended: {any(row['endedCount'] for row in expected)}")
    event(f"cut: {any(row['tooLongSegments'] + row['tooFastSegments'] for row in expected)}")
    assert_same(actual, expected)


@fast
@given(rules_and_streams())
def test_watched_segments_agree_with_the_oracle(case: tuple[WatchTimeRules, list[Event]]) -> None:
    rules, events = case

    actual = watched_segments(to_table(events), rules, *day_range(events)).to_pylist()

    def in_any_order(rows: list[Row]) -> list[Row]:
        return sorted(rows, key=lambda row: list(row.values()))

    assert in_any_order(actual) == in_any_order(oracle.watched_segments(events, rules))


@fast
@given(rules_and_streams(), durations_known)
def test_engagement_measures_agree_with_the_oracle(
    case: tuple[WatchTimeRules, list[Event]], durations: dict[str, float | None]
) -> None:
    rules, events = case
    titles = {"v1": "How to brew tea"}

    actual = engagement_of_sessions(sessions_table(events, rules), durations, titles, rules)

    rows = oracle.session_rows(events, rules)
    expected = oracle.engagement_measures(rows, durations, titles, rules)
    event(f"credited: {any(row['creditedWatchTime'] for row in expected)}")
    assert_same(actual, expected)


@fast
@given(rules_and_streams(), durations_known)
def test_derived_columns_can_be_recomputed_from_the_row(
    case: tuple[WatchTimeRules, list[Event]], durations: dict[str, float | None]
) -> None:
    rules, events = case

    for row in engagement_of_sessions(sessions_table(events, rules), durations, {}, rules):
        for name, unrounded in oracle.percentages(row).items():
            assert is_rounded(row[name], unrounded)
        assert is_rounded(row["engagementScore"], oracle.score(row, rules))
        assert row["engagementTier"] == oracle.tier(row, rules)
        assert row["dataQualityFlag"] == oracle.quality_flag(row, rules)
        assert set(row) == set(ENGAGEMENT.column_names)


def is_rounded(value: float, unrounded: float) -> bool:
    """Two decimals, and none nearer; ties and the last bit may fall either way."""
    return round(value, 2) == value and abs(value - unrounded) <= 0.005 + 1e-9 * abs(unrounded)


@fast
@given(st.data(), rules_and_streams())
def test_days_give_the_same_rows_in_any_split_and_order(
    data: st.DataObject, case: tuple[WatchTimeRules, list[Event]]
) -> None:
    rules, events = case
    days = day_range(events)
    assume((days[1] - days[0]).days > 1)
    whole = in_order(sessions_table(events, rules))

    for runs in (every_day(days), data.draw(ways_to_run(days))):
        split = in_order(sessions_table(events, rules, runs))

        assert split.equals(whole)


def every_day(days: DayRange) -> list[DayRange]:
    first, end = days
    return list(pairwise(first + timedelta(days=n) for n in range((end - first).days + 1)))


@fast
@given(rules_and_streams())
def test_events_outside_the_days_and_their_lookback_change_nothing(
    case: tuple[WatchTimeRules, list[Event]],
) -> None:
    rules, events = case

    for days in every_day(day_range(events)):
        own = session_rows(to_table(visible(events, days, rules)), rules, *days)

        assert in_order(session_rows(to_table(events), rules, *days)).equals(in_order(own))


@fast
@given(rules_and_streams(), durations_known, st.integers(0, 1000))
def test_the_order_of_rows_changes_no_bit(
    case: tuple[WatchTimeRules, list[Event]], durations: dict[str, float | None], seed: int
) -> None:
    rules, events = case
    sessions = sessions_table(events, rules)
    reordered = sessions.take(shuffled(range(sessions.num_rows), seed))

    assert in_order(sessions_table(shuffled(events, seed), rules)).equals(in_order(sessions))
    assert engagement_of_sessions(reordered, durations, {}, rules) == engagement_of_sessions(
        sessions, durations, {}, rules
    )


@fast
@given(rules_and_streams())
def test_watched_intervals_are_sorted_disjoint_and_no_longer_than_the_watch_time(
    case: tuple[WatchTimeRules, list[Event]],
) -> None:
    rules, events = case

    for row in sessions_table(events, rules).to_pylist():
        bounds = _comparable(row["watchedIntervals"])
        assert all(before < after for before, after in pairwise(bounds))
        assert 0 <= row["uniqueSecondsWatched"] <= row["watchTime"]


@fast
@given(rules_and_streams())
def test_every_distinct_event_is_in_one_session_row(
    case: tuple[WatchTimeRules, list[Event]],
) -> None:
    rules, events = case

    assert sum(values(sessions_table(events, rules), "eventCount")) == len(set(events))


@fast
@given(rules_and_streams(), durations_known)
def test_engagement_adds_up_over_session_rows(
    case: tuple[WatchTimeRules, list[Event]], durations: dict[str, float | None]
) -> None:
    rules, events = case
    sessions = sessions_table(events, rules)

    rows = engagement_of_sessions(sessions, durations, {}, rules)

    from_sessions = sum(row["totalWatchTime"] - row["creditedWatchTime"] for row in rows)
    assert from_sessions == pytest.approx(sum(values(sessions, "watchTime")), abs=1e-6)
    for row in rows:
        assert row["totalUniqueSecondsWatched"] <= row["totalWatchTime"]
        assert 0 <= row["creditedWatchTime"] <= row["totalWatchTime"]
