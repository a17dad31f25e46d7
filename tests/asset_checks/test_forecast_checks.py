"""What the checks say of `completion_forecast`."""

from datetime import date, timedelta
from math import nan

from support.checks import NOON, Checked
from support.tables import Row

from video_assets.analytics.tables import COMPLETION_FORECAST


def forecast(user: str, on: date, probability: float = 0.5) -> Row:
    return {
        "userId": user,
        "videoId": "v1",
        "completionProbability": probability,
        "forecastDate": on,
    }


def test_a_forecast_that_knows_nothing_of_the_last_days_is_reported(checked: Checked) -> None:
    today = NOON.date()
    checked.holds(COMPLETION_FORECAST, [forecast("ann", today - timedelta(days=3))])
    assert checked.results(COMPLETION_FORECAST)["model_is_recent"].passed
    checked.holds(COMPLETION_FORECAST, [forecast("ann", today - timedelta(days=4))])
    assert not checked.results(COMPLETION_FORECAST)["model_is_recent"].passed
    checked.holds(COMPLETION_FORECAST, [])
    assert checked.results(COMPLETION_FORECAST)["model_is_recent"].passed


def test_what_is_no_probability_is_reported(checked: Checked) -> None:
    today = NOON.date()
    checked.holds(COMPLETION_FORECAST, [forecast("a", today, 0.0), forecast("b", today, 1.0)])
    assert checked.results(COMPLETION_FORECAST)["possible_numbers"].passed
    for wrong in (-0.1, 1.1, nan):
        checked.holds(COMPLETION_FORECAST, [forecast("a", today, wrong)])
        assert not checked.results(COMPLETION_FORECAST)["possible_numbers"].passed
