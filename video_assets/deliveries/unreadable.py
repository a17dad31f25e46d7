"""Files that cannot be read: the days that need them stay as they were, the others are written."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from resources.delta.schema_check import Days
from video_assets.day_counters import refused_by_day, valid_by_day
from video_assets.days import UNDATED
from video_assets.deliveries.delivery import Delivery
from video_assets.sources.errors import SourceError
from video_assets.staged_days import FailedDay, StagedDays

_OF_AN_UNKNOWN_DAY = "no row, and a file that cannot be read may have some"


def without_unreadable(
    staged: StagedDays,
    files: Mapping[str, SourceError],
    delivery: Delivery,
    valid: str,
    log: logging.Logger,
) -> StagedDays:
    """Take the days that cannot be computed without some files from what was staged.

    Where nothing tells the days of a file, these are the days of which no other file has a row, and
    the run fails without keeping the other days back. The file stays unknown to the account: once
    it can be read, its days are stale.

    Args:
        staged: what a run staged of a source, without these files.
        files: what is wrong with each.
        delivery: what the run read.
        valid: the table of valid rows, whose tasks counted all rows by day.
        log: where the files are named.
    """
    table = staged.tables[valid]
    with_rows = valid_by_day(table.counters).keys() | refused_by_day(table.counters)
    without_rows = (table.replaced or Days()) - with_rows
    for location, error in files.items():
        log.warning("not read: %s", error)
        delivery.leave_out(location)
        days = delivery.days_of(location)
        if days - {UNDATED}:
            staged = staged.without(dict.fromkeys(days, FailedDay(str(error), cause=error)))
        else:
            why = FailedDay(f"{_OF_AN_UNKNOWN_DAY}: {error}", cause=error)
            staged = staged.without(dict.fromkeys(without_rows | days, why))
            staged = replace(staged, unread=(*staged.unread, error))
    return staged
