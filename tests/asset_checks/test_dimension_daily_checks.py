from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from support.checks import (
    NOON,
    Checked,
    Row,
    day_of_video,
    days,
    engaged,
    sample_of,
    session,
    value,
)
from support.tables import day

from video_assets.analytics.tables import DIMENSION_DAILY


def counted(number: int, label: str, **changed: Any) -> Row:
    """What `session` gives of a value, video and day."""
    return {"dimension": "device", "value": label, **day_of_video(number, **changed)}


@pytest.fixture
def good(spark: SparkSession, tmp_path: Path) -> Checked:
    named = {"events_dimensions": {"device": "d"}, "dimension_values": 2}
    checked = Checked(spark, tmp_path / "warehouse", **named)
    checked.now = NOON.replace(day=3)
    checked.sessions(session(2), session(2, sessionId="s2"), session(3))
    checked.engagement(engaged(firstWatchDate=NOON.replace(day=2)))
    checked.holds(
        DIMENSION_DAILY,
        [counted(2, "tv", newViewers=1), counted(2, "unknown"), counted(3, "tv")],
    )
    return checked


def test_values_that_add_up_to_the_sessions_pass(good: Checked) -> None:
    assert good.failing(DIMENSION_DAILY) == []
    assert good.failing(DIMENSION_DAILY, days(2, 3)) == []


def test_without_a_dimension_nothing_is_asked(checked: Checked) -> None:
    assert checked.results(DIMENSION_DAILY, days(2)) == {}


def test_a_value_whose_numbers_contradict_each_other_is_reported(good: Checked) -> None:
    good.holds(DIMENSION_DAILY, [counted(3, "tv", newViewers=2)])
    assert good.fails("possible_numbers", DIMENSION_DAILY, days(3))


@pytest.mark.parametrize("changed", [{"sessions": 2}, {"watchSeconds": 20.001}, {"videoId": "v9"}])
def test_values_that_add_up_to_something_else_are_reported(
    good: Checked, changed: dict[str, Any]
) -> None:
    good.holds(DIMENSION_DAILY, [counted(3, "tv", **changed)])
    for run in (days(3), None):
        said = good.results(DIMENSION_DAILY, run)["sums_match_sessions"]
        assert (said.passed, value(said, "days")) == (False, "2025-01-03")


def test_a_dimension_that_a_day_lacks_is_reported_by_the_days_run(good: Checked) -> None:
    good.holds(DIMENSION_DAILY, [], also=[day(3)])
    assert good.fails("sums_match_sessions", DIMENSION_DAILY, days(3))
    assert good.failing(DIMENSION_DAILY) == []


def test_who_is_new_under_two_values_is_reported(good: Checked) -> None:
    both = [counted(2, label, newViewers=1) for label in ("tv", "unknown")]
    good.holds(DIMENSION_DAILY, both)
    assert good.failing(DIMENSION_DAILY) == ["viewers_are_new_once"]


def test_days_with_values_beyond_those_that_are_named_are_told_with_the_dimension(
    good: Checked,
) -> None:
    labels = ("tv", "phone", "other")
    good.sessions(*(session(3, sessionId=label) for label in labels))
    good.holds(DIMENSION_DAILY, [counted(3, label) for label in labels])
    said = good.results(DIMENSION_DAILY, days(3))["values_are_named"]
    assert (said.passed, sample_of(said)) == (
        False,
        [{"dimension": "device", "date": "2025-01-03", "valuesNamed": 2, "sessionsOfOthers": 1}],
    )


def test_a_value_that_is_called_other_is_no_rest_of_few_values(good: Checked) -> None:
    good.holds(DIMENSION_DAILY, [counted(3, "other")])
    assert good.failing(DIMENSION_DAILY, days(3)) == []
