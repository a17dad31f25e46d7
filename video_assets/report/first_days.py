"""The first days of videos beside the median of their channel or course."""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import total
from video_assets.days import SECONDS_PER_HOUR
from video_assets.report.video_facts import FirstDays

LENGTHS = (7, 28)
# Dimensions whose value tells where a video belongs, not who watches it.
GROUPING = ("channel", "course")


def groups(daily_views: DataFrame | None, dimension_daily: DataFrame | None) -> DataFrame | None:
    """`videoId` and `group`: the channel of its newest day, else the course of most sessions.

    Args:
        daily_views: rows of `daily_video_views`, if any.
        dimension_daily: rows of `dimension_daily`, if any.

    Returns:
        None where neither is there.
    """
    found = [
        frame for frame in (_channels(daily_views), _courses(dimension_daily)) if frame is not None
    ]
    if not found:
        return None
    together = found[0]
    for further in found[1:]:
        together = together.unionByName(further.join(together, "videoId", "left_anti"))
    return together


def _channels(daily_views: DataFrame | None) -> DataFrame | None:
    if daily_views is None:
        return None
    return (
        daily_views.where(F.col("channel_id").isNotNull())
        .groupBy(F.col("video_id").alias("videoId"))
        .agg(F.max(F.struct("date", "channel_id")).alias("newest"))
        .select("videoId", F.col("newest.channel_id").alias("group"))
    )


def _courses(dimension_daily: DataFrame | None) -> DataFrame | None:
    if dimension_daily is None:
        return None
    is_one = F.col("dimension").isin(*GROUPING) & ~F.col("value").isin("unknown", "other")
    sessions = F.sum("sessions").alias("sessions")
    return (
        dimension_daily.where(is_one)
        .groupBy("videoId", "value")
        .agg(sessions)
        .groupBy("videoId")
        .agg(F.max(F.struct("sessions", "value")).alias("most"))
        .select("videoId", F.col("most.value").alias("group"))
    )


def first_days(video_daily: DataFrame, of: DataFrame | None, days: int) -> DataFrame:
    """The first days of each video that has had so many, all finished, beside the median.

    Args:
        video_daily: rows of `video_daily`.
        of: rows of `groups`.
        days: how many.

    Returns:
        `videoId`, `viewers`, `hours`, `group`, and of all videos of the group that have had so
        many days `videos`, `medianViewers`, `medianHours`. A video that is the only one of its
        group, or has none, is compared with all; then `group` is null.
    """
    is_finished = ~F.coalesce(F.col("isUnfinished"), F.lit(False))  # noqa: FBT003 (Spark's)
    newest = video_daily.where(is_finished).agg(F.max("date").alias("newest"))
    age = F.col("daysSinceFirst") + F.date_diff(F.col("newest"), F.col("date"))
    firsts = (
        video_daily.where(F.col("daysSinceFirst") < F.lit(days))
        .crossJoin(F.broadcast(newest))
        .groupBy("videoId")
        .agg(
            F.sum("newViewers").alias("viewers"),
            (total("watchSeconds") / F.lit(SECONDS_PER_HOUR)).alias("hours"),
            F.max(age).alias("age"),
        )
        .where(F.col("age") >= F.lit(days - 1))
    )
    named = firsts.withColumn("group", F.lit(None).cast("string"))
    medians = (
        F.count(F.lit(1)).alias("videos"),
        F.median("viewers").alias("medianViewers"),
        F.median("hours").alias("medianHours"),
    )
    columns = ("videoId", "viewers", "hours", "group", *_MEDIANS)
    beside_all = named.crossJoin(F.broadcast(firsts.agg(*medians))).select(*columns)
    if of is None:
        return beside_all
    grouped = firsts.join(of, "videoId")
    several = grouped.groupBy("group").agg(*medians).where(F.col("videos") > F.lit(1))
    in_groups = grouped.join(several, "group").select(*columns)
    return in_groups.unionByName(beside_all.join(in_groups, "videoId", "left_anti"))


_MEDIANS = ("videos", "medianViewers", "medianHours")


def first_days_of(row: Any, days: int) -> FirstDays:
    """A row of `first_days`."""
    return FirstDays(
        days=days,
        viewers=row["viewers"],
        hours=row["hours"],
        group=row["group"],
        videos=row["videos"],
        median_viewers=row["medianViewers"],
        median_hours=row["medianHours"],
    )
