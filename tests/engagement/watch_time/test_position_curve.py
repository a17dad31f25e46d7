"""Who watches, watches again and leaves where, against a count second by second."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support import oracle
from support.events import (
    DAY,
    DEFAULTS,
    START,
    ended,
    pause,
    play,
    resume,
    shuffled,
    to_table,
)
from support.oracle import ENDED, PAUSE, PLAY, RESUME, Event

from video_assets.analytics.position_curve import (
    BUCKET_COUNTS,
    CURVE,
    bucket_counts,
    curve_rows,
)
from video_assets.player_events.tables import RAW_EVENTS

WIDTH = 10
QUARTERS = 4

Row = dict[str, Any]
Curve = dict[tuple[str, float], Row]


def curve(*deliveries: Iterable[Event], width: int = WIDTH) -> Curve:
    """The curve of events that come to one task each, by video and start of the bucket."""
    counts = [bucket_counts(to_table(events), DEFAULTS, width) for events in deliveries]
    rows = curve_rows(pa.concat_tables(counts), width).to_pylist()
    result = {(row["videoId"], row["bucketStart"]): row for row in rows}
    assert len(result) == len(rows)
    return result


def along(name: str, events: Iterable[Event], width: int = WIDTH) -> list[Any]:
    """One measure of the only video, from bucket to bucket."""
    return [row[name] for row in curve(events, width=width).values()]


def watch(start: float, end: float, *, at: float = 0, **viewer: str) -> list[Event]:
    """Play from one position to another at normal speed."""
    return [play(start, at=at, **viewer), pause(end, at=at + end - start, **viewer)]


def test_a_viewer_counts_in_every_bucket_that_was_watched_in_part() -> None:
    assert along("viewers", watch(5, 22)) == [1, 1, 1]


def test_a_segment_that_ends_at_a_border_does_not_reach_into_the_next_bucket() -> None:
    assert along("viewers", watch(0, 20)) == [1, 1]


def test_a_segment_that_starts_at_a_border_is_not_in_the_bucket_before() -> None:
    assert along("viewers", watch(10, 15)) == [0, 1]


def test_a_bucket_tells_where_it_starts_and_ends() -> None:
    rows = curve(watch(0, 15)).values()
    assert [(row["bucketStart"], row["bucketEnd"]) for row in rows] == [(0, 10), (10, 20)]


def test_the_width_of_the_buckets_is_as_told() -> None:
    assert along("views", watch(0, 15), width=3) == [1, 1, 1, 1, 1]


def test_who_watches_a_bucket_on_two_days_is_one_viewer_with_a_rewatch() -> None:
    events = [*watch(0, 10), *watch(0, 10, at=DAY, session="s2")]
    assert (along("viewers", events), along("rewatches", events)) == ([1], [1])


def test_a_jump_back_by_more_than_a_backward_skip_is_a_rewatch() -> None:
    events = [play(0, at=0), pause(9, at=9), resume(6, at=10), pause(9, at=13)]
    assert along("views", events) == [2]


def test_a_pause_within_a_bucket_does_not_make_two_views_of_one() -> None:
    events = [play(0, at=0), pause(4, at=4), resume(4, at=60), pause(10, at=66)]
    assert along("views", events) == [1]


@pytest.mark.parametrize("resumed_at", [2.0, 3.9, 4.2, 9.0])
def test_a_position_that_is_a_little_off_after_a_pause_makes_no_second_view(
    resumed_at: float,
) -> None:
    events = [play(0, at=0), pause(4, at=4), resume(resumed_at, at=60), pause(10, at=70)]
    assert along("views", events) == [1]


def test_what_carries_on_a_bucket_further_back_is_a_view_of_that_bucket() -> None:
    events = [play(10, at=0), pause(11, at=1), resume(9, at=60), pause(13, at=64)]
    assert along("views", events) == [1, 1]


def test_repeated_plays_make_no_further_views() -> None:
    events = [*(play(n, at=n) for n in range(0, 12, 3)), ended(15, at=15)]
    assert along("views", events) == [1, 1]


def test_who_returns_later_to_where_they_stopped_does_not_watch_again() -> None:
    events = [*watch(0, 14), *watch(14, 20, at=DAY, session="s2")]
    assert along("views", events) == [1, 1]


def test_an_impossible_jump_is_not_watched() -> None:
    events = [play(0, at=0), pause(999, at=5), resume(0, at=6), pause(8, at=14)]
    assert along("views", events) == [1]


def test_retention_is_of_all_users_with_any_event_of_the_video() -> None:
    events = [*watch(0, 20), *watch(0, 5, user="ann"), play(0, at=0, user="lone")]
    assert along("audienceRetention", events) == [66.67, 33.33]


def test_a_video_that_nobody_watched_has_one_empty_bucket() -> None:
    [row] = curve([play(70, at=0)]).values()
    assert (row["bucketStart"], row["viewers"], row["audienceRetention"]) == (0, 0, 0)


def test_a_viewer_exits_where_what_they_watched_last_ends() -> None:
    furthest_first = [*watch(40, 50), *watch(0, 15, at=100)]
    assert along("exits", furthest_first) == [0, 1, 0, 0, 0]


def test_of_two_segments_that_end_at_once_the_furthest_is_the_exit() -> None:
    events = [*watch(0, 5, session="s1"), *watch(20, 25, session="s2")]
    assert along("exits", shuffled(events)) == [0, 0, 1]


def test_who_watches_to_the_end_exits_in_the_last_bucket() -> None:
    assert along("exits", [play(0, at=0), ended(30, at=30)]) == [0, 0, 1]


def test_a_view_starts_and_stops_once_however_often_it_pauses() -> None:
    events = [play(0, at=0), pause(14, at=14), resume(14, at=60), pause(28, at=74)]
    events += [resume(2, at=80), pause(6, at=84)]
    assert along("started", events) == [2, 0, 0]
    assert along("stopped", events) == [1, 0, 1]


def test_moments_watched_again_are_ranked_by_how_often() -> None:
    events = watch(0, 80)
    for n in range(60):
        events += watch(40, 50, at=(n + 1) * 5_000, session=f"s{n}")
    for n in range(30):
        events += watch(20, 30, at=(n + 100) * 5_000, session=f"t{n}")
    assert along("hotspotRank", events) == [None, None, 2, None, 1, None, None, None]


def test_every_viewer_who_watched_anything_exits_once() -> None:
    events = [
        *watch(0, 20),
        *watch(0, 20, at=DAY, session="s2"),
        *watch(0, 5, user="ann"),
        play(0, at=0, user="lone"),
    ]
    assert sum(along("exits", events)) == 2


def test_buckets_that_nobody_watched_are_there_with_zeros() -> None:
    assert along("views", [*watch(10, 15), *watch(42, 44, user="ann")]) == [0, 1, 0, 0, 1]


def test_a_gap_of_more_than_a_day_of_video_is_left_open() -> None:
    rows = curve([*watch(0, 5), *watch(90_000, 90_015, user="ann")]).values()
    assert [row["bucketStart"] for row in rows] == [0, 90_000, 90_010]


def test_positions_that_no_video_has_are_left_out() -> None:
    beyond = 2.0**31 * WIDTH
    events = [*watch(0, 5), *watch(beyond, beyond + 5, user="ann")]
    assert along("audienceRetention", events) == [50]
    assert along("exits", watch(beyond - 5, beyond)) == [0, 1]


def test_videos_share_nothing() -> None:
    rows = curve([*watch(0, 5), *watch(10, 15, video="v2", user="ann")])
    assert {key: row["viewers"] for key, row in rows.items()} == {
        ("v1", 0): 1,
        ("v2", 0): 0,
        ("v2", 10): 1,
    }


@pytest.mark.parametrize("text", [pa.large_string(), pa.string_view()], ids=str)
def test_the_tables_have_the_declared_types_whatever_the_texts_are(text: pa.DataType) -> None:
    events = to_table(watch(0, 15))
    types = [text if pa.types.is_string(f.type) else f.type for f in events.schema]
    other = pa.table(
        [column.cast(type_) for column, type_ in zip(events.columns, types, strict=True)],
        names=events.column_names,
    )
    counts = bucket_counts(other, DEFAULTS, WIDTH)
    assert counts.schema.equals(BUCKET_COUNTS.arrow_schema)
    assert curve_rows(counts, WIDTH).schema.equals(CURVE.arrow_schema)


def test_no_events_give_no_rows() -> None:
    nothing = bucket_counts(RAW_EVENTS.arrow_schema.empty_table(), DEFAULTS, WIDTH)
    assert nothing.num_rows == 0
    assert curve_rows(nothing, WIDTH).schema.equals(CURVE.arrow_schema)


Step = tuple[str, float, float]


def quarters(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda n: n / QUARTERS)


@st.composite
def timelines(draw: st.DrawFn) -> list[Event]:
    """Sessions of a few users, positions and times in quarters of a second."""
    names = st.sampled_from([PLAY, PLAY, PAUSE, RESUME, ENDED])
    moves = quarters(0, 120) | quarters(-40, 40) | quarters(-120, 400)
    step = st.tuples(names, quarters(0, 160), moves)
    session = st.tuples(
        st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from("st"), quarters(0, 2000)
    )
    drawn = draw(st.lists(st.tuples(session, st.lists(step, max_size=8)), max_size=5))
    return [event for session, steps in drawn for event in _played(*session, steps)]


def _played(user: str, video: str, session: str, at: float, steps: list[Step]) -> list[Event]:
    events, position = [], 0.0
    for name, dt, dp in steps:
        at += dt
        position = max(position + dp, 0.0)
        time = START + timedelta(seconds=at)
        events.append(Event(time, user, session, video, name, position))
    return events


def counted_by_seconds(
    events: Sequence[Event], width: int
) -> dict[tuple[str, float], Counter[str]]:
    """The measures of each bucket that anyone watched, told by every quarter of a second."""
    segments = oracle.watched_segments(events, DEFAULTS)
    by_viewer = defaultdict(list)
    for row in sorted(segments, key=lambda s: (s["endTime"], s["end"], s["start"])):
        by_viewer[row["userId"], row["videoId"]].append(row)
    found: dict[tuple[str, float], Counter[str]] = defaultdict(Counter)
    for (_, video), watched in by_viewer.items():
        seen: set[int] = set()
        before: set[int] = set()
        stopped_at = None
        for segment in watched:
            cells = range(round(segment["start"] * QUARTERS), round(segment["end"] * QUARTERS))
            buckets = {cell // (width * QUARTERS) for cell in cells}
            carries_on = stopped_at is not None and -2 <= segment["start"] - stopped_at <= 5
            if not carries_on:
                found[video, min(buckets) * width]["started"] += 1
                if before:
                    found[video, max(before) * width]["stopped"] += 1
            for bucket in buckets - (before if carries_on else set()):
                found[video, bucket * width]["views"] += 1
            seen, before, stopped_at = seen | buckets, buckets, segment["end"]
        for bucket in seen:
            found[video, bucket * width]["viewers"] += 1
        found[video, max(before) * width]["exits"] += 1
        found[video, max(before) * width]["stopped"] += 1
    return found


@settings(deadline=None, max_examples=250)
@given(timelines(), st.integers(1, 30), st.randoms(use_true_random=False))
def test_every_bucket_agrees_with_a_count_second_by_second(
    events: list[Event], width: int, random: Any
) -> None:
    expected = counted_by_seconds(events, width)
    event(f"watched: {bool(expected)}")
    event(f"rewatched: {any(c['views'] > c['viewers'] for c in expected.values())}")
    random.shuffle(events)
    rows = curve(events, width=width)
    started = {video: {e.userId for e in events if e.videoId == video} for video in "xy"}
    assert expected.keys() <= rows.keys()
    for (video, start), row in rows.items():
        wanted = expected.get((video, start), Counter())
        counted = ("viewers", "views", "exits", "started", "stopped")
        assert {name: row[name] for name in counted} == {name: wanted[name] for name in counted}
        assert row["rewatches"] == wanted["views"] - wanted["viewers"]
        share = 100 * wanted["viewers"] / len(started[video])
        assert row["audienceRetention"] == pytest.approx(share, abs=0.005)


@settings(deadline=None, max_examples=60)
@given(timelines())
def test_counts_of_tasks_with_other_viewers_add_up(events: list[Event]) -> None:
    of_viewer = defaultdict(list)
    for one in events:
        of_viewer[one.userId, one.videoId].append(one)
    assert curve(*of_viewer.values(), []) == curve(events)
