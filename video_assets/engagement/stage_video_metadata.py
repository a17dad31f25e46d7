"""`video_metadata`: durations and titles, one row a video."""

import logging
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.schema_check import Days
from resources.delta.stage import stage, stage_nothing, target
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.days import UNDATED, DayRange
from video_assets.deliveries.delivery import VIDEO_METADATA as SOURCE
from video_assets.deliveries.delivery import Delivery, Source
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
from video_assets.staged_days import StagedDays


def metadata_delivered(settings: Settings) -> Source | None:
    """The source of the video metadata, and where its account is; None where there is none."""
    if settings.video_metadata is None:
        return None
    unit = settings.video_metadata_duration_unit
    config = SourceConfig(uri=settings.video_metadata, position_unit=unit)
    layout = Layout(VIDEO_METADATA_ROWS, config)
    return Source(SOURCE, layout, settings.warehouse, VIDEO_METADATA)


def stage_video_metadata(spark: Engine, settings: Settings, log: logging.Logger) -> StagedDays:
    """Read the source of video metadata, and write its videos for one commit.

    Raises:
        SourceError: the source of video metadata cannot be read.
    """
    told: list[DataFrame] = []
    if Warehouse(settings.warehouse).row_count(DESCRIBED_VIDEOS):
        told.append(_told_by_events(spark, settings))
    source, into = metadata_delivered(settings), target(settings.warehouse, VIDEO_METADATA)
    with clear_source_errors():
        delivery = _delivery(source) if source else None
        if delivery:
            told.append(_delivered(spark, delivery))
        if not told:
            log.info("no video metadata, and no events that tell any: durations are estimated")
            return StagedDays(stage_nothing(into))
        rows = reduce(DataFrame.unionByName, told)
        tables = stage(rows.repartition(spark.cores, F.col("videoId")), described_videos, into)
        if delivery is None:
            return StagedDays(tables)
        met = delivery.met(delivery.listing, Days({UNDATED}), tables)
        return StagedDays(met, account=delivery.note)


def _delivery(source: Source) -> Delivery:
    return Delivery(source, DayRange.single(UNDATED), reads_all=True)


def _delivered(spark: Engine, delivery: Delivery) -> DataFrame:
    layout = delivery.source.layout
    return read_rows(spark.spark_session, layout, ANY_DAY, delivery.listing)


def _told_by_events(spark: Engine, settings: Settings) -> DataFrame:
    """What events told, as rows that were delivered before all others: the source's own hold."""
    told = Warehouse(settings.warehouse, lambda: spark.spark_session).frame(DESCRIBED_VIDEOS)
    told = told.where(
        F.col("duration").isNotNull()
        | F.col("title").isNotNull()
        | (F.col("unreadableDurations") > 0)
    )
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
