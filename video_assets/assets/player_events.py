"""`raw_events` and `rejected_events`: one read of the source, sorted out."""

from collections.abc import Iterable, Iterator

import dagster as dg
import pyarrow as pa
from pyspark.sql import functions as F

from resources.delta.contract import EPOCH, Days, days_between
from resources.delta.staging import Emission, stage
from resources.spark import SparkEngine
from video_assets.assets.catalog import PLAYER_EVENTS, declared
from video_assets.frames.raw_events import sort_out
from video_assets.partitions import DayRange
from video_assets.schemas import RAW_EVENTS, REJECTED_EVENTS, Table
from video_assets.settings import Settings
from video_assets.sources.frames import EventSource

SOURCE_KEY = dg.AssetKey(["source", "player_events"])

player_events_source = dg.AssetSpec(
    key=SOURCE_KEY,
    group_name=PLAYER_EVENTS,
    description="What the players send: one row per action. Set by `VIDEO_ASSETS_EVENTS`; "
    "Parquet, JSON lines, CSV or Delta.",
)


def player_events_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The assets `video/raw_events` and `video/rejected_events`, from one read of the source."""

    @dg.multi_asset(
        name="player_events",
        outs={
            RAW_EVENTS.name: dg.AssetOut(
                **declared(RAW_EVENTS, PLAYER_EVENTS),
                description="Every valid player event, once. Rows that repeat another one in all "
                "six columns are counted as duplicates; rows that break a rule are in "
                "`rejected_events`. Valid, repeated and rejected rows add up to the source's.",
            ),
            REJECTED_EVENTS.name: dg.AssetOut(
                **declared(REJECTED_EVENTS, PLAYER_EVENTS),
                description="Every source row that was refused: its text as received, why, and "
                "where it came from. Rows whose time cannot be read lie on 1970-01-01, unless "
                "their file tells the day.",
            ),
        },
        deps=[SOURCE_KEY],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def player_events(
        context: dg.AssetExecutionContext, spark: SparkEngine, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.Output[object]]:
        run = DayRange.of(context)
        source = EventSource.of(settings, run.first, run.end)
        context.log.info("%s", source.description)
        tables = {table.name: table for table in (RAW_EVENTS, REJECTED_EVENTS)}
        with source.clear_errors():
            rows = source.rows(spark.spark_session)
            shared = rows.repartition(source.tasks(spark.cores), _share())
            staged = stage(shared, settings.warehouse, tables, _route, _replaced(source, run))
        for name in tables:
            yield dg.Output(staged[name], output_name=name)

    return player_events
