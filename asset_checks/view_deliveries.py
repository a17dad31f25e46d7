"""What must hold for a delivery of daily views: few refusals, no surprises, and in time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from statistics import median

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from asset_checks.evaluate import rows_by_day, sample
from asset_checks.freshness import delivered_in_time, yesterday_is_there
from asset_checks.rules import (
    WARN,
    CheckInput,
    Finding,
    FrameRule,
    MeasuredRule,
    Rule,
    of_days,
    share_of,
)
from video_assets.daily_views.source_rows import BEFORE_UPLOAD
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.days import UNDATED
from video_assets.unfinished_days import lag_of_views
from video_assets.vocabulary import (
    CONFLICTS,
    ERASED,
    IGNORED,
    REJECTED_ROWS,
    SOURCE_ROWS,
    WAITING,
)

_WEEKS = 4
# Twice as many rows say nothing where there are so few.
_FEW_ROWS = 10


def _share_of_refused(given: CheckInput) -> Finding:
    """Zeros before the upload day do not count: exports carry years of them."""
    refused_rows = given.all_rows(REJECTED_DAILY_VIEWS).where(
        F.col("date").isin(*given.checked_days(), UNDATED) & (F.col("reason") != BEFORE_UPLOAD)
    )
    shown = refused_rows.select("reason", "source", "sourceRow", "rowText", "date")
    refused, tolerated = rows_by_day(refused_rows, "date"), given.thresholds.max_rejected_share
    by_day = {
        day: share_of(n := refused.get(day, 0), n + valid, tolerated, rejected_rows=n)
        for day, valid in _valid_source_rows(given).items()
    }
    found = of_days(by_day)
    all_refused = sum(refused.values())
    rows = (found.checked or 0) + refused.get(UNDATED, 0)
    of_all = share_of(all_refused, rows, tolerated, rejected_rows=all_refused)
    if found.rows:
        return replace(found, checked=rows, measured=of_all.measured, sample=sample(shown))
    if of_all.rows:
        return replace(of_all, sample=sample(shown))
    return replace(of_all, by_day=by_day)


def _valid_source_rows(given: CheckInput) -> Mapping[date, int]:
    """As runs reported them, because several rows may have become one; else the table's."""
    rows = given.stored.rows_per_day(DAILY_VIDEO_VIEWS)
    days = given.checked_days()
    reported = given.counts_by_day(days) if given.days else {}
    return {day: _valid_of(reported.get(day, {}), rows.get(day, 0)) for day in days}


def _valid_of(reported: Mapping[str, float], rows: int) -> int:
    if SOURCE_ROWS not in reported:
        return rows
    refused = sum(reported.get(name, 0) for name in (REJECTED_ROWS, IGNORED, WAITING, ERASED))
    return int(reported[SOURCE_ROWS] - refused)


def _conflicts(given: CheckInput) -> Finding:
    written = given.newest_write()
    days = given.checked_days() if given.days else written.days.days if written else ()
    by_day = {
        day: share_of(
            conflicts := int(numbers[CONFLICTS]),
            int(numbers[SOURCE_ROWS]),
            given.thresholds.max_conflict_share,
            conflicts=conflicts,
        )
        for day, numbers in given.counts_by_day(days).items()
        if {SOURCE_ROWS, CONFLICTS} <= numbers.keys()
    }
    if not by_day:
        return Finding(note="no run reported how many rows contradict each other")
    found = of_days(by_day)
    conflicts = sum(int(one.measured[CONFLICTS]) for one in by_day.values())
    of_all = share_of(conflicts, found.checked or 0, 1, conflicts=conflicts)
    return replace(found, measured=of_all.measured)


def _lost_counters(given: CheckInput) -> Finding:
    lost = given.rows().where(F.col("viewCount").isNull() & (F.col("reportedCount") == 0))
    found = {day: Finding(rows=rows) for day, rows in rows_by_day(lost, "date").items()}
    shown = lost.select("video_id", "date", "channel_id")
    return of_days(found, sample(shown)) if found else Finding()


def _large_corrections(given: CheckInput) -> DataFrame:
    """Days of which videos lose more views than is usual, against those that the others win."""
    views = F.col("viewCount")
    by_day = given.rows().groupBy("date")
    sums = by_day.agg(
        F.count_if(views < 0).alias("negativeRows"),
        F.coalesce(F.sum(F.when(views < 0, views)), F.lit(0)).alias("negativeViews"),
        F.coalesce(F.sum(F.when(views > 0, views)), F.lit(0)).alias("views"),
    )
    tolerated = F.col("views") * F.lit(-given.thresholds.max_correction_share)
    return sums.where(F.col("negativeViews") < tolerated)


def _unusual_days(given: CheckInput) -> Finding:
    """Compare each day with the same weekday of the weeks before it, else with the days before."""
    rows = given.stored.rows_per_day(DAILY_VIDEO_VIEWS)
    compared = {day: _usual_rows(given, rows, day) for day in given.checked_days()}
    usual = {day: counts[0] for day, counts in compared.items() if counts}
    unusual = [day for day in usual if _is_unusual(given, rows.get(day, 0), compared[day])]
    needed = given.thresholds.min_row_count_history
    return Finding(
        rows=len(unusual),
        checked=len(usual),
        sample=[{"day": day, "rows": rows.get(day, 0), "usual": usual[day]} for day in unusual],
        days=unusual,
        by_day={
            day: Finding(
                rows=int(day in unusual),
                checked=1,
                measured={"rows_of_day": rows.get(day, 0), "usual": usual[day]},
            )
            for day in usual
        },
        note="" if usual else f"no day has {needed} days with views before it",
    )


def _usual_rows(given: CheckInput, rows: Mapping[date, int], day: date) -> list[float]:
    """The median of the weekdays before and that of the days before, as far as they are known."""
    weekdays = [day - timedelta(weeks=n + 1) for n in range(_WEEKS)]
    before = [day - timedelta(n + 1) for n in range(given.thresholds.row_count_history_days)]
    histories = ([rows[d] for d in days if rows.get(d)] for days in (weekdays, before))
    needed = given.thresholds.min_row_count_history
    return [median(counts) for counts in histories if len(counts) >= needed]


def _is_unusual(given: CheckInput, rows: int, usual: Sequence[float]) -> bool:
    """Few rows for the weekday; or many for the weekday and the days before, as a channel grows."""
    lowest, highest = given.thresholds.min_row_count_ratio, given.thresholds.max_row_count_ratio
    return rows < lowest * usual[0] or rows > highest * max(*usual, _FEW_ROWS)


def drifting_videos(given: CheckInput) -> DataFrame:
    """Videos whose lifetime views differ from the sum of their days by more than is tolerated.

    Days up to the one before the snapshot are summed, since the upload where the days begin there,
    else since the first snapshot. Snapshots of which the days are not there yet are not compared.
    """
    daily = given.all_rows(DAILY_VIDEO_VIEWS)
    newest = daily.agg(F.max("date").alias("newest")).collect()[0]["newest"]
    counted = F.col("viewCount").isNotNull() & (F.date_add(F.col("date"), -1) <= F.lit(newest))
    asked = (
        given.rows()
        .where(counted)
        .groupBy("video_id")
        .agg(F.max(F.struct("date", F.col("viewCount").alias("count"))).alias("asked"))
    )
    first = (
        given.all_rows()
        .where(F.col("viewCount").isNotNull())
        .groupBy("video_id")
        .agg(F.min(F.struct("date", F.col("viewCount").alias("count"))).alias("first"))
    )
    pairs = asked.join(first, "video_id").select(
        "video_id",
        F.col("asked.date").alias("snapshotDate"),
        F.col("asked.count").alias("lifetimeViews"),
        F.col("first.date").alias("firstDate"),
        F.col("first.count").alias("firstViews"),
    )
    views = F.col("viewCount")
    since_first = F.col("date") >= F.col("firstDate")
    sums = (
        daily.join(pairs, "video_id")
        .where(F.col("date") < F.col("snapshotDate"))
        .groupBy(*pairs.columns)
        .agg(
            F.sum(views).alias("ofAllDays"),
            F.sum(F.when(since_first, views)).alias("ofDaysSinceFirst"),
            F.min("created_date").alias("created"),
            F.min("date").alias("begins"),
            F.count_if(views < 0).alias("negativeDays"),
            F.count_if(views.isNull()).alias("unknownDays"),
            F.max("viewDefinitionSince").alias("definition"),
            F.count_if(F.col("viewDefinitionSince").isNull()).alias("daysBeforeAnyChange"),
        )
    )
    return _drift(sums, given)


def _drift(sums: DataFrame, given: CheckInput) -> DataFrame:
    whole = F.date_add(F.col("created"), 1) >= F.col("begins")
    whole = F.coalesce(whole, F.lit(False))  # noqa: FBT003 (Spark's signature)
    grown = F.col("lifetimeViews") - F.col("firstViews")
    compared = sums.where(whole | (F.col("firstDate") < F.col("snapshotDate"))).withColumns(
        {
            "since": F.when(whole, F.col("created")).otherwise(F.col("firstDate")),
            "expected": F.when(whole, F.col("lifetimeViews")).otherwise(grown),
            "sumOfDays": F.coalesce(
                F.when(whole, F.col("ofAllDays")).otherwise(F.col("ofDaysSinceFirst")), F.lit(0)
            ),
            "spansDefinitionChange": F.col("definition").isNotNull()
            & (F.col("daysBeforeAnyChange") > 0),
        }
    )
    difference = F.col("sumOfDays") - F.col("expected")
    tolerated = F.greatest(
        F.lit(float(given.thresholds.min_lifetime_drift)),
        F.abs(F.col("expected")) * F.lit(given.thresholds.max_lifetime_drift),
    )
    shown = ("video_id", "snapshotDate", "since", "expected", "sumOfDays")
    explained = ("negativeDays", "unknownDays", "spansDefinitionChange")
    return compared.where(F.abs(difference) > tolerated).select(
        *shown, difference.alias("difference"), *explained
    )


RULES: tuple[Rule, ...] = (
    MeasuredRule(
        name="few_rejected_rows",
        table=DAILY_VIDEO_VIEWS,
        description="The share of refused source rows is small; zeros before the upload day do "
        "not count.",
        problem="too many source rows were rejected",
        remedy="Read reasons and texts in rejected_daily_views; map columns and notations, or ask "
        "the sender.",
        severity=WARN,
        compared_with=(REJECTED_DAILY_VIEWS,),
        thresholds=("max_rejected_share",),
        measure=_share_of_refused,
    ),
    MeasuredRule(
        name="few_conflicts",
        table=DAILY_VIDEO_VIEWS,
        description="Few rows of a video and day contradict the one that holds.",
        problem="many rows of a video and day contradict each other",
        remedy="A row a country wants DAILY_VIEWS_COMBINE=sum; if counts are restated, raise the "
        "threshold.",
        severity=WARN,
        thresholds=("max_conflict_share",),
        measure=_conflicts,
    ),
    FrameRule(
        name="few_views_taken_back",
        table=DAILY_VIDEO_VIEWS,
        description="Corrections below 0 take back a small part of a day's views.",
        problem="days have many views that the platform took back",
        remedy="Robots' views are taken back, and kept so. If many videos fall at once, ask "
        "whether counters were reset.",
        severity=WARN,
        thresholds=("max_correction_share",),
        violations=_large_corrections,
        day_column="date",
    ),
    MeasuredRule(
        name="no_lost_counters",
        table=DAILY_VIDEO_VIEWS,
        description="No running total reads 0 after it was above 0.",
        problem="counters read 0 after they were above 0; the views of these days are unknown",
        remedy="Ask the sender whether the pull failed on these days, and have it delivered again.",
        severity=WARN,
        applies=lambda given: given.settings.view_count_kind == "cumulative",
        measure=_lost_counters,
    ),
    MeasuredRule(
        name="usual_row_count",
        table=DAILY_VIDEO_VIEWS,
        description="A day has about as many rows as the same weekday of the weeks before it.",
        problem="days have unusually few or many rows",
        remedy="See whether a delivery is cut short or came twice; complete it and run the days "
        "again.",
        severity=WARN,
        thresholds=("min_row_count_ratio", "max_row_count_ratio", "min_row_count_history"),
        measure=_unusual_days,
    ),
    delivered_in_time(DAILY_VIDEO_VIEWS, lag_of_views, "DAILY_VIEWS_DELIVERY_LAG"),
    yesterday_is_there(DAILY_VIDEO_VIEWS, lag_of_views),
)
