"""The table `aggregated_user_video_engagement`: all sessions of a user and video in one row."""

from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.frames.kernels import gathered
from video_assets.schemas import SESSIONS
from video_assets.turns import turn
from video_assets.watch_time.engagement import engagement_rows
from video_assets.watch_time.rules import WatchTimeRules

_NOT_NEEDED = {"uniqueSecondsWatched", "eventCount"}
_NEEDED_FOR_CREDIT = {"sessionId", "sessionDate", "sessionNumber"}


def sessions_taken(rules: WatchTimeRules) -> pa.Schema:
    """The columns that `engagement_of_task` takes; without credit, plays need no session."""
    left_out = _NOT_NEEDED if rules.unterminated_credit else _NOT_NEEDED | _NEEDED_FOR_CREDIT
    return pa.schema(
        [
            *(column for column in SESSIONS.arrow_schema if column.name not in left_out),
            pa.field("duration", pa.float64()),
            pa.field("title", pa.string()),
            pa.field("largestPosition", pa.float64()),
        ]
    )


def sessions_by_user(
    sessions: DataFrame,
    video_metadata: DataFrame,
    rules: WatchTimeRules,
    tasks: int,
    share: tuple[int, int] = (0, 1),
) -> DataFrame:
    """Session rows with what is known of their videos, those of a user in one task; lazily.

    Args:
        sessions: all rows of `sessions`.
        video_metadata: rows of `video_metadata`.
        rules: thresholds and weights.
        tasks: how many tasks share the work.
        share: which part of the users, of how many: all of them at once need memory at once.

    Returns:
        Columns of `sessions_taken`, for `engagement_of_task`.
    """
    videos = _seen_videos(sessions, video_metadata)
    part, parts = share
    if parts > 1:
        sessions = sessions.where(F.pmod(F.xxhash64("userId"), F.lit(parts)) == F.lit(part))
    described = sessions.join(F.broadcast(videos), on="videoId", how="left")
    return described.select(*sessions_taken(rules).names).repartition(tasks, F.col("userId"))


def engagement_of_task(
    batches: Iterable[pa.RecordBatch], rules: WatchTimeRules, processed_at: datetime
) -> pa.Table:
    """One row per user and video (rules 7, 8 and 10 to 13).

    Args:
        batches: all session rows of one task; see `sessions_by_user`.
        rules: thresholds and weights.
        processed_at: UTC time to stamp on the rows.

    Returns:
        Rows of `aggregated_user_video_engagement`.
    """
    sessions = gathered(batches, sessions_taken(rules))
    with turn():
        return engagement_rows(sessions, rules, processed_at)


def _seen_videos(sessions: DataFrame, video_metadata: DataFrame) -> DataFrame:
    furthest = sessions.groupBy("videoId").agg(F.max("maxPosition").alias("largestPosition"))
    described = video_metadata.select("videoId", "duration", "title")
    return furthest.join(described, on="videoId", how="left")
