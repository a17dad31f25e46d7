"""`video_metadata`: durations and titles, one row a video."""

import logging

from pyspark.sql import functions as F

from resources.delta.stage import StagedTable, stage, table_location, target
from resources.engine.engine import Engine
from video_assets.engagement.routes import described_videos
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.engagement.video_metadata_rows import VIDEO_METADATA_ROWS
from video_assets.ingestion import clear_source_errors
from video_assets.settings import Settings
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import Layout
from video_assets.sources.frames import read_rows
from video_assets.sources.times import ANY_DAY


def stage_video_metadata(spark: Engine, settings: Settings, log: logging.Logger) -> StagedTable:
    """Read the source of video metadata, and write its videos for one commit.

    Raises:
        SourceError: it cannot be read.
    """
    if settings.video_metadata is None:
        log.info("VIDEO_ASSETS_VIDEO_METADATA is empty: all durations are estimated")
        return StagedTable(VIDEO_METADATA, table_location(settings.warehouse, VIDEO_METADATA))
    with clear_source_errors():
        layout = Layout(VIDEO_METADATA_ROWS, SourceConfig(uri=settings.video_metadata))
        tagged = read_rows(spark.spark_session, layout, ANY_DAY)
        by_video = tagged.repartition(spark.cores, F.col("videoId"))
        into = target(settings.warehouse, VIDEO_METADATA)
        return stage(by_video, described_videos, into)[VIDEO_METADATA.name]
