"""Is yesterday there in the morning? Asked of the tables themselves, not of Dagster's records.

A backfill of an old day makes no day fresh: what counts is the partition that was due.
"""

from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import dagster as dg

from asset_checks.rules import WARN, CheckInput, Finding, MeasuredRule
from resources.delta.table import Table

DEADLINE = time(4)
DEADLINE_CRON = "0 4 * * *"
TIME_ZONE = "Europe/Zurich"

YESTERDAY_IS_THERE = "yesterday_is_there"

_SINCE_MIDNIGHT = timedelta(hours=4)
# A daily run does not end at the same minute each day.
_ONE_RUN_LATE = timedelta(hours=26)
_TWO_RUNS_LATE = timedelta(hours=50)


def due_day(now: datetime) -> date:
    """The newest day that must be there: yesterday, or before the deadline the day before.

    Args:
        now: an aware time.
    """
    local = now.astimezone(ZoneInfo(TIME_ZONE))
    return local.date() - timedelta(days=1 if local.time() >= DEADLINE else 2)


def yesterday_is_there(table: Table) -> MeasuredRule:
    """The check of a table that is partitioned by day."""
    return MeasuredRule(
        name=YESTERDAY_IS_THERE,
        table=table,
        description=f"Yesterday's partition is there by {DEADLINE:%H:%M} {TIME_ZONE}.",
        problem=f"yesterday's partition was due at {DEADLINE:%H:%M} {TIME_ZONE} and is not there",
        remedy="See whether the delivery is late or the run failed; materialize the day when it is "
        "there.",
        severity=WARN,
        applies=_concerns_the_due_day,
        measure=partial(_late_day, table),
    )


def freshness_policy_for(table: Table) -> dg.FreshnessPolicy:
    """How recently an asset must have been materialized, whatever its partition.

    Daily tables: each morning before the deadline. Others: one run late is a warning, two fail.
    """
    if table.partition_by is None or table.partition_unit == "month":
        return dg.FreshnessPolicy.time_window(warn_window=_ONE_RUN_LATE, fail_window=_TWO_RUNS_LATE)
    return dg.FreshnessPolicy.cron(
        deadline_cron=DEADLINE_CRON, lower_bound_delta=_SINCE_MIDNIGHT, timezone=TIME_ZONE
    )


def _concerns_the_due_day(given: CheckInput) -> bool:
    """A backfill of other days has nothing to say about it."""
    return given.days is None or given.days.first <= due_day(given.now) < given.days.end


def _late_day(table: Table, given: CheckInput) -> Finding:
    due = due_day(given.now)
    if due < given.settings.start_date:
        return Finding(note=f"the first partition is {given.settings.start_date}")
    if given.stored.holds_day(table, due):
        return Finding(measured={"due_day": str(due)})
    newest = max(given.stored.rows_per_day(table), default=None)
    return Finding(
        rows=1,
        sample=[{"due_day": due, "newest_day_with_rows": newest}],
        days=[due],
        measured={"due_day": str(due)},
    )
