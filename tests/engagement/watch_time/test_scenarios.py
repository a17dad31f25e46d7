"""The contract's scenarios, thresholds and flags, each as a few events and what must come out."""

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from support.events import (
    DAY,
    DEFAULTS,
    MIDNIGHT,
    PROCESSED_AT,
    START,
    DayRange,
    Row,
    day_range,
    ended,
    engagement_of,
    engagement_of_sessions,
    heartbeat,
    pause,
    play,
    resume,
    seek,
    sessions_of,
    sessions_table,
    shuffled,
    to_table,
)
from support.oracle import Event, quality_flag, rejection_reason

from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.engagement.watch_time.engagement import engagement_rows
from video_assets.engagement.watch_time.sessions import session_rows, watched_segments
from video_assets.rules import WatchTimeRules

FIVE_MINUTES = {"v1": 300.0, "v2": 300.0}

WORKED_EXAMPLE = [
    play(0, at=0),
    pause(30, at=30),
    resume(30, at=35),
    pause(120, at=125),
    resume(110, at=130),
    pause(120, at=140),
]
STRAIGHT_THROUGH = [play(0, at=0), ended(300, at=300)]
FIVE_HOURS_IDLE = [play(0, at=0), pause(30, at=30), resume(30, at=18030), ended(90, at=18090)]
ACROSS_MIDNIGHT = [play(0, at=MIDNIGHT - 120), ended(240, at=MIDNIGHT + 120)]
LONE_PLAY = [play(0, at=0)]


def only(rows: list[Row]) -> Row:
    assert len(rows) == 1
    return rows[0]


def engagement(
    events: list[Event], rules: WatchTimeRules = DEFAULTS, duration: float | None = 300.0
) -> Row:
    """The one engagement row of these events."""
    return only(engagement_of(events, durations={"v1": duration, "v2": duration}, rules=rules))


def session(events: list[Event], rules: WatchTimeRules = DEFAULTS) -> Row:
    """The one session row of these events."""
    return only(sessions_of(events, rules))


def columns(row: Row, like: Row) -> Row:
    return {name: row[name] for name in like}


def about(expected: Row) -> Row:
    """The same values, numbers to a millionth."""
    return {
        name: pytest.approx(value, abs=1e-6) if isinstance(value, int | float) else value
        for name, value in expected.items()
    }


SCENARIOS = [
    pytest.param(
        STRAIGHT_THROUGH,
        300,
        {
            "totalWatchTime": 300,
            "completionCount": 1,
            "isCompletedAtLeastOnce": True,
            "engagementScore": 90,
            "engagementTier": "High",
            "dataQualityFlag": "ok",
        },
        id="a video watched straight through is completed with full marks",
    ),
    pytest.param(
        [play(0, at=0), pause(60, at=60), resume(60, at=360), ended(300, at=600)],
        300,
        {"totalWatchTime": 300, "avgSessionDuration": 600, "sessionCount": 1},
        id="a pause adds to the elapsed time and not to the watch time",
    ),
    pytest.param(
        [play(0, at=0), pause(45, at=45), resume(45, at=50)],
        300,
        {"totalWatchTime": 45, "isCompletedAtLeastOnce": False, "creditedWatchTime": 0},
        id="a closed browser keeps what was watched before",
    ),
    pytest.param(
        [play(0, at=0), pause(30, at=30), resume(300, at=32), ended(360, at=92)],
        600,
        {
            "totalWatchTime": 90,
            "totalForwardSkips": 1,
            "totalBackwardSkips": 0,
            "completionPercentage": 60,
        },
        id="a skip forward is counted and not watched",
    ),
    pytest.param(
        [
            play(0, at=0),
            pause(60, at=60),
            play(0, at=DAY, session="s2"),
            ended(180, at=DAY + 180, session="s2"),
        ],
        180,
        {
            "totalWatchTime": 240,
            "totalUniqueSecondsWatched": 180,
            "sessionCount": 2,
            "isReplay": True,
            "dataQualityFlag": "ok",
        },
        id="two sessions share their unique seconds and are a replay",
    ),
    pytest.param(
        [play(0, at=0), pause(8, at=8)],
        300,
        {
            "totalWatchTime": 8,
            "engagementTier": "Minimal",
            "dataQualityFlag": "very_short_watch",
        },
        id="a viewer who left early is minimal and flagged",
    ),
    pytest.param(
        [play(0, at=0), pause(5, at=5), resume(295, at=6), ended(300, at=11)],
        300,
        {"totalWatchTime": 10, "dataQualityFlag": "completed_without_sufficient_watch"},
        id="a jump to the end completes without sufficient watch time",
    ),
    pytest.param(
        [play(0, at=0), pause(60, at=60), pause(60, at=60), resume(60, at=70), ended(300, at=310)],
        300,
        {"totalWatchTime": 300, "avgPausesPerSession": 1},
        id="a pause delivered twice is counted once",
    ),
    pytest.param(
        [play(0, at=0), pause(9999, at=5)],
        300,
        {"totalWatchTime": 0, "dataQualityFlag": "position_exceeds_duration"},
        id="an impossible jump is not watched",
    ),
    pytest.param(
        [play(0, at=0), pause(0.1, at=0.1), resume(0.1, at=0.2), pause(0.2, at=0.3)],
        300,
        {"totalWatchTime": 0.2, "avgPausesPerSession": 2},
        id="fractions of a second are watched too",
    ),
    pytest.param(
        FIVE_HOURS_IDLE,
        300,
        {"totalWatchTime": 90, "sessionCount": 2},
        id="five hours idle start a second session",
    ),
    pytest.param(
        ACROSS_MIDNIGHT,
        300,
        {
            "totalWatchTime": 240,
            "sessionCount": 1,
            "avgSessionDuration": 240,
            "firstWatchDate": datetime(2025, 3, 10, 23, 58, tzinfo=UTC),
            "lastWatchDate": datetime(2025, 3, 11, 0, 2, tzinfo=UTC),
        },
        id="a session across midnight is one session",
    ),
    pytest.param(
        [play(0, at=0), pause(350, at=60)],
        300,
        {"totalWatchTime": 0, "dataQualityFlag": "position_exceeds_duration"},
        id="a position past the end is flagged",
    ),
    pytest.param(
        [play(50, at=0), pause(50, at=5)],
        300,
        {"totalWatchTime": 0, "avgPausesPerSession": 1, "dataQualityFlag": "no_valid_segments"},
        id="without movement nothing is watched",
    ),
    pytest.param(
        [resume(50, at=0), pause(110, at=60)],
        300,
        {"totalWatchTime": 60},
        id="a resume without a play starts watching",
    ),
    pytest.param(
        [pause(30, at=0), resume(30, at=5), ended(90, at=65)],
        300,
        {"totalWatchTime": 60},
        id="a pause without a play watches nothing by itself",
    ),
    pytest.param(
        LONE_PLAY,
        300,
        {"totalWatchTime": 0, "sessionCount": 1, "dataQualityFlag": "no_valid_segments"},
        id="a lone play has a row without watch time",
    ),
    pytest.param(
        [play(0, at=0), play(5, at=5), play(10, at=10), ended(60, at=60)],
        300,
        {"totalWatchTime": 60, "totalForwardSkips": 0},
        id="repeated plays go on watching",
    ),
    pytest.param(
        [play(0, at=0), pause(120, at=60)],
        300,
        {"totalWatchTime": 120, "totalForwardSkips": 0},
        id="double speed is watched in full",
    ),
    pytest.param(
        [play(0, at=0), pause(100, at=100), play(500, at=100), pause(560, at=160)],
        600,
        {"totalWatchTime": 160, "totalForwardSkips": 1},
        id="a pause and a play in one instant are a skip while playing",
    ),
    pytest.param(
        [play(0, at=0), seek(40, at=40, to=200), pause(230, at=70)],
        300,
        {"totalWatchTime": 70, "totalForwardSkips": 1, "avgPausesPerSession": 1},
        id="a seek while playing is watched up to where it left and on from where it went",
    ),
    pytest.param(
        [play(0, at=0), seek(100, at=100, to=10), play(100, at=100.2), pause(40, at=130.2)],
        300,
        {
            "totalWatchTime": 130,
            "totalUniqueSecondsWatched": 100,
            "totalForwardSkips": 0,
            "totalBackwardSkips": 1,
        },
        id="a play that reports the position before a seek stands where it went",
    ),
    pytest.param(
        [
            play(0, at=0),
            pause(30, at=30),
            seek(30, at=40, to=100),
            play(100, at=60),
            ended(300, at=260),
        ],
        300,
        {"totalWatchTime": 230, "totalForwardSkips": 1},
        id="a seek while paused starts nothing",
    ),
    pytest.param(
        [play(0, at=0), heartbeat(10, at=10), heartbeat(20, at=20), heartbeat(30, at=30)],
        300,
        {"totalWatchTime": 30},
        id="a closed browser has watched what its heartbeats tell",
    ),
    pytest.param(
        [play(0, at=0), pause(20, at=20), heartbeat(20, at=30), heartbeat(20, at=40)],
        300,
        {"totalWatchTime": 20, "avgPausesPerSession": 1},
        id="heartbeats of a paused player watch nothing",
    ),
    pytest.param(
        [play(0, at=0), ended(300, at=300), ended(300, at=300.4)],
        300,
        {"totalWatchTime": 300, "completionCount": 1},
        id="an end that is told twice is one completion",
    ),
    pytest.param(
        [play(0, at=0), ended(9000, at=9000)],
        9000,
        {"totalWatchTime": 9000, "sessionCount": 1, "completionCount": 1},
        id="a film without a pause is watched in full",
    ),
]


@pytest.mark.parametrize(("events", "duration", "expected"), SCENARIOS)
def test_scenario(events: list[Event], duration: float, expected: Row) -> None:
    row = engagement(events, duration=duration)

    assert columns(row, like=expected) == about(expected)


@pytest.mark.parametrize(("events", "duration", "_expected"), SCENARIOS)
def test_the_order_of_delivery_changes_nothing(
    events: list[Event],
    duration: float,
    _expected: Row,
) -> None:
    assert engagement(shuffled(events), duration=duration) == engagement(events, duration=duration)


def test_two_videos_in_one_session_share_nothing() -> None:
    first = [play(0, at=0, video="v1"), ended(300, at=300, video="v1")]
    second = [play(0, at=310, video="v2"), ended(300, at=610, video="v2")]

    together = engagement_of(first + second, FIVE_MINUTES)

    assert together == engagement_of(first, FIVE_MINUTES) + engagement_of(second, FIVE_MINUTES)
    assert [row["totalWatchTime"] for row in together] == [300, 300]


def test_one_client_that_counts_in_milliseconds_spoils_no_percentage() -> None:
    viewers = [f"user {n}" for n in range(9)]
    events = [
        one for user in viewers for one in (play(0, at=0, user=user), pause(290, at=290, user=user))
    ]
    odd = [play(0, at=0, user="odd"), pause(290_000, at=290, user="odd")]

    rows = {row["userId"]: row for row in engagement_of(events + odd)}

    assert {row["videoDuration"] for row in rows.values()} == {290}
    assert {rows[user]["watchPercentage"] for user in viewers} == {100}
    assert rows["odd"]["dataQualityFlag"] == "position_exceeds_duration"


def test_a_switch_to_another_video_leaves_the_first_play_unterminated() -> None:
    rules = WatchTimeRules(unterminated_credit=20)
    events = [play(0, at=0, video="v1"), play(0, at=50, video="v2"), ended(300, at=350, video="v2")]

    first, second = engagement_of(events, FIVE_MINUTES, rules=rules)

    assert (first["totalWatchTime"], first["creditedWatchTime"]) == (20, 20)
    assert (second["totalWatchTime"], second["creditedWatchTime"]) == (300, 0)


def test_the_worked_example_agrees_in_every_figure() -> None:
    row = engagement(WORKED_EXAMPLE)

    expected = {
        "userId": "peter",
        "videoId": "v1",
        "videoDuration": 300.0,
        "isDurationEstimated": False,
        "totalWatchTime": 130.0,
        "totalUniqueSecondsWatched": 120.0,
        "maxPositionReached": 120.0,
        "watchPercentage": 43.33,
        "completionPercentage": 40.0,
        "uniqueWatchPercentage": 40.0,
        "sessionCount": 1,
        "completionCount": 0,
        "isCompletedAtLeastOnce": False,
        "totalForwardSkips": 0,
        "totalBackwardSkips": 1,
        "engagementScore": 17.17,
        "engagementTier": "Low",
        "dataQualityFlag": "ok",
        "isReplay": False,
        "avgWatchTimePerSession": 130.0,
        "avgSessionDuration": 140.0,
        "avgPausesPerSession": 3.0,
        "firstWatchDate": START,
        "lastWatchDate": START + timedelta(seconds=140),
        "processedAt": PROCESSED_AT,
        "creditedWatchTime": 0.0,
    }
    assert columns(row, like=expected) == expected


# Every threshold is a setting.


def segment_reaching(position: float, *, seconds: float) -> list[Event]:
    return [play(0, at=0), pause(position, at=seconds)]


def jump_after_a_pause(distance: float) -> list[Event]:
    return [pause(100, at=0), resume(100 + distance, at=1)]


@pytest.mark.parametrize(
    ("events", "column", "by_default", "setting", "when_set"),
    [
        pytest.param(
            [pause(0, at=0), resume(0, at=601)],
            "sessionCount",
            1,
            {"session_timeout": 600},
            2,
            id="a shorter session timeout splits sessions earlier",
        ),
        pytest.param(
            FIVE_HOURS_IDLE,
            "sessionCount",
            2,
            {"session_timeout": 18000},
            1,
            id="a longer session timeout keeps a session together",
        ),
        pytest.param(
            segment_reaching(60, seconds=60),
            "totalWatchTime",
            60,
            {"max_segment": 60},
            0,
            id="a segment as long as the longest segment is not watched",
        ),
        pytest.param(
            [play(0, at=0), pause(3000, at=3000)],
            "sessionCount",
            1,
            {"max_segment": 1000},
            2,
            id="playing explains no more of a gap than the longest segment",
        ),
        pytest.param(
            segment_reaching(200, seconds=60),
            "totalWatchTime",
            0,
            {"max_playback_rate": 4},
            200,
            id="a higher playback rate is watched when it is allowed",
        ),
        pytest.param(
            segment_reaching(130, seconds=60),
            "totalWatchTime",
            0,
            {"position_tolerance": 10},
            130,
            id="a larger tolerance lets positions run further ahead",
        ),
        pytest.param(
            jump_after_a_pause(8),
            "totalForwardSkips",
            1,
            {"forward_skip": 10},
            0,
            id="a larger forward skip threshold ignores short jumps ahead",
        ),
        pytest.param(
            jump_after_a_pause(-3),
            "totalBackwardSkips",
            1,
            {"backward_skip": 5},
            0,
            id="a larger backward skip threshold ignores short jumps back",
        ),
        pytest.param(
            LONE_PLAY,
            "totalWatchTime",
            0,
            {"unterminated_credit": 30},
            30,
            id="an unterminated play earns the credit that is set",
        ),
        pytest.param(
            STRAIGHT_THROUGH,
            "engagementTier",
            "High",
            {"tier_high": 90.01},
            "Medium",
            id="a higher High tier is missed",
        ),
        pytest.param(
            STRAIGHT_THROUGH,
            "engagementTier",
            "High",
            {"tier_high": 99, "tier_medium": 95},
            "Low",
            id="a higher Medium tier is missed",
        ),
        pytest.param(
            WORKED_EXAMPLE,
            "engagementTier",
            "Low",
            {"tier_low": 17.18},
            "Minimal",
            id="a higher Low tier is missed",
        ),
        pytest.param(
            segment_reaching(360, seconds=360),
            "dataQualityFlag",
            "position_exceeds_duration",
            {"duration_tolerance": 1.5},
            "ok",
            id="a larger duration tolerance forgives positions past the end",
        ),
        pytest.param(
            [play(0, at=0), pause(180, at=180), resume(290, at=181), ended(300, at=191)],
            "dataQualityFlag",
            "completed_without_sufficient_watch",
            {"sufficient_watch_percentage": 60},
            "ok",
            id="a lower sufficient percentage accepts completions",
        ),
        pytest.param(
            segment_reaching(8, seconds=8),
            "dataQualityFlag",
            "very_short_watch",
            {"very_short_watch": 8},
            "ok",
            id="a lower very short watch accepts short watches",
        ),
    ],
)
def test_a_threshold_is_a_setting(
    events: list[Event], column: str, by_default: Any, setting: dict[str, float], when_set: Any
) -> None:
    rules = WatchTimeRules.model_validate(setting)

    assert engagement(events)[column] == by_default
    assert engagement(events, rules=rules)[column] == when_set


@pytest.mark.parametrize(
    ("events", "column", "expected"),
    [
        pytest.param(
            [pause(0, at=0), resume(0, at=1800)],
            "sessionCount",
            1,
            id="idle for exactly the timeout is one session",
        ),
        pytest.param(
            [pause(0, at=0), resume(0, at=1800.000001)],
            "sessionCount",
            2,
            id="a microsecond above the timeout makes two sessions",
        ),
        pytest.param(
            [pause(100, at=0), resume(0, at=1800.000001)],
            "sessionCount",
            2,
            id="going back does not explain idle time",
        ),
        pytest.param(
            [play(0, at=0), pause(5400, at=7200)],
            "sessionCount",
            1,
            id="playing explains the time it takes",
        ),
        pytest.param(
            segment_reaching(14_399.5, seconds=14_400),
            "totalWatchTime",
            14_399.5,
            id="a segment just below the longest is watched",
        ),
        pytest.param(
            segment_reaching(14_400, seconds=14_400),
            "totalWatchTime",
            0,
            id="a segment of the longest length is not watched",
        ),
        pytest.param(
            segment_reaching(125, seconds=60),
            "totalWatchTime",
            125,
            id="the fastest playback and the tolerance together are watched",
        ),
        pytest.param(
            segment_reaching(125.5, seconds=60),
            "totalWatchTime",
            0,
            id="faster than the fastest playback is not watched",
        ),
        pytest.param(
            segment_reaching(5, seconds=0),
            "totalWatchTime",
            5,
            id="the tolerance alone is watched in no time",
        ),
        pytest.param(
            jump_after_a_pause(5), "totalForwardSkips", 0, id="five seconds ahead are no skip"
        ),
        pytest.param(
            jump_after_a_pause(5.5), "totalForwardSkips", 1, id="more than five seconds are a skip"
        ),
        pytest.param(
            jump_after_a_pause(-2), "totalBackwardSkips", 0, id="two seconds back are no skip"
        ),
        pytest.param(
            jump_after_a_pause(-2.5), "totalBackwardSkips", 1, id="more than two back are a skip"
        ),
        pytest.param(
            segment_reaching(126, seconds=60),
            "totalForwardSkips",
            1,
            id="what is too fast to be watched is a forward skip",
        ),
        pytest.param(
            [play(100, at=0), pause(10, at=5)],
            "totalBackwardSkips",
            1,
            id="a jump back while playing is a backward skip",
        ),
        pytest.param(
            [ended(300, at=0), play(0, at=5)],
            "totalBackwardSkips",
            0,
            id="starting again after the end is no backward skip",
        ),
        pytest.param(
            [ended(100, at=0), play(200, at=5)],
            "totalForwardSkips",
            0,
            id="going on after the end is no forward skip",
        ),
        pytest.param(
            [pause(0, at=0), resume(200, at=DAY // 4)],
            "totalForwardSkips",
            0,
            id="nothing is skipped across a session break",
        ),
        pytest.param(
            [play(0, at=0), pause(200, at=DAY // 4)],
            "totalWatchTime",
            0,
            id="nothing is watched across a session break",
        ),
        pytest.param(
            [pause(0, at=0), pause(60, at=60)],
            "totalWatchTime",
            0,
            id="nothing is watched after a pause",
        ),
        pytest.param(
            [ended(0, at=0), pause(60, at=60)],
            "totalWatchTime",
            0,
            id="nothing is watched after an end",
        ),
    ],
)
def test_a_threshold_is_exact(events: list[Event], column: str, expected: Any) -> None:
    assert engagement(events)[column] == expected


@pytest.mark.parametrize(
    ("before", "at_one_time", "watched"),
    [
        ([play(0, at=0)], [play(60, at=60), pause(60, at=60)], 100),
        ([pause(0, at=0)], [resume(60, at=60), pause(60, at=60)], 0),
        ([pause(0, at=0)], [play(60, at=60), seek(0, at=60, to=60)], 40),
        ([play(0, at=0)], [ended(60, at=60), heartbeat(60, at=60)], 60),
    ],
    ids=[
        "who played stopped and went on",
        "who paused went on and stopped",
        "a seek before a play",
        "a heartbeat before an end",
    ],
)
def test_events_of_one_time_are_ordered_as_a_player_makes_them(
    before: list[Event], at_one_time: list[Event], watched: float
) -> None:
    what_comes_last_decides = [*before, *at_one_time, pause(100, at=100)]

    assert session(what_comes_last_decides)["watchTime"] == watched


def test_events_of_one_time_and_name_are_ordered_by_position() -> None:
    events = [play(4, at=0), play(0, at=0), pause(64, at=60)]

    assert session(events)["watchedIntervals"] == [{"start": 0, "end": 64}]


# Rules 3, 5 and 6: seeks and heartbeats.


@pytest.mark.parametrize(
    ("events", "column", "expected"),
    [
        pytest.param(
            [play(0, at=0), seek(10, at=10, to=100), play(11, at=11), pause(110, at=21)],
            "totalWatchTime",
            20,
            id="a play a second away from where a seek left is stale",
        ),
        pytest.param(
            [play(0, at=0), seek(10, at=10, to=100), play(11.5, at=11), pause(110, at=21)],
            "totalWatchTime",
            10,
            id="a play further away from where a seek left is not stale",
        ),
        pytest.param(
            [seek(10, at=0, to=100), play(10, at=1801), pause(20, at=1811)],
            "totalWatchTime",
            10,
            id="a play of another session than the seek is not stale",
        ),
        pytest.param(
            [seek(10, at=0, to=100), pause(100, at=1), play(10, at=2), pause(20, at=12)],
            "totalWatchTime",
            10,
            id="a play that does not directly follow the seek is not stale",
        ),
        pytest.param(
            [play(0, at=0), seek(10, at=10, to=100)],
            "maxPositionReached",
            100,
            id="the target of a seek counts for the furthest position",
        ),
        pytest.param(
            [play(0, at=0), seek(10, at=10, to=100), seek(100, at=11, to=50), pause(60, at=21)],
            "totalForwardSkips",
            1,
            id="each seek is judged by its own move",
        ),
        pytest.param(
            [seek(10, at=0, to=100)], "totalForwardSkips", 1, id="a seek that comes first is a skip"
        ),
        pytest.param(
            [pause(10, at=0), seek(50, at=1, to=52)],
            "totalForwardSkips",
            0,
            id="a gap that ends with a seek is no skip",
        ),
        pytest.param(
            [ended(300, at=0), seek(300, at=5, to=0)],
            "totalBackwardSkips",
            1,
            id="a seek after the end is a skip all the same",
        ),
        pytest.param(
            [play(0, at=0), heartbeat(10, at=10), seek(15, at=15, to=15), pause(20, at=20)],
            "totalWatchTime",
            20,
            id="a heartbeat and a seek keep it playing",
        ),
        pytest.param(
            [pause(0, at=0), seek(0, at=1, to=50), heartbeat(55, at=6)],
            "totalWatchTime",
            0,
            id="a seek keeps it paused",
        ),
        pytest.param(
            [heartbeat(10, at=10), heartbeat(20, at=20)],
            "totalWatchTime",
            10,
            id="heartbeats alone tell that it plays",
        ),
        pytest.param(
            [play(0, at=0), heartbeat(16_200, at=16_200), pause(16_300, at=16_300)],
            "totalWatchTime",
            100,
            id="after the look-back a heartbeat still tells that it plays",
        ),
        pytest.param(
            [ended(300, at=0), heartbeat(300, at=1), ended(300, at=2)],
            "completionCount",
            2,
            id="an end after a heartbeat counts again",
        ),
        pytest.param(
            [ended(300, at=0), pause(300, at=1), ended(300, at=2)],
            "completionCount",
            1,
            id="an end after a pause repeats the one before",
        ),
        pytest.param(
            [ended(300, at=0), ended(300, at=16_200)],
            "completionCount",
            1,
            id="an end within the look-back repeats the one before",
        ),
        pytest.param(
            [ended(300, at=0), ended(300, at=16_200.5)],
            "completionCount",
            2,
            id="an end after the look-back counts again",
        ),
    ],
)
def test_seeks_heartbeats_and_endings(events: list[Event], column: str, expected: Any) -> None:
    assert engagement(events)[column] == expected


@pytest.mark.parametrize(
    ("events", "too_long", "too_fast"),
    [
        pytest.param([play(0, at=0), pause(14_400, at=14_400)], 1, 0, id="too long"),
        pytest.param([play(0, at=0), pause(200, at=60)], 0, 1, id="too fast"),
        pytest.param([play(0, at=0), pause(1_000, at=60)], 0, 0, id="too fast for any setting"),
        pytest.param([pause(0, at=0), pause(200, at=60)], 0, 0, id="not playing"),
        pytest.param([play(0, at=0), pause(28_800, at=9_000)], 0, 0, id="too long and too fast"),
    ],
)
def test_a_stretch_that_one_setting_alone_cuts_is_counted(
    events: list[Event], too_long: int, too_fast: int
) -> None:
    row = session(events)

    assert (row["tooLongSegments"], row["tooFastSegments"]) == (too_long, too_fast)
    assert (row["segmentCount"], row["watchTime"]) == (0, 0)


def test_twice_the_look_back_fits_into_a_day() -> None:
    at_most = WatchTimeRules(session_timeout=1_800, max_segment=41_400)

    assert at_most.reach == DAY
    with pytest.raises(ValueError, match=r"session_timeout \+ max_segment is 43201 s"):
        WatchTimeRules(session_timeout=1_800, max_segment=41_401)


# Rule 7: plays that nothing follows.

CREDIT = WatchTimeRules(unterminated_credit=30)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(LONE_PLAY, 30, id="a lone play is credited"),
        pytest.param([play(290, at=0)], 10, id="the credit ends with the video"),
        pytest.param([play(300, at=0)], 0, id="nothing is left at the end of the video"),
        pytest.param([play(400, at=0)], 0, id="nothing is left past the end of the video"),
        pytest.param([play(0, at=0), pause(0, at=1)], 0, id="a paused play is not credited"),
        pytest.param([play(0, at=0), ended(0, at=1)], 0, id="an ended play is not credited"),
        pytest.param(
            [play(0, at=0), play(5, at=5), play(10, at=10)],
            30,
            id="of repeated plays the last is credited",
        ),
        pytest.param(
            [play(0, at=0), play(0, at=DAY // 4), pause(10, at=DAY // 4 + 10)],
            30,
            id="a play before a session break is credited",
        ),
        pytest.param(
            [play(0, at=0), play(100, at=5, session="s2")],
            60,
            id="each session's play is credited",
        ),
        pytest.param(ACROSS_MIDNIGHT, 0, id="a play that goes on after midnight is not credited"),
        pytest.param(
            [play(0, at=MIDNIGHT - 20)], 30, id="a play before midnight that ends there is credited"
        ),
        pytest.param(
            [play(0, at=MIDNIGHT - 20), play(10, at=MIDNIGHT - 10 + DAY // 4)],
            60,
            id="a play is credited when the next day's session is a new one",
        ),
        pytest.param(
            [play(0, at=MIDNIGHT - 20), pause(20, at=MIDNIGHT, session="s2")],
            30,
            id="another session after midnight does not end a play",
        ),
        pytest.param(
            [pause(45, at=0), resume(45, at=5)], 0, id="only a play is credited, not a resume"
        ),
    ],
)
def test_unterminated_plays_earn_the_credit(events: list[Event], expected: float) -> None:
    row = engagement(events, rules=CREDIT)

    assert row["creditedWatchTime"] == expected


def test_credited_seconds_count_as_watched_but_move_no_position() -> None:
    row = engagement([play(0, at=0), pause(60, at=60), play(50, at=70)], rules=CREDIT)

    expected = {
        "totalWatchTime": 90.0,
        "creditedWatchTime": 30.0,
        "totalUniqueSecondsWatched": 80.0,
        "maxPositionReached": 60.0,
        "watchPercentage": 30.0,
        "avgWatchTimePerSession": 90.0,
    }
    assert columns(row, like=expected) == expected


def test_a_play_is_credited_while_the_day_that_goes_on_with_it_is_missing() -> None:
    events = [
        play(0, at=MIDNIGHT - 60),
        *(pause(0, at=MIDNIGHT + minutes * 60) for minutes in range(0, 25 * 60, 30)),
    ]
    first, second, third, end = (date(2025, 3, day) for day in (10, 11, 12, 13))

    def credited(days: list[DayRange]) -> Any:
        return only(engagement_of(events, FIVE_MINUTES, rules=CREDIT, days=days))[
            "creditedWatchTime"
        ]

    assert credited([(first, second), (third, end)]) == 30
    assert credited([(first, end)]) == 0


def test_without_known_duration_the_credit_ends_at_the_furthest_position_of_anyone() -> None:
    events = [play(0, at=0), pause(70, at=0, user="susan")]

    peter, _ = engagement_of(events, rules=WatchTimeRules(unterminated_credit=100))

    assert peter["creditedWatchTime"] == 70


# Rule 8: unique seconds.


def test_a_rewatched_minute_is_unique_once() -> None:
    events = [play(0, at=0), pause(60, at=60), play(30, at=70), pause(90, at=130)]

    row = session(events)

    assert (row["watchTime"], row["uniqueSecondsWatched"]) == (120, 90)
    assert row["watchedIntervals"] == [{"start": 0, "end": 90}]


def test_touching_intervals_are_one_and_separate_ones_stay_apart() -> None:
    events = [
        play(200, at=0),
        pause(260, at=60),
        play(0, at=70),
        pause(30, at=100),
        play(30, at=110),
        pause(60, at=140),
    ]

    assert session(events)["watchedIntervals"] == [
        {"start": 0, "end": 60},
        {"start": 200, "end": 260},
    ]


def test_unique_seconds_are_shared_by_sessions_and_not_by_users() -> None:
    events = [
        *(play(0, at=0), pause(60, at=60)),
        *(play(30, at=0, session="s2"), pause(90, at=60, session="s2")),
        *(play(0, at=0, user="susan"), pause(60, at=60, user="susan")),
    ]

    rows = engagement_of(events, FIVE_MINUTES)

    assert [row["totalUniqueSecondsWatched"] for row in rows] == [90, 60]


def test_rounding_never_makes_unique_seconds_exceed_the_watch_time() -> None:
    # (0.2 - 0.1) + (0.9 - 0.2) is less than 0.9 - 0.1 in doubles.
    events = [play(0.1, at=0), play(0.2, at=1), pause(0.9, at=2)]

    row, total = session(events), engagement(events)

    assert row["uniqueSecondsWatched"] <= row["watchTime"]
    assert total["totalUniqueSecondsWatched"] <= total["totalWatchTime"]


# Rule 9: session rows.


def test_a_session_row_describes_all_of_the_session() -> None:
    events = [
        play(0, at=0),
        pause(60, at=60),
        resume(200, at=120),
        pause(220, at=140),
        resume(210, at=150),
        ended(300, at=240),
    ]

    assert session(events) == {
        "userId": "peter",
        "videoId": "v1",
        "sessionId": "s1",
        "sessionDate": date(2025, 3, 10),
        "sessionNumber": 1,
        "isContinuation": False,
        "firstEventTime": START,
        "lastEventTime": START + timedelta(seconds=240),
        "elapsedSeconds": 240.0,
        "watchTime": 170.0,
        "uniqueSecondsWatched": 160.0,
        "watchedIntervals": [{"start": 0.0, "end": 60.0}, {"start": 200.0, "end": 300.0}],
        "maxPosition": 300.0,
        "pauseCount": 2,
        "playCount": 1,
        "endedCount": 1,
        "forwardSkips": 1,
        "backwardSkips": 1,
        "eventCount": 6,
        "unterminatedPosition": None,
        "furthestSeen": 300.0,
        "segmentCount": 3,
        "tooLongSegments": 0,
        "tooFastSegments": 0,
        "dimensions": None,
        "playedSeconds": 170.0,
    }


def test_sessions_of_one_day_are_numbered_and_leave_the_idle_time_out() -> None:
    rows = sessions_of(FIVE_HOURS_IDLE)

    assert [row["sessionNumber"] for row in rows] == [1, 2]
    assert [row["elapsedSeconds"] for row in rows] == [30, 60]
    assert [row["isContinuation"] for row in rows] == [False, False]


def test_sessions_are_numbered_anew_for_each_video_and_session() -> None:
    events = [play(0, at=0), play(0, at=1, video="v2"), play(0, at=2, session="s2")]

    assert [row["sessionNumber"] for row in sessions_of(events)] == [1, 1, 1]


def test_a_session_across_midnight_has_a_row_in_each_day() -> None:
    before, after = sessions_of(ACROSS_MIDNIGHT)

    assert (before["sessionDate"], after["sessionDate"]) == (date(2025, 3, 10), date(2025, 3, 11))
    assert (before["isContinuation"], after["isContinuation"]) == (False, True)
    assert (before["sessionNumber"], after["sessionNumber"]) == (1, 1)
    assert (before["firstEventTime"], after["lastEventTime"]) == (
        START + timedelta(seconds=MIDNIGHT - 120),
        START + timedelta(seconds=MIDNIGHT + 120),
    )


def test_a_gap_across_midnight_belongs_to_the_day_of_its_second_event() -> None:
    before, after = sessions_of(ACROSS_MIDNIGHT)

    assert (before["watchTime"], after["watchTime"]) == (0, 240)
    assert (before["elapsedSeconds"], after["elapsedSeconds"]) == (0, 240)
    assert after["watchedIntervals"] == [{"start": 0, "end": 240}]


def test_a_skip_across_midnight_belongs_to_the_day_after() -> None:
    events = [pause(10, at=MIDNIGHT - 5), resume(100, at=MIDNIGHT + 5)]

    assert [row["forwardSkips"] for row in sessions_of(events)] == [0, 1]


def test_an_event_at_midnight_belongs_to_the_new_day() -> None:
    row = session([play(0, at=MIDNIGHT)])

    assert (row["sessionDate"], row["isContinuation"]) == (date(2025, 3, 11), False)


def test_a_session_break_across_midnight_starts_no_continuation() -> None:
    events = [pause(10, at=MIDNIGHT - 1000), resume(10, at=MIDNIGHT + 1000)]

    assert [row["isContinuation"] for row in sessions_of(events)] == [False, False]


def test_a_session_of_three_days_continues_twice_and_is_one_session() -> None:
    halves_of_hours = [
        pause(0, at=MIDNIGHT - 60 + minutes * 60) for minutes in range(0, 30 * 60, 30)
    ]

    rows = sessions_of(halves_of_hours)

    assert [row["isContinuation"] for row in rows] == [False, True, True]
    assert engagement(halves_of_hours)["sessionCount"] == 1


def test_a_day_is_computed_from_its_own_events_and_the_lookback() -> None:
    (_, end_day) = day_range(ACROSS_MIDNIGHT)
    second_day = date(2025, 3, 11)

    alone = session_rows(to_table(ACROSS_MIDNIGHT), DEFAULTS, second_day, end_day).to_pylist()

    assert alone == sessions_of(ACROSS_MIDNIGHT)[1:]


def test_a_lone_continuation_counts_as_one_session() -> None:
    second_day = (date(2025, 3, 11), date(2025, 3, 12))

    row = only(engagement_of(ACROSS_MIDNIGHT, FIVE_MINUTES, days=[second_day]))

    assert row["sessionCount"] == 1


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_session_rows_changes_no_bit_of_their_sums(seed: int) -> None:
    pairs_start_together = [
        one
        for n in range(12)
        for one in (
            play(0, at=n // 2 * 100, session=f"s{n}"),
            pause((n + 1) / 10, at=n // 2 * 100 + (n + 1) / 7, session=f"s{n}"),
        )
    ]
    sessions = sessions_table(pairs_start_together)

    reordered = sessions.take(shuffled(range(sessions.num_rows), seed))

    assert engagement_of_sessions(reordered) == engagement_of_sessions(sessions)


def test_watched_segments_are_those_of_the_days_and_unmerged() -> None:
    events = [*ACROSS_MIDNIGHT, play(0, at=MIDNIGHT + 200), pause(50, at=MIDNIGHT + 250)]
    first, second, end = (date(2025, 3, day) for day in (10, 11, 12))

    assert watched_segments(to_table(events), DEFAULTS, first, second).num_rows == 0
    segments = watched_segments(to_table(events), DEFAULTS, second, end).to_pylist()
    assert sorted((row["sessionDate"], row["start"], row["end"]) for row in segments) == [
        (second, 0, 50),
        (second, 0, 240),
    ]


def test_no_events_give_empty_tables_of_the_declared_columns() -> None:
    sessions = session_rows(to_table([]), DEFAULTS, date(2025, 3, 10), date(2025, 3, 11))

    assert sessions.num_rows == 0
    assert sessions.schema.equals(SESSIONS.arrow_schema)


def test_no_sessions_give_an_empty_engagement_table() -> None:
    sessions = SESSIONS.arrow_schema.empty_table()
    for name in ("duration", "title", "estimatedDuration"):
        of_type = "string" if name == "title" else "float64"
        sessions = sessions.append_column(name, [[]]).set_column(
            sessions.num_columns, name, sessions["maxPosition"].cast(of_type)
        )

    rows = engagement_rows(sessions, DEFAULTS, PROCESSED_AT)

    assert rows.num_rows == 0
    assert rows.schema.equals(ENGAGEMENT.arrow_schema)


# Rule 10: duration.


@pytest.mark.parametrize(
    "duration",
    [None, math.nan, math.inf, -math.inf, 0.0, -300.0],
    ids=["no metadata", "NaN", "infinite", "minus infinite", "zero", "negative"],
)
def test_an_unusable_duration_is_estimated_from_what_anyone_watched(
    duration: float | None,
) -> None:
    events = [
        *(play(0, at=0), pause(50, at=50)),
        *(play(0, at=0, user="susan"), pause(200, at=200, user="susan")),
        seek(0, at=0, to=290, user="tom"),
    ]

    rows = engagement_of(events, durations={"v1": duration})

    assert [(row["videoDuration"], row["isDurationEstimated"]) for row in rows] == [(200, True)] * 3
    assert rows[0]["watchPercentage"] == 25


def test_an_ending_tells_how_long_a_video_is_although_nothing_was_watched() -> None:
    peter, _ = engagement_of([play(0, at=0), ended(80, at=0, user="susan")])

    assert peter["videoDuration"] == 80


def test_without_watching_the_largest_position_stands_in_for_the_duration() -> None:
    assert engagement([pause(70, at=0)], duration=None)["videoDuration"] == 70


def test_a_duration_from_the_metadata_is_not_estimated() -> None:
    row = engagement(STRAIGHT_THROUGH, duration=300.5)

    assert (row["videoDuration"], row["isDurationEstimated"]) == (300.5, False)


def test_percentages_of_a_video_without_any_known_length_are_zero() -> None:
    row = engagement(LONE_PLAY, duration=None)

    expected = {
        "videoDuration": 0.0,
        "watchPercentage": 0.0,
        "completionPercentage": 0.0,
        "uniqueWatchPercentage": 0.0,
        "engagementScore": 5.0,
    }
    assert columns(row, like=expected) == expected


def test_the_title_comes_from_the_metadata_and_may_be_missing() -> None:
    events = [play(0, at=0), play(0, at=0, video="v2")]

    rows = engagement_of(events, titles={"v1": "How to brew tea"})

    assert [row["videoTitle"] for row in rows] == ["How to brew tea", None]


# Rules 11 and 12: score and tier.

NO_WEIGHTS = {
    "score_weight_watch_minutes": 0,
    "score_weight_completions": 0,
    "score_weight_sessions": 0,
    "score_weight_skips": 0,
    "score_weight_unique_percentage": 0,
}


@pytest.mark.parametrize(
    ("weight", "score"),
    [
        ("score_weight_watch_minutes", 25.0),  # 150 s
        ("score_weight_completions", 20.0),
        ("score_weight_sessions", 10.0),
        ("score_weight_skips", 30.0),  # two ahead, one back
        ("score_weight_unique_percentage", 400.0),  # 120 s of 300 s
    ],
)
def test_each_weight_of_the_score_is_a_setting(weight: str, score: float) -> None:
    events = [
        *(play(0, at=0), pause(60, at=60)),
        *(resume(30, at=65), pause(60, at=95)),
        *(resume(100, at=100), pause(160, at=160)),
        *(resume(300, at=165), ended(300, at=170), play(300, at=171), ended(300, at=172)),
    ]
    rules = WatchTimeRules.model_validate(NO_WEIGHTS | {weight: 10})

    assert engagement(events, rules=rules)["engagementScore"] == score


@pytest.mark.parametrize(
    ("score", "tier"),
    [
        (75, "High"),
        (74.996, "High"),
        (74.99, "Medium"),
        (40, "Medium"),
        (39.99, "Low"),
        (10, "Low"),
        (9.99, "Minimal"),
        (0, "Minimal"),
        (-5, "Minimal"),
    ],
)
def test_a_tier_begins_at_its_score_as_shown(score: float, tier: str) -> None:
    rules = WatchTimeRules.model_validate(NO_WEIGHTS | {"score_weight_sessions": score})

    row = engagement(LONE_PLAY, rules=rules)

    assert (row["engagementScore"], row["engagementTier"]) == (round(score, 2), tier)


# Rule 13: quality flags, of a video of 300 s.


@pytest.mark.parametrize(
    ("events", "flag"),
    [
        pytest.param(
            [pause(330, at=0), resume(0, at=5), pause(60, at=65)],
            "ok",
            id="a tenth past the end is tolerated",
        ),
        pytest.param(
            [pause(331, at=0), resume(0, at=5), pause(60, at=65)],
            "position_exceeds_duration",
            id="more than a tenth past the end exceeds the duration",
        ),
        pytest.param(
            [*STRAIGHT_THROUGH, play(0, at=310), pause(30, at=340)],
            "ok",
            id="a tenth more than the video is not excessive",
        ),
        pytest.param(
            [*STRAIGHT_THROUGH, play(0, at=310), pause(31, at=341)],
            "excessive_watch_time",
            id="more than a tenth above the video is excessive",
        ),
        pytest.param(
            [*STRAIGHT_THROUGH, play(0, at=DAY), pause(300, at=DAY + 300)],
            "ok",
            id="each session may watch the whole video",
        ),
        pytest.param(
            [play(0, at=0), pause(225, at=225), resume(300, at=226), ended(300, at=227)],
            "ok",
            id="a completion with three quarters watched is sufficient",
        ),
        pytest.param(
            [play(0, at=0), pause(224, at=224), resume(300, at=226), ended(300, at=227)],
            "completed_without_sufficient_watch",
            id="a completion with less than three quarters watched is not",
        ),
        pytest.param(
            [ended(300, at=0)],
            "completed_without_sufficient_watch",
            id="a completion without any watching is insufficient before it is invalid",
        ),
        pytest.param([pause(100, at=0)], "no_valid_segments", id="nothing watched is no segment"),
        pytest.param(
            [play(0, at=0), pause(9.5, at=10)],
            "very_short_watch",
            id="less than ten seconds are very short",
        ),
        pytest.param([play(0, at=0), pause(10, at=10)], "ok", id="ten seconds are ok"),
        pytest.param(
            [play(0, at=0), pause(400, at=400), play(0, at=410), pause(400, at=810)],
            "position_exceeds_duration",
            id="a position past the end is told before excessive watch time",
        ),
    ],
)
def test_the_first_quality_flag_that_holds_is_told(events: list[Event], flag: str) -> None:
    row = engagement(events)

    assert row["dataQualityFlag"] == flag
    assert row["dataQualityFlag"] == quality_flag(row, DEFAULTS)


@pytest.mark.parametrize(
    ("events", "reached"),
    [
        pytest.param([play(0, at=0), pause(285, at=285)], True, id="watched to 95 percent"),
        pytest.param([play(0, at=0), pause(284, at=284)], False, id="left before 95 percent"),
        pytest.param([seek(0, at=0, to=299)], False, id="jumped there without watching"),
        pytest.param([ended(100, at=0)], True, id="the player says that it ended"),
        pytest.param(
            [play(0, at=0), pause(290, at=290), play(0, at=300), pause(20, at=320)],
            True,
            id="watched to the end and begun again",
        ),
    ],
)
def test_who_watched_close_to_the_end_has_reached_it(events: list[Event], reached: bool) -> None:  # noqa: FBT001 (a case's answer)
    assert engagement(events)["hasReachedEnd"] is reached


def test_how_close_to_the_end_is_a_setting() -> None:
    rules = WatchTimeRules(reached_end=0.9)

    assert engagement([play(0, at=0), pause(270, at=270)], rules=rules)["hasReachedEnd"]


# The oracle of rule 1, which the tests of the sources compare with.

VALID_ROW = {
    "timestamp": "2025-03-10T10:00:00.000001Z",
    "userId": "peter",
    "sessionId": "s1",
    "videoId": "v1",
    "eventName": "video_play",
    "currentTime": 0.0,
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"timestamp": "2025-03-10 10:00:00"}, None),
        ({"currentTime": "12.5"}, None),
        ({"timestamp": None}, "missing_timestamp"),
        ({"timestamp": " ", "userId": None}, "missing_timestamp"),
        ({"timestamp": "yesterday", "userId": None}, "unreadable_timestamp"),
        ({"userId": ""}, "missing_user"),
        ({"sessionId": None, "videoId": None}, "missing_session"),
        ({"videoId": ""}, "missing_video"),
        ({"eventName": "video_stall", "currentTime": -1}, "unknown_event"),
        ({"eventName": "video_heartbeat", "seekTime": -1}, None),
        ({"eventName": "video_seek", "seekTime": 5.0}, None),
        ({"eventName": "video_seek"}, "missing_position"),
        ({"eventName": "video_seek", "seekTime": -1}, "negative_position"),
        ({"currentTime": math.nan}, "missing_position"),
        ({"currentTime": "-inf"}, "unreadable_position"),
        ({"currentTime": -0.5}, "negative_position"),
    ],
)
def test_the_oracle_names_the_first_reason_to_reject_a_row(
    change: dict[str, Any], reason: str | None
) -> None:
    assert rejection_reason(VALID_ROW | change) == reason


def test_the_oracle_knows_an_unparseable_row() -> None:
    assert rejection_reason(None) == "unparseable_row"
