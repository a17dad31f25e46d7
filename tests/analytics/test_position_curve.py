"""The position curve as tasks of the engine compute it; `watch_time` has the tests of its rules."""

import random

import pytest
from pyspark.sql import SparkSession
from support.events import DAY, DEFAULTS, pause, play, to_table

from video_assets.analytics.position_curve import bucket_counts, curve_rows
from video_assets.analytics.position_curve_frame import position_curve
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


def test_the_columns_are_those_declared(spark: SparkSession) -> None:
    events = spark.createDataFrame(to_table([play(0, at=0)]))
    assert position_curve(events, DEFAULTS, 5, 1).schema == spark_schema(VIDEO_POSITION_CURVE)
