"""Rows of a table's data files, read by a task that was told which files are its own.

An engine unpacks every text; here texts may stay numbers in dictionaries, as Parquet has them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from resources.delta.schema_check import addable_columns
from resources.delta.table import Column, Table
from resources.storage import StoredFile, found, read_range

# Reading a column here and there calls back from Arrow's threads, which wait for one another.
_READ_AT_ONCE = 16 * 1024 * 1024


def opened(location: str, numbered: Sequence[str] = ()) -> pq.ParquetFile:
    """A data file, of which nothing but the footer is read yet.

    Args:
        location: path or URI.
        numbered: text columns to read as numbers in a dictionary.
    """
    return _parquet(StoredFile(found(location)), numbered)


def _parquet(file: object, numbered: Sequence[str]) -> pq.ParquetFile:
    return pq.ParquetFile(cast("Any", file), read_dictionary=list(numbered))


def _opened_to_be_read(location: str, numbered: Sequence[str]) -> pq.ParquetFile:
    stored = found(location)
    if stored.size > _READ_AT_ONCE:
        return _parquet(StoredFile(stored), numbered)
    content = read_range(location, 0, stored.size, stored.version)
    return _parquet(pa.BufferReader(content), numbered)


def rows_of_file(
    location: str, table: Table, columns: Sequence[str], numbered: Sequence[str] = ()
) -> pa.Table:
    """Some columns of all rows of a data file; those that it lacks are null.

    Args:
        location: path or URI of a file in which no row is marked as deleted.
        table: whose file it is.
        columns: which to read, not that of the partition.
        numbered: those of them that are texts to read as numbers in a dictionary.
    """
    with _opened_to_be_read(location, numbered) as file:
        there = file.schema_arrow.names
        rows = file.read([name for name in columns if name in there], use_threads=False)
    absent = [column for column in addable_columns(there, table) if column.name in columns]
    return _with_nulls(rows, absent).select(list(columns))


def with_added_columns(rows: pa.Table, table: Table) -> pa.Table:
    """The rows with all columns of the table: those that they lack are null."""
    return _with_nulls(rows, addable_columns(rows.column_names, table))


def _with_nulls(rows: pa.Table, absent: Iterable[Column]) -> pa.Table:
    for column in absent:
        rows = rows.append_column(column.name, pa.nulls(rows.num_rows, cast("Any", column.type)))
    return rows
