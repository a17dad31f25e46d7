"""The stored tables: where they are, which of them are there, and their rows, days and files."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import chain
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.changes import ChangedFiles, changed_files, commit_digest, origin_at, origin_of
from resources.delta.commit import REPLACED, UNFINISHED, WHOLE_TABLE, arrow_schema, open_table
from resources.delta.compatibility import maps_columns
from resources.delta.deletion_vectors import file_name, rows_marked_deleted
from resources.delta.errors import TableError
from resources.delta.retention import is_dropped
from resources.delta.schema_check import Days, addable_columns
from resources.delta.stage import table_location
from resources.delta.table import Table
from resources.delta.transactions import transactions
from resources.engine.errors import engine_message
from resources.storage import join, plain_location, storage_options


def _no_session() -> SparkSession:
    raise TableError("this warehouse has no session: only logs can be read")


class Warehouse:
    """The tables below one folder; each call sees their newest versions.

    A table that was never written has no rows.
    """

    def __init__(self, root: str, session: Callable[[], SparkSession] = _no_session) -> None:
        """Read below `root`, a path or URI, with a session that is asked for on first use."""
        self.root = root
        self.session = session

    def snapshot(self) -> "Warehouse":
        """The same tables, each of them as it is when it is first looked at."""
        return _Snapshot(self.root, self.session)

    def location(self, table: Table) -> str:
        """The folder of a table.

        Raises:
            LocationError: a folder's name holds a percent escape.
        """
        return table_location(self.root, table)

    def log(self, table: Table) -> DeltaTable | None:
        """The table's Delta log; None when it is not there."""
        try:
            return open_table(self.location(table))
        except TableNotFoundError:
            return None

    def holds(self, table: Table) -> bool:
        """Whether the table is there."""
        location = self.location(table)
        return DeltaTable.is_deltatable(location, storage_options(location))

    def frame(
        self, table: Table, first_day: date | None = None, end_day: date | None = None
    ) -> DataFrame:
        """The rows of a table, or of its partitions `first_day <= day < end_day`; lazily.

        Args:
            table: declared table.
            first_day: first day to read; None: from the beginning.
            end_day: day after the last to read; None: to the end.

        Returns:
            The stored columns, and as null those that the declaration added since; of a table
            that is not there no row of the declared ones.

        Raises:
            TableError: the engine cannot read the table.
        """
        if not self.holds(table):
            schema = from_arrow_schema(table.arrow_schema)
            return self.session().createDataFrame([], schema=schema)
        rows = self._all_rows(table)
        if table.partition_by is None:
            return rows
        day = F.col(table.partition_by)
        if first_day is not None:
            rows = rows.where(day >= F.lit(first_day))
        return rows if end_day is None else rows.where(day < F.lit(end_day))

    def row_count(
        self, table: Table, first_day: date | None = None, end_day: date | None = None
    ) -> int:
        """Rows of a table, or of its days `first_day <= day < end_day`, by its log.

        Raises:
            TableError: a writer left no count of rows.
        """
        first, end = first_day or date.min, end_day or date.max
        days = self._rows_per_partition(table)
        return sum(rows for day, rows in days.items() if day is None or first <= day < end)

    def rows_per_day(self, table: Table) -> Mapping[date, int]:
        """Rows of each partition that has any, by its log.

        Raises:
            TableError: a writer left no count of rows.
        """
        return {day: rows for day, rows in self._rows_per_partition(table).items() if day}

    def holds_day(self, table: Table, day: date) -> bool:
        """Whether a day was written, be it without a row, and not dropped since."""
        log = self.log(table)
        if log is None:
            return False
        is_written = self.replacement(table, day) is not None and not is_dropped(log, day)
        return is_written or day in self.rows_per_day(table)

    def drops(self, table: Table, day: date) -> bool:
        """Whether the rows that a day had were dropped because they were old."""
        log = self.log(table)
        return log is not None and is_dropped(log, day)

    def replacement(self, table: Table, day: date | None = None) -> int | None:
        """The number under which the newest commit that replaced a day noted it, and only it.

        Args:
            table: declared table.
            day: the day; None: all rows of the table.

        Returns:
            A number that ascends from commit to commit; None: no commit replaced it.
        """
        log = self.log(table)
        part = WHOLE_TABLE if day is None else day
        return log.transaction_version(f"{REPLACED}{part}") if log else None

    def is_unfinished(self, table: Table, day: date) -> bool:
        """Whether the newest commit that replaced a day said that it will get more rows."""
        log = self.log(table)
        noted = log.transaction_version(f"{UNFINISHED}{day}") if log else None
        return noted is not None and noted == self.replacement(table, day)

    def unfinished_days(
        self, table: Table, first_day: date | None = None, end_day: date | None = None
    ) -> Days:
        """Those days of a table that will get more rows, or those `first_day <= day < end_day`."""
        log = self.log(table)
        if log is None:
            return Days()
        noted = transactions(self.location(table), log)
        if noted is None:
            days = self.rows_per_day(table)
            found = Days(day for day in days if self.is_unfinished(table, day))
        else:
            found = Days(_unfinished(noted))
        first, end = first_day or date.min, end_day or date.max
        return Days(day for day in found if first <= day < end)

    def origin(self, table: Table) -> Mapping[str, str] | None:
        """What the newest commit of rows was computed from; None where that is unknown."""
        log = self.log(table)
        return origin_of(log) if log else None

    def origin_of_day(self, table: Table, day: date) -> Mapping[str, str]:
        """What the newest commit of a day was computed from; empty where that is unknown."""
        number = self.replacement(table, day)
        if number is None:
            return {}
        return origin_at(self.location(table), number, f"{REPLACED}{day}")

    def commit_digest(self, table: Table, version: int) -> str:
        """What tells the commit of a version from any other; empty when the log dropped it."""
        return commit_digest(self.location(table), version)

    def changed_files(self, table: Table, since: int, digest: str) -> ChangedFiles | None:
        """The files whose rows changed since a commit; None where that cannot be told any more."""
        log = self.log(table)
        return changed_files(self.location(table), log, since, digest) if log else None

    def file_locations(self, table: Table) -> list[str] | None:
        """The data files of a table, for those who read them by themselves.

        None where only an engine can: another tool marked rows as deleted, or mapped columns to
        other names.
        """
        by_partition = self.files_by_partition(table)
        return None if by_partition is None else sorted(chain(*by_partition.values()))

    def files_by_partition(self, table: Table) -> Mapping[date | None, list[str]] | None:
        """The same for each partition; those of a table without partitions under None."""
        log = self.log(table)
        if log is None:
            return {}
        if maps_columns(log) or rows_marked_deleted(log):
            return None
        root = plain_location(self.location(table))
        files = pa.table(log.get_add_actions(flatten=True))
        found = defaultdict(list)
        for path, day in zip(files["path"].to_pylist(), _partitions(files, table), strict=True):
            found[day].append(join(root, unquote(str(path))))
        return found

    def _rows_per_partition(self, table: Table) -> Mapping[date | None, int]:
        """Rows of each partition that has any; those of a table without partitions under None."""
        log = self.log(table)
        if log is None:
            return {}
        files = pa.table(log.get_add_actions(flatten=True))
        counts: list[Any] = files["num_records"].to_pylist()
        deleted = rows_marked_deleted(log)
        if None in counts:
            raise TableError(
                f"table {table.name}: the Delta log does not say how many rows some files hold. "
                "Materialize the table again, so that its own writer counts them."
            )
        days = _partitions(files, table)
        rows: Counter[date | None] = Counter()
        paths: list[Any] = files["path"].to_pylist()
        for path, day, count in zip(paths, days, counts, strict=True):
            rows[day] += count - deleted.get(file_name(path), 0)
        return +rows

    def _all_rows(self, table: Table) -> DataFrame:
        """All rows, their schema resolved: a lazy failure would name neither table nor path."""
        location = self.location(table)
        try:
            frame = self.session().read.format("delta").load(plain_location(location))
            frame.schema  # noqa: B018 (asks the engine)
        except PySparkException as error:
            raise TableError(
                f"table {table.name} at {location} ({_columns_in_log(location)}) cannot be read by "
                f"the engine: {engine_message(error)}"
            ) from error
        return _with_added_columns(frame, table)


class _Snapshot(Warehouse):
    """Opens each log once."""

    def __init__(self, root: str, session: Callable[[], SparkSession]) -> None:
        super().__init__(root, session)
        self._logs: dict[str, DeltaTable | None] = {}
        self._counted: dict[str, Mapping[date | None, int]] = {}

    def log(self, table: Table) -> DeltaTable | None:
        if table.name not in self._logs:
            self._logs[table.name] = super().log(table)
        return self._logs[table.name]

    def _rows_per_partition(self, table: Table) -> Mapping[date | None, int]:
        if table.name not in self._counted:
            self._counted[table.name] = super()._rows_per_partition(table)
        return self._counted[table.name]


def _partitions(files: pa.Table, table: Table) -> list[Any]:
    if table.partition_by is None:
        return [None] * files.num_rows
    return files[f"partition.{table.partition_by}"].to_pylist()


def _unfinished(noted: Mapping[str, int]) -> Iterator[date]:
    for name, number in noted.items():
        day = name.removeprefix(UNFINISHED)
        if day != name and noted.get(f"{REPLACED}{day}") == number:
            yield date.fromisoformat(day)


def _with_added_columns(frame: DataFrame, table: Table) -> DataFrame:
    added = from_arrow_schema(
        pa.schema(table.fields(*(c.name for c in addable_columns(frame.columns, table))))
    )
    nulls = [F.lit(None).cast(field.dataType).alias(field.name) for field in added]
    return frame.select("*", *nulls) if nulls else frame


def _columns_in_log(location: str) -> str:
    try:
        return f"columns {', '.join(arrow_schema(open_table(location)).names)}"
    except DeltaError as error:
        return f"its Delta log is broken: {str(error).splitlines()[0]}"
