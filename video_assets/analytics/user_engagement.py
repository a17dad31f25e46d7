"""The table `user_engagement`: what each user watched, over all videos."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import mean, tier_counts, total


def user_engagement(engagement: DataFrame) -> DataFrame:
    """One row per user, over all of their videos; rows with a quality flag count like any other.

    Args:
        engagement: rows of `aggregated_user_video_engagement`.

    Returns:
        What `user_engagement` has of engagement; means are rounded to 2 decimals.
    """
    return engagement.groupBy("userId").agg(
        F.count(F.lit(1)).alias("videos"),
        F.count_if(F.col("isCompletedAtLeastOnce")).alias("completedVideos"),
        total("totalWatchTime").alias("watchSeconds"),
        F.sum("sessionCount").alias("sessions"),
        mean("watchPercentage").alias("avgWatchPercentage"),
        mean("uniqueWatchPercentage").alias("avgUniqueWatchPercentage"),
        mean("engagementScore").alias("avgEngagementScore"),
        *tier_counts("videos"),
        F.min("firstWatchDate").alias("firstSeen"),
        F.max("lastWatchDate").alias("lastSeen"),
    )


def with_habits(users: DataFrame, habits: DataFrame) -> DataFrame:
    """Users with what they do at most, as far as sessions tell.

    Args:
        users: rows of `user_engagement`, of engagement alone.
        habits: rows of `viewer_habits.HABITS`.

    Returns:
        The same with all but `exclusionReason`; `simultaneousSeconds` is by how much their sessions
        overlap, pauses included, and at most so much of them ran side by side.
    """
    known = users.join(habits, "userId", "left")
    return known.withColumnRenamed("overlapSeconds", "simultaneousSeconds").withColumns(
        {"simultaneousSessions": _count(0), "mostPlacesAtOnce": _count(1)}
    )


def with_side_by_side(users: DataFrame, found: DataFrame) -> DataFrame:
    """Users with what ran side by side, as their events tell.

    Args:
        users: see `with_habits`.
        found: rows of `side_by_side.SIDE_BY_SIDE` of all users whose sessions overlap.
    """
    told = {"simultaneousSeconds": F.lit(0.0), "simultaneousSessions": _count(0)}
    told["mostPlacesAtOnce"] = _count(1)
    joined = users.drop(*told, "exclusionReason").join(found, "userId", "left")
    return joined.withColumns(
        {name: F.coalesce(F.col(name), otherwise) for name, otherwise in told.items()}
    )


def _count(number: int) -> Column:
    return F.lit(number).cast("long")
