"""What must hold for `completion_forecast`: probabilities, and of a model that is not old."""

from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from asset_checks.rules import WARN, CheckInput, FrameRule, RowRule, Rule
from video_assets.analytics.tables import COMPLETION_FORECAST

MODEL_IS_RECENT = "model_is_recent"


def _is_no_probability(_: CheckInput) -> Column:
    said = F.col("completionProbability")
    return ~said.between(0.0, 1.0) | F.isnan(said)


def _too_old(given: CheckInput) -> DataFrame:
    oldest = given.now.date() - timedelta(days=int(given.tolerated("max_forecast_age")))
    day = F.col("forecastDate")
    rows = given.rows().where(day < F.lit(oldest))
    return rows.groupBy(day).agg(F.count(F.lit(1)).alias("forecasts"))


RULES: tuple[Rule, ...] = (
    RowRule(
        name="possible_numbers",
        table=COMPLETION_FORECAST,
        description="A probability lies between 0 and 1.",
        problem="forecasts are no probabilities",
        remedy="Materialize the table again; if it fails again, the model has a bug.",
        broken=_is_no_probability,
        shows=("completionProbability",),
    ),
    FrameRule(
        name=MODEL_IS_RECENT,
        table=COMPLETION_FORECAST,
        description="The forecast, and the model that made it, know sessions of the last days.",
        problem="the forecast knows nothing of the last days: its week is over, or nearly",
        remedy="Switch on the schedule daily_at_two, or materialize completion_forecast.",
        severity=WARN,
        thresholds=("max_forecast_age",),
        violations=_too_old,
        day_column="forecastDate",
    ),
)
