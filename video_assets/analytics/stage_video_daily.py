"""`video_daily`: the days of a run, and later ones that an earlier day changes."""

import logging

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.schema_check import days_between
from resources.delta.stage import StagedTable, stage_frame
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.analytics.tables import VIDEO_DAILY
from video_assets.analytics.video_daily import restated, video_daily
from video_assets.arrow.kernels import tasks_for
from video_assets.chunks import StagedChunks, chunks_of_days, one_by_one
from video_assets.days import DayRange
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.settings import Settings
from video_assets.sizes import SESSIONS_AT_ONCE


def stage_video_daily(
    spark: Engine, settings: Settings, run: DayRange, log: logging.Logger
) -> StagedTable:
    """Write the rows of some days for one commit; a long range in chunks of days.

    A day that comes late changes who was new on later days, and when the video began: of later
    days that are there, those that change are written again, from their own rows.
    """
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session).snapshot()
    engagement = stored.frame(ENGAGEMENT)
    sessions = stored.row_count(SESSIONS, run.first, run.end)
    with StagedChunks() as staged:
        for days in one_by_one(chunks_of_days(run, sessions, SESSIONS_AT_ONCE), log):
            tasks = tasks_for(stored.row_count(SESSIONS, days.first, days.end), spark.cores)
            rows = video_daily(stored.frame(SESSIONS, days.first, days.end), engagement, tasks)
            replaced = days_between(days.first, days.end)
            staged.add(_named(stage_frame(rows, settings.warehouse, VIDEO_DAILY, replaced)))
        if any(day >= run.end for day in stored.rows_per_day(VIDEO_DAILY)):
            later = restated(stored.frame(VIDEO_DAILY, run.end), engagement)
            staged.add(_named(_stage_changed(later, settings, log)))
    return staged.merged()[VIDEO_DAILY.name]


def _stage_changed(later: DataFrame, settings: Settings, log: logging.Logger) -> StagedTable:
    changed = later.where(F.col("isChanged")).select("date").distinct().collect()
    days = frozenset(row["date"] for row in changed)
    if days:
        log.info("%d later days are restated: other days are the first ones now", len(days))
    rows = later.where(F.col("date").isin(*days) if days else F.col("isChanged"))
    columns = rows.select(*VIDEO_DAILY.column_names)
    return stage_frame(columns, settings.warehouse, VIDEO_DAILY, days)


def _named(staged: StagedTable) -> dict[str, StagedTable]:
    return {staged.table.name: staged}
