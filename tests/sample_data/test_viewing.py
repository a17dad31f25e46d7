"""How simulated viewers watch: wall clock and position move together."""

import numpy as np
import pytest

from video_assets.sample_data.viewing import (
    MOMENT_SECONDS,
    PLAYBACK_RATES,
    Actions,
    Event,
    drawing_moment,
    putting_off_moment,
    watch,
)

VISITS = 4_000
DURATION = 600.0


@pytest.fixture(scope="module")
def actions() -> Actions:
    rng = np.random.default_rng(1)
    return watch(np.full(VISITS, DURATION), rng.random(VISITS), rng)[0]


@pytest.fixture(scope="module")
def gaps(actions: Actions) -> dict[str, np.ndarray]:
    """Pairs of consecutive actions of a visit."""
    same = actions.visit[1:] == actions.visit[:-1]
    stood = np.where(np.isnan(actions.target), actions.position, actions.target)
    return {
        "before": actions.event[:-1][same],
        "after": actions.event[1:][same],
        "dt": np.diff(actions.seconds)[same],
        "dp": (actions.position[1:] - stood[:-1])[same],
        "is_stale": np.append([False], actions.event[:-1] == Event.SEEK)[:-1][same],
        "target": actions.position[1:][same],
    }


def test_every_visit_starts_with_a_play(actions: Actions) -> None:
    first = np.unique(actions.visit, return_index=True)[1]
    assert len(first) == VISITS
    assert set(actions.event[first]) == {Event.PLAY}


def test_some_visits_resume_in_the_middle_of_the_video(actions: Actions) -> None:
    start = actions.position[np.unique(actions.visit, return_index=True)[1]]
    assert 0.05 < np.mean(start > 0) < 0.3


def test_while_playing_the_position_follows_the_clock_at_a_playback_rate(
    gaps: dict[str, np.ndarray],
) -> None:
    starts = np.isin(gaps["before"], [Event.PLAY, Event.RESUME]) & ~gaps["is_stale"]
    playing = starts | (gaps["before"] == Event.HEARTBEAT)
    rate = gaps["dp"][playing] / gaps["dt"][playing]
    assert rate.min() >= min(PLAYBACK_RATES) - 1e-6
    assert rate.max() <= max(PLAYBACK_RATES) + 1e-6


def test_time_always_passes_between_two_actions(gaps: dict[str, np.ndarray]) -> None:
    assert gaps["dt"].min() > 0


def test_a_pause_is_followed_by_a_resume_or_nothing(gaps: dict[str, np.ndarray]) -> None:
    assert set(gaps["after"][gaps["before"] == Event.PAUSE]) == {Event.RESUME}


def test_positions_stay_inside_the_video(actions: Actions) -> None:
    assert actions.position.min() >= 0
    assert actions.position.max() == DURATION


def test_a_video_ends_at_its_duration(actions: Actions) -> None:
    ended = actions.event == Event.ENDED
    assert ended.any()
    assert set(actions.position[ended]) == {DURATION}


def test_a_few_start_again_from_the_beginning(gaps: dict[str, np.ndarray]) -> None:
    after_end = gaps["before"] == Event.ENDED
    assert after_end.any()
    assert set(gaps["after"][after_end]) == {Event.PLAY}
    assert set(gaps["target"][after_end]) == {0.0}


def test_viewers_seek_in_both_directions(gaps: dict[str, np.ndarray]) -> None:
    seeks = gaps["dp"][gaps["before"] == Event.PAUSE]
    assert (seeks > 5).any()
    assert (seeks < -2).any()


def test_players_that_tell_of_seeks_go_on_where_the_seek_went(actions: Actions) -> None:
    seeks = actions.event == Event.SEEK
    moves = actions.target[seeks] - actions.position[seeks]
    assert (moves > 5).any()
    assert (moves < -2).any()
    assert np.nanmax(actions.target) <= DURATION


def test_some_plays_after_a_seek_report_where_it_left(gaps: dict[str, np.ndarray]) -> None:
    follows = (gaps["before"] == Event.SEEK) & (gaps["after"] == Event.PLAY)
    share = follows.sum() / (gaps["before"] == Event.SEEK).sum()
    assert 0.1 < share < 0.5


def test_some_pauses_last_for_more_than_half_an_hour(gaps: dict[str, np.ndarray]) -> None:
    assert (gaps["dt"][gaps["before"] == Event.PAUSE] > 1800).any()


def test_some_players_repeat_a_play(gaps: dict[str, np.ndarray]) -> None:
    assert ((gaps["before"] == Event.PLAY) & (gaps["after"] == Event.PLAY)).any()


def test_visits_end_with_any_event_also_while_playing(actions: Actions) -> None:
    last = np.append(actions.visit[1:] != actions.visit[:-1], [True])
    assert set(actions.event[last]) == set(Event)


def test_engaged_viewers_stay_longer() -> None:
    def minutes(engagement: float) -> float:
        rng = np.random.default_rng(3)
        return float(watch(np.full(500, DURATION), np.full(500, engagement), rng)[1].mean())

    assert minutes(0.9) > 1.5 * minutes(0.1)


def test_many_watch_a_moment_of_each_video_again_and_many_leave_at_a_later_one() -> None:
    rng = np.random.default_rng(2)
    duration = np.full(VISITS, DURATION)
    actions = watch(duration, rng.random(VISITS), rng)[0]
    last = np.append(actions.visit[1:] != actions.visit[:-1], [True])
    left = actions.position[last & (actions.event == Event.PAUSE)]
    back = actions.position[(actions.event == Event.SEEK) & (actions.target < actions.position)]

    def share_near(positions: np.ndarray, moment: float) -> float:
        return float(np.mean((positions >= moment) & (positions <= moment + MOMENT_SECONDS)))

    uniform = MOMENT_SECONDS / DURATION
    assert share_near(back, drawing_moment(duration)[0]) > 10 * uniform
    assert share_near(left, putting_off_moment(duration)[0]) > 10 * uniform
