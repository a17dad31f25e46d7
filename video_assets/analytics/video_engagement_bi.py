"""The table `vw_video_engagement_bi`: engagement as a report tool wants it."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.tables import VIDEO_ENGAGEMENT_BI
from video_assets.daily_views.monthly_views import definition_on
from video_assets.engagement.tables import OK

_SECONDS_PER_MINUTE = 60.0


def video_engagement_bi(
    engagement: DataFrame, definition_changes: Sequence[date] = ()
) -> DataFrame:
    """The rows whose data quality flag is `ok`, times in minutes and UTC days.

    Args:
        engagement: rows of `aggregated_user_video_engagement`.
        definition_changes: days from which the platform counts something else as a view, ascending.

    Returns:
        Rows of `vw_video_engagement_bi`.
    """
    trusted = engagement.where(F.col("dataQualityFlag") == F.lit(OK))
    minutes = F.col("totalWatchTime") / F.lit(_SECONDS_PER_MINUTE)
    first_day = F.to_date("firstWatchDate")
    named = trusted.withColumns(
        {
            "watchMinutes": minutes,
            "firstWatchDay": first_day,
            "viewDefinitionSince": definition_on(first_day, definition_changes),
        }
    )
    return named.select(*VIDEO_ENGAGEMENT_BI.column_names)
