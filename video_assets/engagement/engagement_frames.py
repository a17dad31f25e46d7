"""The table `aggregated_user_video_engagement`: all sessions of a user and video in one row."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.file_rows import opened
from resources.engine.compute_slots import turn
from video_assets.arrow.kernels import gathered
from video_assets.engagement.durations import is_usable_duration
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.engagement.watch_time.engagement import engagement_rows
from video_assets.player_events.dimensions import COLUMN
from video_assets.rules import WatchTimeRules

_NOT_NEEDED = {
    "uniqueSecondsWatched",
    "eventCount",
    "furthestSeen",
    "segmentCount",
    "tooLongSegments",
    "tooFastSegments",
    "playedSeconds",
}
_FILES = "location string"
_PAIRS = pa.schema([pa.field(name, pa.string()) for name in ENGAGEMENT.key])
_NEEDED_FOR_CREDIT = {"sessionId", "sessionDate", "sessionNumber"}


def sessions_taken(rules: WatchTimeRules, *, with_dimensions: bool = False) -> pa.Schema:
    """The columns that `engagement_of_task` takes; without credit, plays need no session."""
    left_out = _NOT_NEEDED if rules.unterminated_credit else _NOT_NEEDED | _NEEDED_FOR_CREDIT
    left_out = left_out if with_dimensions else left_out | {COLUMN}
    return pa.schema(
        [
            *(column for column in SESSIONS.arrow_schema if column.name not in left_out),
            pa.field("duration", pa.float64()),
            pa.field("title", pa.string()),
            pa.field("estimatedDuration", pa.float64()),
        ]
    )


def seen_videos(sessions: DataFrame, video_metadata: DataFrame) -> DataFrame:
    """What is known of each video: `videoId`, `estimatedDuration`, `duration`, `title`; lazily.

    The estimate (rule 10) is how far anyone watched; where nobody did, the largest position.

    Args:
        sessions: all rows of `sessions`.
        video_metadata: rows of `video_metadata`.
    """
    estimate = F.coalesce(F.max("furthestSeen"), F.max("maxPosition"))
    furthest = sessions.groupBy("videoId").agg(estimate.alias("estimatedDuration"))
    described = video_metadata.select("videoId", "duration", "title")
    return furthest.join(described, on="videoId", how="left")


def outdated_videos(engagement: DataFrame, videos: DataFrame) -> DataFrame:
    """`videoId` of those whose stored rows have another title or duration than now; lazily.

    Args:
        engagement: the stored rows.
        videos: what is known of each video now; see `seen_videos`.
    """
    seconds = F.col("duration")
    is_usable = F.coalesce(is_usable_duration(seconds), F.lit(False))  # noqa: FBT003 (Spark's signature)
    now = videos.select(
        "videoId",
        F.col("title").alias("titleNow"),
        F.when(is_usable, seconds).otherwise(F.col("estimatedDuration")).alias("durationNow"),
        (~is_usable).alias("isEstimatedNow"),
    )
    is_same = (
        F.col("videoTitle").eqNullSafe(F.col("titleNow"))
        & F.col("videoDuration").eqNullSafe(F.col("durationNow"))
        & F.col("isDurationEstimated").eqNullSafe(F.col("isEstimatedNow"))
    )
    stored = engagement.select("videoId", "videoTitle", "videoDuration", "isDurationEstimated")
    described = stored.distinct().join(now, on="videoId", how="left")
    return described.where(~is_same).select("videoId").distinct()


def pairs_in_files(session: SparkSession, locations: Sequence[str], tasks: int) -> DataFrame:
    """Users and videos of the rows in data files of `sessions`, whoever wrote them; lazily.

    The engine's own reader refuses files that do not agree on the type of other columns.

    Args:
        session: a Spark Connect session.
        locations: the files, which the table need not name any more.
        tasks: how many read them.
    """
    files = session.createDataFrame([(location,) for location in locations], _FILES)
    some = files.repartition(max(1, min(tasks, len(locations))))
    return some.mapInArrow(_pairs_of_task, from_arrow_schema(_PAIRS))


def _pairs_of_task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for location in batch.column(0).to_pylist():
            with opened(str(location)) as file:
                for rows in file.iter_batches(columns=_PAIRS.names, use_threads=False):
                    yield rows.select(_PAIRS.names).cast(_PAIRS)


def pairs_to_compute(
    changed: DataFrame, engagement: DataFrame, outdated: Sequence[str]
) -> DataFrame:
    """The users and videos whose row may differ from the stored one, each once; lazily.

    A row follows from the pair's session rows, and from the title and duration of its video.

    Args:
        changed: users and videos of session rows, old and new, that were replaced since the stored
            rows were computed.
        engagement: the stored rows.
        outdated: videos of which the stored rows have another title or duration than now.
    """
    pairs = changed.select(*ENGAGEMENT.key)
    if outdated:
        rows = engagement.where(F.col("videoId").isin(*outdated))
        pairs = pairs.union(rows.select(*ENGAGEMENT.key))
    return pairs.distinct()


def rows_of(pairs: DataFrame, rows: DataFrame) -> DataFrame:
    """The rows of these users and videos; lazily."""
    return rows.join(pairs, on=list(ENGAGEMENT.key), how="left_semi")


def rows_without(pairs: DataFrame, rows: DataFrame) -> DataFrame:
    """The rows of all other users and videos; lazily."""
    return rows.join(pairs, on=list(ENGAGEMENT.key), how="left_anti")


class UserShare(NamedTuple):
    """A part of the users: all of them at once need memory at once.

    Attributes:
        part: its number, from 0.
        parts: how many there are.
    """

    part: int
    parts: int

    def __str__(self) -> str:
        """Which users, for logs."""
        return f"users {self.part + 1}/{self.parts}"


def sessions_by_user(
    sessions: DataFrame,
    videos: DataFrame,
    taken: pa.Schema,
    tasks: int,
    share: "UserShare | None" = None,
) -> DataFrame:
    """Session rows with what is known of their videos, those of a user in one task; lazily.

    Args:
        sessions: all rows of `sessions` of some users and videos.
        videos: see `seen_videos`.
        taken: see `sessions_taken`.
        tasks: how many tasks share the work.
        share: whose rows; None: those of all users.

    Returns:
        Those columns, for `engagement_of_task`.
    """
    if share and share.parts > 1:
        part = F.pmod(F.xxhash64("userId"), F.lit(share.parts))
        sessions = sessions.where(part == F.lit(share.part))
    return described(sessions, videos).select(*taken.names).repartition(tasks, F.col("userId"))


def described(sessions: DataFrame, videos: DataFrame) -> DataFrame:
    """Session rows with what is known of their videos; lazily.

    The videos stand first: of rows that a join left over Sail knows no number, takes the first
    side of the next join for the small one, and prunes each file by all values of its key.

    Args:
        sessions: rows of `sessions`.
        videos: see `seen_videos`.
    """
    return F.broadcast(videos).join(sessions, on="videoId", how="right")


def engagement_of_task(
    batches: Iterable[pa.RecordBatch],
    rules: WatchTimeRules,
    processed_at: datetime,
    taken: pa.Schema,
) -> pa.Table:
    """One row per user and video (rules 7, 8 and 10 to 13).

    Args:
        batches: all session rows of one task; see `sessions_by_user`.
        rules: thresholds and weights.
        processed_at: UTC time to stamp on the rows.
        taken: columns of the session rows; see `sessions_taken`.

    Returns:
        Rows of `aggregated_user_video_engagement`.
    """
    sessions = gathered(batches, taken)
    with turn():
        return engagement_rows(sessions, rules, processed_at)
