"""`video_metadata`: durations and titles, one row a video."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa
from pyspark.sql import functions as F

from resources.delta.stage import Emission, StagedTable, stage, table_location
from resources.engine.session import SparkEngine
from video_assets.catalog import ENGAGEMENT as GROUP
from video_assets.catalog import declared
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.engagement.video_metadata import describe_videos
from video_assets.engagement.video_metadata_rows import VIDEO_METADATA_ROWS
from video_assets.ingestion import DUPLICATES, SOURCE_ROWS, clear_source_errors
from video_assets.settings import Settings
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import Layout
from video_assets.sources.frames import read_rows
from video_assets.sources.times import ANY_DAY

SOURCE_KEY = dg.AssetKey(["source", "video_metadata"])
NAME = VIDEO_METADATA.name

video_metadata_source = dg.AssetSpec(
    key=SOURCE_KEY,
    group_name=GROUP,
    description="Duration and title of the videos, at `VIDEO_ASSETS_VIDEO_METADATA`; optional.",
)


def video_metadata_asset() -> dg.AssetsDefinition:
    """The asset `video/video_metadata`."""

    @dg.asset(
        **declared(VIDEO_METADATA, GROUP),
        pool=VIDEO_METADATA.name,
        description="Duration and title of each video. Of several rows for a video the one with "
        "the longest duration stays. A duration that is no number above 0 is null: engagement "
        "then estimates it and says so.",
        deps=[SOURCE_KEY],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def video_metadata(
        context: dg.AssetExecutionContext, spark: SparkEngine, settings: dg.ResourceParam[Settings]
    ) -> StagedTable:
        if settings.video_metadata is None:
            context.log.info("VIDEO_ASSETS_VIDEO_METADATA is empty: all durations are estimated")
            return StagedTable(VIDEO_METADATA, table_location(settings.warehouse, VIDEO_METADATA))
        with clear_source_errors():
            layout = Layout(VIDEO_METADATA_ROWS, SourceConfig(uri=settings.video_metadata))
            tagged = read_rows(spark.spark_session, layout, ANY_DAY)
            by_video = tagged.repartition(spark.cores, F.col("videoId"))
            tables = {NAME: VIDEO_METADATA}
            return stage(by_video, settings.warehouse, tables, _describe_task, {NAME: None})[NAME]

    return video_metadata


def _describe_task(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
    task = describe_videos(batches)
    counted = {
        SOURCE_ROWS: task.source_rows,
        DUPLICATES: task.duplicates,
        "rows_without_video": task.refused,
    }
    yield Emission(NAME, task.videos, counted)
