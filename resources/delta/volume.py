"""How much a table holds, told by its Delta log without reading a row."""

from datetime import date
from typing import Any

import pyarrow as pa
from deltalake.exceptions import TableNotFoundError

from resources.delta.commit import open_table
from resources.delta.staging import table_location
from video_assets.schemas import Table


def stored_rows(
    warehouse: str, table: Table, first_day: date | None = None, end_day: date | None = None
) -> int:
    """Rows of a table, or of its days `first_day <= day < end_day`; 0 when it is not there.

    Args:
        warehouse: path or URI below which the tables lie.
        table: declared table; partitioned by day where days are given.
        first_day: first day to count; None: from the beginning.
        end_day: day after the last to count; None: to the end.
    """
    try:
        log = open_table(table_location(warehouse, table))
    except TableNotFoundError:
        return 0
    files = pa.table(log.get_add_actions(flatten=True))
    counts: list[Any] = files["num_records"].to_pylist()
    if table.partition_by is None:
        return sum(counts)
    days: list[Any] = files[f"partition.{table.partition_by}"].to_pylist()
    first, end = first_day or date.min, end_day or date.max
    return sum(count for day, count in zip(days, counts, strict=True) if first <= day < end)
