"""The table `sessions`: the watch-time rules, applied to the events of some days."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.engine.compute_slots import turn
from video_assets.arrow.kernels import gathered
from video_assets.engagement.watch_time.sessions import session_rows
from video_assets.player_events.dimensions import COLUMN
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.rules import WatchTimeRules

EVENTS_TAKEN = pa.schema(RAW_EVENTS.fields(*RAW_EVENTS.key))
EVENTS_WITH_DIMENSIONS = pa.schema(RAW_EVENTS.fields(*RAW_EVENTS.key, COLUMN))


def events_by_user(
    raw_events: DataFrame,
    rules: WatchTimeRules,
    first_day: date,
    tasks: int,
    taken: pa.Schema = EVENTS_TAKEN,
) -> DataFrame:
    """The events that the session rows from a day on need, those of a user in one task; lazily.

    Args:
        raw_events: rows of `raw_events`, of those days and the day before.
        rules: thresholds.
        first_day: first UTC day.
        tasks: how many tasks share the work.
        taken: columns that the sessions are computed from.

    Returns:
        Those columns, for `sessions_of_task`.
    """
    since = datetime.combine(first_day, datetime.min.time(), UTC)
    reach = timedelta(seconds=rules.reach)
    needed = raw_events.where(F.col("timestamp") >= F.lit(since - reach))
    return needed.select(*taken.names).repartition(tasks, F.col("userId"))


def sessions_of_task(
    batches: Iterable[pa.RecordBatch],
    rules: WatchTimeRules,
    first_day: date,
    end_day: date,
    taken: pa.Schema = EVENTS_TAKEN,
) -> pa.Table:
    """Session rows of the days `first_day <= day < end_day` (rules 2 to 9).

    Args:
        batches: all events of one task; see `events_by_user`.
        rules: thresholds.
        first_day: first UTC day.
        end_day: UTC day after the last.
        taken: columns of the events.

    Returns:
        Rows of `sessions`.
    """
    events = gathered(batches, taken)
    with turn():
        return session_rows(events, rules, first_day, end_day)
