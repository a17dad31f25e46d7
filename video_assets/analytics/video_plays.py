"""How often each video was really played, and at which speed, told by sessions."""

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.table import Table, required
from video_assets.arrow.columns import (
    booleans,
    encode,
    first_of_each,
    floats,
    group_codes,
    grouped_order,
    integers,
    to_table,
    with_plain_texts,
)
from video_assets.arrow.kernels import map_tables
from video_assets.engagement.tables import SESSIONS

SESSIONS_TAKEN = pa.schema(
    SESSIONS.fields(
        *("userId", "videoId", "sessionId", "sessionDate", "sessionNumber", "isContinuation"),
        *("watchTime", "playedSeconds", "endedCount"),
    )
)
VIDEO_PLAYS = Table(
    name="video_plays",
    grain="one video, as far as some users are concerned; never stored",
    key=("videoId",),
    columns=(
        required("videoId", pa.string(), "video"),
        required("validPlays", pa.int64(), "sessions long enough, or with an ending"),
        required("watchedMilliseconds", pa.int64(), "of video, in the rows that know both", "ms"),
        required("playedMilliseconds", pa.int64(), "of wall clock, in these rows", "ms"),
        required("rowsUnknown", pa.int64(), "session rows that do not know their wall clock"),
    ),
)
_MEASURES = tuple(name for name in VIDEO_PLAYS.column_names if name not in VIDEO_PLAYS.key)
_MILLISECONDS = 1000.0


def video_plays(sessions: DataFrame, valid_play_seconds: float, tasks: int) -> DataFrame:
    """One row per video; lazily.

    Args:
        sessions: all rows of `sessions`, of the users who count.
        valid_play_seconds: see `plays_of_users`.
        tasks: how many tasks share the work.

    Returns:
        Rows of `VIDEO_PLAYS`.
    """

    def of_task(rows: pa.Table) -> pa.Table:
        return plays_of_users(rows, valid_play_seconds)

    by_user = sessions.select(*SESSIONS_TAKEN.names).repartition(tasks, F.col("userId"))
    parts = map_tables(by_user, of_task, SESSIONS_TAKEN, VIDEO_PLAYS)
    return parts.groupBy("videoId").agg(*(F.sum(name).alias(name) for name in _MEASURES))


def plays_of_users(sessions: pa.Table, valid_play_seconds: float) -> pa.Table:
    """The valid plays of each video, and its seconds of video beside those of wall clock.

    A session in which so much was watched is a valid play, and one in which the video ran to its
    end: a video may be shorter. Rows that a session has on several days are one session.

    Args:
        sessions: columns of `SESSIONS_TAKEN`; all rows of a user must be among them.
        valid_play_seconds: seconds of video that make a play a valid one.

    Returns:
        Rows of `VIDEO_PLAYS`.
    """
    rows = with_plain_texts(sessions)
    if rows.num_rows == 0:
        return VIDEO_PLAYS.arrow_schema.empty_table()
    group = group_codes(rows, "userId", "videoId", "sessionId")
    order = grouped_order(group, integers(rows, "sessionDate"), integers(rows, "sessionNumber"))
    video, names = encode(rows, "videoId")
    watched = np.rint(floats(rows, "watchTime") * _MILLISECONDS).astype(np.int64)
    begins = first_of_each(group[order]) | ~booleans(rows, "isContinuation")[order]
    first = np.flatnonzero(begins)
    is_valid = np.add.reduceat(watched[order], first) >= valid_play_seconds * _MILLISECONDS
    is_valid |= np.add.reduceat(integers(rows, "endedCount")[order], first) > 0
    played = floats(rows, "playedSeconds")
    is_known = ~np.isnan(played)
    milliseconds = np.rint(played[is_known] * _MILLISECONDS)
    known, videos = video[is_known], len(names)
    return to_table(
        {
            "videoId": names,
            "validPlays": np.bincount(video[order][first][is_valid], minlength=videos),
            "watchedMilliseconds": np.bincount(known, watched[is_known], videos).astype(np.int64),
            "playedMilliseconds": np.bincount(known, milliseconds, videos).astype(np.int64),
            "rowsUnknown": np.bincount(video[~is_known], minlength=videos),
        },
        VIDEO_PLAYS.arrow_schema,
    )
