"""The position curve as tasks of the engine compute it; `watch_time` has the tests of its rules."""

import random
from collections.abc import Mapping
from typing import Any

import pytest
from pyspark.sql import SparkSession
from support.events import DAY, DEFAULTS, pause, play, to_table
from support.tables import frame

from video_assets.analytics.position_curve import CURVE, bucket_counts, curve_rows
from video_assets.analytics.position_curve_frame import compared_with_others, position_curve
from video_assets.analytics.tables import VIDEO_POSITION_CURVE
from video_assets.arrow.kernels import spark_schema


@pytest.mark.parametrize("tasks", [1, 5])
def test_any_number_of_tasks_gives_the_same_curve(spark: SparkSession, tasks: int) -> None:
    chance = random.Random(3)  # noqa: S311 (a test wants the same numbers again)
    events = []
    for n in range(2_000):
        viewer = {"user": f"u{n % 97}", "video": f"v{n % 7}", "session": f"s{n}"}
        start, length = chance.random() * 300, chance.random() * 200
        at = chance.random() * 5 * DAY
        events += [play(start, at=at, **viewer), pause(start + length, at=at + length, **viewer)]
    expected = curve_rows(bucket_counts(to_table(events), DEFAULTS, 5), 5).to_pylist()
    frame = spark.createDataFrame(to_table(events)).repartition(3)
    found = [row.asDict() for row in position_curve(frame, DEFAULTS, 5, tasks).collect()]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert len(found) > 500


def curve_row(video: str, bucket: int, retention: float) -> dict[str, Any]:
    numbers = dict.fromkeys(CURVE.column_names, 0)
    return {
        **numbers,
        "videoId": video,
        "bucketStart": 5.0 * bucket,
        "bucketEnd": 5.0 * bucket + 5,
        "audienceRetention": retention,
        "hotspotRank": None,
    }


def compared(
    spark: SparkSession, durations: Mapping[str, float], *rows: dict[str, Any]
) -> dict[tuple[str, float], tuple[float | None, float | None]]:
    lengths = spark.createDataFrame(list(durations.items()), "videoId string, videoDuration double")
    found = compared_with_others(frame(spark, rows, CURVE), lengths)
    assert found.columns == list(VIDEO_POSITION_CURVE.column_names)
    return {
        (row["videoId"], row["bucketStart"]): (row["positionPercent"], row["relativeRetention"])
        for row in found.collect()
    }


def test_a_bucket_is_compared_with_videos_of_similar_length_at_the_same_percent(
    spark: SparkSession,
) -> None:
    durations = {"best": 100.0, "middle": 120.0, "equal": 120.0, "short": 20.0, "least": 127.0}
    held = {"best": 90.0, "middle": 60.0, "equal": 60.0, "short": 100.0, "least": 10.0}
    rows = [curve_row(video, 0, retention) for video, retention in held.items()]
    rows += [curve_row("best", 1, 5.0), curve_row("least", 1, 5.0)]
    found = compared(spark, durations, *rows)
    of_first = {video: found[video, 0.0][1] for video in held}
    assert of_first == {
        "best": 1.0,
        "middle": 0.5,
        "equal": 0.5,
        "least": 0.0,
        "short": None,
    }
    # The others have ended there, at 5 % and 3.94 %: they hold nobody.
    assert found["best", 5.0] == (5.0, pytest.approx(5 / 6, abs=1e-4))
    assert found["least", 5.0] == (3.94, 0.0)


def test_a_bucket_beyond_the_end_or_of_an_unknown_length_is_not_compared(
    spark: SparkSession,
) -> None:
    rows = [curve_row(video, bucket, 50.0) for video in ("a", "b", "c") for bucket in (0, 3)]
    found = compared(spark, {"a": 16.0, "b": 15.0, "c": float("inf")}, *rows)
    assert found["a", 15.0][0] == 93.75
    assert found["b", 15.0] == (100.0, None)
    assert found["c", 0.0] == (None, None)


def test_fine_buckets_have_the_rank_of_the_percent_in_which_they_begin(spark: SparkSession) -> None:
    durations = {"a": 2_000.0, "b": 1_999.0}
    rows = [curve_row("a", bucket, 50.0 - bucket) for bucket in range(8)]
    rows += [curve_row("b", bucket, 46.5) for bucket in range(8)]
    found = compared(spark, durations, *rows)
    assert [found["a", 5.0 * bucket][1] for bucket in range(8)] == [1.0] * 4 + [0.0] * 4


def test_the_columns_are_those_declared(spark: SparkSession) -> None:
    events = spark.createDataFrame(to_table([play(0, at=0)]))
    assert position_curve(events, DEFAULTS, 5, 1).schema == spark_schema(CURVE)
