"""`video_position_curve`: counted from all events, then compared from video to video."""

import logging

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.stage import StagedTable, stage_frame
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.analytics.position_curve import COMPARED
from video_assets.analytics.position_curve_frame import compared_with_others, position_curve
from video_assets.analytics.tables import USER_ENGAGEMENT, VIDEO_POSITION_CURVE
from video_assets.analytics.viewer_limits import excluded_viewers
from video_assets.arrow.kernels import tasks_for
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.settings import Settings


def stage_position_curve(
    raw_events: DataFrame, spark: Engine, settings: Settings, log: logging.Logger
) -> StagedTable:
    """Write the curves of all videos for one commit.

    What is counted is written first and read back: comparing needs it more than once, and counting
    goes through all events.
    """
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session)
    events = stored.row_count(RAW_EVENTS)
    tasks, width = tasks_for(events, spark.cores), settings.position_bucket_seconds
    log.info("%d events in %d tasks, buckets of %d s", events, tasks, width)
    excluded = excluded_viewers(stored.frame(USER_ENGAGEMENT), settings)
    curve = position_curve(raw_events, settings.rules, width, tasks, excluded)
    unknown = {name: F.lit(None).cast("double") for name in COMPARED}
    counted = stage_frame(curve.withColumns(unknown), settings.warehouse, VIDEO_POSITION_CURVE)
    if not counted.files:
        return counted
    try:
        written = spark.spark_session.read.parquet(*counted.file_locations)
        durations = (
            stored.frame(ENGAGEMENT)
            .groupBy("videoId")
            .agg(F.max("videoDuration").alias("videoDuration"))
        )
        compared = compared_with_others(written.drop(*COMPARED), durations)
        return stage_frame(compared, settings.warehouse, VIDEO_POSITION_CURVE)
    finally:
        counted.discard()
