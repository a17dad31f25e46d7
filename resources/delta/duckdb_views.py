"""The tables as views of a DuckDB database in memory: SQL without an engine to start.

DuckDB's own Delta extension must be downloaded; these views need nothing but DuckDB. Each reads
the data files of the version that was newest when it was made, until `refresh`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from duckdb import DuckDBPyConnection
from obstore.fsspec import FsspecStore

from resources.delta.commit import arrow_schema
from resources.delta.errors import TableError
from resources.delta.stage import table_location
from resources.delta.table import Table
from resources.delta.warehouse import opened
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

    def refresh(self, tables: Iterable[Table] | None = None) -> None:
        """Let every view show the newest version of its table.

        Raises:
            TableError: as for `of`.
        """
        logs = {table: opened(self.warehouse, table) for table in tables or self.tables}
        self.absent = [table for table, log in logs.items() if log is None]
        self.shown = [table for table, log in logs.items() if log is not None]
        for table, log in logs.items():
            if log is not None:
                self._show(table, log)

    def close(self) -> None:
        """Close the connection; its views are gone."""
        self.connection.close()

    def _show(self, table: Table, log: DeltaTable) -> None:
        location = table_location(self.warehouse, table)
        _require_plain(log, location)
        # No parameter can stand in a view's definition.
        query = self._query(log, location)
        self.connection.execute(f"CREATE OR REPLACE VIEW {_name(table.name)} AS {query}")

    def _query(self, log: DeltaTable, location: str) -> str:
        types = self._types(arrow_schema(log))
        paths: list[Any] = pa.table(log.get_add_actions())["path"].to_pylist()
        if not paths:
            nulls = (f"CAST(NULL AS {type_}) AS {_name(name)}" for name, type_ in types.items())
            return f"SELECT {', '.join(nulls)} WHERE false"
        files = (_WILDCARD.sub(r"[\1]", join(location, path)) for path in paths)
        partitions = log.metadata().partition_columns
        # A partition column stands in no file but in the file's path, as text.
        typed = ", ".join(f"{_text(name)}: {types[name]}" for name in partitions)
        hive = f"hive_partitioning = true, hive_types = {{{typed}}}"
        how = hive if partitions else "hive_partitioning = false"
        source = f"read_parquet([{', '.join(map(_text, files))}], {how})"
        return f"SELECT {', '.join(map(_name, types))} FROM {source}"  # noqa: S608 (all of it is quoted)

    def _types(self, schema: pa.Schema) -> Mapping[str, Any]:
        """The columns' types as DuckDB names them."""
        types = self.connection.from_arrow(schema.empty_table()).types
        return dict(zip(schema.names, types, strict=True))


def _require_plain(log: DeltaTable, location: str) -> None:
    protocol: Any = log.protocol()
    if protocol.min_reader_version > _PLAIN_READER:
        raise TableError(
            f"table at {location} needs a Delta reader of version {protocol.min_reader_version} "
            f"({', '.join(protocol.reader_features or ()) or 'column mapping'}): its files alone "
            "do not show its rows. Read it with the engine, or with DuckDB's extension `delta`."
        )


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
