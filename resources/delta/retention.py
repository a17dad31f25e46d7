"""Old days of a table go, and its log remembers until which day they did."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction

from resources.delta.commit import REPLACED, open_table
from resources.delta.compatibility import require_writable
from resources.delta.table import Table
from resources.epoch import EPOCH_DAY

# Application transactions: the day before which rows were dropped, and the commit that did it.
_BEFORE, _BY = "dropped before", "dropped by"


@dataclass(frozen=True)
class Dropped:
    """What was dropped.

    Attributes:
        days: partitions that had rows.
        rows: their rows.
    """

    days: int = 0
    rows: int = 0


def drop_days(location: str, table: Table, before: date) -> Dropped:
    """Drop the partitions of days before another one; rows without a day (1970-01-01) stay.

    Their files stay until `tidy` deletes them.

    Args:
        location: folder of a table that is there.
        table: its declaration; partitioned by day.
        before: the first day that stays.

    Raises:
        CommitFailedError: a run replaces one of the days at this moment.
        UnsupportedTableError: another tool set what this commit would violate.
    """
    existing = open_table(location)
    require_writable(existing, location)
    files = pa.table(existing.get_add_actions(flatten=True))
    days: list[Any] = files[f"partition.{table.partition_by}"].to_pylist()
    gone = [
        (day, rows or 0)
        for day, rows in zip(days, files["num_records"].to_pylist(), strict=True)
        if EPOCH_DAY < day < before
    ]
    if not gone:
        return Dropped()
    earlier = existing.transaction_version(_BEFORE) or 0
    existing.delete(
        f"{table.partition_by} < '{before}' AND {table.partition_by} > '{EPOCH_DAY}'",
        commit_properties=CommitProperties(
            app_transactions=[
                Transaction(_BEFORE, max(before.toordinal(), earlier)),
                Transaction(_BY, existing.version() + 1),
            ]
        ),
    )
    return Dropped(len({day for day, _ in gone}), sum(rows for _, rows in gone))


def is_dropped(log: DeltaTable, day: date) -> bool:
    """Whether the rows that a day had were dropped, and no run brought any since."""
    by, before = log.transaction_version(_BY), log.transaction_version(_BEFORE)
    if by is None or before is None or day.toordinal() >= before:
        return False
    return (log.transaction_version(f"{REPLACED}{day}") or 0) < by
