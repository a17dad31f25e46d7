"""The tables of each video on each day: the days of a run, and later ones that they change."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from resources.delta.schema_check import days_between
from resources.delta.stage import StagedTable, stage_frame, stage_nothing, target
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.analytics.dimension_daily import (
    Comparison,
    dimension_daily,
    restated_dimension_daily,
)
from video_assets.analytics.tables import DIMENSION_DAILY, VIDEO_DAILY
from video_assets.analytics.video_daily import restated_video_daily, video_daily
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
    work = _Work(VIDEO_DAILY, spark, settings, run, log)
    return work.stage(
        lambda sessions, engagement, _, tasks: video_daily(sessions, engagement, tasks),
        restated_video_daily,
    )


def stage_dimension_daily(
    spark: Engine, settings: Settings, run: DayRange, log: logging.Logger
) -> StagedTable:
    """The same by the values of dimensions; no rows where the settings name none."""
    if not settings.events_dimensions:
        days = days_between(run.first, run.end)
        into = target(settings.warehouse, DIMENSION_DAILY, days)
        return stage_nothing(into)[DIMENSION_DAILY.name]
    by = Comparison(tuple(settings.events_dimensions), settings.dimension_values)
    work = _Work(DIMENSION_DAILY, spark, settings, run, log, rows_per_session=len(by.names))
    return work.stage(
        lambda sessions, engagement, days, tasks: dimension_daily(
            sessions, engagement, by, days, tasks
        ),
        lambda later, engagement: restated_dimension_daily(later, engagement, run.end),
    )


@dataclass(frozen=True)
class _Work:
    """What both tables share."""

    table: Table
    spark: Engine
    settings: Settings
    run: DayRange
    log: logging.Logger
    rows_per_session: int = 1

    def stage(
        self,
        rows_of: Callable[[DataFrame, DataFrame, DayRange, int], DataFrame],
        restated: Callable[[DataFrame, DataFrame], DataFrame],
    ) -> StagedTable:
        """Write the rows of the days, and those of later days that change.

        Args:
            rows_of: the rows of some days, from their sessions and all engagement, by some tasks.
            restated: stored rows of later days as they should be, and `isChanged`.
        """
        stored = Warehouse(self.settings.warehouse, lambda: self.spark.spark_session).snapshot()
        engagement = stored.frame(ENGAGEMENT)

        def rows_in(days: DayRange) -> int:
            return stored.row_count(SESSIONS, days.first, days.end) * self.rows_per_session

        chunks = chunks_of_days(self.run, rows_in(self.run), SESSIONS_AT_ONCE)
        with StagedChunks() as staged:
            for days in one_by_one(chunks, self.log):
                tasks = tasks_for(rows_in(days), self.spark.cores)
                sessions = stored.frame(SESSIONS, days.first, days.end)
                rows = rows_of(sessions, engagement, days, tasks)
                rows = rows.withColumn("isUnfinished", self._is_unfinished(stored))
                replaced = days_between(days.first, days.end)
                into = (self.settings.warehouse, self.table, replaced)
                staged.add({self.table.name: stage_frame(rows, *into)})
            if any(day >= self.run.end for day in stored.rows_per_day(self.table)):
                later = restated(stored.frame(self.table, self.run.end), engagement)
                staged.add({self.table.name: self._stage_changed(later)})
        written = staged.merged()[self.table.name]
        return written.marked(stored.unfinished_days(SESSIONS))

    def _is_unfinished(self, stored: Warehouse) -> Column:
        """Whether more sessions of a row's day will come."""
        unfinished = stored.unfinished_days(SESSIONS, self.run.first, self.run.end)
        return F.col("date").isin(*unfinished) if unfinished else F.lit(False)  # noqa: FBT003 (Spark's signature)

    def _stage_changed(self, later: DataFrame) -> StagedTable:
        changed = later.where(F.col("isChanged")).select("date").distinct().collect()
        days = frozenset(row["date"] for row in changed)
        if days:
            self.log.info(
                "%d later days are restated: other days are the first ones now", len(days)
            )
        rows = later.where(F.col("date").isin(*days) if days else F.col("isChanged"))
        columns = rows.select(*self.table.column_names)
        return stage_frame(columns, self.settings.warehouse, self.table, days)
