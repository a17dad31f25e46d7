"""The forecast of completion: known at the time, tried on later days, or not made at all."""

import logging
import random
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import brier_score_loss
from support.checks import Checked, session
from support.tables import Row, day

from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from resources.epoch import day_number
from video_assets.analytics import stage_forecast
from video_assets.analytics.forecast_metadata import forecast_metadata, reliability
from video_assets.analytics.forecast_model import brier_score
from video_assets.analytics.forecast_states import SESSIONS_TAKEN, states_of_users
from video_assets.analytics.stage_forecast import Forecast, stage_completion_forecast
from video_assets.analytics.tables import COMPLETION_FORECAST
from video_assets.engagement.tables import VIDEO_METADATA

LOG = logging.getLogger(__name__)
DAYS = 28
VIDEOS = 12
LENGTH = 600.0


def states(rows: Sequence[Row], *days: date) -> list[Row]:
    taken = pa.Table.from_pylist(
        [{**row, "duration": LENGTH} for row in rows], schema=SESSIONS_TAKEN
    )
    found = states_of_users(taken, [day_number(one) for one in days]).to_pylist()
    return sorted(found, key=lambda row: (row["userId"], row["videoId"], row["day"]))


def test_what_comes_after_a_day_changes_nothing_but_the_answer() -> None:
    before = [session(3, maxPosition=300.0, watchTime=120.0), session(5, userId="ann")]
    after = [session(9, maxPosition=600.0, endedCount=1), session(10, userId="ann", videoId="v2")]
    known, told = states(before, day(8)), states([*before, *after], day(8))
    answers = {row["userId"]: row.pop("isCompletedAfter") for row in told}
    assert answers == {"peter": True, "ann": False}
    assert [{**row, "isCompletedAfter": False} for row in told] == known


def test_a_viewer_stands_with_a_video_as_the_sessions_up_to_the_day_tell() -> None:
    rows = [
        session(1, maxPosition=150.0, watchTime=120.0, forwardSkips=2),
        session(3, maxPosition=300.0, watchTime=60.0, backwardSkips=1),
        session(4, videoId="v2", endedCount=1),
    ]
    [state] = [row for row in states(rows, day(6)) if row["videoId"] == "v1"]
    shares = (state["reached"], state["watched"], state["isLengthKnown"])
    assert shares == (0.5, pytest.approx(0.3), 1.0)
    counts = ("sessions", "skips", "daysSinceFirst", "daysSinceLast", "userDaysSinceLast")
    assert [state[name] for name in counts] == [2, 3, 5, 3, 2]
    assert (state["userVideos"], state["userCompleted"]) == (2, 1)


def test_who_was_open_a_week_before_is_completed_since_or_not() -> None:
    rows = [
        session(1),
        session(5, endedCount=1),
        session(1, videoId="v2"),
        session(7, videoId="v3", endedCount=1),
        session(1, userId="ann", endedCount=1),
    ]
    found = states(rows, day(9))
    assert [
        (row["videoId"], row["isOpen"], row["wasOpen"], row["wasCompleted"]) for row in found
    ] == [
        ("v1", False, 1, 1),
        ("v2", True, 1, 0),
    ]
    assert [(row["userWasOpen"], row["userWasCompleted"]) for row in found] == [(2, 1), (2, 1)]


def test_the_score_is_brier_s_as_scikit_learn_has_it() -> None:
    said, happened = np.array([0.1, 0.9, 0.4]), np.array([False, True, True])
    assert brier_score(said, happened) == pytest.approx(brier_score_loss(happened, said))


def visits(chance: random.Random, *, turning: int) -> Iterator[Row]:
    """Who stopped late in a video finishes it soon; from a day on it is who stopped early."""
    for user in range(900):
        for number in chance.sample(range(VIDEOS), 4):
            begun = chance.randrange(1, DAYS)
            reached = chance.uniform(0.05, 0.95)
            place = {"userId": f"u{user}", "videoId": f"v{number}"}
            watched = {"watchTime": reached * LENGTH, "maxPosition": reached * LENGTH}
            yield session(begun, sessionId="first", **place, **watched)
            again = begun + chance.randrange(1, 7)
            finishes = reached > 0.75 if again < turning else reached < 0.25
            if chance.random() < (0.9 if finishes else 0.02) and again <= DAYS:
                yield session(again, sessionId="again", **place, endedCount=1)


def made(
    spark: SparkSession, root: Path, *, turning: int = DAYS + 1, days: int = DAYS
) -> tuple[Checked, Forecast]:
    chance = random.Random(4)  # noqa: S311 (a test wants the same numbers again)
    world = Checked(spark, root)
    rows = [row for row in visits(chance, turning=turning) if row["sessionDate"] <= day(days)]
    world.sessions(*rows)
    lengths = [{"videoId": f"v{n}", "duration": LENGTH} for n in range(VIDEOS - 1)]
    world.holds(VIDEO_METADATA, lengths)
    return world, stage_completion_forecast(
        SparkEngine.from_settings(world.settings), world.settings, LOG
    )


def test_a_model_that_beats_both_rates_on_later_days_makes_a_forecast(
    spark: SparkSession, tmp_path: Path
) -> None:
    world, forecast = made(spark, tmp_path)
    found = forecast.evaluation
    assert found is not None
    assert found.model < 0.8 * min(found.video, found.viewer)
    assert found.calibration_error < 0.1
    assert sum(rows for _, _, rows in found.bins) == found.cases
    world.compute(tables=(COMPLETION_FORECAST,))
    rows = world.rows(COMPLETION_FORECAST)
    assert {row["forecastDate"] for row in rows} == {day(DAYS)}
    assert "is better" in forecast.finding
    shown = forecast_metadata(forecast)
    assert (shown["knows_sessions_until"], shown["brier_score"]) == (str(day(DAYS)), found.model)
    assert reliability(found).startswith("![Completed within 7 days")
    world.compute(tables=(COMPLETION_FORECAST,))
    assert world.rows(COMPLETION_FORECAST) == rows


def test_a_model_that_knows_no_better_on_later_days_makes_none_and_says_so(
    spark: SparkSession, tmp_path: Path
) -> None:
    world, forecast = made(spark, tmp_path, turning=DAYS - 6)
    found = forecast.evaluation
    assert found is not None
    assert found.model > min(found.video, found.viewer)
    assert "is no better than the rates of videos and viewers" in forecast.finding
    world.compute(tables=(COMPLETION_FORECAST,))
    assert world.rows(COMPLETION_FORECAST) == []
    stored = Warehouse(world.settings.warehouse, lambda: spark).snapshot()
    assert stored.origin(COMPLETION_FORECAST) == {"finding": forecast.finding}


def test_too_few_completions_make_no_forecast(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_forecast, "LEAST_COMPLETIONS", 10_000)
    _, forecast = made(spark, tmp_path)
    assert forecast.evaluation is None
    assert not forecast.staged.files
    assert "too few to learn from" in forecast.finding


def test_of_many_cases_a_share_that_their_ids_decide_is_learned_from(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(spark, tmp_path / "whole")[1].evaluation
    monkeypatch.setattr(stage_forecast, "FORECAST_SAMPLE", 1_500)
    part = made(spark, tmp_path / "part")[1].evaluation
    assert whole is not None
    assert part is not None
    assert 0.4 < part.cases / whole.cases < 0.6


def test_a_short_history_makes_no_forecast_and_says_so(spark: SparkSession, tmp_path: Path) -> None:
    _, forecast = made(spark, tmp_path, days=14)
    assert not forecast.staged.files
    assert forecast.finding == "There are less than 15 days of sessions to learn from."
    assert forecast_metadata(forecast) == {"finding": forecast.finding}
