"""What must hold for the tables that are made from the daily views."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from asset_checks.freshness import yesterday_is_there
from asset_checks.rules import CheckInput, FrameRule, RowRule, Rule
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
)

_MONTH = ("channel_id", "video_id", "month_start")
_GAP = ("video_id", "missing_date")


def _differs_from_its_days(given: CheckInput) -> DataFrame:
    """Months whose sum is not that of their days, or that are not there once."""
    months = given.rows()
    days = given.rows(DAILY_VIDEO_VIEWS).withColumn("month_start", F.trunc("date", "month"))
    if given.days is None:
        # Of the whole table, months that were never computed are no mistake.
        computed = months.select("month_start").distinct()
        days = days.join(computed, "month_start", "left_semi")
    sums = (
        _month_rows(months)
        .unionByName(_day_rows(days))
        .groupBy(*_MONTH)
        .agg(
            F.sum("monthRows").alias("monthRows"),
            F.sum("aggViewCount").alias("aggViewCount"),
            F.sum("sumOfDays").alias("sumOfDays"),
        )
    )
    same = F.col("aggViewCount").eqNullSafe(F.col("sumOfDays"))
    return sums.where(~same | (F.col("monthRows") != 1))


def _month_rows(months: DataFrame) -> DataFrame:
    return months.select(
        *_MONTH,
        F.lit(1).alias("monthRows"),
        F.col("aggViewCount"),
        F.lit(None).cast("bigint").alias("sumOfDays"),
    )


def _day_rows(days: DataFrame) -> DataFrame:
    return days.select(
        *_MONTH,
        F.lit(0).alias("monthRows"),
        F.lit(None).cast("bigint").alias("aggViewCount"),
        F.col("viewCount").alias("sumOfDays"),
    )


def _misses_nothing(_: CheckInput) -> Column:
    return F.size(F.col("missing_dates")) == 0


def _differs_between_the_forms(given: CheckInput) -> DataFrame:
    """Missing days that stand in one of the two tables only, or more than once."""
    gaps = given.rows().select("video_id", F.explode("missing_dates").alias("missing_date"))
    in_array = gaps.groupBy(*_GAP).agg(F.count(F.lit(1)).alias("inArray"))
    in_rows = given.rows(MISSING_DATE).groupBy(*_GAP).agg(F.count(F.lit(1)).alias("inRows"))
    both = in_array.join(in_rows, list(_GAP), "full")
    once = F.col("inArray").eqNullSafe(F.lit(1)) & F.col("inRows").eqNullSafe(F.lit(1))
    return both.where(~once)


DAILY_RULES: tuple[Rule, ...] = (yesterday_is_there(DAILY_VIDEO_VIEWS),)

MONTHLY_RULES: tuple[Rule, ...] = (
    FrameRule(
        name="equals_sum_of_days",
        table=MONTHLY_VIEWS,
        description="The views of a channel, video and month are the sum of its days.",
        problem="months differ from the sum of their days",
        remedy="Days changed after the months were computed: materialize monthly_views of these "
        "months again.",
        compared_with=(DAILY_VIDEO_VIEWS,),
        violations=_differs_from_its_days,
        day_column="month_start",
    ),
)

MISSING_RULES: tuple[Rule, ...] = (
    RowRule(
        name="only_videos_with_a_gap",
        table=MISSING_DATES,
        description="Every video that is listed misses at least one day.",
        problem="videos are listed that miss no day",
        remedy="Materialize missing_dates again; if it fails again, its computation has a bug.",
        broken=_misses_nothing,
        shows=("missing_dates",),
    ),
    FrameRule(
        name="array_and_rows_agree",
        table=MISSING_DATES,
        description="missing_dates and missing_date list the same days of the same videos, once.",
        problem="missing days are not in both missing_dates and missing_date once",
        remedy="Materialize missing_dates again; if it fails again, somebody else writes to one of "
        "the tables.",
        compared_with=(MISSING_DATE,),
        violations=_differs_between_the_forms,
        day_column="missing_date",
    ),
)
