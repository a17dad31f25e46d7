"""`sessions`: the watch-time rules, applied day by day."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
from pyspark.sql import DataFrame

from resources.delta.contract import days_between
from resources.delta.staging import Emission, StagedTable, stage
from resources.delta.volume import stored_rows
from resources.spark import SparkEngine
from video_assets.assets.catalog import ENGAGEMENT as GROUP
from video_assets.assets.catalog import asset_key, column_lineage, declared
from video_assets.frames import sessions as frames
from video_assets.frames.kernels import tasks_for
from video_assets.partitions import WIDENED_BY_A_DAY, DayRange
from video_assets.schemas import RAW_EVENTS, SESSIONS
from video_assets.settings import Settings
from video_assets.watch_time.rules import WatchTimeRules


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
        events = stored_rows(settings.warehouse, RAW_EVENTS, run.day_before, run.end)
        tasks = tasks_for(events, spark.cores)
        context.log.info("%d events of %s to %s in %d tasks", events, run.first, run.last, tasks)
        context.add_output_metadata(column_lineage(SESSIONS))
        return stage_sessions(raw_events, settings, run, tasks)

    return sessions


def stage_sessions(
    raw_events: DataFrame, settings: Settings, run: DayRange, tasks: int
) -> StagedTable:
    """Write the session rows of some days, for one commit."""
    events = frames.events_by_user(raw_events, settings.rules, run.first, tasks)
    route = partial(_sessions_task, rules=settings.rules, run=run)
    days = days_between(run.first, run.end)
    name = SESSIONS.name
    return stage(events, settings.warehouse, {name: SESSIONS}, route, {name: days}, sort={name})[
        name
    ]


def _sessions_task(
    batches: Iterator[pa.RecordBatch], rules: WatchTimeRules, run: DayRange
) -> Iterator[Emission]:
    rows = frames.sessions_of_task(batches, rules, run.first, run.end)
    yield Emission(SESSIONS.name, rows)


def _when_an_event_day_changes() -> dg.AutomationCondition[Any]:
    """Compute a known day again when its events, or those of the day before, arrive or change.

    Also while the day is being computed, because that run may have read the events before the
    change. A run that brings the events and computes the sessions of both days asks for nothing.
    """
    changed = dg.AutomationCondition.any_deps_updated() & ~dg.AutomationCondition.missing()
    return changed.with_label("events of the day or the day before changed")
