"""`raw_events` and `rejected_events`: one read of the source, sorted out."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import dagster as dg
import pyarrow as pa

from resources.delta.staging import Emission, StagedTable, stage
from resources.spark import SparkEngine
from video_assets.assets.catalog import PLAYER_EVENTS, declared
from video_assets.assets.chunks import chunks_of_days, stage_in_parts
from video_assets.assets.ingestion import (
    DUPLICATES,
    SOURCE_ROWS,
    accounting,
    clear_source_errors,
    events_source,
    reasons_of,
    replaced_days,
    rows_of_source,
    what_is_read,
)
from video_assets.frames.blocks import Shares, unpacked
from video_assets.frames.raw_events import events_in_blocks, sort_out
from video_assets.partitions import DayRange
from video_assets.schemas import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.sources.config import SourceConfig
from video_assets.sources.frames import list_events
from video_assets.sources.listing import Listing, is_template
from video_assets.sources.times import Window

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

    Many rows are read in chunks of days. Files of lines are read at once: each chunk would have to
    read all of them.

    Raises:
        SourceError: there is nothing to read, or it cannot be read.
    """
    source = events_source(settings)
    listing = list_events(source, run.first, run.end)
    log.info(what_is_read(listing))
    rows = rows_of_source(listing)
    chunks = chunks_of_days(run, rows) if _tells_days(source, listing) else [run]
    parts = {
        f"{chunk.first} to {chunk.last}": partial(
            _stage_chunk, spark, settings, _Chunk.of(chunk, listing, rows // len(chunks), run)
        )
        for chunk in chunks
    }
    with clear_source_errors():
        return stage_in_parts(parts, log)


def _tells_days(source: SourceConfig, listing: Listing) -> bool:
    """Whether a chunk of days need not read the rows of all others: by path or statistics."""
    return is_template(source.uri) or all(
        file.format in ("parquet", "delta") for file in listing.files
    )


@dataclass(frozen=True)
class _Chunk:
    """Some days of a run, and about how many rows they have; the first has the undated rows."""

    days: DayRange
    listing: Listing
    rows: int
    is_first: bool

    @classmethod
    def of(cls, days: DayRange, listing: Listing, rows: int, run: DayRange) -> "_Chunk":
        files = (file for file in listing.files if file.day is None or file.day in days.days)
        return cls(days, Listing(tuple(files)), rows, is_first=days.first == run.first)

    @property
    def window(self) -> Window:
        return Window(self.days.first, self.days.end, with_undated=self.is_first)


def _stage_chunk(
    spark: SparkEngine, settings: Settings, chunk: _Chunk
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
