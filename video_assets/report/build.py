"""The report's figures, of the tables as they are stored; and where the page lies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession

from resources.delta.errors import MissingTableError
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.analytics.stage_forecast import FINDING
from video_assets.analytics.tables import (
    COMPLETION_FORECAST,
    DIMENSION_DAILY,
    EXPERIMENT_RESULTS,
    USER_ENGAGEMENT,
    VIDEO_DAILY,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
)
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATE
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.report.chapters import Chapters, read_chapters
from video_assets.report.data import collect_report
from video_assets.report.facts import Limits, Report
from video_assets.report.inputs import Tables
from video_assets.report.period_lists import PeriodList, period_lists
from video_assets.report.video_details import video_details
from video_assets.report.video_facts import VideoDetail
from video_assets.settings import Settings


@dataclass(frozen=True)
class Built:
    """Everything that the report shows.

    Attributes:
        details: of the videos in its list, computed as they are asked for, of the same versions
            of the tables.
        lists: of the videos by period and filter, likewise.
        refused_chapters: a sentence for each that cannot be read.
    """

    report: Report
    details: Iterator[VideoDetail]
    lists: Iterator[PeriodList]
    refused_chapters: tuple[str, ...]


def build_report(session: SparkSession, settings: Settings, written_at: datetime) -> Built:
    """The report's figures of the tables below the warehouse.

    Raises:
        MissingTableError: a table of the player events was never written.
        SourceError: the chapters are not there, or lack a column.
    """
    tables, width = _tables(session, settings), settings.position_bucket_seconds
    report = collect_report(tables, _limits(settings), width, written_at)
    listed = {video.video_id for video in report.videos}
    chapters = read_chapters(settings.video_chapters, listed)
    details = video_details(tables, report, width, chapters.of_videos)
    lists = period_lists(tables, report)
    return Built(_with_chapters(report, chapters), details, lists, chapters.refused)


def _with_chapters(report: Report, chapters: Chapters) -> Report:
    """The report whose curves know their chapters."""
    curves = (
        replace(curve, chapters=chapters.of_videos.get(curve.video.video_id, ()))
        for curve in report.curves
    )
    return replace(report, curves=tuple(curves))


def _tables(session: SparkSession, settings: Settings) -> Tables:
    stored = Warehouse(settings.warehouse, lambda: session).snapshot()

    def frame(table: Table) -> DataFrame:
        if not stored.holds(table):
            raise MissingTableError(
                f"table {table.name}: there is none at {stored.location(table)}. Materialize the "
                f"asset {table.asset} before the report."
            )
        return stored.frame(table)

    def optional(table: Table) -> DataFrame | None:
        return stored.frame(table) if stored.holds(table) else None

    def filled(table: Table) -> DataFrame | None:
        return stored.frame(table) if stored.row_count(table) else None

    return Tables(
        engagement=frame(ENGAGEMENT),
        sessions=frame(SESSIONS),
        video_performance=frame(VIDEO_PERFORMANCE),
        video_position_curve=frame(VIDEO_POSITION_CURVE),
        user_engagement=frame(USER_ENGAGEMENT),
        rejected_events=stored.frame(REJECTED_EVENTS),
        daily_views=optional(DAILY_VIDEO_VIEWS),
        missing_date=optional(MISSING_DATE),
        events_per_day=stored.rows_per_day(RAW_EVENTS),
        rejected_per_day=stored.rows_per_day(REJECTED_EVENTS),
        daily_view_rows=stored.row_count(DAILY_VIDEO_VIEWS),
        definition_changes=settings.view_definition_changes,
        dimension_daily=filled(DIMENSION_DAILY),
        experiment_results=filled(EXPERIMENT_RESULTS),
        completion_forecast=filled(COMPLETION_FORECAST),
        forecast_finding=(stored.origin(COMPLETION_FORECAST) or {}).get(FINDING),
        video_daily=optional(VIDEO_DAILY),
        excluded_are_counted=settings.count_excluded_viewers,
        unfinished=stored.unfinished_days(SESSIONS),
        unfinished_views=stored.unfinished_days(DAILY_VIDEO_VIEWS),
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        rejected_share=settings.max_rejected_share,
        flagged_share=settings.max_flagged_share,
        tier_high=settings.tier_high,
        tier_medium=settings.tier_medium,
        tier_low=settings.tier_low,
    )
