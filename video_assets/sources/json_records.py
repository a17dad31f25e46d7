"""JSON: one object a line, objects one after the other, or one array of objects.

DuckDB reads the needed values of each row by itself, so that no row's fate depends on another's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from video_assets.arrow.types import Integers, Mask, TextArray, compute
from video_assets.sizes import BLOCK_BYTES
from video_assets.sources.chunks import BrokenRow, Chunk
from video_assets.sources.errors import SourceError
from video_assets.sources.fields import Layout, NeededRows
from video_assets.sources.json_structure import is_cut, one_object_a_line
from video_assets.sources.json_values import (
    NUMBERS,
    kinds_of_json,
    values_of_json,
    without_other_kinds,
)
from video_assets.sources.lines import Lines, gathered, is_utf8, readable_text, text_so_far
from video_assets.sources.unwanted_lines import matching, wanted_pattern
from video_assets.sources.values import mask

_BLANKS = b" \t\r"
_BLANK_CHARACTERS = np.frombuffer(_BLANKS, np.uint8)
# More of them are rare, and looked for line by line.
_BLANKS_AROUND = 2
_SAMPLE_ROWS, _FAIR_SAMPLE = 1000, 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SEVERAL_OBJECTS = r"\}\s*\{"


def json_chunks(blocks: Iterator[Lines], layout: Layout) -> Iterator[Chunk]:
    """Read blocks of JSON lines; lines of nothing but white space are no rows."""
    pattern = wanted_pattern(layout)
    if pattern is not None:
        yield from _chunks_of_wanted_lines(blocks, layout, pattern)
        return
    for block in blocks:
        lines = _without_byte_order_mark(block)
        yield from _chunks_of_rows(lines, np.flatnonzero(lines.not_blank(_BLANKS)), layout)


def _chunks_of_wanted_lines(
    blocks: Iterator[Lines], layout: Layout, pattern: str
) -> Iterator[Chunk]:
    """Read what may be wanted of many blocks at once: a query costs the same for few rows."""
    pending: list[Lines] = []
    unwanted = 0
    for block in blocks:
        lines = _without_byte_order_mark(block)
        rows = np.flatnonzero(lines.not_blank(_BLANKS))
        wanted = rows[_may_be_wanted(lines, rows, pattern)]
        unwanted += len(rows) - len(wanted)
        if len(wanted):
            pending.append(lines.only(wanted))
        if sum(len(some.data) for some in pending) > BLOCK_BYTES:
            yield from _chunks_of_all(pending, layout)
            pending.clear()
    yield from _chunks_of_all(pending, layout, unwanted)


def _chunks_of_all(parts: Sequence[Lines], layout: Layout, unwanted: int = 0) -> Iterator[Chunk]:
    if not parts:
        yield _chunk_of_no_row(layout, unwanted)
        return
    lines = gathered(parts)
    yield from _chunks_of_rows(lines, np.arange(len(lines)), layout, unwanted)


def _chunk_of_no_row(layout: Layout, unwanted: int) -> Chunk:
    return Chunk(
        columns={column.ours: pa.nulls(0, pa.string()) for column in layout.columns},
        numbers=None,
        order=np.zeros(0, np.int64),
        texts_of=lambda _: [],
        broken=[],
        source_rows=unwanted,
        unwanted_rows=unwanted,
    )


def _may_be_wanted(lines: Lines, rows: Integers, pattern: str) -> Mask:
    """Which lines may hold a wanted row, are broken, or hold more than one object."""
    if not len(rows):
        return np.ones(0, np.bool_)
    found = matching(lines, rows, f"{pattern}|{_SEVERAL_OBJECTS}")
    return found | ~_look_like_objects(lines, rows)


def _without_byte_order_mark(lines: Lines) -> Lines:
    if lines.offset or not lines.data.startswith(_BYTE_ORDER_MARK):
        return lines
    mark = len(_BYTE_ORDER_MARK)
    return Lines(lines.data[mark:], mark, lines.first_number, lines.is_last)


def _chunks_of_rows(
    lines: Lines, rows: Integers, layout: Layout, unwanted: int = 0
) -> Iterator[Chunk]:
    texts, is_text = _texts(lines, rows)
    is_row, needed = _read(texts, is_text & _look_like_objects(lines, rows), layout)
    several = ~is_row & _may_hold_several(texts, ~is_row)
    broken, joined = rows[~is_row & ~several], rows[several]
    waiting = int(len(broken) and _is_waiting(lines, int(broken[-1]), lines.line(broken[-1])))
    chunk = _chunk(lines, rows[is_row], needed, broken[: len(broken) - waiting], waiting)
    yield replace(chunk, source_rows=chunk.source_rows + unwanted, unwanted_rows=unwanted)
    if len(joined):
        yield _chunk_of_joined_objects(lines, joined, layout)


def _may_hold_several(texts: TextArray, no_rows: Mask) -> Mask:
    """Which of the texts that are no JSON may be several objects; brackets may be in strings."""
    several = np.zeros(len(texts), np.bool_)
    if no_rows.any():
        some = texts.filter(pa.array(no_rows))
        several[no_rows] = mask(compute.match_substring_regex(some, _SEVERAL_OBJECTS))
    return several


def _is_waiting(lines: Lines, row: int, text: bytes) -> bool:
    """Whether what is broken is the half of a row at the end of a file that is being written."""
    is_end = lines.ends_unfinished and row == len(lines) - 1
    return is_end and text_so_far(text) is not None and is_cut(text)


def _chunk(
    lines: Lines, rows: Integers, needed: NeededRows, broken: Integers, waiting: int
) -> Chunk:
    order = _order(needed, lines.offsets(rows))
    numbers = lines.numbers(rows)
    return Chunk(
        columns=needed.columns,
        numbers=None if numbers is None else needed.of_parents(numbers),
        order=order,
        texts_of=_texts_of(needed, lines, rows),
        broken=[
            BrokenRow(readable_text(lines.line(row)), lines.number(row)) for row in broken.tolist()
        ],
        source_rows=len(order) + len(broken) + waiting,
        waiting_rows=waiting,
    )


def _order(needed: NeededRows, starts: Integers) -> Integers:
    """Where rows begin; an element is longer than its place in its row's list."""
    if needed.exploded is None:
        return starts
    return starts[needed.exploded.parents] + needed.exploded.places


def _texts_of(needed: NeededRows, lines: Lines, rows: Integers) -> Callable[[Integers], list[str]]:
    """What tells the texts of some rows: lines, or the elements that they hold."""
    of_rows = needed.of_parents(rows)
    exploded = needed.exploded

    def text(row: int) -> str:
        element = exploded.text(row) if exploded else None
        return readable_text(lines.line(of_rows[row])) if element is None else element

    return lambda some: [text(row) for row in some.tolist()]


def _chunk_of_joined_objects(lines: Lines, joined: Integers, layout: Layout) -> Chunk:
    """The objects of lines that hold several, as Kinesis Firehose writes them."""
    data, line_of = one_object_a_line(lines.joined(joined))
    split = Lines(data, 0, None)
    pieces = np.flatnonzero(split.not_blank(_BLANKS))
    row_of = joined[line_of[pieces]]
    place_in_row = np.arange(len(pieces)) - np.searchsorted(row_of, row_of)
    texts, is_text = _texts(split, pieces)
    is_row, needed = _read(texts, is_text & _look_like_objects(split, pieces), layout)
    good, broken = np.flatnonzero(is_row), np.flatnonzero(~is_row)
    last = len(pieces) - 1
    waiting = int(
        last in broken and _is_waiting(lines, int(row_of[last]), split.line(pieces[last]))
    )
    order = needed.of_parents(lines.offsets(row_of[good]) + place_in_row[good])
    numbers = lines.numbers(row_of[good])
    return Chunk(
        columns=needed.columns,
        numbers=None if numbers is None else needed.of_parents(numbers),
        order=order,
        texts_of=_texts_of(needed, split, pieces[good]),
        broken=[
            BrokenRow(readable_text(split.line(pieces[at])).strip(), lines.number(int(row_of[at])))
            for at in broken[: len(broken) - waiting].tolist()
        ],
        source_rows=len(order) + len(broken),
        waiting_rows=waiting,
    )


def _texts(lines: Lines, rows: Integers) -> tuple[TextArray, Mask]:
    """The lines as texts, and which of them are text: the others stand as empty objects."""
    some = lines.only(rows)
    if is_utf8(some.data):
        edges = np.append(some.starts, len(some.data)).astype(np.int32)
        buffers = [None, pa.py_buffer(edges.tobytes()), pa.py_buffer(some.data)]
        return pa.Array.from_buffers(pa.string(), len(rows), buffers), np.ones(len(rows), np.bool_)
    readable = [is_utf8(some.line(place)) for place in range(len(rows))]
    texts = [some.line(n).decode() if good else "" for n, good in enumerate(readable)]
    return pa.array(texts, pa.string()), np.array(readable, np.bool_)


def _look_like_objects(lines: Lines, rows: Integers) -> Mask:
    """Which lines begin and end like an object, blanks left out."""
    first, last = lines.starts[rows], lines.ends[rows] - 1
    for _ in range(_BLANKS_AROUND):
        first = first + np.isin(lines.bytes_[first], _BLANK_CHARACTERS)
        last = last - np.isin(lines.bytes_[last], _BLANK_CHARACTERS)
    whole: Mask = (lines.bytes_[first] == ord("{")) & (lines.bytes_[last] == ord("}"))
    for place in np.flatnonzero(~whole).tolist():
        line = lines.line(rows[place]).strip(_BLANKS)
        whole[place] = line.startswith(b"{") and line.endswith(b"}")
    return whole


def _read(texts: TextArray, may_be_row: Mask, layout: Layout) -> tuple[Mask, NeededRows]:
    """Which texts are objects, and the rows that those are or hold."""
    found_json, found = values_of_json(texts, layout.paths)
    is_row = may_be_row & found_json.to_numpy(zero_copy_only=False)
    if not is_row.all():
        texts = texts.filter(pa.array(is_row))
        found = [value.filter(pa.array(is_row)) for value in found]
    values = dict(zip(layout.paths, found, strict=True))
    ids = {path: without_other_kinds(values[path], texts, path) for path in layout.id_paths}
    return is_row, layout.needed_at(values | ids, len(texts))


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


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
        layout.require(_names(objects), where)
    _require_unit(lines, rows, layout, where)


def _names(objects: Sequence[dict[str, Any]]) -> dict[str, None]:
    return dict.fromkeys(key for row in objects for key in row)


def _require_unit(lines: Lines, rows: Integers, layout: Layout, where: str) -> None:
    """Refuse times that are all numbers without a unit."""
    column = layout.day_column
    if column is None or not column.paths or layout.list_path is not None:
        return
    texts, _ = _texts(lines, rows)
    kinds = [kinds_of_json(texts, path) for path in column.paths]
    known = {kind for some in kinds for kind in some.to_pylist() if kind not in (None, "NULL")}
    if known and known <= NUMBERS:
        layout.require_type(column, pa.int64(), where)
