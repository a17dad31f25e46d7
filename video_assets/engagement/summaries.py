"""Few numbers that say how a whole table looks, for pictures of it."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.days import SECONDS_PER_HOUR


def watch_hours_per_day(sessions: DataFrame, first_day: date) -> DataFrame:
    """What all users watched on each day, `day` and `hours`, in no particular order.

    Args:
        sessions: `sessionDate` and `watchTime` (seconds) of `sessions`.
        first_day: first UTC day to look at; earlier partitions are not read.

    Returns:
        A row a day that has sessions.
    """
    recent = sessions.where(F.col("sessionDate") >= F.lit(first_day))
    hours = F.sum("watchTime") / F.lit(SECONDS_PER_HOUR)
    return recent.groupBy(F.col("sessionDate").alias("day")).agg(hours.alias("hours"))


def rows_per_flag(engagement: DataFrame) -> DataFrame:
    """How many rows have each quality flag, `flag` and `rows`, most frequent first.

    Args:
        engagement: `dataQualityFlag` of `aggregated_user_video_engagement`.
    """
    counted = engagement.groupBy(F.col("dataQualityFlag").alias("flag"))
    rows = counted.agg(F.count(F.lit(1)).alias("rows"))
    return rows.orderBy(F.col("rows").desc(), F.col("flag"))
