import logging
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from math import ceil
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from support.engine import only_embedded
from support.youtube_server import API_KEY, Api, refusal, youtube_server

from resources.view_counts import SimulatedViewCounts, ViewCountSource
from video_assets.arrow.kernels import spark_schema
from video_assets.lifetime_views import frames as lifetime
from video_assets.lifetime_views.frames import (
    LIFETIME_ANSWERS,
    batched_videos,
    distinct_videos,
    lifetime_answers,
    view_history,
)
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY

TODAY = date(2025, 3, 10)
CREATED = date(2025, 1, 1)
DAILY_DDL = (
    "channel_id string, video_id string, created_date date, date date, viewCount bigint, "
    "reportedCount bigint, engagedViews bigint, watchMinutes double, likes bigint, "
    "dislikes bigint, comments bigint, shares bigint, subscribersGained bigint, "
    "subscribersLost bigint, viewDefinitionSince date"
)


@pytest.fixture
def api() -> Iterator[Api]:
    with youtube_server() as server:
        yield server


def daily_views(spark: SparkSession, rows: Sequence[tuple[Any, ...]]) -> DataFrame:
    more = (1, 1, None, None, 3, *[None] * 6)
    return spark.createDataFrame([(*row, *more) for row in rows], DAILY_DDL)


def numbered_videos(spark: SparkSession, count: int) -> DataFrame:
    return spark.range(count).select(
        F.lit("channel").alias("channel_id"),
        F.concat(F.lit("v"), F.col("id").cast("string")).alias("video_id"),
        F.lit(CREATED).alias("created_date"),
    )


def lifetime_counts(
    videos: DataFrame, source: ViewCountSource, day: date, max_in_flight: int
) -> DataFrame:
    """Asks in the tasks as the asset does, without storing the answers."""
    ask = partial(lifetime_answers, source=source, asked_on=day, max_in_flight=max_in_flight)
    batches = batched_videos(videos, source.batch_size, max_in_flight)
    return batches.mapInArrow(ask, spark_schema(LIFETIME_ANSWERS))


def only_row(frame: DataFrame) -> Row:
    (row,) = frame.collect()
    return row


def test_a_video_has_one_row_with_the_earliest_upload_day(spark: SparkSession) -> None:
    days = [("c", "v", CREATED + timedelta(days=n), TODAY + timedelta(days=n)) for n in (2, 0, 1)]
    days += [("c", "v", None, TODAY)]
    assert only_row(distinct_videos(daily_views(spark, days))).created_date == CREATED


def test_a_video_belongs_to_the_channel_of_its_newest_day(spark: SparkSession) -> None:
    days = [("old", "v", CREATED, CREATED), ("zzz", "v", CREATED, TODAY)]
    assert only_row(distinct_videos(daily_views(spark, days))).channel_id == "zzz"


def test_of_several_channels_on_the_newest_day_the_smallest_wins_and_null_comes_last(
    spark: SparkSession,
) -> None:
    days = [(channel, "v", CREATED, TODAY) for channel in ("b", None, "a", "c")]
    days += [(None, "w", CREATED, TODAY)]
    channels = {
        row.video_id: row.channel_id for row in distinct_videos(daily_views(spark, days)).collect()
    }
    assert channels == {"v": "a", "w": None}


def test_distinct_videos_have_the_columns_that_snapshots_start_with(spark: SparkSession) -> None:
    assert distinct_videos(daily_views(spark, [])).columns == list(
        LIFETIME_SNAPSHOTS.column_names[:3]
    )


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 1003])
def test_every_video_is_asked_once_in_as_few_calls_as_there_can_be(
    spark: SparkSession, api: Api, count: int
) -> None:
    api.knows_every_id = True
    answers = lifetime_counts(numbered_videos(spark, count), api.source(batch_size=10), TODAY, 4)
    rows = answers.collect()
    asked = [video_id for call in api.calls for video_id in call.ids]
    assert len(api.calls) == ceil(count / 10)
    assert sorted(asked) == sorted(f"v{number}" for number in range(count))
    assert sorted(row.video_id for row in rows) == sorted(asked)
    assert sum(row.batch == row.video_id for row in rows) == len(api.calls)


@pytest.mark.parametrize("max_in_flight", [1, 2, 7, 30])
def test_the_number_of_calls_does_not_depend_on_the_number_of_tasks(
    spark: SparkSession, api: Api, max_in_flight: int
) -> None:
    api.knows_every_id = True
    source = api.source(batch_size=50)
    lifetime_counts(numbered_videos(spark, 333), source, TODAY, max_in_flight).collect()
    assert len(api.calls) == 7


def test_many_days_of_a_video_make_no_more_calls(spark: SparkSession, api: Api) -> None:
    api.knows_every_id = True
    days = [
        ("c", f"v{number}", CREATED, CREATED + timedelta(days=day))
        for number in range(25)
        for day in range(40)
    ]
    videos = distinct_videos(daily_views(spark, days).repartition(5))
    assert lifetime_counts(videos, api.source(batch_size=10), TODAY, 3).count() == 25
    assert len(api.calls) == 3


def test_at_most_the_allowed_number_of_calls_is_under_way(spark: SparkSession, api: Api) -> None:
    api.knows_every_id = True
    api.delay = 0.05
    lifetime_counts(numbered_videos(spark, 400), api.source(batch_size=10), TODAY, 3).collect()
    assert api.most_at_once in (2, 3)


def test_each_answer_says_whether_the_video_is_counted_hidden_or_unknown(
    spark: SparkSession, api: Api
) -> None:
    api.counts = {"v0": str(2**53 + 1), "v1": None}
    rows = lifetime_counts(numbered_videos(spark, 3), api.source(), TODAY, 2).collect()
    assert {row.video_id: (row.status, row.viewCount) for row in rows} == {
        "v0": ("counted", 2**53 + 1),
        "v1": ("hidden", None),
        "v2": ("unknown", None),
    }


def test_a_row_keeps_its_video_and_carries_the_day_asked(spark: SparkSession) -> None:
    videos = distinct_videos(
        daily_views(spark, [("c", "v", CREATED, TODAY), (None, "w", None, TODAY)])
    )
    rows = lifetime_counts(videos, SimulatedViewCounts(day=TODAY), TODAY, 2).collect()
    assert sorted((row.video_id, row.channel_id, row.created_date, row.date) for row in rows) == [
        ("v", "c", CREATED, TODAY),
        ("w", None, TODAY, TODAY),
    ]


def test_the_columns_are_those_of_a_snapshot_with_status_and_batch(spark: SparkSession) -> None:
    answers = lifetime_counts(numbered_videos(spark, 1), SimulatedViewCounts(), TODAY, 1)
    assert answers.columns == [*LIFETIME_SNAPSHOTS.column_names, "status", "batch"]
    assert dict(answers.dtypes)["viewCount"] == "bigint"


def test_faults_that_pass_do_not_disturb_the_answers(spark: SparkSession, api: Api) -> None:
    api.knows_every_id = True
    api.replies.extend([refusal(503, "backendError")] * 2)
    answers = lifetime_counts(numbered_videos(spark, 40), api.source(batch_size=10), TODAY, 2)
    assert [row.status for row in answers.collect()] == ["counted"] * 40
    assert len(api.calls) == 4 + 2


def test_a_used_up_quota_fails_the_run_with_the_reason_and_without_the_key(
    spark: SparkSession, api: Api
) -> None:
    api.replies.extend([refusal(403, "quotaExceeded", "exceeded your quota")] * 9)
    answers = lifetime_counts(numbered_videos(spark, 10), api.source(), TODAY, 2)
    with pytest.raises(Exception, match="the quota is used up") as caught:
        answers.collect()
    assert API_KEY not in str(caught.value)


def test_the_plan_does_not_show_the_key(
    spark: SparkSession, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = lifetime_counts(numbered_videos(spark, 10), api.source(), TODAY, 2)
    answers.explain(extended=True)
    assert API_KEY not in f"{capsys.readouterr().out} {answers}"


@only_embedded("tasks of Apache Spark run in other processes, where nothing can be listened to")
def test_progress_is_logged_by_the_tasks(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lifetime, "_PROGRESS_SECONDS", 0.0)
    caplog.set_level(logging.INFO)
    lifetime_counts(numbered_videos(spark, 15), SimulatedViewCounts(), TODAY, 1).collect()
    assert caplog.messages == [
        "lifetime views: a task made 1 of 2 calls, asked for 10 videos, got 10 answers",
        "lifetime views: a task made 2 of 2 calls, asked for 15 videos, got 15 answers",
    ]


def test_no_call_under_way_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="max_in_flight is 0"):
        lifetime_counts(numbered_videos(spark, 1), SimulatedViewCounts(), TODAY, 0)


def test_the_history_holds_every_daily_row_and_every_snapshot(spark: SparkSession) -> None:
    daily = daily_views(spark, [("c", "v", CREATED, CREATED), ("c", "v", CREATED, TODAY)])
    snapshots = spark.createDataFrame(
        [("c", "v", CREATED, TODAY, 2**40), ("c", "w", None, TODAY, None)],
        "channel_id string, video_id string, created_date date, date date, viewCount bigint",
    )
    history = view_history(daily, snapshots, [TODAY])
    assert history.columns == list(LIFETIME_VIEW_HISTORY.column_names)
    names = ("channel_id", "video_id", "created_date", "date", "viewCount", "source", "likes")
    shown = history.select(*names, "viewDefinitionSince")
    assert sorted(map(tuple, shown.collect()), key=str) == sorted(
        [
            ("c", "v", CREATED, CREATED, 1, "daily", 3, None),
            ("c", "v", CREATED, TODAY, 1, "daily", 3, None),
            ("c", "v", CREATED, TODAY, 2**40, "lifetime", None, TODAY),
            ("c", "w", None, TODAY, None, "lifetime", None, TODAY),
        ],
        key=str,
    )
