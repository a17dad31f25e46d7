"""The tables as the checks see them: rows by the engine, counts and days by the Delta log."""

from collections.abc import Mapping, Sequence
from datetime import date

from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.table import Table
from resources.delta.warehouse import opened, rows_per_day, stored_frame
from video_assets.days import DayRange


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
        rows = stored_frame(self._spark, self._warehouse, table)
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
            counted = rows_per_day(table, self._log(table))
            self._rows_per_day[table.name] = {day: rows for day, rows in counted.items() if day}
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
            self._logs[table.name] = opened(self._warehouse, table)
        return self._logs[table.name]
