"""The tables as views of a DuckDB database in memory: SQL without an engine to start.

DuckDB's own Delta extension must be downloaded; these views need nothing but DuckDB. Each reads
the data files of the version that was newest when it was made, until `refresh`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from duckdb import ColumnExpression, DuckDBPyConnection, DuckDBPyRelation
from obstore.fsspec import FsspecStore

from resources.delta.commit import arrow_schema
from resources.delta.errors import TableError
from resources.delta.stage import table_location
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.storage import join, normalized, provider

_PLAIN_READER = 1
_WILDCARD = re.compile(r"([*?\[])")
# Databricks and Spark have this function, and DuckDB another name for it.
_AS_ON_SPARK = "CREATE MACRO unix_micros(moment) AS epoch_us(moment)"


@dataclass
class SqlViews:
    """A DuckDB connection in which every table that was ever written is a view.

    Attributes:
        warehouse: path or URI below which the tables lie.
        tables: those to show.
        connection: in UTC, with Spark's `unix_micros`.
        shown: the tables that are there.
        absent: the tables that were never written.
    """

    warehouse: str
    tables: Sequence[Table]
    connection: DuckDBPyConnection = field(default_factory=duckdb.connect)
    shown: Sequence[Table] = ()
    absent: Sequence[Table] = ()

    @classmethod
    def of(cls, warehouse: str, tables: Iterable[Table]) -> "SqlViews":
        """Open a database and make the views.

        Object stores are read with the credentials of the standard environment variables, by the
        same client as everywhere else; DuckDB's `httpfs` is not needed.

        Raises:
            TableError: a table uses Delta features that its Parquet files alone do not show.
        """
        views = cls(normalized(warehouse), tuple(tables))
        views.connection.execute("SET TimeZone = 'UTC'")
        views.connection.execute(_AS_ON_SPARK)
        if provider(views.warehouse) != "local":
            scheme: Any = views.warehouse.partition("://")[0]
            views.connection.register_filesystem(FsspecStore(scheme))
        views.refresh()
        return views

    def refresh(self) -> None:
        """Let every view show the newest version of its table.

        Raises:
            TableError: as for `of`.
        """
        logs = {table: Warehouse(self.warehouse).log(table) for table in self.tables}
        self.absent = [table for table, log in logs.items() if log is None]
        self.shown = [table for table, log in logs.items() if log is not None]
        # A connection of its own: the views' may be busy with a query of another thread.
        with self.connection.cursor() as database:
            for table, log in logs.items():
                if log is not None:
                    rows = _rows(database, log, table_location(self.warehouse, table))
                    rows.create_view(table.name, replace=True)

    def close(self) -> None:
        """Close the connection; its views are gone."""
        self.connection.close()


def _rows(database: DuckDBPyConnection, log: DeltaTable, location: str) -> DuckDBPyRelation:
    """The rows of the data files of this version; lazily."""
    _require_plain(log, location)
    schema = arrow_schema(log)
    paths: list[Any] = pa.table(log.get_add_actions())["path"].to_pylist()
    if not paths:
        return database.from_arrow(schema.empty_table())
    files = [_WILDCARD.sub(r"[\1]", join(location, path)) for path in paths]
    # A partition column, a date, stands in no file but in the file's path.
    is_partitioned = bool(log.metadata().partition_columns)
    rows = database.read_parquet(files, hive_partitioning=is_partitioned)
    return rows.select(*map(ColumnExpression, schema.names))


def _require_plain(log: DeltaTable, location: str) -> None:
    protocol: Any = log.protocol()
    if protocol.min_reader_version > _PLAIN_READER:
        raise TableError(
            f"table at {location} needs a Delta reader of version {protocol.min_reader_version} "
            f"({', '.join(protocol.reader_features or ()) or 'column mapping'}): its files alone "
            "do not show its rows. Read it with the engine, or with DuckDB's extension `delta`."
        )
