"""The table `video_position_curve`: where viewers watch, watch again and leave."""

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from video_assets.analytics.position_curve import (
    BUCKET_COUNTS,
    CURVE,
    bucket_counts,
    curve_rows,
    excluded_counts,
)
from video_assets.analytics.tables import VIDEO_POSITION_CURVE
from video_assets.arrow.columns import with_plain_texts
from video_assets.arrow.kernels import map_tables
from video_assets.arrow.types import compute
from video_assets.engagement.session_frames import EVENTS_TAKEN
from video_assets.rules import WatchTimeRules

_LAST_PERCENT = 99
_IS_EXCLUDED = pa.field("isExcluded", pa.bool_())


def position_curve(
    raw_events: DataFrame,
    rules: WatchTimeRules,
    width: int,
    tasks: int,
    excluded: DataFrame | None = None,
) -> DataFrame:
    """Rows of `video_position_curve`, computed from all events at once.

    The viewers of a video are spread over the tasks, so that no task holds more than its share of
    even the most popular video; what the tasks count is small, and is added up by video.

    Args:
        raw_events: all rows of `raw_events`: who watched a bucket on two days is one viewer of it.
        rules: thresholds.
        width: width of a bucket, in whole seconds of video.
        tasks: how many tasks share the work.
        excluded: `userId` of those who are left out; None: everybody counts.

    Returns:
        Rows of `CURVE`.
    """

    def counts_of_task(events: pa.Table) -> pa.Table:
        return bucket_counts(events, rules, width)

    def counts_apart(events: pa.Table) -> pa.Table:
        events = with_plain_texts(events)
        is_excluded = events[_IS_EXCLUDED.name]
        counted = bucket_counts(events.filter(compute.invert(is_excluded)), rules, width)
        left_out = excluded_counts(events.filter(is_excluded), rules, width)
        return pa.concat_tables([counted, left_out])

    def rows_of_videos(counts: pa.Table) -> pa.Table:
        return curve_rows(counts, width)

    events, taken = raw_events.select(*EVENTS_TAKEN.names), EVENTS_TAKEN
    if excluded is not None:
        marked = F.broadcast(excluded.withColumn("excludedUser", F.lit(1)))
        is_excluded = F.col("excludedUser").isNotNull().alias(_IS_EXCLUDED.name)
        events = events.join(marked, "userId", "left").select(*EVENTS_TAKEN.names, is_excluded)
        taken = EVENTS_TAKEN.append(_IS_EXCLUDED)
    by_viewer = events.repartition(tasks, F.col("videoId"), F.col("userId"))
    count = counts_of_task if excluded is None else counts_apart
    counts = map_tables(by_viewer, count, taken, BUCKET_COUNTS)
    by_video = counts.repartition(tasks, F.col("videoId"))
    return map_tables(by_video, rows_of_videos, BUCKET_COUNTS.arrow_schema, CURVE)


def compared_with_others(curve: DataFrame, durations: DataFrame) -> DataFrame:
    """Curves in percent of their videos' length, beside those of videos of similar length.

    Lengths are similar where they lie between the same two powers of two (of seconds): 4:16 to
    8:32, 8:32 to 17:04 and so on. At each whole percent of its length a video holds the part of its
    viewers that its bucket there has; where its curve has ended, none.

    Args:
        curve: rows of `CURVE`.
        durations: `videoId` and `videoDuration` (seconds) of each video.

    Returns:
        Rows of `video_position_curve`.
    """
    known = F.col("videoDuration") > F.lit(0.0)
    videos = durations.where(known & (F.col("videoDuration") < F.lit(float("inf"))))
    percent = F.lit(100.0) * F.col("bucketStart") / F.col("videoDuration")
    placed = curve.join(videos, "videoId", "left").withColumns(
        {
            "positionPercent": F.round(percent, 2),
            "percent": F.when(percent < F.lit(100.0), F.floor(percent)).cast("int"),
        }
    )
    ranks = _ranks(placed, curve.select("videoId").distinct().join(videos, "videoId"))
    return placed.join(ranks, ["videoId", "percent"], "left").select(
        *VIDEO_POSITION_CURVE.column_names
    )


def _ranks(placed: DataFrame, videos: DataFrame) -> DataFrame:
    """`relativeRetention` of each video at each whole percent of its length."""
    last = F.lit(100.0) * F.col("bucketEnd") / F.col("videoDuration")
    first = F.lit(100.0) * F.col("bucketStart") / F.col("videoDuration")
    covered = F.sequence(
        F.ceil(first).cast("int"), F.least(F.ceil(last) - 1, F.lit(_LAST_PERCENT)).cast("int")
    )
    is_there = F.ceil(first) <= F.least(F.ceil(last) - 1, F.lit(_LAST_PERCENT))
    held = placed.where(is_there).select(
        "videoId", F.explode(covered).alias("percent"), "audienceRetention"
    )
    every = F.explode(F.sequence(F.lit(0), F.lit(_LAST_PERCENT))).alias("percent")
    length = F.floor(F.log2("videoDuration")).alias("length")
    grid = videos.select("videoId", length, every).join(held, ["videoId", "percent"], "left")
    filled = grid.withColumn("held", F.coalesce(F.col("audienceRetention"), F.lit(0.0)))
    here = Window.partitionBy("length", "percent")
    others = F.count(F.lit(1)).over(here) - 1
    lower = F.rank().over(here.orderBy("held")) - 1
    equal = F.count(F.lit(1)).over(Window.partitionBy("length", "percent", "held")) - 1
    share = (lower + equal / F.lit(2.0)) / F.when(others > 0, others)
    return filled.select("videoId", "percent", F.round(share, 4).alias("relativeRetention"))
