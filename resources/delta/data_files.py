"""The data files that one task writes: one a table and day, split when they grow large."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.delta.schema_check import (
    Days,
    as_declared,
    conformed,
    day_numbers,
    require_days,
    require_keys,
)
from resources.delta.statistics import FileStatistics
from resources.delta.table import Table
from resources.epoch import day_of
from resources.storage import PART_BYTES, ObjectSink, delete_keys, object_store

if TYPE_CHECKING:
    from typing import IO

ROW_GROUP_ROWS = 512 * 1024


@dataclass(frozen=True)
class Limits:
    """What bounds a task's memory, and the size of a file.

    A task holds at most `buffered_bytes` of rows, the rows it was just given, and
    `unfinished_bytes` of files that are written but not complete.

    Files of a day that have less than `small_file` bytes on average become one, where that spares
    at least `many_files`: below, a pass over them costs more than it saves.
    """

    file_bytes: int = 128 * 1024 * 1024
    file_rows: int = 10_000_000
    buffered_bytes: int = 128 * 1024 * 1024
    unfinished_bytes: int = 256 * 1024 * 1024
    small_file: int = 100 * 1024
    many_files: int = 50


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Target:
    """Where a table's files go, and what they may hold.

    Attributes:
        table: the declared table.
        location: its folder.
        days: the days that rows may have; None: any, or the table is not partitioned.
        sort: sort the rows of a file by the first column of the key, so that equal values lie
            together and readers skip row groups; else the order of arrival is kept.
    """

    table: Table
    location: str
    days: Days | None
    sort: bool = False


@dataclass(frozen=True)
class DataFile:
    """One complete Parquet file that no reader sees before a commit names it.

    Attributes:
        path: below the table's folder, URL-quoted as in the Delta log.
        size: in bytes.
        rows: number of rows.
        day: value of the partition column; None in a table without one.
        modified: milliseconds since 1970-01-01 UTC.
        stats: statistics in Delta's JSON format.
    """

    path: str
    size: int
    rows: int
    day: date | None
    modified: int
    stats: str

    @property
    def key(self) -> str:
        """Below the table's folder, as the object is named."""
        return unquote(self.path)


class TaskFiles:
    """Takes rows of any table and day, and writes them below the tables' folders.

    Rows are buffered, and appended to the files of their days when the buffer is full. See `Limits`
    for what bounds the memory.
    """

    def __init__(self, targets: Mapping[str, Target], run: str, limits: Limits) -> None:
        """Begin with no files.

        Args:
            targets: by table name.
            run: token that all files of one staging carry in their names.
            limits: memory and file sizes.
        """
        self._targets = targets
        self._limits = limits
        self._name = f"part-{run}-{uuid4().hex[:12]}"
        self._stores = {
            name: object_store(target.location, create=True) for name, target in targets.items()
        }
        self._buffer: dict[tuple[str, int | None], list[pa.Table]] = {}
        self._buffered_bytes = 0
        self._open: dict[tuple[str, int | None], _OpenFile] = {}
        self._complete: list[tuple[str, DataFile]] = []
        self._begun: list[tuple[str, str]] = []

    def add(self, name: str, rows: pa.Table) -> None:
        """Take rows of the table `name`.

        Raises:
            RefusedRowsError: a null in a required column, or a row of another day.
            SchemaMismatchError: the columns are not those of the declared table.
        """
        target = self._targets[name]
        rows = conformed(rows, target.table)
        require_keys(rows, target.table)
        for day, part in _by_day(rows, target):
            self._buffer.setdefault((name, day), []).append(part)
        self._buffered_bytes += rows.nbytes
        if self._buffered_bytes > self._limits.buffered_bytes:
            self._append_all()

    def finish(self) -> list[tuple[str, DataFile]]:
        """Complete all files; returns them with their table's name."""
        self._append_all()
        for key in tuple(self._open):
            self._close(key)
        return self._complete

    def discard(self) -> None:
        """Delete what was written; files that grow are completed first, to end their uploads."""
        for file in self._open.values():
            file.sink.close()
        for name, path in self._begun:
            delete_keys(self._targets[name].location, [path])

    def _append_all(self) -> None:
        for key in tuple(self._buffer):
            parts = self._buffer.pop(key)
            target = self._targets[key[0]]
            for part in _sliced(pa.concat_tables(parts), self._limits.file_rows):
                rows = as_declared(part, target.table)
                self._append(key, _in_key_order(rows, target.table) if target.sort else rows)
        self._buffered_bytes = 0
        self._bound_unfinished()

    def _append(self, key: tuple[str, int | None], rows: pa.Table) -> None:
        file = self._open.get(key) or self._begin(key, rows.schema)
        file.append(rows)
        if (
            file.sink.size >= self._limits.file_bytes
            or file.statistics.rows >= self._limits.file_rows
        ):
            self._close(key)

    def _begin(self, key: tuple[str, int | None], schema: pa.Schema) -> "_OpenFile":
        name, day = key
        path = f"{_folder(self._targets[name].table, day)}{self._name}-{len(self._begun)}.parquet"
        self._begun.append((name, path))
        sink = ObjectSink(self._stores[name], path)
        self._open[key] = _OpenFile(sink, schema, _hardly_repeated(self._targets[name].table))
        return self._open[key]

    def _close(self, key: tuple[str, int | None]) -> None:
        name, day = key
        self._complete.append((name, self._open.pop(key).close(_as_date(day))))

    def _bound_unfinished(self) -> None:
        """An open file holds what was not sent yet: at most a few parts of an upload."""
        held = {key: min(file.sink.size, 2 * PART_BYTES) for key, file in self._open.items()}
        for key in sorted(held, key=lambda key: self._open[key].sink.size, reverse=True):
            if sum(held.values()) <= self._limits.unfinished_bytes:
                return
            self._close(key)
            del held[key]


class _OpenFile:
    """A Parquet file that still grows."""

    def __init__(self, sink: ObjectSink, schema: pa.Schema, hardly_repeated: Sequence[str]) -> None:
        self.sink = sink
        self.statistics = FileStatistics(schema)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        # Other columns repeat too little for a dictionary, and their bounds are in the Delta log.
        repeated = [name for name in texts if name not in hardly_repeated]
        self._writer = pq.ParquetWriter(
            cast("IO[Any]", sink),
            schema,
            compression="zstd",
            use_dictionary=cast("Any", repeated),
            write_statistics=_bounded(schema, texts),
            store_schema=False,
        )

    def append(self, rows: pa.Table) -> None:
        self._writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
        self.statistics.add(rows)

    def close(self, day: date | None) -> DataFile:
        self._writer.close()
        self.sink.close()
        return DataFile(
            path=quote(self.sink.key, safe="/="),
            size=self.sink.size,
            rows=self.statistics.rows,
            day=day,
            modified=time.time_ns() // 1_000_000,
            stats=self.statistics.as_json(),
        )


def _hardly_repeated(table: Table) -> tuple[str, ...]:
    """Columns whose values no two rows of a file have in common, or few."""
    in_file = tuple(name for name in table.key if name != table.partition_by)
    return (*table.hardly_repeated, *(in_file if len(in_file) == 1 else ()))


def _bounded(schema: pa.Schema, texts: list[str]) -> list[str]:
    """Columns by which readers skip row groups: what rows are looked up by."""
    return texts + [f.name for f in schema if pa.types.is_temporal(f.type)]


def _by_day(rows: pa.Table, target: Target) -> Iterator[tuple[int | None, pa.Table]]:
    """The rows of each day without the partition column, their order kept."""
    column = target.table.partition_by
    if column is None:
        if rows.num_rows:
            yield None, rows
        return
    days = day_numbers(rows, column)
    found, counts = np.unique(days, return_counts=True)
    if target.days is not None:
        require_days((day_of(int(day)) for day in found), target.table, target.days)
    stored = rows.drop_columns([column])
    if len(found) > 1 and np.any(days[1:] < days[:-1]):
        stored = stored.take(np.argsort(days, kind="stable"))
    ends = np.cumsum(counts)
    for day, start, count in zip(found, ends - counts, counts, strict=True):
        yield int(day), stored.slice(int(start), int(count))


def _in_key_order(rows: pa.Table, table: Table) -> pa.Table:
    """Sorted by the first stored column of the key, unless the rows are in that order already."""
    name = next((name for name in table.key if name in rows.column_names), None)
    if name is None or rows.num_rows == 0:
        return rows
    values = _ranks(rows[name]) if pa.types.is_string(rows[name].type) else rows[name].to_numpy()
    if np.all(values[1:] >= values[:-1]):
        return rows
    return rows.take(np.argsort(values, kind="stable"))


def _ranks(texts: Any) -> Any:
    """Numbers in the order of the texts, nulls first: each text is sorted once, not each row."""
    numbered = texts.combine_chunks().dictionary_encode()
    count = len(numbered.dictionary)
    rank = np.full(count + 1, -1, np.int32)
    rank[pc.sort_indices(numbered.dictionary).to_numpy()] = np.arange(count, dtype=np.int32)
    return rank[numbered.indices.fill_null(count).to_numpy()]


def _sliced(rows: pa.Table, size: int) -> Iterator[pa.Table]:
    for start in range(0, rows.num_rows, size):
        yield rows.slice(start, size)


def _folder(table: Table, day: int | None) -> str:
    return "" if day is None else f"{table.partition_by}={_as_date(day)}/"


def _as_date(day: int | None) -> date | None:
    return None if day is None else day_of(day)
