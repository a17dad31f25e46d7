"""What ran side by side in the sessions of one user, by their events."""

import random
from collections import defaultdict
from collections.abc import Sequence

from support.events import (
    DEFAULTS,
    MIDNIGHT,
    Row,
    ended,
    heartbeat,
    pause,
    play,
    resume,
    shuffled,
    to_table,
)
from support.oracle import Event

from video_assets.analytics.side_by_side import side_by_side_of_users
from video_assets.engagement.session_frames import EVENTS_TAKEN


def of_users(events: Sequence[Event]) -> dict[str, Row]:
    rows = side_by_side_of_users(to_table(events).select(EVENTS_TAKEN.names), DEFAULTS)
    return {row["userId"]: row for row in rows.to_pylist()}


def peter(events: Sequence[Event]) -> tuple[float, int, int]:
    row = of_users(events)["peter"]
    return row["simultaneousSeconds"], row["simultaneousSessions"], row["mostPlacesAtOnce"]


def watch(start: float, end: float, session: str, video: str = "v1") -> list[Event]:
    """All of a stretch of a video at normal speed, at the second of its position."""
    place = {"session": session, "video": video}
    return [play(start, at=start, **place), pause(end, at=end, **place)]


def test_what_two_devices_play_at_the_same_moment_is_simultaneous_once() -> None:
    assert peter([*watch(0, 300, "phone"), *watch(100, 400, "tv")]) == (200, 2, 2)


def test_a_third_device_adds_as_much_again() -> None:
    events = [*watch(0, 300, "phone"), *watch(0, 300, "tv"), *watch(0, 300, "laptop")]
    assert peter(events) == (600, 3, 3)


def test_another_video_of_the_same_session_is_another_place() -> None:
    assert peter([*watch(0, 60, "s1"), *watch(0, 60, "s1", video="v2")]) == (60, 2, 2)


def test_who_goes_from_tab_to_tab_plays_one_at_a_time() -> None:
    events = [
        *(play(0, at=0, session="a"), pause(60, at=60, session="a")),
        *(play(0, at=60, session="b"), pause(60, at=120, session="b")),
        *(resume(60, at=120, session="a"), ended(120, at=180, session="a")),
    ]
    assert peter(events) == (0, 0, 1)


def test_a_stretch_runs_right_before_the_event_that_closes_it() -> None:
    """The player stood still for 100 s, without saying so, and played the last 20."""
    stalled = [play(0, at=0, session="a"), pause(20, at=120, session="a")]
    assert peter([*stalled, *watch(0, 100, "b")]) == (0, 0, 1)
    assert peter([*stalled, *watch(0, 110, "b")]) == (10, 2, 2)


def test_at_double_speed_a_stretch_takes_half_its_length() -> None:
    fast = [play(0, at=0, session="a"), pause(100, at=50, session="a")]
    assert peter([*fast, *watch(0, 300, "b")]) == (50, 2, 2)


def test_what_runs_side_by_side_across_midnight_is_simultaneous() -> None:
    late = MIDNIGHT - 30
    events = [
        event
        for session in ("a", "b")
        for event in (
            play(0, at=late, session=session),
            heartbeat(30, at=late + 30, session=session),
            pause(60, at=late + 60, session=session),
        )
    ]
    assert peter(events) == (60, 2, 2)


def test_other_users_at_the_same_moment_are_no_places() -> None:
    events = [*watch(0, 60, "a"), play(0, at=0, user="ann"), pause(60, at=60, user="ann")]
    assert {user: row["mostPlacesAtOnce"] for user, row in of_users(events).items()} == {
        "peter": 1,
        "ann": 1,
    }


def test_who_watched_nothing_has_no_row() -> None:
    assert of_users([play(0, at=0)]) == {}


def test_it_is_what_a_count_second_by_second_finds_in_any_order_of_events() -> None:
    chance = random.Random(5)  # noqa: S311 (a test wants the same numbers again)
    events: list[Event] = []
    running: dict[str, list[set[str]]] = {user: [set() for _ in range(2_000)] for user in "xyz"}
    seconds: dict[str, int] = defaultdict(int)
    for n in range(120):
        user, session = chance.choice("xyz"), f"s{n}"
        begin = chance.randrange(1_500)
        length = chance.randrange(1, 300)
        events += [
            play(0, at=begin, user=user, session=session),
            pause(length, at=begin + length, user=user, session=session),
        ]
        for second in range(begin, begin + length):
            running[user][second].add(session)
            seconds[user] += 1
    found = of_users(shuffled(events))
    for user, moments in running.items():
        assert found[user] == {
            "userId": user,
            "simultaneousSeconds": seconds[user] - sum(map(bool, moments)),
            "simultaneousSessions": len(set().union(*(m for m in moments if len(m) > 1))),
            "mostPlacesAtOnce": max(map(len, moments)),
        }
