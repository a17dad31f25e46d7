"""One read of the daily views' source, sorted out into valid and rejected rows."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from pyspark.sql import functions as F

from resources.delta.stage import StagedTable, stage, target
from resources.engine.engine import Engine
from video_assets.arrow.blocks import BLOCKS_DDL, Shares, shared
from video_assets.chunks import StagedChunks
from video_assets.daily_views.routes import sorted_views
from video_assets.daily_views.sort_out import ViewRules, views_in_blocks
from video_assets.daily_views.source_rows import ViewNotation, daily_view_rows
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.days import DayRange
from video_assets.ingestion import daily_views_source, days_without_file, listed_days
from video_assets.settings import Settings
from video_assets.sizes import VIEWS_AT_ONCE
from video_assets.source_chunks import SourceChunk, source_chunks, stage_readable
from video_assets.sources.fields import Layout
from video_assets.sources.frames import map_rows
from video_assets.sources.listing import Listing, list_source
from video_assets.sources.packing import VALID_ROWS
from video_assets.sources.times import Window
from video_assets.staged_days import StagedDays

VALID, REJECTED = DAILY_VIDEO_VIEWS.name, REJECTED_DAILY_VIEWS.name
# So many rows of views take the room of an event in Parquet.
_VIEWS_PER_EVENT = 4


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
        shares = Shares.of(chunk.rows * _VIEWS_PER_EVENT, spark.cores)
        read = partial(
            map_rows,
            spark.spark_session,
            layout,
            function=views_in_blocks(rules, shares),
            result=BLOCKS_DDL,
            tasks=shares.tasks,
        )
        blocks = read(window=chunk.window, listing=chunk.listing)
        if rules.kind == "cumulative":
            window, earlier = _earlier(layout, rules)
            before = read(window=window, listing=earlier)
            blocks = blocks.unionByName(before.where(F.col("name") == F.lit(VALID_ROWS)))
        return stage(shared(blocks, shares), partial(sorted_views, rules=rules), valid, rejected)

    chunks = source_chunks(layout.config, listing, run, log, VIEWS_AT_ONCE)
    with StagedChunks() as staged:
        unreadable = stage_readable(chunks, stage_chunk, staged)
    return StagedDays(staged.merged(), {**days_without_file(listing), **unreadable})


def _earlier(layout: Layout, rules: ViewRules) -> tuple[Window, Listing]:
    """The lookback days, which a running total is compared with."""
    first, end = rules.first_day - timedelta(rules.cumulative_lookback_days), rules.first_day
    listing = list_source(layout.config, layout.kind, first, end, days_may_be_missing=True)
    return Window(first, end, with_undated=False), listing
