"""The table `aggregated_user_video_engagement`: all sessions of a user and video in one row."""

from datetime import datetime

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.frames.kernels import map_tables
from video_assets.schemas import ENGAGEMENT, SESSIONS
from video_assets.watch_time.engagement import engagement_rows
from video_assets.watch_time.rules import WatchTimeRules

SESSIONS_TAKEN = pa.schema(
    [
        *SESSIONS.arrow_schema,
        pa.field("duration", pa.float64()),
        pa.field("title", pa.string()),
        pa.field("largestPosition", pa.float64()),
    ]
)


def engagement(
    sessions: DataFrame,
    video_metadata: DataFrame,
    rules: WatchTimeRules,
    processed_at: datetime,
    tasks: int,
) -> DataFrame:
    """One row per user and video (rules 7, 8 and 10 to 13).

    Args:
        sessions: all rows of `sessions`.
        video_metadata: rows of `video_metadata`.
        rules: thresholds and weights.
        processed_at: UTC time to stamp on the rows.
        tasks: how many tasks share the work; all sessions of a user go to one of them.

    Returns:
        Rows of `aggregated_user_video_engagement`.
    """

    def rows_of_task(rows: pa.Table) -> pa.Table:
        return engagement_rows(rows, rules, processed_at)

    videos = _seen_videos(sessions, video_metadata)
    described = sessions.join(F.broadcast(videos), on="videoId", how="left")
    shared = described.select(*SESSIONS_TAKEN.names).repartition(tasks, F.col("userId"))
    return map_tables(shared, rows_of_task, SESSIONS_TAKEN, ENGAGEMENT)


def _seen_videos(sessions: DataFrame, video_metadata: DataFrame) -> DataFrame:
    furthest = sessions.groupBy("videoId").agg(F.max("maxPosition").alias("largestPosition"))
    described = video_metadata.select("videoId", "duration", "title")
    return furthest.join(described, on="videoId", how="left")
