"""The tables as the checks see them: rows by the engine, counts and days by the Delta log."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.commit import open_table
from resources.delta.errors import TableError
from resources.delta.staging import table_location
from resources.delta.storage import plain_location
from video_assets.partitions import DayRange
from video_assets.schemas import Table


class StoredTables:
    """Reads the tables below one warehouse; each Delta log is opened once.

    A table that was never written has no rows.
    """

    def __init__(self, warehouse: str, spark: SparkSession) -> None:
        """Read below `warehouse`, a path or URI, with this session."""
        self._warehouse = warehouse
        self._spark = spark
        self._logs: dict[str, DeltaTable | None] = {}
        self._rows_per_day: dict[str, Mapping[date, int]] = {}

    def frame(self, table: Table, days: DayRange | None = None) -> DataFrame:
        """The rows of a table, or of the partitions `days.first <= day < days.end`."""
        if self._log(table) is None:
            schema = from_arrow_schema(table.arrow_schema)
            return self._spark.createDataFrame([], schema=schema)
        location = plain_location(table_location(self._warehouse, table))
        rows = self._spark.read.format("delta").load(location)
        if days is None or table.partition_by is None:
            return rows
        day = F.col(table.partition_by)
        return rows.where((day >= F.lit(days.first)) & (day < F.lit(days.end)))

    def calendar(self, days: Sequence[date]) -> DataFrame:
        """These days as rows with one column, `date`."""
        return self._spark.createDataFrame([(day,) for day in days], schema="date date")

    def rows_per_day(self, table: Table) -> Mapping[date, int]:
        """Rows of each partition that has any, told by the Delta log.

        Raises:
            TableError: a writer kept no count of rows.
        """
        if table.name not in self._rows_per_day:
            log = self._log(table)
            self._rows_per_day[table.name] = {} if log is None else _rows_per_day(table, log)
        return self._rows_per_day[table.name]

    def holds_day(self, table: Table, day: date) -> bool:
        """Whether a day was written, be it without a row."""
        log = self._log(table)
        if log is None:
            return False
        # Each commit notes the days that it replaces.
        replaced = log.transaction_version(f"replace:{day}") is not None
        return replaced or day in self.rows_per_day(table)

    def _log(self, table: Table) -> DeltaTable | None:
        if table.name not in self._logs:
            self._logs[table.name] = self._opened(table)
        return self._logs[table.name]

    def _opened(self, table: Table) -> DeltaTable | None:
        try:
            return open_table(table_location(self._warehouse, table))
        except TableNotFoundError:
            return None


def _rows_per_day(table: Table, log: DeltaTable) -> Mapping[date, int]:
    files = pa.table(log.get_add_actions(flatten=True))
    days: list[Any] = files[f"partition.{table.partition_by}"].to_pylist()
    counts: list[Any] = files["num_records"].to_pylist()
    if None in counts:
        raise TableError(
            f"table {table.name}: the Delta log does not say how many rows some files hold. "
            f"Materialize the days {sorted(set(days))[:3]} and so on again."
        )
    rows: Counter[date] = Counter()
    for day, count in zip(days, counts, strict=True):
        rows[day] += count
    return rows
