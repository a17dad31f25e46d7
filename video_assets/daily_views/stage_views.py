"""One read of the daily views' source, sorted out into valid and rejected rows."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from resources.delta.stage import StagedTable, stage
from resources.engine.engine import Engine
from video_assets.arrow.kernels import tasks_for
from video_assets.daily_views.routes import sorted_views
from video_assets.daily_views.sort_out import ViewRules
from video_assets.daily_views.source_rows import DAILY_VIEW_ROWS
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.days import DayRange
from video_assets.ingestion import daily_views_source, replaced_days
from video_assets.settings import Settings
from video_assets.sizes import VIEWS_AT_ONCE
from video_assets.source_chunks import SourceChunk, stage_source
from video_assets.sources.fields import Layout
from video_assets.sources.frames import read_rows
from video_assets.sources.listing import list_source
from video_assets.sources.times import Window

VALID, REJECTED = DAILY_VIDEO_VIEWS.name, REJECTED_DAILY_VIEWS.name


def stage_views(
    spark: Engine, settings: Settings, run: DayRange, log: logging.Logger
) -> dict[str, StagedTable]:
    """Read the source once, and write its valid and its rejected rows for one commit.

    Raises:
        SourceError: there is nothing to read, or it cannot be read.
    """
    source = daily_views_source(settings)
    listing = list_source(source, DAILY_VIEW_ROWS, run.first, run.end)
    stage_chunk = partial(_stage_chunk, spark, settings)
    return stage_source(source, listing, run, stage_chunk, log, rows_at_once=VIEWS_AT_ONCE)


def _stage_chunk(
    spark: Engine, settings: Settings, chunk: SourceChunk
) -> Mapping[str, StagedTable]:
    source, days = daily_views_source(settings), chunk.days
    valid_days, rejected_days = replaced_days(source, days)
    rules = ViewRules(settings.view_count_kind, days.first, days.end, settings.cumulative_lookback)
    tagged = read_rows(
        spark.spark_session, Layout(DAILY_VIEW_ROWS, source), chunk.window, chunk.listing
    )
    if rules.kind == "cumulative":
        tagged = tagged.unionByName(_earlier(spark.spark_session, settings, days))
    # All rows of a video in one task; rows without a video are spread by their text.
    by_video = F.coalesce(F.col("video_id"), F.col("rowText"))
    return stage(
        tagged.repartition(tasks_for(chunk.rows, spark.cores), by_video),
        settings.warehouse,
        {VALID: DAILY_VIDEO_VIEWS, REJECTED: REJECTED_DAILY_VIEWS},
        partial(sorted_views, rules=rules),
        {VALID: valid_days, REJECTED: rejected_days},
    )


def _earlier(session: SparkSession, settings: Settings, days: DayRange) -> DataFrame:
    """The valid rows of the lookback days, which a running total is compared with."""
    source = daily_views_source(settings)
    first = days.first - timedelta(days=settings.cumulative_lookback)
    listing = list_source(source, DAILY_VIEW_ROWS, first, days.first, days_may_be_missing=True)
    window = Window(first, days.first, with_undated=False)
    rows = read_rows(session, Layout(DAILY_VIEW_ROWS, source), window, listing)
    return rows.where(F.col("reason").isNull() & F.col("sourceRows").isNull())
