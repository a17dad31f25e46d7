"""The table `vw_video_engagement_bi`: engagement as a report tool wants it."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.tables import VIDEO_ENGAGEMENT_BI
from video_assets.engagement.tables import OK

_SECONDS_PER_MINUTE = 60.0


def video_engagement_bi(engagement: DataFrame) -> DataFrame:
    """The rows whose data quality flag is `ok`, times in minutes and UTC days.

    Args:
        engagement: rows of `aggregated_user_video_engagement`.

    Returns:
        Rows of `vw_video_engagement_bi`.
    """
    trusted = engagement.where(F.col("dataQualityFlag") == F.lit(OK))
    minutes = F.col("totalWatchTime") / F.lit(_SECONDS_PER_MINUTE)
    named = trusted.withColumn("watchMinutes", minutes).withColumn(
        "firstWatchDay", F.to_date("firstWatchDate")
    )
    return named.select(*VIDEO_ENGAGEMENT_BI.column_names)
