"""What must hold for the tables that are made from the daily views."""

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from asset_checks.freshness import overdue_from
from asset_checks.rules import WARN, CheckInput, Finding, FrameRule, MeasuredRule, RowRule, Rule
from video_assets.daily_views.monthly_views import definition_on, spans_change
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
)
from video_assets.unfinished_days import lag_of_views

AS_OF_MOVES = "as_of_date_moves"

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


def _marked_otherwise(given: CheckInput) -> DataFrame:
    """Months whose marks are not those of the settings: they changed since."""
    changes = given.settings.definition_change_days
    month = F.col("month_start")
    spans = F.coalesce(F.col("spansDefinitionChange"), F.lit(False))  # noqa: FBT003 (Spark's signature)
    is_same = F.col("viewDefinitionSince").eqNullSafe(definition_on(F.last_day(month), changes))
    same_span = spans == spans_change(month, changes)
    months = given.rows().where(~(is_same & same_span))
    return months.select(*_MONTH, "viewDefinitionSince", "spansDefinitionChange")


def _not_comparable(given: CheckInput) -> Finding:
    """Months of the run, or the newest, in or since whose month before the definition changed."""
    there = sorted(given.stored.rows_per_day(MONTHLY_VIEWS))
    months = there[-1:] if given.days is None else [m for m in there if m in given.days.days]
    found = [
        (month, change, what)
        for month in months
        for change, what in sorted(given.settings.view_definition_changes.items())
        if (month - timedelta(days=1)).replace(day=1) < change < _month_after(month)
    ]
    concerned = sorted({month for month, _, _ in found})
    shown = [dict(zip(("month", "changed", "what"), row, strict=True)) for row in found]
    return Finding(len(concerned), checked=len(months), sample=shown, days=concerned)


def _standing_still(given: CheckInput) -> Finding:
    """Days that are due, after the newest day of all: none of them is looked for yet."""
    if given.settings.as_of_date:
        return Finding(note=f"AS_OF_DATE is set to {given.settings.as_of_date}")
    due = overdue_from(given, lag_of_views)
    newest = max(given.stored.rows_per_day(DAILY_VIDEO_VIEWS), default=None)
    if newest is None:
        return Finding(note="there are no daily views")
    behind = max((due - newest).days, 0)
    evidence = {"as_of_date": newest, "due_day": due}
    return Finding(
        rows=behind,
        sample=[evidence] if behind else (),
        days=[newest + timedelta(days=n + 1) for n in range(behind)],
    )


def _month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


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
    FrameRule(
        name="definition_changes_are_marked",
        table=MONTHLY_VIEWS,
        description="Each month says what counted as a view, as VIEW_DEFINITION_CHANGES has it.",
        problem="months span a change of what counts as a view, and are not marked so",
        remedy="VIEW_DEFINITION_CHANGES changed: materialize the days and months again that are "
        "named.",
        severity=WARN,
        violations=_marked_otherwise,
        day_column="month_start",
    ),
    MeasuredRule(
        name="comparable_with_the_month_before",
        table=MONTHLY_VIEWS,
        description="Nothing else counts as a view than in the month before.",
        problem="months cannot be compared with the one before: what counts as a view changed",
        remedy="Compare a measure that did not change, such as engagedViews, or say so where the "
        "numbers are shown.",
        severity=WARN,
        measure=_not_comparable,
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
    MeasuredRule(
        name=AS_OF_MOVES,
        table=MISSING_DATES,
        description="The as-of date is the newest day that is due, so that every day is looked "
        "for.",
        problem="days that are due are not looked for: the as-of date stands still",
        remedy="See daily_video_views: why is nothing newer delivered? AS_OF_DATE sets the date.",
        severity=WARN,
        compared_with=(DAILY_VIDEO_VIEWS,),
        measure=_standing_still,
    ),
)
