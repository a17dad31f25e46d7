"""Rows of a table's data files, read by a task that was told which files are its own.

An engine unpacks every text; here texts may stay numbers in dictionaries, as Parquet has them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from resources.delta.schema_check import addable_columns
from resources.delta.table import Column, Table
from resources.storage import native_file, provider

# Of a store: below, one request for a whole file costs less than one for each range of it.
_FETCHED_BELOW = 16 * 1024 * 1024
_FETCHED_AHEAD = 3


@contextmanager
def opened(location: str, numbered: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    """A data file, of which nothing but the footer is read yet.

    Args:
        location: path or URI.
        numbered: text columns to read as numbers in a dictionary.
    """
    with native_file(location) as content, _parquet(content, numbered) as file:
        yield file


def _parquet(content: pa.NativeFile, numbered: Sequence[str]) -> pq.ParquetFile:
    return pq.ParquetFile(content, read_dictionary=list(numbered))


def rows_of_files(
    locations: Iterable[str], table: Table, columns: Sequence[str], numbered: Sequence[str] = ()
) -> Iterator[pa.Table]:
    """Some columns of all rows of each data file; those that a file lacks are null.

    Files of a store are fetched ahead: up to three of at most 16 MiB are held.

    Args:
        locations: paths or URIs of files in which no row is marked as deleted.
        table: whose files they are.
        columns: which to read, not that of the partition.
        numbered: those of them that are texts to read as numbers in a dictionary.
    """
    for content in _contents(locations):
        with content, _parquet(content, numbered) as file:
            there = file.schema_arrow.names
            rows = file.read([name for name in columns if name in there], use_threads=False)
        absent = [column for column in addable_columns(there, table) if column.name in columns]
        yield _with_nulls(rows, absent).select(list(columns))


def _contents(locations: Iterable[str]) -> Iterator[pa.NativeFile]:
    with ThreadPoolExecutor(_FETCHED_AHEAD, "fetch") as fetching:
        ahead = deque[Future[pa.NativeFile]]()
        for location in locations:
            if provider(location) == "local":
                yield native_file(location)
                continue
            ahead.append(fetching.submit(native_file, location, _FETCHED_BELOW))
            if len(ahead) > _FETCHED_AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def with_added_columns(rows: pa.Table, table: Table) -> pa.Table:
    """The rows with all columns of the table: those that they lack are null."""
    return _with_nulls(rows, addable_columns(rows.column_names, table))


def _with_nulls(rows: pa.Table, absent: Iterable[Column]) -> pa.Table:
    for column in absent:
        rows = rows.append_column(column.name, pa.nulls(rows.num_rows, cast("Any", column.type)))
    return rows
