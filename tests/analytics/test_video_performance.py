"""One row per video: what each number counts, to the last digit and in any order of rows."""

import random
from collections.abc import Iterable
from datetime import timedelta
from math import inf
from statistics import median
from typing import Any

import pytest
from pyspark.sql import SparkSession
from support.checks import NOON, engaged, session
from support.events import ended, pause, play, resume, to_table
from support.oracle import Event
from support.tables import frame

from video_assets.analytics.tables import VIDEO_PERFORMANCE
from video_assets.analytics.video_performance import video_performance
from video_assets.analytics.video_plays import video_plays
from video_assets.arrow.kernels import spark_schema
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS

VALID_PLAY, REACHED_END = 30.0, 0.95

Row = dict[str, Any]


def performance(
    spark: SparkSession,
    rows: Iterable[Row],
    events: Iterable[Event] = (),
    sessions: Iterable[Row] = (),
) -> dict[str, Row]:
    engagement = frame(spark, rows, ENGAGEMENT)
    raw_events = spark.createDataFrame(to_table(events or [pause(0, at=0, video="none")]))
    plays = video_plays(frame(spark, sessions, SESSIONS), VALID_PLAY, 1)
    found = video_performance(engagement, raw_events, plays, REACHED_END).collect()
    return {row["videoId"]: row.asDict() for row in found}


def viewers(**values: Iterable[Any]) -> list[Row]:
    """A viewer of one video for each of the values."""
    columns = zip(*values.values(), strict=True)
    return [
        engaged(userId=f"u{n}", **dict(zip(values, row, strict=True)))
        for n, row in enumerate(columns)
    ]


def of_viewers(spark: SparkSession, **values: Iterable[Any]) -> Row:
    return performance(spark, viewers(**values))["v1"]


def test_each_video_has_one_row_with_its_title_and_duration(spark: SparkSession) -> None:
    rows = [engaged(videoTitle="Tea"), engaged(videoId="v2", isDurationEstimated=True)]
    found = performance(spark, rows)
    assert found.keys() == {"v1", "v2"}
    assert (found["v1"]["videoTitle"], found["v2"]["videoTitle"]) == ("Tea", None)
    assert (found["v1"]["videoDuration"], found["v1"]["isDurationEstimated"]) == (40.0, False)
    assert found["v2"]["isDurationEstimated"] is True


def test_the_columns_are_those_declared(spark: SparkSession) -> None:
    events = spark.createDataFrame(to_table([play(0, at=0)]))
    plays = video_plays(frame(spark, [], SESSIONS), VALID_PLAY, 1)
    engagement = frame(spark, [engaged()], ENGAGEMENT)
    found = video_performance(engagement, events, plays, REACHED_END)
    declared = spark_schema(VIDEO_PERFORMANCE)
    assert [(f.name, f.dataType) for f in found.schema] == [(f.name, f.dataType) for f in declared]


def test_sessions_beyond_each_viewer_s_first_are_replays(spark: SparkSession) -> None:
    row = of_viewers(spark, sessionCount=[1, 3, 2])
    assert (row["viewers"], row["sessions"], row["replays"]) == (3, 6, 3)


def test_plays_are_the_play_events_and_nothing_else(spark: SparkSession) -> None:
    events = [play(0, at=0), play(5, at=5), pause(9, at=9), resume(9, at=10), ended(20, at=21)]
    found = performance(spark, [engaged(), engaged(videoId="v2")], events)
    assert {video: row["plays"] for video, row in found.items()} == {"v1": 2, "v2": 0}


def test_watch_hours_are_the_time_watched_by_all(spark: SparkSession) -> None:
    assert of_viewers(spark, totalWatchTime=[3600.0, 900.0, 0.5])["watchHours"] == 4500.5 / 3600


def test_a_mean_is_over_viewers_and_has_two_decimals(spark: SparkSession) -> None:
    row = of_viewers(
        spark,
        watchPercentage=[10.0, 20.0, 20.0],
        uniqueWatchPercentage=[10.0, 10.0, 11.0],
        engagementScore=[-5.5, 0.25, 70.0],
    )
    assert row["avgWatchPercentage"] == 16.67
    assert row["avgUniqueWatchPercentage"] == 10.33
    assert row["avgEngagementScore"] == 21.58


def test_a_median_of_two_lies_half_way_between_them(spark: SparkSession) -> None:
    row = of_viewers(spark, watchPercentage=[10.0, 80.0], uniqueWatchPercentage=[30.0, 30.5])
    assert (row["medianWatchPercentage"], row["medianUniqueWatchPercentage"]) == (45.0, 30.25)


@pytest.mark.parametrize("count", [1, 2, 999, 1000])
def test_a_median_is_exact(spark: SparkSession, count: int) -> None:
    positions = [random.Random(n).random() * 300 for n in range(count)]  # noqa: S311 (a test)
    assert of_viewers(spark, maxPositionReached=positions)["dropOffPosition"] == median(positions)


def test_a_percentage_without_bounds_is_still_a_number(spark: SparkSession) -> None:
    row = of_viewers(spark, watchPercentage=[inf, 50.0, 10.0])
    assert (row["avgWatchPercentage"], row["medianWatchPercentage"]) == (inf, 50)


def test_the_completion_rate_is_the_share_of_viewers_who_completed(spark: SparkSession) -> None:
    row = of_viewers(spark, isCompletedAtLeastOnce=[True, False, True], completionCount=[1, 0, 4])
    assert (row["completionRate"], row["completions"]) == (66.67, 5)


def test_who_completed_the_video_has_reached_all_of_it(spark: SparkSession) -> None:
    row = of_viewers(spark, isCompletedAtLeastOnce=[True, False], completionPercentage=[60.0, 60.0])
    assert (row["reached50Percent"], row["reached100Percent"]) == (100, 50)


def test_viewers_reach_a_share_of_the_video_by_their_furthest_position(
    spark: SparkSession,
) -> None:
    row = of_viewers(spark, completionPercentage=[9.99, 10.0, 49.99, 90.0, 100.0])
    reached = {name: row[f"reached{name}Percent"] for name in (10, 25, 50, 75, 90, 100)}
    assert reached == {10: 80, 25: 60, 50: 40, 75: 40, 90: 40, 100: 20}


def test_the_drop_off_is_the_median_furthest_position_of_who_did_not_complete(
    spark: SparkSession,
) -> None:
    row = of_viewers(
        spark,
        maxPositionReached=[5.0, 40.0, 30.0, 7.5],
        isCompletedAtLeastOnce=[False, True, False, False],
    )
    assert row["dropOffPosition"] == 7.5


def test_a_video_that_everybody_completed_has_no_drop_off(spark: SparkSession) -> None:
    assert of_viewers(spark, isCompletedAtLeastOnce=[True])["dropOffPosition"] is None


def test_tiers_and_flags_count_viewers(spark: SparkSession) -> None:
    row = of_viewers(
        spark,
        engagementTier=["High", "Low", "Low", "Minimal"],
        dataQualityFlag=["ok", "very_short_watch", "ok", "no_valid_segments"],
    )
    counts = [row[f"{tier}TierViewers"] for tier in ("high", "medium", "low", "minimal")]
    assert (counts, row["flaggedViewers"]) == ([1, 0, 2, 1], 2)


def test_a_video_was_seen_from_its_first_event_to_its_last(spark: SparkSession) -> None:
    days = [NOON, NOON + timedelta(days=3)]
    row = of_viewers(spark, firstWatchDate=reversed(days), lastWatchDate=[days[1], days[1]])
    assert (row["firstSeen"], row["lastSeen"]) == tuple(d.replace(tzinfo=None) for d in days)


def test_the_order_of_rows_changes_no_digit(spark: SparkSession) -> None:
    numbers = [random.Random(n).random() * 100 for n in range(2_000)]  # noqa: S311 (a test)
    rows = viewers(
        totalWatchTime=numbers,
        watchPercentage=[round(n, 2) for n in numbers],
        engagementScore=[round(-n, 2) for n in numbers],
    )
    assert performance(spark, rows) == performance(spark, rows[::-1])


def test_the_end_is_reached_by_position_or_by_coverage(spark: SparkSession) -> None:
    """Of 40 s: one saw 38, one skipped to the end, one left at once, one has an ending alone."""
    row = of_viewers(
        spark,
        totalUniqueSecondsWatched=[38.0, 2.0, 37.9, 0.0],
        hasReachedEnd=[True, True, False, True],
        isCompletedAtLeastOnce=[False, False, False, True],
    )
    assert (row["reachedEndRate"], row["coveredRate"], row["completionRate"]) == (75, 25, 25)


def test_what_older_rows_do_not_tell_is_null(spark: SparkSession) -> None:
    rows = viewers(hasReachedEnd=[True, None])
    older = [session(1), session(1, userId="ann", playedSeconds=None)]
    row = performance(spark, rows, sessions=older)["v1"]
    assert (row["reachedEndRate"], row["playedHours"], row["playbackSpeed"]) == (None, None, 1.0)


def test_a_session_with_thirty_seconds_or_an_ending_is_a_valid_play(spark: SparkSession) -> None:
    rows = [
        session(1, userId="long", watchTime=30.0),
        session(1, userId="short", watchTime=29.999),
        session(1, userId="ended", watchTime=5.0, endedCount=1),
        session(1, userId="twice", watchTime=29.0),
        session(1, userId="twice", sessionNumber=2, watchTime=29.0),
    ]
    row = performance(spark, [engaged()], sessions=rows)["v1"]
    assert row["validPlays"] == 2


def test_a_session_that_runs_past_midnight_is_one_play(spark: SparkSession) -> None:
    rows = [
        session(1, watchTime=20.0),
        session(2, watchTime=10.0, isContinuation=True),
        session(3, watchTime=10.0),
    ]
    assert performance(spark, [engaged()], sessions=rows)["v1"]["validPlays"] == 1


def test_the_speed_is_seconds_of_video_beside_seconds_of_wall_clock(spark: SparkSession) -> None:
    rows = [
        session(1, watchTime=3600.0, playedSeconds=1800.0),
        session(1, userId="ann", watchTime=1800.0, playedSeconds=1800.0),
    ]
    row = performance(spark, [engaged()], sessions=rows)["v1"]
    assert (row["playbackSpeed"], row["playedHours"]) == (1.5, 1.0)


def test_what_was_never_played_has_no_speed(spark: SparkSession) -> None:
    row = performance(spark, [engaged()])["v1"]
    assert (row["playbackSpeed"], row["playedHours"], row["validPlays"]) == (None, 0.0, 0)


@pytest.mark.parametrize(("duration", "audience"), [(40.0, 1.5), (0.0, None), (inf, None)])
def test_the_average_minute_has_the_watch_time_by_the_length_as_audience(
    spark: SparkSession, duration: float, audience: float | None
) -> None:
    row = of_viewers(spark, totalWatchTime=[40.0, 20.0], videoDuration=[duration, duration])
    assert row["averageMinuteAudience"] == audience
