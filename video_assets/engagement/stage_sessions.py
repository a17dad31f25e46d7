"""`sessions`: the watch-time rules, applied day by day."""

import logging
from collections.abc import Mapping
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.schema_check import days_between
from resources.delta.stage import StagedTable, stage, target
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.arrow.kernels import is_worth_processes, tasks_for
from video_assets.chunks import StagedChunks, chunks_of_days, one_by_one
from video_assets.days import DayRange, consecutive
from video_assets.engagement import session_frames as frames
from video_assets.engagement.routes import computed_sessions
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.settings import Settings
from video_assets.staged_days import FailedDay, StagedDays

OUTPUT = "result"
NEVER_LOADED = FailedDay("raw_events of the day was never loaded, or was dropped")


class EventsChangedError(RuntimeError):
    """The events of a run's days are no longer those that were read: read them again."""


def stage_loaded_sessions(
    raw_events: DataFrame,
    spark: Engine,
    settings: Settings,
    run: DayRange,
    log: logging.Logger,
) -> StagedDays:
    """The same for the days whose events were loaded, be it a day without any; the others fail.

    Raises:
        EventsChangedError: another run replaced events of the days meanwhile.
    """
    stored = Warehouse(settings.warehouse).snapshot()
    loaded = [day for day in run.days if stored.holds_day(RAW_EVENTS, day)]
    with StagedChunks() as staged:
        for days in consecutive(loaded):
            staged.add({OUTPUT: stage_sessions(raw_events, spark, settings, days, log)})
        newest = Warehouse(settings.warehouse).snapshot()
        if _replacements(newest, run) != _replacements(stored, run):
            raise EventsChangedError(f"raw_events of {run} changed while sessions were computed")
    tables = staged.merged() if staged else {}
    failed = dict.fromkeys(set(run.days) - set(loaded), NEVER_LOADED)
    unfinished = stored.unfinished_days(RAW_EVENTS, run.first, run.end)
    return StagedDays(tables, failed).marked(unfinished)


def _replacements(stored: Warehouse, run: DayRange) -> list[int | None]:
    return [stored.replacement(RAW_EVENTS, day) for day in (run.day_before, *run.days)]


def stage_sessions(
    raw_events: DataFrame,
    spark: Engine,
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
    stored = Warehouse(settings.warehouse).snapshot()
    events = stored.row_count(RAW_EVENTS, run.day_before, run.end)
    log.info("sessions: of %s events, %s to %s", f"{events:,}", run.first, run.last)
    with StagedChunks() as staged:
        for chunk in one_by_one(chunks_of_days(run, events), log):
            staged.add(_stage_chunk(raw_events, spark, settings, stored, chunk))
    return staged.merged()[SESSIONS.name]


def _stage_chunk(
    raw_events: DataFrame, spark: Engine, settings: Settings, stored: Warehouse, days: DayRange
) -> Mapping[str, StagedTable]:
    day = F.col(RAW_EVENTS.partition_by or "")
    needed = raw_events.where((day >= F.lit(days.day_before)) & (day < F.lit(days.end)))
    events = stored.row_count(RAW_EVENTS, days.day_before, days.end)
    tasks = tasks_for(events, spark.cores)
    is_named = bool(settings.events_dimensions)
    taken = frames.EVENTS_WITH_DIMENSIONS if is_named else frames.EVENTS_TAKEN
    by_user = frames.events_by_user(needed, settings.rules, days.first, tasks, taken)
    rules = partial(
        computed_sessions,
        rules=settings.rules,
        first_day=days.first,
        end_day=days.end,
        taken=taken,
    )
    into = target(settings.warehouse, SESSIONS, days_between(days.first, days.end), sort=True)
    return stage(by_user, rules, into, apart=is_worth_processes(events))
