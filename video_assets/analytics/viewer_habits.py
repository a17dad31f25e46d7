"""What users do at most on a day, told by their sessions: who does more than a person can."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.table import Table, required
from video_assets.arrow.columns import (
    MICROS_PER_SECOND,
    Floats,
    Ints,
    booleans,
    encode,
    floats,
    group_codes,
    integers,
    microseconds,
    to_table,
    with_plain_texts,
)
from video_assets.arrow.intervals import Intervals, merge, total_length
from video_assets.arrow.kernels import map_tables
from video_assets.engagement.tables import SESSIONS

SESSIONS_TAKEN = pa.schema(
    SESSIONS.fields(
        *("userId", "videoId", "sessionDate", "isContinuation"),
        *("lastEventTime", "elapsedSeconds", "watchTime", "endedCount"),
    )
)
HABITS = Table(
    name="viewer_habits",
    grain="one user; never stored",
    key=("userId",),
    columns=(
        required("userId", pa.string(), "user"),
        required("mostSecondsInADay", pa.float64(), "watched on one UTC day", "s"),
        required("mostPlaysOfAVideo", pa.int64(), "of one video on one UTC day"),
        required("overlapSeconds", pa.float64(), "sessions side by side, pauses included", "s"),
    ),
)
_MILLISECONDS = 1000.0


def viewer_habits(sessions: DataFrame, tasks: int) -> DataFrame:
    """One row per user, over all days; lazily.

    Args:
        sessions: all rows of `sessions`.
        tasks: how many tasks share the work.

    Returns:
        Rows of `HABITS`.
    """
    by_user = sessions.select(*SESSIONS_TAKEN.names).repartition(tasks, F.col("userId"))
    return map_tables(by_user, habits_of_users, SESSIONS_TAKEN, HABITS)


def habits_of_users(sessions: pa.Table) -> pa.Table:
    """What each user does at most.

    * Of a session and day, at most its wall clock counts as watched: at double speed an hour of
      video takes half an hour of a life.
    * A video was played as often as sessions of it began, or as it ran to its end, whichever is
      more: some players loop within a session, others begin a new one.

    Args:
        sessions: columns of `SESSIONS_TAKEN`; all rows of a user must be among them.

    Returns:
        Rows of `HABITS`.
    """
    rows = with_plain_texts(sessions)
    if rows.num_rows == 0:
        return HABITS.arrow_schema.empty_table()
    user, names = encode(rows, "userId")
    day = integers(rows, "sessionDate")
    pair = group_codes(rows, "userId", "videoId")
    seconds = np.minimum(floats(rows, "watchTime"), floats(rows, "elapsedSeconds"))
    milliseconds = np.rint(seconds * _MILLISECONDS).astype(np.int64)
    begun = (~booleans(rows, "isContinuation")).astype(np.int64)
    plays = np.maximum(
        _largest_sum(begun, pair, day, user),
        _largest_sum(integers(rows, "endedCount"), pair, day, user),
    )
    return to_table(
        {
            "userId": names,
            "mostSecondsInADay": _largest_sum(milliseconds, user, day, user) / _MILLISECONDS,
            "mostPlaysOfAVideo": plays,
            "overlapSeconds": _overlap(rows, user, len(names)),
        },
        HABITS.arrow_schema,
    )


def _largest_sum(
    values: Ints, group: npt.NDArray[np.int32], day: Ints, user: npt.NDArray[np.int32]
) -> Ints:
    """Of each user, the largest of the sums of a group and day; groups share no users."""
    days = day.max() - day.min() + 1
    _, first, owner = np.unique(
        group.astype(np.int64) * days + day - day.min(), return_index=True, return_inverse=True
    )
    sums = np.zeros(len(first), np.int64)
    np.add.at(sums, owner, values)
    largest = np.zeros(int(user.max()) + 1, np.int64)
    np.maximum.at(largest, user[first], sums)
    return largest


def _overlap(rows: pa.Table, user: npt.NDArray[np.int32], users: int) -> Floats:
    """By how much the wall clock of a user's sessions exceeds that of all of them together."""
    end = microseconds(rows, "lastEventTime")
    # The clock of a row that goes on after midnight starts at the event before.
    elapsed = np.rint(floats(rows, "elapsedSeconds") * MICROS_PER_SECOND)
    takes_time = elapsed > 0
    # Whole microseconds are exact as floats, and so are their sums.
    clock = Intervals(
        user[takes_time],
        (end - elapsed)[takes_time].astype(np.float64),
        end[takes_time].astype(np.float64),
    )
    apart = total_length(merge(clock), users)
    return (total_length(clock, users) - apart) / MICROS_PER_SECOND
