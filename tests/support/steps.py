"""The steps behind the assets, staged and committed as `assets.py` does, but without Dagster."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame

from resources.delta.commit import commit
from resources.delta.stage import StagedTable
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.analytics.stage_daily import stage_dimension_daily, stage_video_daily
from video_assets.analytics.stage_experiments import stage_experiment_results
from video_assets.analytics.stage_forecast import stage_completion_forecast
from video_assets.analytics.stage_position_curve import stage_position_curve
from video_assets.analytics.stage_user_engagement import stage_user_engagement
from video_assets.analytics.stage_video_performance import stage_video_performance
from video_assets.analytics.tables import (
    COMPLETION_FORECAST,
    DIMENSION_DAILY,
    EXPERIMENT_RESULTS,
    USER_ENGAGEMENT,
    VIDEO_DAILY,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
)
from video_assets.daily_views.missing_dates import newest_date
from video_assets.daily_views.stage_missing_dates import expectation, stage_missing_dates
from video_assets.daily_views.stage_months import stage_monthly_views
from video_assets.daily_views.stage_views import stage_views
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.days import DayRange
from video_assets.engagement.stage_engagement import stage_engagement
from video_assets.engagement.stage_sessions import stage_sessions
from video_assets.engagement.stage_video_metadata import stage_video_metadata
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.stage_events import stage_events
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.staged_days import StagedDays, named_days

LOG = logging.getLogger(__name__)

Staged = Mapping[str, StagedTable]


@dataclass(frozen=True)
class Steps:
    """The steps of some days, or of tables that have none."""

    settings: Settings
    days: Sequence[date]
    spark: SparkEngine

    def compute(self, tables: Collection[Table]) -> dict[str, StagedTable]:
        """Fill tables, those first that others need; what was written, by the table's name."""
        written: dict[str, StagedTable] = {}
        for outputs, step in _ORDER.items():
            if set(outputs) & set(tables):
                staged = step(self)
                for error in (*staged.unread, *_errors(staged)):
                    staged.discard()
                    raise error
                for output in staged.tables.values():
                    commit(output)
                staged.note()
                written |= staged.tables
        return written

    def player_events(self) -> StagedDays:
        return stage_events(self.spark, self.settings, self._run, LOG)

    def video_metadata(self) -> StagedDays:
        return stage_video_metadata(self.spark, self.settings, LOG)

    def sessions(self) -> StagedDays:
        events = self._frame(RAW_EVENTS)
        return _named(stage_sessions(events, self.spark, self.settings, self._run, LOG))

    def engagement(self) -> StagedDays:
        inputs = (self._frame(SESSIONS), self._frame(VIDEO_METADATA))
        return _named(stage_engagement(*inputs, self.spark, self.settings, LOG))

    def daily_views(self) -> StagedDays:
        return stage_views(self.spark, self.settings, self._run, LOG)

    def monthly_views(self) -> StagedDays:
        months = frozenset(day for day in self._run.days if day.day == 1)
        stored = Warehouse(self.settings.warehouse, lambda: self.spark.spark_session)
        return _named(stage_monthly_views(stored, months, self.settings))

    def missing_dates(self) -> StagedDays:
        daily = self._frame(DAILY_VIDEO_VIEWS)
        expected = expectation(self.settings, newest_date(daily))
        return StagedDays(stage_missing_dates(daily, expected, self.settings.warehouse))

    def video_daily(self) -> StagedDays:
        return _named(stage_video_daily(self.spark, self.settings, self._run, LOG))

    def dimension_daily(self) -> StagedDays:
        return _named(stage_dimension_daily(self.spark, self.settings, self._run, LOG))

    def experiment_results(self) -> StagedDays:
        return _named(stage_experiment_results(self.spark, self.settings))

    def user_engagement(self) -> StagedDays:
        engagement = self._frame(ENGAGEMENT)
        return _named(stage_user_engagement(engagement, self.spark, self.settings, LOG))

    def video_performance(self) -> StagedDays:
        return _named(stage_video_performance(self.spark, self.settings))

    def position_curve(self) -> StagedDays:
        events = self._frame(RAW_EVENTS)
        return _named(stage_position_curve(events, self.spark, self.settings, LOG))

    def completion_forecast(self) -> StagedDays:
        return _named(stage_completion_forecast(self.spark, self.settings, LOG).staged)

    @property
    def _run(self) -> DayRange:
        return DayRange(self.days[0], self.days[-1] + timedelta(days=1))

    def _frame(self, table: Table) -> DataFrame:
        return Warehouse(self.settings.warehouse, lambda: self.spark.spark_session).frame(table)


def _errors(staged: StagedDays) -> list[ValueError]:
    return [ValueError(named_days(staged.failed))] if staged.failed else []


def _named(staged: StagedTable) -> StagedDays:
    return StagedDays({staged.table.name: staged})


_ORDER: Mapping[tuple[Table, ...], Callable[[Steps], StagedDays]] = {
    (RAW_EVENTS, REJECTED_EVENTS): Steps.player_events,
    (VIDEO_METADATA,): Steps.video_metadata,
    (SESSIONS,): Steps.sessions,
    (ENGAGEMENT,): Steps.engagement,
    (VIDEO_DAILY,): Steps.video_daily,
    (DIMENSION_DAILY,): Steps.dimension_daily,
    (EXPERIMENT_RESULTS,): Steps.experiment_results,
    (COMPLETION_FORECAST,): Steps.completion_forecast,
    (USER_ENGAGEMENT,): Steps.user_engagement,
    (VIDEO_PERFORMANCE,): Steps.video_performance,
    (VIDEO_POSITION_CURVE,): Steps.position_curve,
    (DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS): Steps.daily_views,
    (MONTHLY_VIEWS,): Steps.monthly_views,
    (MISSING_DATES, MISSING_DATE): Steps.missing_dates,
}
