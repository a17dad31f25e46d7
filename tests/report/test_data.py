"""Figures of tables at their edges: empty ones, long ones, days that are missing."""

from dataclasses import replace
from datetime import date, timedelta

from pyspark.sql import SparkSession
from support.report_facts import WRITTEN, empty_report, full_report, tables_without_rows
from support.tables import frame

from video_assets.analytics.tables import (
    COMPLETION_FORECAST,
    USER_ENGAGEMENT,
    VIDEO_PERFORMANCE,
)
from video_assets.daily_views.tables import MISSING_DATE
from video_assets.report.data import collect_report
from video_assets.report.facts import Exclusion, People, Report
from video_assets.report.inputs import DAYS_SHOWN, Tables
from video_assets.report.outlook import outlook


def collected(tables: Tables) -> Report:
    return collect_report(tables, full_report().limits, 5, WRITTEN)


def test_tables_without_rows_give_a_report_without_figures(spark: SparkSession) -> None:
    assert collected(tables_without_rows(spark)) == empty_report()


def test_days_without_events_between_others_are_told(spark: SparkSession) -> None:
    first, undated = date(2025, 1, 1), date(1970, 1, 1)
    kept = {first: 10, first + timedelta(days=3): 10}
    tables = replace(tables_without_rows(spark), events_per_day=kept, rejected_per_day={undated: 2})
    intake = collected(tables).intake
    assert intake.days_without_events == (date(2025, 1, 2), date(2025, 1, 3))
    assert (intake.kept, intake.rejected, intake.undated) == (20, 2, 2)


def test_only_the_newest_days_are_shown_of_a_long_history(spark: SparkSession) -> None:
    first = date(2022, 1, 1)
    kept = {first + timedelta(days=n): 1 for n in range(1000)}
    intake = collected(replace(tables_without_rows(spark), events_per_day=kept)).intake
    assert len(intake.days) == DAYS_SHOWN
    assert intake.days[-1].day == max(kept)
    assert intake.kept == 1000


def test_missing_days_far_apart_are_shown_with_the_days_between_them(spark: SparkSession) -> None:
    days = [date(2024, 1, 1), date(2025, 1, 1), date(2025, 1, 3)]
    rows = [
        {"channel_id": "c", "video_id": f"v{n}", "created_date": days[0], "missing_date": day}
        for n, day in enumerate([*days, days[-1]])
    ]
    tables = replace(tables_without_rows(spark), missing_date=frame(spark, rows, MISSING_DATE))
    missing = collected(replace(tables, daily_view_rows=96)).missing
    assert missing is not None
    assert missing.per_day == ((days[1], 1), (date(2025, 1, 2), 0), (days[2], 2))
    assert (missing.videos, missing.dates, missing.missing_rate) == (4, 4, 4.0)


def test_who_is_left_out_is_no_power_user_and_is_counted_with_the_hours_watched(
    spark: SparkSession,
) -> None:
    user = {"videos": 1, "completedVideos": 0, "highTierVideos": 1, "avgUniqueWatchPercentage": 1.0}
    seen = {"lastSeen": WRITTEN, "simultaneousSeconds": 1800.0}
    rows = [
        {**user, **seen, "userId": "ann", "watchSeconds": 3600.0, "exclusionReason": None},
        {**user, **seen, "userId": "bot", "watchSeconds": 7200.0, "exclusionReason": "listed"},
    ]
    tables = replace(
        tables_without_rows(spark), user_engagement=frame(spark, rows, USER_ENGAGEMENT)
    )
    left_out = collected(tables)
    assert [power.user_id for power in left_out.audience.power_users] == ["ann"]
    assert left_out.people == People(
        (Exclusion("listed", 1, 2.0),),
        are_counted=False,
        in_several_places=2,
        simultaneous_hours=1.0,
    )
    counted = collected(replace(tables, excluded_are_counted=True))
    assert [power.user_id for power in counted.audience.power_users] == ["bot", "ann"]


def test_what_is_unfinished_is_summed_up_by_video(spark: SparkSession) -> None:
    day = date(2025, 1, 28)
    chances = {("ann", "a"): 0.5, ("ben", "a"): 0.9, ("ann", "b"): 0.1}
    rows = [
        {"userId": u, "videoId": v, "completionProbability": chance, "forecastDate": day}
        for (u, v), chance in chances.items()
    ]
    titles = frame(spark, [{"videoId": "b", "videoTitle": "Tea"}], VIDEO_PERFORMANCE)
    found = outlook(frame(spark, rows, COMPLETION_FORECAST), titles)
    assert found is not None
    assert (found.day, found.cases, round(found.expected, 6)) == (day, 3, 1.5)
    assert [(video.name, video.viewers) for video in found.videos] == [("Tea", 1), ("a", 2)]
    assert outlook(frame(spark, [], COMPLETION_FORECAST), titles) is None
