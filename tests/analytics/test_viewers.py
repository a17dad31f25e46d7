"""One row per user, cohorts by week, and the table for report tools."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from support.checks import NOON, engaged, session
from support.tables import frame

from resources.delta.table import Table
from video_assets.analytics.tables import VIDEO_ENGAGEMENT_BI, VIEWER_COHORTS
from video_assets.analytics.user_engagement import user_engagement
from video_assets.analytics.video_engagement_bi import video_engagement_bi
from video_assets.analytics.viewer_cohorts import viewer_cohorts
from video_assets.arrow.kernels import spark_schema
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS

Row = dict[str, Any]

MONDAY = date(2024, 12, 30)  # its week holds the new year
SUNDAY = date(2025, 1, 5)


def rows_of(found: DataFrame, table: Table) -> list[Row]:
    """The rows by key, once the columns are known to be those declared."""
    declared = spark_schema(table)
    assert [(f.name, f.dataType) for f in found.schema] == [(f.name, f.dataType) for f in declared]
    rows = [row.asDict() for row in found.collect()]
    return sorted(rows, key=lambda row: [row[name] for name in table.key])


def users(spark: SparkSession, *rows: Row) -> list[Row]:
    found = user_engagement(frame(spark, rows, ENGAGEMENT)).collect()
    return sorted((row.asDict() for row in found), key=lambda row: str(row["userId"]))


def report(spark: SparkSession, *rows: Row) -> list[Row]:
    return rows_of(video_engagement_bi(frame(spark, rows, ENGAGEMENT)), VIDEO_ENGAGEMENT_BI)


def cohorts(spark: SparkSession, *visits: tuple[str, date]) -> list[Row]:
    """Cohorts of users who watched 20 s on each of their days."""
    rows = [session(1, userId=user, sessionDate=day) for user, day in visits]
    return rows_of(viewer_cohorts(frame(spark, rows, SESSIONS)), VIEWER_COHORTS)


def weeks(rows: Iterable[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in ("cohortWeek", "weeksSince", *names)) for row in rows]


def test_a_user_s_videos_are_summed_up(spark: SparkSession) -> None:
    [row] = users(
        spark,
        engaged(totalWatchTime=0.1, sessionCount=2, isCompletedAtLeastOnce=True),
        engaged(videoId="v2", totalWatchTime=0.2),
    )
    assert (row["videos"], row["completedVideos"], row["sessions"]) == (2, 1, 3)
    assert row["watchSeconds"] == 0.3


def test_a_user_s_means_are_over_videos_and_halves_round_away_from_zero(
    spark: SparkSession,
) -> None:
    [row] = users(
        spark,
        engaged(watchPercentage=10.0, uniqueWatchPercentage=10.0, engagementScore=-0.01),
        engaged(
            videoId="v2", watchPercentage=20.01, uniqueWatchPercentage=0.0, engagementScore=-5.0
        ),
    )
    assert row["avgWatchPercentage"] == 15.01
    assert (row["avgUniqueWatchPercentage"], row["avgEngagementScore"]) == (5, -2.51)


def test_a_user_s_tiers_count_videos(spark: SparkSession) -> None:
    tiers = ["High", "High", "Medium", "Minimal"]
    [row] = users(
        spark, *(engaged(videoId=f"v{n}", engagementTier=tier) for n, tier in enumerate(tiers))
    )
    counts = [row[f"{tier}TierVideos"] for tier in ("high", "medium", "low", "minimal")]
    assert counts == [2, 1, 0, 1]


def test_each_user_has_a_row_from_their_first_event_to_their_last(spark: SparkSession) -> None:
    later = NOON + timedelta(days=3)
    rows = users(
        spark,
        engaged(firstWatchDate=later, lastWatchDate=later),
        engaged(videoId="v2", firstWatchDate=NOON, lastWatchDate=NOON),
        engaged(userId="ann"),
    )
    assert [row["userId"] for row in rows] == ["ann", "peter"]
    assert rows[1]["firstSeen"] == NOON.replace(tzinfo=None)
    assert rows[1]["lastSeen"] == later.replace(tzinfo=None)


def test_the_report_leaves_out_rows_with_a_quality_flag(spark: SparkSession) -> None:
    rows = report(spark, engaged(), engaged(userId="ann", dataQualityFlag="very_short_watch"))
    assert [row["userId"] for row in rows] == ["peter"]


def test_the_report_tells_time_in_minutes(spark: SparkSession) -> None:
    [row] = report(spark, engaged(totalWatchTime=90.0))
    assert row["watchMinutes"] == 1.5


@pytest.mark.parametrize("hour", [0, 23])
def test_the_report_s_first_day_is_a_utc_day(spark: SparkSession, hour: int) -> None:
    first = datetime(2025, 3, 7, hour, 59, 59, 999_999, tzinfo=UTC)
    [row] = report(spark, engaged(firstWatchDate=first))
    assert row["firstWatchDay"] == date(2025, 3, 7)


def test_the_report_marks_what_the_platform_counted_as_a_view(spark: SparkSession) -> None:
    changes = [date(2025, 3, 7), date(2025, 3, 9)]
    days = [datetime(2025, 3, day, 12, tzinfo=UTC) for day in (6, 7, 10)]
    rows = [engaged(userId=f"u{n}", firstWatchDate=day) for n, day in enumerate(days)]
    found = rows_of(
        video_engagement_bi(frame(spark, rows, ENGAGEMENT), changes), VIDEO_ENGAGEMENT_BI
    )
    assert [row["viewDefinitionSince"] for row in found] == [None, *changes]


def test_a_cohort_begins_on_the_monday_of_its_viewers_first_session(spark: SparkSession) -> None:
    rows = cohorts(spark, ("a", MONDAY), ("b", SUNDAY), ("c", SUNDAY + timedelta(days=1)))
    assert weeks(rows, "cohortViewers") == [
        (MONDAY, 0, 2),
        (MONDAY, 1, 2),
        (SUNDAY + timedelta(days=1), 0, 1),
    ]


def test_who_comes_back_in_a_later_week_returns_once_however_often(spark: SparkSession) -> None:
    next_week = [MONDAY + timedelta(days=n) for n in (7, 8, 13)]
    rows = cohorts(spark, ("a", MONDAY), ("b", MONDAY), *(("a", day) for day in next_week))
    assert weeks(rows, "returningViewers", "returnRate") == [
        (MONDAY, 0, 2, 100),
        (MONDAY, 1, 1, 50),
    ]


def test_watch_time_belongs_to_the_week_in_which_it_was_watched(spark: SparkSession) -> None:
    rows = cohorts(spark, ("a", MONDAY), ("a", SUNDAY), ("a", SUNDAY + timedelta(days=1)))
    assert weeks(rows, "watchSeconds") == [(MONDAY, 0, 40), (MONDAY, 1, 20)]


def test_a_week_without_viewers_has_a_row_of_zeros(spark: SparkSession) -> None:
    rows = cohorts(spark, ("a", MONDAY), ("a", MONDAY + timedelta(weeks=2)))
    assert weeks(rows, "returningViewers", "watchSeconds") == [
        (MONDAY, 0, 1, 20),
        (MONDAY, 1, 0, 0),
        (MONDAY, 2, 1, 20),
    ]


def test_no_sessions_give_no_cohorts(spark: SparkSession) -> None:
    assert cohorts(spark) == []
