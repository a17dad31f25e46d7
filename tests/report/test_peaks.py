"""Which parts of a video stand out as watched again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.report_facts import curve, video

from video_assets.analytics.peaks import peaks


def test_a_stretch_that_many_watch_again_is_a_peak() -> None:
    [peak] = curve(video(1), hot_spot=30).rewatch_peaks
    assert (peak.start, peak.end) == (150.0, 155.0)


def test_peaks_come_with_the_highest_first() -> None:
    counts = [10, 10, 90, 10, 10, 190, 10, 10, 50, 10]
    assert peaks(counts) == [2, 5, 8]


def test_a_beginning_that_people_start_over_is_no_peak() -> None:
    assert peaks([1260, 1207, 1140, 1083, 900, 700, 500]) == []


def test_what_chance_explains_is_no_peak() -> None:
    chance = np.random.default_rng(1).poisson(100, 20)
    assert peaks([int(count) for count in chance]) == []


def test_the_end_can_be_a_peak() -> None:
    assert peaks([50, 40, 40, 200]) == [3]


def test_a_plateau_is_one_peak() -> None:
    assert peaks([10, 10, 200, 200, 200, 10]) == [2]


def test_a_shoulder_of_a_peak_is_none() -> None:
    assert peaks([10, 100, 100, 300, 290, 10]) == [3]


@pytest.mark.parametrize("counts", [[], [7], [0, 0, 0], [5, 5]])
def test_nothing_stands_out_of_a_flat_curve(counts: list[int]) -> None:
    assert peaks(counts) == []


@given(st.lists(st.integers(0, 500), max_size=40))
def test_a_peak_is_higher_than_what_is_before_it_and_not_lower_than_what_follows(
    counts: list[int],
) -> None:
    for top in peaks(counts):
        assert counts[top] > counts[top - 1]
        assert counts[top] >= max(counts[top : top + 2])


def test_a_coarser_curve_keeps_all_exits_and_the_largest_counts() -> None:
    fine = curve(video(1))
    coarse = fine.coarser(20)
    assert len(coarse) == 20
    assert sum(s.exits for s in coarse) == sum(s.exits for s in fine.stretches)
    assert max(s.rewatches for s in coarse) == max(s.rewatches for s in fine.stretches)
    assert (coarse[0].start, coarse[-1].end) == (0.0, 300.0)
    assert [a.end for a in coarse[:-1]] == [b.start for b in coarse[1:]]
