"""`video_metadata`: durations and titles, one row a video."""

import logging
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.stage import StagedTable, stage, table_location, target
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.engagement.routes import described_videos
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.engagement.video_metadata_rows import (
    DELIVERY_ORDER,
    TAGGED_VIDEO_METADATA,
    UNREADABLE_DURATIONS,
    VIDEO_METADATA_ROWS,
)
from video_assets.ingestion import clear_source_errors
from video_assets.player_events.tables import DESCRIBED_VIDEOS
from video_assets.settings import Settings
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import Layout
from video_assets.sources.frames import read_rows
from video_assets.sources.times import ANY_DAY


def stage_video_metadata(spark: Engine, settings: Settings, log: logging.Logger) -> StagedTable:
    """Read what is known of videos, and write a row a video for one commit.

    Raises:
        SourceError: the source of video metadata cannot be read.
    """
    told = []
    if Warehouse(settings.warehouse).row_count(DESCRIBED_VIDEOS):
        told.append(_told_by_events(spark, settings))
    with clear_source_errors():
        if settings.video_metadata is not None:
            told.append(_delivered(spark, settings, settings.video_metadata))
        if not told:
            log.info("no video metadata, and no events that tell any: durations are estimated")
            return StagedTable(VIDEO_METADATA, table_location(settings.warehouse, VIDEO_METADATA))
        rows = reduce(DataFrame.unionByName, told)
        by_video = rows.repartition(spark.cores, F.col("videoId"))
        into = target(settings.warehouse, VIDEO_METADATA)
        return stage(by_video, described_videos, into)[VIDEO_METADATA.name]


def _delivered(spark: Engine, settings: Settings, uri: str) -> DataFrame:
    source = SourceConfig(uri=uri, position_unit=settings.video_metadata_duration_unit)
    return read_rows(spark.spark_session, Layout(VIDEO_METADATA_ROWS, source), ANY_DAY)


def _told_by_events(spark: Engine, settings: Settings) -> DataFrame:
    """What events told, as rows that were delivered before all others: the source's own hold."""
    told = Warehouse(settings.warehouse, lambda: spark.spark_session).frame(DESCRIBED_VIDEOS)
    values = {
        "videoId": F.col("videoId"),
        "duration": F.col("duration"),
        "title": F.col("title"),
        DELIVERY_ORDER: F.unix_micros("toldAt") - F.lit(1 << 62),
        UNREADABLE_DURATIONS: F.col("unreadableDurations"),
    }
    fields = from_arrow_schema(TAGGED_VIDEO_METADATA).fields
    nothing = {field.name: F.lit(None).cast(field.dataType) for field in fields}
    return told.select(*(c.alias(name) for name, c in (nothing | values).items()))
