"""Views of the days become views of the months."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.daily_views.tables import MONTHLY_VIEWS

_LARGEST_COUNT = 2**63 - 1


def monthly_views(daily: DataFrame) -> DataFrame:
    """Sum of the daily views per channel, video and month.

    Days without a known count are left out of the sum. A month without any known count is null,
    because 0 would claim that nobody watched. A null channel is a channel of its own.

    Args:
        daily: `channel_id`, `video_id`, `date`, `viewCount` of `daily_video_views`.

    Returns:
        The columns of `monthly_views`. A sum beyond 64 bits fails the job that reads the result,
        with a message that names the video and the month.
    """
    # Engines disagree on 64-bit overflow (one wraps, one fails), so the sum is wider than that.
    views = F.sum(F.col("viewCount").cast("decimal(20,0)"))
    by_month = daily.groupBy(
        "channel_id", "video_id", F.trunc("date", "month").alias("month_start")
    ).agg(views.alias("views"))
    too_many = F.concat(
        F.lit("the views of video "),
        F.col("video_id"),
        F.lit(" exceed 64 bits in the month of "),
        F.col("month_start").cast("string"),
        F.lit(": correct or remove its rows of that month in daily_video_views"),
    )
    exceeds = F.col("views") > F.lit(_LARGEST_COUNT).cast("decimal(20,0)")
    sum_of_days = F.when(exceeds, F.raise_error(too_many).cast("long")).otherwise(
        F.col("views").cast("long")
    )
    return by_month.withColumns(
        {"month": F.date_format("month_start", "yyyy-MM"), "aggViewCount": sum_of_days}
    ).select(*MONTHLY_VIEWS.column_names)
