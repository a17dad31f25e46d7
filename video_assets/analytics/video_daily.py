"""The table `video_daily`: what happened to each video on each day."""

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from resources.delta.table import Column as TableColumn
from resources.delta.table import Table, required
from video_assets.analytics.aggregates import total
from video_assets.analytics.tables import VIDEO_DAILY
from video_assets.arrow.columns import (
    ArrowArray,
    Ints,
    booleans,
    floats,
    group_codes,
    integers,
    to_table,
    with_plain_texts,
)
from video_assets.arrow.kernels import map_tables
from video_assets.arrow.types import compute
from video_assets.engagement.tables import SESSIONS
from video_assets.engagement.watch_time.intervals import from_lists, merge, total_length

_COUNTED = ("playCount", "endedCount", "forwardSkips", "backwardSkips")
SESSIONS_TAKEN = pa.schema(
    [
        SESSIONS.arrow_schema.field(name)
        for name in (
            *("userId", "videoId", "sessionDate", "isContinuation"),
            *("watchTime", "watchedIntervals", *_COUNTED),
        )
    ]
)
VIEWER_DAYS = Table(
    name="viewer_days",
    grain="one viewer of a video on a day; never stored",
    key=("videoId", "date"),
    columns=(
        required("videoId", pa.string(), "video"),
        required("date", pa.date32(), "day"),
        required("sessions", pa.int64(), "sessions that began that day"),
        required("watchTime", pa.float64(), "time watched, each session taken to the ms", "s"),
        required("uniqueSeconds", pa.float64(), "watched at least once that day", "s"),
        *(TableColumn(name, pa.int64(), "as of sessions") for name in _COUNTED),
    ),
)
_MILLISECONDS = 1000.0


def video_daily(sessions: DataFrame, engagement: DataFrame, tasks: int) -> DataFrame:
    """One row per video and day, over all of its viewers that day.

    Args:
        sessions: rows of `sessions` of some days.
        engagement: all rows of `aggregated_user_video_engagement`, which know the first days.
        tasks: how many tasks share the sessions.

    Returns:
        Rows of `video_daily`.
    """
    by_user = sessions.select(*SESSIONS_TAKEN.names).repartition(tasks, F.col("userId"))
    viewers = map_tables(by_user, viewer_days, SESSIONS_TAKEN, VIEWER_DAYS)
    days = viewers.groupBy("videoId", "date").agg(
        F.count(F.lit(1)).alias("viewers"),
        F.sum("playCount").alias("plays"),
        F.sum("sessions").alias("sessions"),
        total("watchTime").alias("watchSeconds"),
        total("uniqueSeconds").alias("uniqueSeconds"),
        F.sum("endedCount").alias("completions"),
        F.sum("forwardSkips").alias("forwardSkips"),
        F.sum("backwardSkips").alias("backwardSkips"),
    )
    return _with_first_days(days, engagement).select(*VIDEO_DAILY.column_names)


def viewer_days(sessions: pa.Table) -> pa.Table:
    """What each viewer of a video did on a day.

    Args:
        sessions: columns of `SESSIONS_TAKEN`; all rows of a user must be among them.

    Returns:
        Rows of `VIEWER_DAYS`.
    """
    rows = with_plain_texts(sessions)
    if rows.num_rows == 0:
        return VIEWER_DAYS.arrow_schema.empty_table()
    day = integers(rows, "sessionDate")
    pair = group_codes(rows, "userId", "videoId").astype(np.int64)
    _, first, owner = np.unique(
        pair * (day.max() - day.min() + 1) + day - day.min(), return_index=True, return_inverse=True
    )

    def summed(values: Ints) -> Ints:
        sums = np.zeros(len(first), np.int64)
        np.add.at(sums, owner, values)
        return sums

    def counted(name: str) -> ArrowArray:
        """Null where it is unknown of a row."""
        known = rows[name].is_valid().to_numpy()
        unknown = summed((~known).astype(np.int64)) > 0
        return pa.array(summed(compute.fill_null(rows[name], 0).to_numpy()), mask=unknown)

    watched = merge(from_lists(rows["watchedIntervals"], owner))
    milliseconds = np.rint(floats(rows, "watchTime") * _MILLISECONDS).astype(np.int64)
    return to_table(
        {
            "videoId": rows["videoId"].take(first),
            "date": rows["sessionDate"].take(first),
            "sessions": summed((~booleans(rows, "isContinuation")).astype(np.int64)),
            "watchTime": summed(milliseconds) / _MILLISECONDS,
            "uniqueSeconds": total_length(watched, len(first)),
            **{name: counted(name) for name in _COUNTED},
        },
        VIEWER_DAYS.arrow_schema,
    )


def restated(stored: DataFrame, engagement: DataFrame) -> DataFrame:
    """Rows of days whose first days changed: an earlier day came, and who was new is not any more.

    Args:
        stored: rows of `video_daily`.
        engagement: all rows of `aggregated_user_video_engagement`.

    Returns:
        All rows of the days with a row that changes, as they should be: rows of `video_daily`, and
        `isChanged`.
    """
    before = ("newViewers", "daysSinceFirst")
    kept = stored.withColumnsRenamed({name: f"{name}Before" for name in before})
    rows = _with_first_days(kept, engagement)
    changed = [~F.col(name).eqNullSafe(F.col(f"{name}Before")) for name in before]
    return rows.withColumn("isChanged", changed[0] | changed[1]).select(
        *VIDEO_DAILY.column_names, "isChanged"
    )


def _with_first_days(days: DataFrame, engagement: DataFrame) -> DataFrame:
    """With `newViewers` and `daysSinceFirst`; a viewer is new on the day of the first event."""
    firsts = engagement.groupBy("videoId", F.to_date("firstWatchDate").alias("date")).agg(
        F.count(F.lit(1)).alias("newViewers")
    )
    first_days = firsts.groupBy("videoId").agg(F.min("date").alias("firstDay"))
    joined = days.join(firsts, ["videoId", "date"], "left").join(first_days, "videoId", "left")
    return joined.withColumns(
        {
            "newViewers": F.coalesce(F.col("newViewers"), F.lit(0)).cast("long"),
            "daysSinceFirst": _days_between(F.col("firstDay"), F.col("date")),
        }
    )


def _days_between(first: Column, day: Column) -> Column:
    # `least` passes over nulls: of a video that engagement does not know, this day is the first.
    return F.date_diff(day, F.least(first, day)).cast("long")
