from typing import Any

import pytest
from support.checks import (
    NOON,
    Checked,
    day_of_video,
    days,
    engaged,
    sample_of,
    session,
    value,
)
from support.tables import day

from video_assets.analytics.tables import VIDEO_DAILY


@pytest.fixture
def good(checked: Checked) -> Checked:
    checked.now = NOON.replace(day=3)
    checked.sessions(session(2), session(3), session(3, isContinuation=True, sessionId="s2"))
    checked.engagement(engaged(firstWatchDate=NOON.replace(day=2)))
    checked.holds(VIDEO_DAILY, [day_of_video(2, newViewers=1), day_of_video(3, watchSeconds=40.0)])
    return checked


def test_days_that_agree_with_sessions_and_engagement_pass(good: Checked) -> None:
    assert good.failing(VIDEO_DAILY) == []
    assert good.failing(VIDEO_DAILY, days(2, 3)) == []


@pytest.mark.parametrize(
    "changed", [{"viewers": 0}, {"newViewers": 2}, {"daysSinceFirst": -1}, {"uniqueSeconds": 20.1}]
)
def test_numbers_that_contradict_each_other_are_reported(
    good: Checked, changed: dict[str, Any]
) -> None:
    good.holds(VIDEO_DAILY, [day_of_video(2, **{"newViewers": 1, **changed})])
    assert good.fails("possible_numbers", VIDEO_DAILY, days(2))
    assert good.failing(VIDEO_DAILY, days(3)) == []


@pytest.mark.parametrize(
    "changed", [{"sessions": 2}, {"completions": 1}, {"watchSeconds": 20.001}, {"videoId": "v9"}]
)
def test_sums_that_are_not_those_of_the_sessions_are_reported(
    good: Checked, changed: dict[str, Any]
) -> None:
    good.holds(VIDEO_DAILY, [day_of_video(2, **{"newViewers": 1, **changed})])
    for run in (days(2), None):
        said = good.results(VIDEO_DAILY, run)["sums_match_sessions"]
        assert not said.passed
        assert value(said, "days") == "2025-01-02"


def test_a_day_that_lacks_a_video_of_its_sessions_is_reported(good: Checked) -> None:
    good.holds(VIDEO_DAILY, [], also=[day(2)])
    assert good.fails("sums_match_sessions", VIDEO_DAILY, days(2))


def test_who_is_new_on_a_day_on_which_engagement_knows_better_is_reported(good: Checked) -> None:
    good.engagement(engaged(firstWatchDate=NOON.replace(day=1)))
    said = good.results(VIDEO_DAILY)["viewers_are_new_once"]
    assert [(row["date"], row["newViewers"]) for row in sample_of(said)] == [("2025-01-02", 1)]
