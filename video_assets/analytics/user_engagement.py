"""The table `user_engagement`: what each user watched, over all videos."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import mean, tier_counts, total
from video_assets.analytics.tables import USER_ENGAGEMENT


def user_engagement(engagement: DataFrame) -> DataFrame:
    """One row per user, over all of their videos; rows with a quality flag count like any other.

    Args:
        engagement: rows of `aggregated_user_video_engagement`.

    Returns:
        Rows of `user_engagement`; means are rounded to 2 decimals.
    """
    users = engagement.groupBy("userId").agg(
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
    return users.select(*USER_ENGAGEMENT.column_names)
