"""Parquet: the needed columns of the row groups that a run may need."""

from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from resources.storage import StorageError, StoredFile
from video_assets.arrow.types import ArrowArray, Integers, Mask, is_text, plain
from video_assets.sizes import (
    LARGEST_PARQUET_BATCH,
    PARQUET_BATCH_BYTES,
    SMALLEST_PARQUET_BATCH,
)
from video_assets.sources.chunks import BrokenRow, Chunk, OtherRows
from video_assets.sources.errors import SourceError
from video_assets.sources.fields import Layout, NeededColumn, NeededRows
from video_assets.sources.lines import readable_text
from video_assets.sources.listing import SourceFile
from video_assets.sources.nested import fields_of
from video_assets.sources.paths import Path
from video_assets.sources.times import FIRST_TIME, LAST_TIME, Window, microseconds_of
from video_assets.sources.units import Unit
from video_assets.sources.values import invalid_text, per_text, text_of_array, text_of_uuids
from video_assets.vocabulary import Role

_DELTA_ENCODINGS = ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY")


class Needed(Enum):
    """Which rows of a row group a run needs."""

    ALL = auto()
    UNDATED = auto()
    NONE = auto()


@contextmanager
def open_parquet(
    file: SourceFile, metadata: Any = None, encoded: Sequence[str] = ()
) -> Iterator[pq.ParquetFile]:
    """A Parquet file, its footer read.

    Args:
        file: the file.
        metadata: its footer, where it is known already.
        encoded: columns of texts to read dictionary-encoded; they must be there.

    Raises:
        SourceError: it is truncated or no Parquet file.
    """
    stored: Any = StoredFile(file.stored)
    with (
        _readable(file.uri),
        pq.ParquetFile(
            stored, metadata=metadata, pre_buffer=True, read_dictionary=list(encoded)
        ) as opened,
    ):
        yield opened


@contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except (SourceError, StorageError):
        raise
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{where}: not a readable Parquet file ({error}). Deliver the file again, or set the "
            "source's format if it is none."
        ) from error


def whole_parquet_chunks(unit: Unit, layout: Layout) -> Iterator[Chunk]:
    """Read all row groups whose middle lies in the unit.

    Raises:
        SourceError: the file is unreadable, or a column is missing or of a type that cannot be.
    """
    for group in _groups(unit, layout):
        yield from group.chunks(Needed.ALL)


def parquet_chunks(unit: Unit, layout: Layout, window: Window) -> Iterator[Chunk | OtherRows]:
    """Read what a run needs of the row groups whose middle lies in the unit.

    Args:
        unit: part of a Parquet file.
        layout: the columns to read.
        window: rows that statistics prove to be outside are skipped; where the days of the file
            are not known yet, their times are read.

    Raises:
        SourceError: the file is unreadable, or a column is missing or of a type that cannot be.
    """
    for group in _groups(unit, layout):
        needed, with_undated = _needed_rows(group.metadata, layout, window)
        if needed is not Needed.NONE:
            chunks = group.chunks(needed)
            yield from (replace(chunk, with_undated=with_undated) for chunk in chunks)
        if needed is not Needed.ALL and not unit.file.days_known:
            yield from group.other_rows()


@dataclass(frozen=True)
class _RowGroup:
    """A row group of an open file.

    Attributes:
        file: the file.
        where: its address, for messages.
        place: its number in the file.
        metadata: of the row group.
        rows_before: rows of the file before it.
        layout: the columns to read.
    """

    file: pq.ParquetFile
    where: str
    place: int
    metadata: Any
    rows_before: int
    layout: Layout

    def chunks(self, needed: Needed) -> Iterator[Chunk]:
        """The rows that a run needs."""
        with _readable(self.where):
            yield from _chunks_of_group(
                self.file, self.place, self.layout, self.rows_before, needed
            )

    def other_rows(self) -> Iterator[OtherRows]:
        """All rows with a time; where it is on one day only, statistics tell enough."""
        layout = self.layout.with_day_column_alone()
        times = self._one_day(layout)
        if times is not None:
            yield OtherRows(times)
            return
        for chunk in replace(self, layout=layout).chunks(Needed.ALL):
            [column] = chunk.columns.values()
            yield OtherRows(column.drop_null())

    def _one_day(self, layout: Layout) -> ArrowArray | None:
        statistics = self.statistics
        ends = pa.array([statistics.min, statistics.max])
        days, readable = layout.kind.days_of(ends, layout.config)
        if not readable.all() or days[0] != days[1]:
            return None
        return pa.repeat(ends[0], self.metadata.num_rows - statistics.null_count)

    @property
    def statistics(self) -> Any:
        """Of the column that decides the day; a run skips no row group that has none."""
        day = self.layout.day_column
        return day and _statistics(self.metadata, day.paths[0])


def _groups(unit: Unit, layout: Layout) -> Iterator[_RowGroup]:
    """The row groups whose middle lies in the unit, their file open."""
    with open_parquet(unit.file) as file:
        layout.require_types(file.schema_arrow, unit.file.uri)
        footer = file.metadata
    encoded = [
        name
        for column in layout.columns
        if stays_encoded(layout, column)
        and (name := _own_column(column, footer.schema.names))
        and not _is_delta_encoded(footer, name)
    ]
    with open_parquet(unit.file, footer, encoded) as file:
        rows_before = 0
        for place in range(file.metadata.num_row_groups):
            metadata = file.metadata.row_group(place)
            if unit.start <= _middle(metadata) < unit.end:
                yield _RowGroup(file, unit.file.uri, place, metadata, rows_before, layout)
            rows_before += metadata.num_rows


def _is_delta_encoded(footer: Any, name: str) -> bool:
    """Whether PyArrow cannot read texts as dictionaries because of how they are written."""
    groups = (footer.row_group(place) for place in range(footer.num_row_groups))
    columns = (group.column(place) for group in groups for place in range(group.num_columns))
    return any(
        encoding in _DELTA_ENCODINGS
        for column in columns
        if column.path_in_schema == name
        for encoding in column.encodings
    )


def _middle(metadata: Any) -> int:
    columns = [metadata.column(place) for place in range(metadata.num_columns)]
    start = min(_first_byte(column) for column in columns)
    return int(start + sum(column.total_compressed_size for column in columns) // 2)


def _first_byte(column: Any) -> int:
    if column.has_dictionary_page and column.dictionary_page_offset:
        return int(min(column.dictionary_page_offset, column.data_page_offset))
    return int(column.data_page_offset)


def _needed_rows(metadata: Any, layout: Layout, window: Window) -> tuple[Needed, bool]:
    """Which rows of a row group may be the window's, told by statistics.

    Returns:
        These rows, and whether those without a readable time are among them.
    """
    day = layout.day_column
    statistics = _statistics(metadata, day.paths[0]) if day and day.is_one_path else None
    if statistics is None:
        return Needed.ALL, window.with_undated
    low = microseconds_of(statistics.min, layout.config.timestamp_unit)
    high = microseconds_of(statistics.max, layout.config.timestamp_unit)
    if low is None or high is None:
        return Needed.ALL, window.with_undated
    with_undated = window.has_undated_beside(low)
    if high >= window.start and low < window.end:
        return Needed.ALL, with_undated
    if not with_undated:
        return Needed.NONE, False
    if low < FIRST_TIME or high >= LAST_TIME:
        return Needed.ALL, True
    return (Needed.UNDATED if statistics.null_count else Needed.NONE), True


def _statistics(metadata: Any, path: Path) -> Any:
    names = {path.plain, ".".join(path.steps)}
    for place in range(metadata.num_columns):
        column = metadata.column(place)
        if column.path_in_schema in names:
            statistics = column.statistics
            # Texts need not be valid, and only their reader can tell which time is the earliest.
            is_text = column.physical_type == "BYTE_ARRAY"
            usable = (
                statistics and statistics.has_min_max and statistics.has_null_count and not is_text
            )
            return statistics if usable else None
    return None


def _chunks_of_group(
    file: pq.ParquetFile, group: int, layout: Layout, rows_before: int, needed: Needed
) -> Iterator[Chunk]:
    names = _leaves(file.schema_arrow, layout)
    rows = _rows_at_once(file.metadata.row_group(group))
    batches = file.iter_batches(rows, row_groups=[group], columns=names, use_threads=False)
    for batch in batches:
        first = rows_before + 1
        numbers = np.arange(first, first + batch.num_rows, dtype=np.int64)
        rows_before += batch.num_rows
        if needed is Needed.ALL or layout.day_column is None:
            yield chunk_of_batch(batch, layout, numbers)
            continue
        undated = _needed(batch, layout).columns[layout.day_column.ours].is_null()
        if undated.true_count:
            kept = numbers[undated.to_numpy(zero_copy_only=False)]
            yield chunk_of_batch(batch.filter(undated), layout, kept)


def _rows_at_once(group: Any) -> int:
    """Many rows where they are small: each batch numbers its texts anew."""
    bytes_per_row = max(1, group.total_byte_size // max(1, group.num_rows))
    fitting = PARQUET_BATCH_BYTES // bytes_per_row
    return int(min(max(fitting, SMALLEST_PARQUET_BATCH), LARGEST_PARQUET_BATCH))


def chunk_of_batch(batch: pa.RecordBatch, layout: Layout, numbers: Integers | None) -> Chunk:
    """Typed rows as a chunk; a row's text is a JSON object of its needed columns.

    Args:
        batch: rows with the source's column names.
        layout: the needed columns.
        numbers: 1-based row of each in its file; None where rows have no order.
    """
    needed = _needed(batch, layout)
    arrays = needed.columns
    count = len(next(iter(arrays.values())))
    numbers = None if numbers is None else needed.of_parents(numbers)
    rows = np.arange(count, dtype=np.int64)
    invalid = _with_invalid_text(arrays.values(), count)
    good = rows[~invalid]
    texts_of = partial(_texts_of, batch, layout, needed)
    return Chunk(
        columns={name: _readable_rows(array, good) for name, array in arrays.items()},
        numbers=None if numbers is None else numbers[good],
        order=(rows * 0 if numbers is None else numbers)[good],
        texts_of=lambda indices: texts_of(good[indices]),
        broken=_broken_rows(texts_of(rows[invalid]), numbers, invalid),
        source_rows=count,
    )


def _texts_of(
    batch: pa.RecordBatch, layout: Layout, needed: NeededRows, rows: Integers
) -> list[str]:
    names = [name for name in layout.roots(batch.schema.names) if name != _list_column(layout)]
    of_file = needed.of_parents(np.arange(batch.num_rows))[rows]
    shown = [_shown(batch.column(name), of_file) for name in names]
    if needed.exploded is not None:
        names = [*names, str(layout.config.explode)]
        shown = [*shown, _shown(needed.exploded.elements, rows)]
    lines = (dict(zip(names, values, strict=True)) for values in zip(*shown, strict=True))
    return [orjson.dumps(line, default=str).decode() for line in lines]


def _list_column(layout: Layout) -> str | None:
    """The column that holds the rows' list, and so too much for the text of one of them."""
    return None if layout.list_path is None else layout.list_path.root


def _broken_rows(texts: list[str], numbers: Integers | None, invalid: Mask) -> list[BrokenRow]:
    of_file = [None] * len(texts) if numbers is None else numbers[invalid].tolist()
    return [BrokenRow(text, number) for text, number in zip(texts, of_file, strict=True)]


def stays_encoded(layout: Layout, column: NeededColumn) -> bool:
    """Whether validation looks at each text of this column once, however many rows have it."""
    return layout.kind.judges_distinct_ids and column.role in (Role.ID, Role.LABEL)


def _own_column(column: NeededColumn, existing: Container[str]) -> str | None:
    """The one column that it is; None where it is made of values inside of columns."""
    path = column.paths[0] if column.is_one_path else None
    name = path.column_of(existing) if path else None
    return name if path and (len(path.steps) == 1 or name == path.plain) else None


def _leaves(schema: pa.Schema, layout: Layout) -> list[str]:
    """What to read of a file: of a struct only the fields that are needed."""
    leaves: dict[str, None] = {}
    for path in layout.paths:
        name = path.column_of(schema.names)
        if name is not None:
            steps = () if name == path.plain else path.steps[1:]
            leaves[".".join([name, *fields_of(schema.field(name).type, steps)])] = None
    return list(leaves)


def _needed(batch: pa.RecordBatch, layout: Layout) -> NeededRows:
    roots = {name: batch.column(name) for name in layout.roots(batch.schema.names)}
    needed = layout.needed_of(roots, batch.num_rows)
    values = needed.columns
    columns = {c.ours: _column(text_of_uuids(values[c.ours]), c, layout) for c in layout.columns}
    return replace(needed, columns=columns)


def _column(array: ArrowArray, column: NeededColumn, layout: Layout) -> ArrowArray:
    if not isinstance(array, pa.DictionaryArray):
        return array
    if not (stays_encoded(layout, column) and is_text(array.dictionary.type)):
        return array.dictionary_decode()
    invalid = invalid_text(array.dictionary) is not None
    return array.dictionary_decode() if invalid else array


def _with_invalid_text(arrays: Iterable[ArrowArray], count: int) -> Mask:
    found = (invalid_text(array) for array in arrays)
    invalid = np.zeros(count, dtype=bool)
    for mask in found:
        invalid |= False if mask is None else mask
    return invalid


def _readable_rows(array: ArrowArray, rows: Integers) -> ArrowArray:
    kept = array if len(rows) == len(array) else array.take(pa.array(rows))
    return per_text(kept, text_of_array) if is_text(plain(kept.type)) else kept


def _shown(array: ArrowArray, rows: Integers) -> list[Any]:
    """Values as JSON can show them; the type does not promise that text is valid UTF-8."""
    if not len(rows):
        return []
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    if is_text(array.type):  # Arrow cannot take views.
        array = array.cast(pa.large_binary())
    some = array.take(pa.array(rows))
    return [_shown_value(value) for value in some.to_pylist()]


def _shown_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return readable_text(value)
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
