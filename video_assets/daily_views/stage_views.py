"""One read of the daily views' source, sorted out into valid and rejected rows."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable, stage, stage_nothing, target
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.arrow.blocks import BLOCKS_DDL, Shares, shared
from video_assets.chunks import StagedChunks
from video_assets.daily_views.followers import followers
from video_assets.daily_views.routes import sorted_views
from video_assets.daily_views.sort_out import ViewRules, views_in_blocks
from video_assets.daily_views.source_rows import ViewNotation, daily_view_rows
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.days import DayRange
from video_assets.deliveries.delivery import DAILY_VIEWS, Delivery, Source
from video_assets.deliveries.look import delivery_of
from video_assets.deliveries.reported_days import with_days_reported
from video_assets.deliveries.unreadable import without_unreadable
from video_assets.ingestion import daily_views_source, days_without_file
from video_assets.settings import Settings
from video_assets.sizes import VIEWS_AT_ONCE
from video_assets.source_chunks import SourceChunk, source_chunks, stage_readable
from video_assets.sources.fields import Layout
from video_assets.sources.frames import map_rows, read_rows
from video_assets.sources.listing import Listing
from video_assets.sources.packing import VALID_ROWS
from video_assets.sources.times import Window
from video_assets.staged_days import StagedDays
from video_assets.unfinished_days import lag_of_views, unfinished_days

VALID, REJECTED = DAILY_VIDEO_VIEWS.name, REJECTED_DAILY_VIEWS.name


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


def views_delivered(settings: Settings) -> Source:
    """The source of the daily views, and where its account is."""
    tables = (DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS)
    return Source(DAILY_VIEWS, daily_views_layout(settings), settings.warehouse, *tables)


def stage_views(
    spark: Engine, settings: Settings, run: DayRange, log: logging.Logger
) -> StagedDays:
    """Read the source once, and write its valid and its rejected rows for one commit.

    Raises:
        SourceError: there is nothing to read, or no day of it can be read.
    """
    now = datetime.now(UTC)
    delivery = delivery_of(views_delivered(settings), run, spark.spark_session, VIEWS_AT_ONCE)
    layout, listing = delivery.source.layout, delivery.listing

    def stage_chunk(chunk: SourceChunk) -> Mapping[str, StagedTable]:
        rules = view_rules(settings, chunk.days)
        valid_days, rejected_days = chunk.replaced
        valid = target(settings.warehouse, DAILY_VIDEO_VIEWS, valid_days)
        rejected = target(settings.warehouse, REJECTED_DAILY_VIEWS, rejected_days)
        if not chunk.listing.files:
            return stage_nothing(valid, rejected)
        shares = Shares.of(chunk.rows, spark.cores)
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
            window, earlier = _earlier(delivery, rules)
            if earlier.files:
                before = read(window=window, listing=earlier)
                blocks = blocks.unionByName(before.where(F.col("name") == F.lit(VALID_ROWS)))
        route = partial(sorted_views, rules=rules)
        tables = stage(shared(blocks, shares), route, valid, rejected)
        counted = with_days_reported(tables, rejected_days)
        return delivery.met(chunk.listing, rejected_days, counted)

    def following() -> frozenset[date]:
        if settings.view_count_kind == "daily":
            return frozenset()
        stored = Warehouse(settings.warehouse, lambda: spark.spark_session)
        return followers(stored, run, settings.cumulative_lookback)

    # The days of videos that the run takes away follow too.
    followed_before = following()

    def account(replaced: Days) -> None:
        delivery.note(replaced, followed_before | following())

    def read(chunk: SourceChunk) -> DataFrame:
        return read_rows(spark.spark_session, layout, chunk.window, chunk.listing)

    chunks = source_chunks(layout.config, listing, run, log, VIEWS_AT_ONCE)
    with StagedChunks() as staged:
        unreadable = stage_readable(chunks, listing, stage_chunk, staged, read)
        days = StagedDays(staged.merged(), days_without_file(listing), account)
        days = days.marked(unfinished_days(settings, lag_of_views(settings), run, now))
        return without_unreadable(days, unreadable, delivery, VALID, log)


def _earlier(delivery: Delivery, rules: ViewRules) -> tuple[Window, Listing]:
    """The lookback days, which a running total is compared with."""
    first, end = rules.first_day - timedelta(rules.cumulative_lookback_days), rules.first_day
    return Window(first, end, with_undated=False), delivery.earlier(DayRange(first, end))
