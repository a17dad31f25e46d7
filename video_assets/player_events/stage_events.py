"""One read of the events' source, sorted out into `raw_events` and `rejected_events`."""

import logging
from functools import partial

from resources.delta.stage import StagedTable, stage, target
from resources.engine.engine import Engine
from video_assets.arrow.blocks import Shares
from video_assets.chunks import StagedChunks
from video_assets.days import DayRange
from video_assets.ingestion import clear_source_errors, events_source, replaced_days
from video_assets.player_events.erased_users import erased_users
from video_assets.player_events.routes import sorted_events
from video_assets.player_events.sort_out import events_in_blocks
from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.source_chunks import source_chunks
from video_assets.sources.listing import list_source

VALID, REJECTED = RAW_EVENTS.name, REJECTED_EVENTS.name


def stage_events(
    spark: Engine, settings: Settings, run: DayRange, log: logging.Logger
) -> dict[str, StagedTable]:
    """Read the source once, and write its events and its rejected rows for one commit.

    Raises:
        SourceError: there is nothing to read, or it cannot be read.
    """
    source = events_source(settings)
    listing = list_source(source, EVENT_ROWS, run.first, run.end)
    route = partial(sorted_events, erased=erased_users(settings))
    with clear_source_errors(), StagedChunks() as staged:
        for chunk in source_chunks(source, listing, run, log):
            valid_days, rejected_days = replaced_days(source, chunk.days)
            shares = Shares.of(chunk.rows, spark.cores)
            blocks = events_in_blocks(
                spark.spark_session, source, chunk.window, shares=shares, listing=chunk.listing
            )
            valid = target(settings.warehouse, RAW_EVENTS, valid_days)
            rejected = target(settings.warehouse, REJECTED_EVENTS, rejected_days)
            staged.add(stage(blocks, route, valid, rejected))
    return staged.merged()
