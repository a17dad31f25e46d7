"""One read of the events' source, sorted out into `raw_events` and `rejected_events`."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from pyspark.sql import DataFrame

from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable, stage, stage_nothing, target
from resources.engine.engine import Engine
from video_assets.arrow.blocks import Shares
from video_assets.chunks import StagedChunks
from video_assets.days import DayRange
from video_assets.deliveries.delivery import PLAYER_EVENTS, Source
from video_assets.deliveries.look import delivery_of
from video_assets.deliveries.unreadable import without_unreadable
from video_assets.ingestion import days_without_file, events_source
from video_assets.player_events.erased_users import erased_users, pseudonyms_of
from video_assets.player_events.routes import sorted_events
from video_assets.player_events.sort_out import events_in_blocks
from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS, REJECTED_EVENTS
from video_assets.player_events.user_aliases import (
    aliases_state,
    events_of_users,
    mark_if_changed,
    refresh_aliases,
)
from video_assets.settings import Settings
from video_assets.source_chunks import SourceChunk, source_chunks, stage_readable
from video_assets.sources.fields import Layout
from video_assets.sources.frames import read_rows
from video_assets.staged_days import StagedDays
from video_assets.unfinished_days import lag_of_events, unfinished_days

VALID, REJECTED, DESCRIBED = RAW_EVENTS.name, REJECTED_EVENTS.name, DESCRIBED_VIDEOS.name


def events_layout(settings: Settings) -> Layout:
    """The source of the player events, and what its rows are."""
    return Layout(EVENT_ROWS, events_source(settings))


def events_delivered(settings: Settings) -> Source:
    """The source of the player events, and where its account is."""
    layout = events_layout(settings)
    return Source(PLAYER_EVENTS, layout, settings.warehouse, RAW_EVENTS, REJECTED_EVENTS)


def stage_events(
    spark: Engine, settings: Settings, run: DayRange, log: logging.Logger
) -> StagedDays:
    """Read the source once, and write its events and its rejected rows for one commit.

    Raises:
        SourceError: there is nothing to read, or no day of it can be read.
    """
    now, delivered = _now(), events_delivered(settings)
    refresh_aliases(spark, settings, delivered, log)
    aliases = aliases_state(settings)
    delivery = delivery_of(delivered, run, spark.spark_session)
    source, listing = delivery.source.layout.config, delivery.listing
    route = partial(sorted_events, erased=erased_users(settings))

    def stage_chunk(chunk: SourceChunk) -> Mapping[str, StagedTable]:
        valid_days, rejected_days = chunk.replaced
        valid = target(settings.warehouse, RAW_EVENTS, valid_days)
        rejected = target(settings.warehouse, REJECTED_EVENTS, rejected_days)
        described = target(settings.warehouse, DESCRIBED_VIDEOS, valid_days)
        if not chunk.listing.files:
            return stage_nothing(valid, rejected, described)
        shares = Shares.of(chunk.rows, spark.cores)
        blocks = events_in_blocks(
            spark.spark_session,
            source,
            chunk.window,
            shares=shares,
            listing=chunk.listing,
            pseudonyms=pseudonyms_of(settings),
        )
        if aliases is not None:
            blocks = events_of_users(spark, settings, blocks, shares)
        tables = stage(blocks, route, valid, rejected, described)
        return delivery.met(chunk.listing, rejected_days, tables)

    def note(days: Days) -> None:
        delivery.note(days)
        mark_if_changed(settings, delivered, aliases, days)

    def read(chunk: SourceChunk) -> DataFrame:
        return read_rows(spark.spark_session, delivery.source.layout, chunk.window, chunk.listing)

    chunks = source_chunks(source, listing, run, log)
    with StagedChunks() as staged:
        unreadable = stage_readable(chunks, listing, stage_chunk, staged, read)
        days = StagedDays(staged.merged(), days_without_file(listing), note)
        days = days.marked(unfinished_days(settings, lag_of_events(settings), run, now))
        return without_unreadable(days, unreadable, delivery, VALID, log)


def _now() -> datetime:
    return datetime.now(UTC)
