"""`lifetime_snapshots`: every known video asked for once, by the tasks of the engine."""

from datetime import date
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.schema_check import days_between
from resources.delta.stage import StagedTable, stage, target
from resources.engine.engine import Engine
from resources.view_counts.source import ViewCountSource
from video_assets.days import DayRange
from video_assets.lifetime_views import frames
from video_assets.lifetime_views.routes import answers
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS
from video_assets.settings import Settings

SNAPSHOTS = LIFETIME_SNAPSHOTS.name
_IDS_SHOWN = 10


def stage_snapshots(
    daily_video_views: DataFrame, settings: Settings, source: ViewCountSource, day: date
) -> StagedTable:
    """Ask the source for every video, and write its answers for one commit.

    Args:
        daily_video_views: all rows of `daily_video_views`.
        settings: warehouse, and how many calls may be on their way at once.
        source: is asked.
        day: UTC day of the asking.
    """
    videos, in_flight = frames.distinct_videos(daily_video_views), settings.view_count_requests
    ask = partial(frames.lifetime_answers, source=source, asked_on=day, max_in_flight=in_flight)
    batches = frames.batched_videos(videos, source.batch_size, in_flight)
    days = days_between(day, DayRange.single(day).end)
    into = target(settings.warehouse, LIFETIME_SNAPSHOTS, days)
    return stage(batches, partial(answers, ask=ask), into)[SNAPSHOTS]


def without_answer(spark: Engine, daily_video_views: DataFrame, staged: StagedTable) -> list[str]:
    """Up to ten ids that the API did not return, found without asking it again."""
    if not staged.counters.get(frames.UNKNOWN):
        return []
    missing = videos = frames.distinct_videos(daily_video_views)
    if staged.files:
        answered = spark.spark_session.read.parquet(*staged.file_locations)
        missing = videos.join(answered.select("video_id"), on="video_id", how="left_anti")
    rows = missing.select(F.col("video_id")).orderBy("video_id").limit(_IDS_SHOWN).collect()
    return [row["video_id"] for row in rows]
