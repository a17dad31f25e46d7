"""One read of the daily views' source, sorted out into valid and rejected rows."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from resources.delta.stage import StagedTable, stage, target
from resources.engine.engine import Engine
from video_assets.arrow.kernels import tasks_for
from video_assets.chunks import StagedChunks
from video_assets.daily_views.routes import sorted_views
from video_assets.daily_views.sort_out import ViewRules
from video_assets.daily_views.source_rows import ViewNotation, daily_view_rows
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.days import DayRange
from video_assets.ingestion import daily_views_source, days_without_file, listed_days
from video_assets.settings import Settings
from video_assets.sizes import VIEWS_AT_ONCE
from video_assets.source_chunks import SourceChunk, source_chunks, stage_readable
from video_assets.sources.fields import Layout
from video_assets.sources.frames import read_rows
from video_assets.sources.listing import list_source
from video_assets.sources.times import Window
from video_assets.staged_days import StagedDays

VALID, REJECTED = DAILY_VIDEO_VIEWS.name, REJECTED_DAILY_VIEWS.name
# With fewer days than this for each task, days alone would be shared out unevenly.
_DAYS_PER_TASK = 4


def daily_views_layout(settings: Settings) -> Layout:
    """The source of the daily views, and how it writes what it counts."""
    notation = ViewNotation(
        measures=frozenset(settings.view_measures),
        counts_may_be_negative=settings.view_count_kind == "daily",
        created_date_format=settings.daily_views_created_date_format,
        time_zone=settings.daily_views_time_zone,
        thousands=settings.daily_views_thousands,
        ignored_ids=frozenset(settings.daily_views_ignored_ids),
    )
    kind = daily_view_rows(notation, settings.daily_views_columns.values())
    return Layout(kind, daily_views_source(settings))


def view_rules(settings: Settings, days: DayRange) -> ViewRules:
    """The rules of the settings, for some days."""
    return ViewRules(
        settings.view_count_kind,
        settings.combine_rule,
        days.first,
        days.end,
        settings.cumulative_lookback,
        settings.view_measures,
        settings.definition_change_days,
    )


def stage_views(
    spark: Engine, settings: Settings, run: DayRange, log: logging.Logger
) -> StagedDays:
    """Read the source once, and write its valid and its rejected rows for one commit.

    Raises:
        SourceError: there is nothing to read, or no day of it can be read.
    """
    layout = daily_views_layout(settings)
    listing = listed_days(layout.config, layout.kind, run)

    def stage_chunk(chunk: SourceChunk) -> Mapping[str, StagedTable]:
        rules = view_rules(settings, chunk.days)
        valid_days, rejected_days = chunk.replaced
        valid = target(settings.warehouse, DAILY_VIDEO_VIEWS, valid_days)
        rejected = target(settings.warehouse, REJECTED_DAILY_VIEWS, rejected_days)
        rows = read_rows(spark.spark_session, layout, chunk.window, chunk.listing)
        if rules.kind == "cumulative":
            rows = rows.unionByName(_earlier(spark.spark_session, layout, rules))
        tasks = tasks_for(chunk.rows, spark.cores)
        together = rows.repartition(tasks, *_together(rules, tasks))
        return stage(together, partial(sorted_views, rules=rules), valid, rejected)

    chunks = source_chunks(layout.config, listing, run, log, VIEWS_AT_ONCE)
    with StagedChunks() as staged:
        unreadable = stage_readable(chunks, stage_chunk, staged)
    return StagedDays(staged.merged(), {**days_without_file(listing), **unreadable})


def _together(rules: ViewRules, tasks: int) -> list[Column]:
    """What the rows of one task have in common; rows without a video are spread by their text.

    A running total needs all days of a video, daily counts only the rows of a day: a task that has
    whole days writes one file a day.
    """
    by_video = F.coalesce(F.col("video_id"), F.col("rowText"))
    if rules.kind == "cumulative":
        return [by_video]
    days = (rules.end_day - rules.first_day).days
    return [F.col("date")] if days >= _DAYS_PER_TASK * tasks else [F.col("date"), by_video]


def _earlier(session: SparkSession, layout: Layout, rules: ViewRules) -> DataFrame:
    """The valid rows of the lookback days, which a running total is compared with."""
    first, end = rules.first_day - timedelta(rules.cumulative_lookback_days), rules.first_day
    listing = list_source(layout.config, layout.kind, first, end, days_may_be_missing=True)
    window = Window(first, end, with_undated=False)
    rows = read_rows(session, layout, window, listing)
    return rows.where(F.col("reason").isNull() & F.col("sourceRows").isNull())
