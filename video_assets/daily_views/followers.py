"""The days whose views go by earlier ones: with running totals a day is a difference."""

from datetime import date, timedelta

from pyspark.sql import functions as F

from resources.delta.warehouse import Warehouse
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.days import DayRange


def followers(stored: Warehouse, days: DayRange, lookback: int) -> frozenset[date]:
    """The days that go by some days: of each of their videos the next recorded one.

    A counter that reads 0 is nobody's predecessor, so that the days up to the next one above 0
    follow too.

    Args:
        stored: the tables, with a session.
        days: days that come or change.
        lookback: how many days before a day its earlier counter may lie.
    """
    last = days.last + timedelta(days=lookback)
    if not any(days.end <= day <= last for day in stored.rows_per_day(DAILY_VIDEO_VIEWS)):
        return frozenset()
    rows = stored.frame(DAILY_VIDEO_VIEWS, days.first, last + timedelta(days=1))
    is_later = F.col("date") >= F.lit(days.end)
    is_next = is_later & (F.col("reportedCount") > 0)
    videos = rows.groupBy("video_id").agg(
        F.min("date").alias("first"), F.min(F.when(is_next, F.col("date"))).alias("next")
    )
    of_days = videos.where(F.col("first") < F.lit(days.end)).select("video_id", "next")
    follows = F.col("next").isNull() | (F.col("date") <= F.col("next"))
    found = rows.where(is_later).join(of_days, "video_id").where(follows)
    return frozenset(row["date"] for row in found.select("date").distinct().collect())
