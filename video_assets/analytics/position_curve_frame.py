"""The table `video_position_curve`: where viewers watch, watch again and leave."""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.position_curve import (
    BUCKET_COUNTS,
    bucket_counts,
    curve_rows,
)
from video_assets.analytics.tables import VIDEO_POSITION_CURVE
from video_assets.arrow.kernels import map_tables
from video_assets.engagement.session_frames import EVENTS_TAKEN
from video_assets.rules import WatchTimeRules


def position_curve(
    raw_events: DataFrame, rules: WatchTimeRules, width: int, tasks: int
) -> DataFrame:
    """Rows of `video_position_curve`, computed from all events at once.

    The viewers of a video are spread over the tasks, so that no task holds more than its share of
    even the most popular video; what the tasks count is small, and is added up by video.

    Args:
        raw_events: all rows of `raw_events`: who watched a bucket on two days is one viewer of it.
        rules: thresholds.
        width: width of a bucket, in whole seconds of video.
        tasks: how many tasks share the work.
    """

    def counts_of_task(events: pa.Table) -> pa.Table:
        return bucket_counts(events, rules, width)

    def rows_of_videos(counts: pa.Table) -> pa.Table:
        return curve_rows(counts, width)

    events = raw_events.select(*EVENTS_TAKEN.names)
    by_viewer = events.repartition(tasks, F.col("videoId"), F.col("userId"))
    counts = map_tables(by_viewer, counts_of_task, EVENTS_TAKEN, BUCKET_COUNTS)
    by_video = counts.repartition(tasks, F.col("videoId"))
    return map_tables(by_video, rows_of_videos, BUCKET_COUNTS.arrow_schema, VIDEO_POSITION_CURVE)
