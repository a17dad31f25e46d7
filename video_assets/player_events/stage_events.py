"""One read of the events' source, sorted out into `raw_events` and `rejected_events`."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from pyspark.sql import DataFrame

from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable, stage, stage_nothing, target
from resources.engine.engine import Engine
from video_assets.arrow.blocks import Shares
from video_assets.arrow.kernels import is_worth_processes
from video_assets.chunks import StagedChunks
from video_assets.days import DayRange
from video_assets.deliveries.delivery import PLAYER_EVENTS, Delivery, Source
from video_assets.deliveries.look import delivery_of
from video_assets.deliveries.reported_days import with_days_reported
from video_assets.deliveries.unreadable import without_unreadable
from video_assets.ingestion import days_without_file, events_source
from video_assets.player_events.erased_users import erased_users, pseudonyms_of
from video_assets.player_events.growing_day import (
    GrowingDay,
    growing_day,
    is_mostly_refused,
    read_as,
)
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
from video_assets.sizes import EVENTS_AT_ONCE
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

    Of a day that is unfinished and for which more files came, these files alone are read, and
    their rows are added.

    Raises:
        SourceError: there is nothing to read, or no day of it can be read.
    """
    now, delivered = _now(), events_delivered(settings)
    refresh_aliases(spark, settings, delivered, log)
    aliases = aliases_state(settings)
    unfinished = unfinished_days(settings, lag_of_events(settings), run, now)

    def staged(*, as_a_whole: bool) -> StagedDays:
        delivery = delivery_of(delivered, run, spark.spark_session, EVENTS_AT_ONCE)
        grows = None if as_a_whole else growing_day(spark, settings, delivery, unfinished, now)
        if grows:
            grows.join_files()
            delivery.add_only(grows.files.came)
        return _Work(spark, settings, delivery, aliases, grows, log).stage().marked(unfinished)

    days = staged(as_a_whole=False)
    events = days.tables[VALID]
    if events.beside and is_mostly_refused(events, settings.max_refused_share):
        # Of a day that is not written its refused rows are, which the next look would add again.
        days.discard()
        return staged(as_a_whole=True)
    return days


@dataclass(frozen=True)
class _Work:
    """One read of a delivery.

    Attributes:
        aliases: what changes with the stored aliases of users.
        grows: the day to which rows are added; None: days are replaced.
    """

    spark: Engine
    settings: Settings
    delivery: Delivery
    aliases: int | None
    grows: GrowingDay | None
    log: logging.Logger

    def stage(self) -> StagedDays:
        """Write the days for one commit, but for those that cannot be read."""
        delivery = self.delivery
        source, listing = delivery.source.layout.config, delivery.listing
        chunks = source_chunks(source, listing, delivery.run, self.log, EVENTS_AT_ONCE)
        with StagedChunks() as staged:
            unreadable = stage_readable(chunks, listing, self._stage_chunk, staged, self._read)
            tables = staged.merged()
            origin = read_as(self.settings, delivery)
            tables[VALID] = replace(tables[VALID], origin=origin)
            if self.grows:
                tables = self.grows.added(tables)
            days = StagedDays(tables, days_without_file(listing), self._note)
            return without_unreadable(days, unreadable, delivery, VALID, self.log)

    def _stage_chunk(self, chunk: SourceChunk) -> Mapping[str, StagedTable]:
        warehouse = self.settings.warehouse
        valid_days, rejected_days = chunk.replaced
        valid = target(warehouse, RAW_EVENTS, valid_days)
        rejected = target(warehouse, REJECTED_EVENTS, rejected_days)
        described = target(warehouse, DESCRIBED_VIDEOS, valid_days)
        if not chunk.listing.files:
            return stage_nothing(valid, rejected, described)
        route = partial(sorted_events, erased=erased_users(self.settings))
        apart = is_worth_processes(chunk.rows)
        tables = stage(self._blocks(chunk), route, valid, rejected, described, apart=apart)
        counted = with_days_reported(tables, rejected_days)
        return self.delivery.met(chunk.listing, rejected_days, counted)

    def _blocks(self, chunk: SourceChunk) -> DataFrame:
        near = self.grows.near(self.spark, self.delivery, chunk) if self.grows else None
        rows = chunk.rows if near is None else chunk.rows + near.count()
        shares = Shares.of(rows, self.spark.cores)
        blocks = events_in_blocks(
            self.spark.spark_session,
            chunk.source,
            chunk.window,
            shares=shares,
            listing=chunk.listing,
            pseudonyms=pseudonyms_of(self.settings),
            apart=is_worth_processes(chunk.rows),
        )
        if self.aliases is not None:
            blocks = events_of_users(self.spark, self.settings, blocks, shares)
        if self.grows and near is not None:
            blocks = self.grows.beside(blocks, near, shares)
        return blocks

    def _read(self, chunk: SourceChunk) -> DataFrame:
        layout = self.delivery.source.layout
        return read_rows(self.spark.spark_session, layout, chunk.window, chunk.listing)

    def _note(self, days: Days) -> None:
        self.delivery.note(days)
        mark_if_changed(self.settings, self.delivery.source, self.aliases, days)


def _now() -> datetime:
    return datetime.now(UTC)
