"""`sessions`: the watch-time rules, applied day by day."""

import logging
from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.schema_check import days_between
from resources.delta.stage import Emission, StagedTable, stage
from resources.delta.warehouse import stored_rows
from resources.engine.session import SparkEngine
from video_assets.arrow.kernels import tasks_for
from video_assets.catalog import ENGAGEMENT as GROUP
from video_assets.catalog import asset_key, column_lineage, declared
from video_assets.chunks import chunks_of_days, stage_in_parts
from video_assets.days import WIDENED_BY_A_DAY, DayRange
from video_assets.engagement import session_frames as frames
from video_assets.engagement.tables import SESSIONS
from video_assets.engagement.watch_time.rules import WatchTimeRules
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.settings import Settings


def sessions_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `video/sessions`."""

    @dg.asset(
        **declared(SESSIONS, GROUP),
        pool=SESSIONS.name,
        description="What each user watched of each video in each session, a row per day: a "
        "session that runs past midnight continues in a row of the next day, so that every "
        "measure adds up across rows. Watched stretches are kept as intervals.",
        ins={
            RAW_EVENTS.name: dg.AssetIn(asset_key(RAW_EVENTS), partition_mapping=WIDENED_BY_A_DAY)
        },
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=_when_an_event_day_changes(),
    )
    def sessions(
        context: dg.AssetExecutionContext,
        raw_events: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        run = DayRange.of(context)
        context.add_output_metadata(column_lineage(SESSIONS))
        return stage_sessions(raw_events, spark, settings, run, context.log)

    return sessions


def stage_sessions(
    raw_events: DataFrame,
    spark: SparkEngine,
    settings: Settings,
    run: DayRange,
    log: logging.Logger,
) -> StagedTable:
    """Write the session rows of some days for one commit; a long range in chunks of days.

    Args:
        raw_events: rows of `raw_events` of the days and the day before.
        spark: the engine.
        settings: rules and warehouse.
        run: the days.
        log: where progress is told.
    """
    events = stored_rows(settings.warehouse, RAW_EVENTS, run.day_before, run.end)
    log.info("%d events of %s to %s", events, run.first, run.last)
    parts = {
        f"{chunk.first} to {chunk.last}": partial(_stage_chunk, raw_events, spark, settings, chunk)
        for chunk in chunks_of_days(run, events)
    }
    return stage_in_parts(parts, log)[SESSIONS.name]


def _stage_chunk(
    raw_events: DataFrame, spark: SparkEngine, settings: Settings, run: DayRange
) -> Mapping[str, StagedTable]:
    day = F.col(RAW_EVENTS.partition_by or "")
    days = (day >= F.lit(run.day_before)) & (day < F.lit(run.end))
    events = stored_rows(settings.warehouse, RAW_EVENTS, run.day_before, run.end)
    tasks = tasks_for(events, spark.cores)
    return stage(
        frames.events_by_user(raw_events.where(days), settings.rules, run.first, tasks),
        settings.warehouse,
        {SESSIONS.name: SESSIONS},
        partial(_sessions_task, rules=settings.rules, first_day=run.first, end_day=run.end),
        {SESSIONS.name: days_between(run.first, run.end)},
        sort={SESSIONS.name},
    )


def _sessions_task(
    batches: Iterator[pa.RecordBatch], rules: WatchTimeRules, first_day: date, end_day: date
) -> Iterator[Emission]:
    rows = frames.sessions_of_task(batches, rules, first_day, end_day)
    yield Emission(SESSIONS.name, rows)


def _when_an_event_day_changes() -> dg.AutomationCondition[Any]:
    """Compute a known day again when its events, or those of the day before, arrive or change.

    Also while the day is being computed, because that run may have read the events before the
    change. A run that brings the events and computes the sessions of both days asks for nothing.
    """
    changed = dg.AutomationCondition.any_deps_updated() & ~dg.AutomationCondition.missing()
    return changed.with_label("events of the day or the day before changed")
