"""JSON lines: Arrow reads whole blocks, and each line by itself where a block is not clean."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.json as pj

from video_assets.arrow.types import ArrowArray, Characters, Integers, Mask
from video_assets.sources.chunks import BrokenRow, Chunk
from video_assets.sources.errors import SourceError
from video_assets.sources.fields import Layout, NeededColumn
from video_assets.sources.lines import Lines, is_utf8, readable_text
from video_assets.vocabulary import Role

_BLANKS = b" \t\r"
_ONE_BY_ONE = 256
_PARTS = 8
_SAMPLE_LINES = 10
_SAMPLE_ROWS, _FAIR_SAMPLE = 1000, 20
_EXACT_IN_FLOAT = 2.0**53
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def json_chunks(blocks: Iterator[Lines], layout: Layout) -> Iterator[Chunk]:
    """Parse blocks of JSON lines; lines of nothing but white space are no rows."""
    for block in blocks:
        lines = _without_byte_order_mark(block)
        rows = np.flatnonzero(lines.not_blank(_BLANKS))
        yield from _chunks_of_rows(lines, rows, layout.columns)


def _without_byte_order_mark(lines: Lines) -> Lines:
    if lines.offset or not lines.data.startswith(_BYTE_ORDER_MARK):
        return lines
    mark = len(_BYTE_ORDER_MARK)
    return Lines(lines.data[mark:], mark, lines.first_number, lines.is_last)


def _chunks_of_rows(
    lines: Lines, rows: Integers, columns: Sequence[NeededColumn]
) -> Iterator[Chunk]:
    whole = _look_like_objects(lines, rows)
    if not whole.all():
        yield _read_one_by_one(lines, rows[~whole], columns)
    yield from _chunks_of_objects(lines, rows[whole], columns)


def _look_like_objects(lines: Lines, rows: Integers) -> Mask:
    """Which lines begin and end like an object: none of those can reach into the next."""
    first, last = lines.bytes_[lines.starts[rows]], lines.bytes_[lines.ends[rows] - 1]
    whole: Mask = (first == ord("{")) & (last == ord("}"))
    return whole


def _chunks_of_objects(
    lines: Lines, rows: Integers, columns: Sequence[NeededColumn]
) -> Iterator[Chunk]:
    if not len(rows):
        return
    parsed = _read_block(lines, rows, columns)
    if parsed is not None:
        yield _chunk(lines, rows, parsed, [])
    elif len(rows) <= _ONE_BY_ONE:
        yield _read_one_by_one(lines, rows, columns)
    else:
        for part in np.array_split(rows, _PARTS):
            yield from _chunks_of_objects(lines, part, columns)


def _chunk(
    lines: Lines, rows: Integers, columns: dict[str, ArrowArray], broken: list[BrokenRow]
) -> Chunk:
    return Chunk(
        columns=columns,
        numbers=None if lines.first_number is None else rows + lines.first_number,
        order=lines.offset + lines.starts[rows],
        texts_of=lambda indices: [readable_text(lines.line(row)) for row in rows[indices]],
        broken=broken,
        source_rows=len(rows) + len(broken),
    )


def _read_block(
    lines: Lines, rows: Integers, columns: Sequence[NeededColumn]
) -> dict[str, ArrowArray] | None:
    data = lines.joined(rows)
    if _has_numbers_beyond_json(data):
        return None
    schema = _expected_types(lines, rows, columns)
    if schema is None or not is_utf8(data):
        return None
    try:
        table = _read_with_arrow(data, schema)
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(rows):
        return None
    read = {c.ours: table.column(c.source).combine_chunks() for c in columns}
    return read if all(map(_is_exact, read.values())) else None


def _read_with_arrow(data: bytes, schema: pa.Schema) -> pa.Table:
    return pj.read_json(
        io.BytesIO(data),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )


def _has_numbers_beyond_json(data: bytes) -> bool:
    """Whether there may be a NaN or infinity, which Arrow reads though they are no JSON."""
    characters = np.frombuffer(data, dtype=np.uint8)
    return _holds(characters, b"NaN") or _holds(characters, b"Inf")


def _holds(characters: Characters, word: bytes) -> bool:
    """Whether a word occurs; unlike `in`, this lets other threads run."""
    places = np.flatnonzero(characters == word[0])
    for distance, character in enumerate(word[1:], start=1):
        places = places[characters.take(places + distance, mode="clip") == character]
    return len(places) > 0


def _is_exact(array: ArrowArray) -> bool:
    if not pa.types.is_floating(array.type) or not len(array):
        return True
    values = array.fill_null(0).to_numpy(zero_copy_only=False)
    return bool(np.all(np.abs(values) < _EXACT_IN_FLOAT))


def _expected_types(
    lines: Lines, rows: Integers, columns: Sequence[NeededColumn]
) -> pa.Schema | None:
    """The types that the first lines show; a block that has others is read line by line."""
    sample = [_parsed(lines.line(row)) for row in rows[:_SAMPLE_LINES]]
    objects = [row for row in sample if row is not None]
    types = {column.source: _expected_type(column, objects) for column in columns}
    known = [(name, type_) for name, type_ in types.items() if type_ is not None]
    return pa.schema(known) if objects and len(known) == len(types) else None


def _expected_type(column: NeededColumn, sample: Sequence[dict[str, Any]]) -> pa.DataType | None:
    values = (row.get(column.source) for row in sample)
    value = next((value for value in values if value is not None), "")
    if isinstance(value, str):
        return pa.string()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if column.role in (Role.ID, Role.COUNT):
        return pa.int64() if isinstance(value, int) else None
    return pa.float64()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def _read_one_by_one(lines: Lines, rows: Integers, columns: Sequence[NeededColumn]) -> Chunk:
    parsed = [_parsed(lines.line(row)) for row in rows]
    good: Mask = np.array([row is not None for row in parsed], dtype=bool)
    objects = [row for row in parsed if row is not None]
    texts = {c.ours: _texts(c, objects) for c in columns}
    return _chunk(lines, rows[good], texts, [_broken(lines, row) for row in rows[~good]])


def _broken(lines: Lines, row: int) -> BrokenRow:
    number = lines.number(int(row))
    return BrokenRow(readable_text(lines.line(row)), number)


def _texts(column: NeededColumn, objects: Sequence[dict[str, Any]]) -> ArrowArray:
    as_text = _id_text if column.role is Role.ID else _scalar_text
    return pa.array([as_text(row.get(column.source)) for row in objects], pa.string())


def _id_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _scalar_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def require_json_columns(lines: Lines, layout: Layout, where: str) -> None:
    """Refuse a source whose first rows show that the settings do not fit it.

    A key may be absent from a row, so only what no row of a fair sample has is an error.

    Args:
        lines: the beginning of a file.
        layout: what to read.
        where: the file, for the message.

    Raises:
        SourceError: no row of a fair sample is a JSON object, a needed column is in none of
            them, or all times are numbers without a unit.
    """
    rows = np.flatnonzero(lines.not_blank(_BLANKS))[:_SAMPLE_ROWS]
    objects = [row for row in (_parsed(lines.line(index)) for index in rows) if row is not None]
    if len(rows) >= _FAIR_SAMPLE and not objects:
        raise SourceError(
            f"{where}: none of its first {len(rows)} rows is a JSON object. "
            f"Set {layout.kind.setting}_FORMAT to what the file is."
        )
    if len(objects) >= _FAIR_SAMPLE:
        layout.require(dict.fromkeys(key for row in objects for key in row), where)
    _require_unit(objects, layout, where)


def _require_unit(objects: Sequence[dict[str, Any]], layout: Layout, where: str) -> None:
    column = layout.day_column
    if column is None:
        return
    times = [row[column.source] for row in objects if row.get(column.source) is not None]
    if times and all(isinstance(time, int | float) for time in times):
        layout.require_type(column, pa.int64(), where)
