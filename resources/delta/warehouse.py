"""The stored tables: are they there, how much do they hold, their rows as frames."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, SparkSession

from resources.delta.commit import open_table
from resources.delta.errors import TableError
from resources.delta.stage import table_location
from resources.delta.table import Table
from resources.storage import plain_location


def stored_rows(
    warehouse: str, table: Table, first_day: date | None = None, end_day: date | None = None
) -> int:
    """Rows of a table, or of its days `first_day <= day < end_day`; 0 when it is not there.

    Args:
        warehouse: path or URI below which the tables lie.
        table: declared table; partitioned by day where days are given.
        first_day: first day to count; None: from the beginning.
        end_day: day after the last to count; None: to the end.

    Raises:
        TableError: a writer kept no count of rows.
    """
    first, end = first_day or date.min, end_day or date.max
    days = rows_per_day(table, opened(warehouse, table))
    return sum(rows for day, rows in days.items() if day is None or first <= day < end)


def opened(warehouse: str, table: Table) -> DeltaTable | None:
    """The table's newest version; None when it is not there."""
    try:
        return open_table(table_location(warehouse, table))
    except TableNotFoundError:
        return None


def rows_per_day(table: Table, log: DeltaTable | None) -> Mapping[date | None, int]:
    """Rows of each partition that has any; those of a table without partitions under None.

    Raises:
        TableError: a writer kept no count of rows.
    """
    if log is None:
        return {}
    files = pa.table(log.get_add_actions(flatten=True))
    counts: list[Any] = files["num_records"].to_pylist()
    if None in counts:
        raise TableError(
            f"table {table.name}: the Delta log does not say how many rows some files hold. "
            "Materialize the table again, so that its own writer counts them."
        )
    days: list[Any] = [None] * len(counts)
    if table.partition_by:
        days = files[f"partition.{table.partition_by}"].to_pylist()
    rows: Counter[date | None] = Counter()
    for day, count in zip(days, counts, strict=True):
        rows[day] += count
    return rows


def stored_frame(session: SparkSession, warehouse: str, table: Table) -> DataFrame:
    """All rows of a table that is there; lazily.

    Args:
        session: reads them.
        warehouse: path or URI below which the tables lie.
        table: declared table.
    """
    location = plain_location(table_location(warehouse, table))
    return session.read.format("delta").load(location)
