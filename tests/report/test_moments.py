"""The moments of a video that stand out, by hand and against a count of viewers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.report_facts import buckets

from video_assets.report.facts import Moment
from video_assets.report.moments import left, skipped_over, watched_again


def test_what_is_watched_again_comes_by_its_rank() -> None:
    curve = buckets([9, 9, 9, 9], hotspot=np.array([0, 2, 0, 1]), rewatches=np.array([1, 5, 0, 7]))
    assert watched_again(curve) == [Moment(15.0, 20.0, 7), Moment(5.0, 10.0, 5)]


def test_where_most_leave_comes_first_and_the_last_part_is_no_such_place() -> None:
    curve = buckets([9, 9, 9, 9, 9, 9], exits=np.array([1, 3, 0, 3, 2, 50]))
    assert left(curve) == [Moment(5.0, 10.0, 3), Moment(15.0, 20.0, 3), Moment(20.0, 25.0, 2)]


def test_what_fewer_watch_than_a_later_part_was_skipped_over() -> None:
    curve = buckets([9, 5, 4, 7, 6, 6, 3, 5])
    assert skipped_over(curve) == [Moment(5.0, 15.0, 3), Moment(30.0, 35.0, 2)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_nobody_is_said_to_skip_a_moment_who_did_not(stretches: list[tuple[int, int]]) -> None:
    """Each viewer watches one or two stretches of ten parts; all of them are known here."""
    seen = [
        {part for first, last in pair for part in range(min(first, last), max(first, last) + 1)}
        for pair in zip(stretches, reversed(stretches), strict=True)
    ]
    curve = buckets([sum(part in own for own in seen) for part in range(10)])
    for moment in skipped_over(curve):
        parts = range(int(moment.start // 5), int(moment.end // 5))
        passed = (sum(part not in own and max(own) > part for own in seen) for part in parts)
        assert moment.number <= max(passed)


def test_without_buckets_no_moment_stands_out() -> None:
    nothing = buckets([])
    assert (watched_again(nothing), left(nothing), skipped_over(nothing)) == ([], [], [])
