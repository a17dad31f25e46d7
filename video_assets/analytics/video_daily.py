"""The table `video_daily`: what happened to each video on each day."""

from collections.abc import Callable, Sequence
from typing import Any

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
from video_assets.arrow.intervals import from_lists, merge, total_length
from video_assets.arrow.kernels import map_tables
from video_assets.arrow.types import compute
from video_assets.engagement.tables import SESSIONS

_COUNTED = ("playCount", "endedCount", "forwardSkips", "backwardSkips")
SESSIONS_TAKEN = pa.schema(
    SESSIONS.fields(
        *("userId", "videoId", "sessionDate", "isContinuation"),
        *("watchTime", "watchedIntervals", *_COUNTED),
    )
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
        Rows of `video_daily`, all columns but `isUnfinished`.
    """
    by_user = sessions.select(*SESSIONS_TAKEN.names).repartition(tasks, F.col("userId"))
    viewers = map_tables(by_user, viewer_days, SESSIONS_TAKEN, VIEWER_DAYS)
    days = viewers.groupBy(*VIDEO_DAILY.key).agg(*measures())
    return _with_first_days(days, engagement).select(*measured(VIDEO_DAILY))


def measured(table: Table) -> list[str]:
    """The columns that follow from the sessions of a day, and not from when it was computed."""
    return [name for name in table.column_names if name != "isUnfinished"]


def measures() -> list[Column]:
    """What the viewers of a day did, summed up from rows of `VIEWER_DAYS`."""
    return [
        F.count(F.lit(1)).alias("viewers"),
        F.sum("playCount").alias("plays"),
        F.sum("sessions").alias("sessions"),
        total("watchTime").alias("watchSeconds"),
        total("uniqueSeconds").alias("uniqueSeconds"),
        F.sum("endedCount").alias("completions"),
        F.sum("forwardSkips").alias("forwardSkips"),
        F.sum("backwardSkips").alias("backwardSkips"),
    ]


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
    _, columns = summed_by_viewer(rows, np.zeros(rows.num_rows, np.int64))
    return to_table(columns, VIEWER_DAYS.arrow_schema)


def summed_by_viewer(rows: pa.Table, part: Ints) -> tuple[Ints, dict[str, Any]]:
    """What each viewer of a video did on a day, each part of the rows by itself.

    Args:
        rows: columns of `SESSIONS_TAKEN`, at least one row, texts written out.
        part: number of each row's part, from 0.

    Returns:
        A row of each viewer, video, day and part, and the columns of `VIEWER_DAYS` in their order.
    """
    day = integers(rows, "sessionDate")
    pair = group_codes(rows, "userId", "videoId").astype(np.int64)
    days, parts = day.max() - day.min() + 1, part.max() + 1
    _, first, owner = np.unique(
        (pair * days + day - day.min()) * parts + part, return_index=True, return_inverse=True
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
    return first, {
        "videoId": rows["videoId"].take(first),
        "date": rows["sessionDate"].take(first),
        "sessions": summed((~booleans(rows, "isContinuation")).astype(np.int64)),
        "watchTime": summed(milliseconds) / _MILLISECONDS,
        "uniqueSeconds": total_length(watched, len(first)),
        **{name: counted(name) for name in _COUNTED},
    }


def restated_video_daily(stored: DataFrame, engagement: DataFrame) -> DataFrame:
    """Rows of days whose first days changed: an earlier day came, and who was new is not any more.

    Args:
        stored: rows of `video_daily`.
        engagement: all rows of `aggregated_user_video_engagement`.

    Returns:
        As `restated`.
    """
    return restated(stored, VIDEO_DAILY, lambda rows: _with_first_days(rows, engagement))


def restated(
    stored: DataFrame, table: Table, complete: Callable[[DataFrame], DataFrame]
) -> DataFrame:
    """Stored rows as they should be, by what is known of the first days now.

    Args:
        stored: rows of the table.
        table: one with `newViewers` and `daysSinceFirst`.
        complete: adds these two.

    Returns:
        Rows of the table, and `isChanged`.
    """
    before = ("newViewers", "daysSinceFirst")
    rows = complete(stored.withColumnsRenamed({name: f"{name}Before" for name in before}))
    changed = [~F.col(name).eqNullSafe(F.col(f"{name}Before")) for name in before]
    return rows.withColumn("isChanged", changed[0] | changed[1]).select(
        *table.column_names, "isChanged"
    )


def with_new_viewers(
    days: DataFrame, new_viewers: DataFrame, engagement: DataFrame, key: Sequence[str]
) -> DataFrame:
    """With `newViewers`, 0 where there are none, and `daysSinceFirst` of the video.

    Args:
        days: rows with the columns of the key.
        new_viewers: key and `newViewers`.
        engagement: all rows of `aggregated_user_video_engagement`.
        key: columns that tell the rows apart.
    """
    first_days = engagement.groupBy("videoId").agg(F.min(first_day()).alias("firstDay"))
    joined = days.join(new_viewers, list(key), "left").join(first_days, "videoId", "left")
    return joined.withColumns(
        {
            "newViewers": F.coalesce(F.col("newViewers"), F.lit(0)).cast("long"),
            "daysSinceFirst": _days_between(F.col("firstDay"), F.col("date")),
        }
    )


def first_day() -> Column:
    """The day of a row of engagement on which its viewer was new."""
    return F.to_date("firstWatchDate")


def _with_first_days(days: DataFrame, engagement: DataFrame) -> DataFrame:
    """A viewer is new on the day of the first event."""
    firsts = engagement.groupBy("videoId", first_day().alias("date")).agg(
        F.count(F.lit(1)).alias("newViewers")
    )
    return with_new_viewers(days, firsts, engagement, VIDEO_DAILY.key)


def _days_between(first: Column, day: Column) -> Column:
    # `least` passes over nulls: of a video that engagement does not know, this day is the first.
    return F.date_diff(day, F.least(first, day)).cast("long")
