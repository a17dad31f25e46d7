"""`raw_events` and `rejected_events`: one read of the source, sorted out."""

import logging
from collections.abc import Iterator, Mapping
from functools import partial

import dagster as dg
import pyarrow as pa

from resources.delta.stage import Emission, StagedTable, stage
from resources.engine.session import SparkEngine
from video_assets.arrow.blocks import Shares, unpacked
from video_assets.catalog import PLAYER_EVENTS, declared
from video_assets.days import DayRange
from video_assets.ingestion import (
    DUPLICATES,
    SOURCE_ROWS,
    accounting,
    events_source,
    reasons_of,
    replaced_days,
)
from video_assets.player_events.sort_out import events_in_blocks, sort_out
from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.source_chunks import SourceChunk, stage_source
from video_assets.sources.listing import list_source

SOURCE_KEY = dg.AssetKey(["source", "player_events"])
VALID, REJECTED = RAW_EVENTS.name, REJECTED_EVENTS.name

player_events_source = dg.AssetSpec(
    key=SOURCE_KEY,
    group_name=PLAYER_EVENTS,
    description="What the players send, one row per action: Parquet, JSON lines, CSV or Delta at "
    "`VIDEO_ASSETS_EVENTS`.",
)


def player_events_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The assets `video/raw_events` and `video/rejected_events`."""

    @dg.multi_asset(
        name="player_events",
        pool=RAW_EVENTS.name,
        outs={
            VALID: dg.AssetOut(
                **declared(RAW_EVENTS, PLAYER_EVENTS),
                description="Every valid player event, once. Rows that repeat another one in all "
                "six columns are counted as duplicates, rows that break a rule lie in "
                "`rejected_events`: together they are all rows of the source.",
            ),
            REJECTED: dg.AssetOut(
                **declared(REJECTED_EVENTS, PLAYER_EVENTS),
                description="Every source row that was refused: its text as received, the reason, "
                "and where it came from. Rows whose time cannot be read lie on 1970-01-01, unless "
                "the file tells the day.",
            ),
        },
        deps=[SOURCE_KEY],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def player_events(
        context: dg.AssetExecutionContext, spark: SparkEngine, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.Output[StagedTable]]:
        staged = stage_events(spark, settings, DayRange.of(context), context.log)
        valid, rejected = staged[VALID], staged[REJECTED]
        yield dg.Output(valid, output_name=VALID, metadata=accounting(valid, rejected))
        yield dg.Output(
            rejected, output_name=REJECTED, metadata={"reasons": dict(reasons_of(rejected))}
        )

    return player_events


def stage_events(
    spark: SparkEngine, settings: Settings, run: DayRange, log: logging.Logger
) -> dict[str, StagedTable]:
    """Read the source once, and write its events and its rejected rows for one commit.

    Raises:
        SourceError: there is nothing to read, or it cannot be read.
    """
    source = events_source(settings)
    listing = list_source(source, EVENT_ROWS, run.first, run.end)
    return stage_source(source, listing, run, partial(_stage_chunk, spark, settings), log)


def _stage_chunk(
    spark: SparkEngine, settings: Settings, chunk: SourceChunk
) -> Mapping[str, StagedTable]:
    source = events_source(settings)
    valid_days, rejected_days = replaced_days(source, chunk.days)
    shares = Shares.of(chunk.rows, spark.cores)
    return stage(
        events_in_blocks(
            spark.spark_session, source, chunk.window, shares=shares, listing=chunk.listing
        ),
        settings.warehouse,
        {VALID: RAW_EVENTS, REJECTED: REJECTED_EVENTS},
        _sort_out_task,
        {VALID: valid_days, REJECTED: rejected_days},
    )


def _sort_out_task(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
    for parts in unpacked(batches):
        bucket = sort_out(parts)
        counted = {SOURCE_ROWS: bucket.source_rows, DUPLICATES: bucket.duplicates}
        yield Emission(VALID, bucket.valid, counted)
        yield Emission(REJECTED, bucket.rejected, bucket.reasons)
