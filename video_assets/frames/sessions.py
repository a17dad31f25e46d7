"""The table `sessions`: the watch-time rules, applied to the events of some days."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.frames.kernels import map_tables
from video_assets.schemas import RAW_EVENTS, SESSIONS
from video_assets.watch_time.rules import WatchTimeRules
from video_assets.watch_time.sessions import session_rows

EVENTS_TAKEN = pa.schema(
    [column for column in RAW_EVENTS.arrow_schema if column.name != RAW_EVENTS.partition_by]
)


def sessions(
    raw_events: DataFrame, rules: WatchTimeRules, first_day: date, end_day: date, tasks: int
) -> DataFrame:
    """Session rows of the days `first_day <= day < end_day` (rules 2 to 9).

    Args:
        raw_events: rows of `raw_events`, of those days and the day before.
        rules: thresholds.
        first_day: first UTC day.
        end_day: UTC day after the last.
        tasks: how many tasks share the work; all events of a user go to one of them.

    Returns:
        Rows of `sessions`.
    """

    def rows_of_task(events: pa.Table) -> pa.Table:
        return session_rows(events, rules, first_day, end_day)

    since = datetime.combine(first_day, datetime.min.time(), UTC)
    needed = raw_events.where(
        F.col("timestamp") >= F.lit(since - timedelta(seconds=rules.lookback))
    )
    shared = needed.select(*EVENTS_TAKEN.names).repartition(tasks, F.col("userId"))
    return map_tables(shared, rows_of_task, EVENTS_TAKEN, SESSIONS)
