"""Is yesterday there in the morning? Asked of the tables themselves, not of Dagster's records.

A backfill of an old day makes no day fresh: what counts are rows of the day that was due.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, timedelta
from functools import cache, partial

import dagster as dg

from asset_checks.rules import WARN, CheckInput, Finding, MeasuredRule
from resources.delta.table import Table
from video_assets.settings import Settings
from video_assets.unfinished_days import DEADLINE, TIME_ZONE, due_day

DEADLINE_CRON = f"{DEADLINE.minute} {DEADLINE.hour} * * *"

YESTERDAY_IS_THERE = "yesterday_is_there"
DELIVERED_IN_TIME = "delivered_in_time"

Lag = Callable[[Settings], int]

_SINCE_MIDNIGHT = timedelta(hours=4)
# A daily run does not end at the same minute each day.
_ONE_RUN_LATE = timedelta(hours=26)
_TWO_RUNS_LATE = timedelta(hours=50)


def no_lag(_: Settings) -> int:
    """Nobody delivers what is asked on the day itself."""
    return 1


def overdue_from(given: CheckInput, lag: Lag) -> date:
    """The newest day that must be there, with the lag of its sender."""
    return due_day(given.now) - timedelta(days=lag(given.settings) - 1)


def yesterday_is_there(table: Table, lag: Lag) -> MeasuredRule:
    """The check of a table that is partitioned by day."""
    return MeasuredRule(
        name=YESTERDAY_IS_THERE,
        table=table,
        description=f"Yesterday has rows by {DEADLINE:%H:%M} {TIME_ZONE}; with a longer "
        "`DELIVERY_LAG`, the day that is due then.",
        problem=f"the day that was due at {DEADLINE:%H:%M} {TIME_ZONE} has no rows",
        remedy="See whether the delivery is late or the run failed; materialize the day when it is "
        "there.",
        severity=WARN,
        by_partition=False,
        applies=partial(_concerns_the_due_day, lag=lag),
        measure=partial(_late_day, table, lag),
    )


def delivered_in_time(table: Table, lag: Lag, setting: str) -> MeasuredRule:
    """The check of a table of delivered rows: days without any, after the newest that has some."""
    return MeasuredRule(
        name=DELIVERED_IN_TIME,
        table=table,
        description=f"A day has rows `{setting}` days later; of a run, its newest day has some, "
        "or a newer one.",
        problem="days have no rows, and nothing newer was delivered",
        remedy="See whether the sender is late or delivers elsewhere; run the days when they are "
        "there.",
        severity=WARN,
        by_partition=False,
        applies=partial(_may_be_late, table, lag),
        measure=partial(_overdue, table, lag),
    )


def freshness_policy_for(table: Table) -> dg.FreshnessPolicy:
    """How recently an asset must have been materialized, whatever its partition.

    Daily tables: each morning before the deadline. Others: one run late is a warning, two fail.
    """
    if table.partition_by is None or table.partition_unit == "month":
        return dg.FreshnessPolicy.time_window(warn_window=_ONE_RUN_LATE, fail_window=_TWO_RUNS_LATE)
    return _every_morning()


@cache
def _every_morning() -> dg.FreshnessPolicy:
    """One for all daily tables: Dagster walks through a thousand mornings to accept it."""
    return dg.FreshnessPolicy.cron(
        deadline_cron=DEADLINE_CRON, lower_bound_delta=_SINCE_MIDNIGHT, timezone=TIME_ZONE
    )


def _concerns_the_due_day(given: CheckInput, lag: Lag) -> bool:
    """A backfill of other days has nothing to say about it."""
    return given.days is None or given.days.first <= overdue_from(given, lag) < given.days.end


def _late_day(table: Table, lag: Lag, given: CheckInput) -> Finding:
    due = overdue_from(given, lag)
    if due < given.settings.start_date:
        return Finding(note=f"the first partition is {given.settings.start_date}")
    rows = given.stored.rows_per_day(table)
    if rows.get(due):
        return Finding(measured={"due_day": str(due)})
    return Finding(
        rows=1,
        sample=[
            {
                "due_day": due,
                "newest_day_with_rows": max(rows, default=None),
                "materialized_without_rows": given.stored.holds_day(table, due),
            }
        ],
        days=[due],
        measured={"due_day": str(due)},
    )


def _may_be_late(table: Table, lag: Lag, given: CheckInput) -> bool:
    """A backfill of days before the newest delivered one has nothing to say about it."""
    if _concerns_the_due_day(given, lag) or given.days is None:
        return True
    newest = max(given.stored.rows_per_day(table), default=date.min)
    return newest < _last_finished_day(given)


def _overdue(table: Table, lag: Lag, given: CheckInput) -> Finding:
    due, first = max(overdue_from(given, lag), _last_finished_day(given)), given.settings.start_date
    if due < first:
        return Finding(note=f"the first partition is {first}")
    rows = given.stored.rows_per_day(table)
    newest = max((day for day in rows if day <= due), default=None)
    measured = {"due_day": str(due)}
    if newest == due:
        return Finding(measured=measured)
    missing = _days_after(newest or first - timedelta(days=1), due)
    evidence = {"due_day": due, "newest_day_with_rows": newest}
    return Finding(rows=len(missing), sample=[evidence], days=missing, measured=measured)


def _last_finished_day(given: CheckInput) -> date:
    """The last day of the run that is over; long ago where no run is looked at."""
    yesterday = given.now.astimezone(UTC).date() - timedelta(days=1)
    return min(given.days.last, yesterday) if given.days else date.min


def _days_after(newest: date, last: date) -> Sequence[date]:
    return [newest + timedelta(days=n + 1) for n in range((last - newest).days)]
