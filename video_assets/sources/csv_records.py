"""CSV: Arrow reads the ordinary lines, Python's reader those with line breaks in quotes.

Every line that is no part of a good record is kept as a broken row; a stray quote never
swallows the lines after it.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from video_assets.arrow.types import (
    ArrowArray,
    Characters,
    Integers,
    Mask,
    TextArray,
    compute,
)
from video_assets.csv_dialect import CsvDialect
from video_assets.sources.chunks import BrokenRow, Chunk
from video_assets.sources.errors import SourceError
from video_assets.sources.fields import Layout
from video_assets.sources.json_structure import after_odd_runs
from video_assets.sources.lines import Lines, is_utf8, readable_text, text_so_far

LONGEST_RECORD_LINES = 1000
LONGEST_RECORD_BYTES = 1024 * 1024
_BLANKS = b" "
_DELIMITERS = (",", ";", "\t", "|")
# Stands for null where a backslash is an escape too, until the escapes are read.
_NULL = b"\x1a"
_QUOTE, _RETURN, _NUL = 34, 13, 0
_PARTS = 16
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Header:
    """The columns of a CSV file, and how it is written.

    Attributes:
        delimiter: between two fields.
        names: of the columns.
        dialect: what the settings say.
    """

    delimiter: str
    names: tuple[str, ...]
    dialect: CsvDialect = field(default_factory=CsvDialect)

    @property
    def lines(self) -> int:
        """How many lines of the file are its header."""
        return 0 if self.dialect.columns else 1

    @property
    def escape(self) -> str | None:
        """The character that makes the next one an ordinary one."""
        return "\\" if self.dialect.backslash_escapes else None

    @property
    def nulls(self) -> tuple[str, ...]:
        """The words for null, once escapes are read."""
        return (*self.dialect.nulls, _NULL.decode()) if self.escape else self.dialect.nulls

    def with_plain_nulls(self, data: bytes) -> bytes:
        """The data, in which no escape is left that means null."""
        words = [re.escape(word.encode()) for word in self.dialect.nulls if "\\" in word]
        if not (self.escape and words):
            return data
        edge = re.escape(self.delimiter.encode())
        fields = rb"(?m)(^|%b)(?:%b)(?=%b|\r?$)" % (edge, b"|".join(words), edge)
        once = re.sub(fields, rb"\1" + _NULL, data)
        return re.sub(fields, rb"\1" + _NULL, once)


def csv_chunks(blocks: Iterator[Lines], layout: Layout, where: str) -> Iterator[Chunk]:
    """Parse blocks of CSV lines, the first of which is the header; empty lines are no rows.

    Raises:
        SourceError: the header lacks a needed column or names one twice.
    """
    header: Header | None = None
    carried: Lines | None = None
    for block in blocks:
        lines = block if carried is None else _joined(carried, block)
        if header is None:
            header = read_header(lines, layout, where)
            if header is None:
                continue
            lines = _after_header(lines) if header.lines else _without_mark(lines)
        parser = _BlockParser(lines, header, layout)
        yield parser.chunk()
        carried = parser.carried
    if carried is not None and header is not None:
        last = Lines(carried.data, carried.offset, carried.first_number, is_last=True)
        yield _BlockParser(last, header, layout).chunk()


def _joined(carried: Lines, block: Lines) -> Lines:
    data = carried.data + block.data
    return Lines(data, carried.offset, carried.first_number, block.is_last)


def _without_mark(lines: Lines) -> Lines:
    mark = _BYTE_ORDER_MARK.encode()
    if lines.offset or not lines.data.startswith(mark):
        return lines
    return Lines(lines.data[len(mark) :], len(mark), lines.first_number, lines.is_last)


def _after_header(lines: Lines) -> Lines:
    first = _first_row(lines)
    start = int(lines.starts[first + 1]) if first + 1 < len(lines) else len(lines.data)
    number = lines.number(first + 1)
    return Lines(lines.data[start:], lines.offset + start, number, lines.is_last)


def _first_row(lines: Lines) -> int:
    return int(np.argmax(lines.not_blank(_BLANKS)))


def read_header(lines: Lines, layout: Layout, where: str) -> Header | None:
    """The header; None where there are only empty lines.

    Where the settings name no delimiter, it is the one (of comma, semicolon, tab and `|`) with
    which the needed columns are there, or in a file without header as many as there should be.

    Raises:
        SourceError: as for `csv_chunks`, or rows should hold rows.
    """
    if layout.list_path is not None:
        raise SourceError(
            f"{where}: a CSV row holds no list of rows. Unset {layout.kind.setting}_EXPLODE, or "
            "deliver JSON, Parquet or Delta."
        )
    if not lines.not_blank(_BLANKS).any():
        return None
    text = lines.line(_first_row(lines)).decode(errors="replace").removeprefix(_BYTE_ORDER_MARK)
    needed = {
        name
        for column in layout.columns
        for path in column.paths
        for name in (path.plain or path.root, path.root)
    }
    dialect = layout.config.csv
    delimiters = (dialect.delimiter,) if dialect.delimiter else _DELIMITERS
    if dialect.columns:
        layout.require(dialect.columns, where)
        wanted = len(dialect.columns)
        fitting = min(delimiters, key=lambda d: abs(len(_names(text, d)) - wanted))
        return Header(fitting, dialect.columns, dialect)
    headers = [Header(delimiter, _names(text, delimiter), dialect) for delimiter in delimiters]
    header = max(headers, key=lambda h: (len(needed & set(h.names)), len(h.names)))
    layout.require(header.names, where)
    return header


def _names(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        fields = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        fields = text.split(delimiter)
    return tuple(name.strip() for name in fields)


@dataclass(frozen=True)
class _Parsed:
    """Records: the line that each begins on, and the needed columns as text."""

    lines: Integers
    columns: tuple[ArrowArray, ...]


class _BlockParser:
    """One block: which lines belong together, which are broken, which wait for the next block."""

    def __init__(self, lines: Lines, header: Header, layout: Layout) -> None:
        self._header = header
        self._layout = layout
        self._lines = lines
        self.carried: Lines | None = None
        self._broken: list[int] = []
        self._records: list[tuple[int, list[str]]] = []
        self._ordinary = lines.not_blank(_BLANKS)
        self._names = layout.roots(header.names)
        self._positions = [header.names.index(name) for name in self._names]
        self._quote_places = self._places_of_quotes()
        self._quotes = self._per_line(self._quote_places)
        self._continued = 0
        self._sort_out_special_lines()

    def chunk(self) -> Chunk:
        """The block's rows; lines that are carried over are left out."""
        rows = int(self._filled.sum()) - self._continued
        parsed = [self._read(np.flatnonzero(self._ordinary)), self._read_by_python()]
        starts = np.concatenate([part.lines for part in parsed])
        columns = {
            name: self._without_nulls(pa.concat_arrays([part.columns[place] for part in parsed]))
            for place, name in enumerate(self._names)
        }
        return self._as_chunk(starts, self._layout.needed_of(columns, len(starts)).columns, rows)

    def _without_nulls(self, texts: TextArray) -> TextArray:
        if not self._header.nulls:
            return texts
        is_null = compute.is_in(texts, pa.array(self._header.nulls))
        return compute.if_else(is_null, pa.scalar(None, pa.string()), texts)

    def _places_of_quotes(self) -> Integers:
        """Where quotes are that no backslash escapes."""
        characters = self._lines.bytes_
        quotes = np.flatnonzero(characters == _QUOTE)
        if not (self._header.escape and len(quotes)):
            return quotes
        escaped = after_odd_runs(np.flatnonzero(characters == ord("\\")))
        return np.setdiff1d(quotes, escaped, assume_unique=True)

    def _as_chunk(self, starts: Integers, columns: dict[str, ArrowArray], rows: int) -> Chunk:
        lines, broken = self._lines, sorted(self._broken)
        waiting = int(bool(broken) and self._is_waiting(broken[-1]))
        return Chunk(
            columns=columns,
            numbers=None if lines.first_number is None else starts + lines.first_number,
            order=lines.offset + lines.starts[starts],
            texts_of=lambda rows: [self._text(row) for row in starts[rows].tolist()],
            broken=[
                BrokenRow(self._text(row), lines.number(row))
                for row in broken[: len(broken) - waiting]
            ],
            source_rows=rows,
            waiting_rows=waiting,
        )

    def _is_waiting(self, row: int) -> bool:
        """Whether a broken line is half of a row at the end of a file that is being written."""
        lines = self._lines
        text = text_so_far(lines.line(row))
        if not lines.ends_unfinished or row != len(lines) - 1 or text is None:
            return False
        is_short = len(_names(text, self._header.delimiter)) < len(self._header.names)
        return is_short or bool(self._quotes[row] % 2)

    def _text(self, row: int) -> str:
        last = self._last_lines.get(row, row)
        return readable_text(self._lines.data[self._lines.starts[row] : self._lines.ends[last]])

    def _count(self, byte: int) -> Integers:
        """How often a byte is in each line."""
        lines = self._lines
        if bytes([byte]) not in lines.data:
            return np.zeros(len(lines), np.int64)
        return self._per_line(np.flatnonzero(lines.bytes_ == byte))

    def _per_line(self, places: Integers) -> Integers:
        """How many of some places are in each line."""
        lines = self._lines
        return np.searchsorted(places, lines.ends) - np.searchsorted(places, lines.starts)

    def _unreadable(self) -> Mask:
        unreadable = self._count(_NUL) > 0
        if not is_utf8(self._lines.data):
            for row in range(len(self._lines)):
                unreadable[row] |= not is_utf8(self._lines.line(row))
        return unreadable

    def _with_stray_quotes(self) -> Mask:
        """Lines with a quote in the middle of a field, where Arrow guesses what was meant."""
        lines = self._lines
        found = np.zeros(len(lines), dtype=bool)
        if not self._quotes.any():
            return found
        quotes = self._quote_places
        rows = np.repeat(np.arange(len(lines)), self._quotes)
        before = lines.bytes_.take(quotes - 1, mode="clip")
        after = lines.bytes_.take(quotes + 1, mode="clip")
        opens = (quotes == lines.starts[rows]) | self._is_edge(before)
        closes = (quotes + 1 >= lines.ends[rows]) | self._is_edge(after)
        found[rows[~opens & ~closes]] = True
        return found

    def _is_edge(self, characters: Characters) -> Mask:
        edge: Mask = (characters == _QUOTE) | (characters == ord(self._header.delimiter))
        return edge

    def _sort_out_special_lines(self) -> None:
        """Take the lines that Arrow would misread out of the ordinary ones."""
        self._last_lines: dict[int, int] = {}
        self._filled = self._ordinary.copy()
        unreadable = self._unreadable()
        odd = self._quotes % 2 == 1
        openers = np.flatnonzero(odd)
        after = 0
        special = odd | unreadable | (self._count(_RETURN) > 0) | self._with_stray_quotes()
        for row in np.flatnonzero(special).tolist():
            if row < after:
                continue
            if self._waits_for_more(row, openers, unreadable):
                self._carry_from(row)
                return
            after = self._take_special(row, openers, unreadable)

    def _take_special(self, row: int, openers: Integers, unreadable: Mask) -> int:
        """Keep the record that begins at a line, or the line as broken; give the line after."""
        last = self._last_of_record(row, openers, unreadable)
        self._ordinary[row : (row if last is None else last) + 1] = False
        if last is None:
            self._broken.append(row)
            return row + 1
        self._continued += int(self._filled[row + 1 : last + 1].sum())
        self._last_lines[row] = last
        return last + 1

    def _last_of_record(self, row: int, openers: Integers, unreadable: Mask) -> int | None:
        for last in (row, self._closing_line(row, openers)):
            if last is None or unreadable[row : last + 1].any():
                continue
            fields = self._fields(row, last)
            if fields is not None:
                self._records.append((row, fields))
                return last
        return None

    def _closing_line(self, row: int, openers: Integers) -> int | None:
        place = int(np.searchsorted(openers, row))
        if place + 1 >= len(openers) or openers[place] != row:
            return None
        last = int(openers[place + 1])
        return last if self._fits(row, last) else None

    def _fits(self, row: int, last: int) -> bool:
        size = int(self._lines.ends[last] - self._lines.starts[row])
        return last - row < LONGEST_RECORD_LINES and size <= LONGEST_RECORD_BYTES

    def _waits_for_more(self, row: int, openers: Integers, unreadable: Mask) -> bool:
        """Whether the line may begin a record that only the next block completes."""
        lines = self._lines
        return (
            not lines.is_last
            and not unreadable[row]
            and len(openers) > 0
            and int(openers[-1]) == row
            and self._fits(row, len(lines) - 1)
            and self._fields(row, row) is None
        )

    def _carry_from(self, row: int) -> None:
        lines = self._lines
        start = int(lines.starts[row])
        self.carried = Lines(lines.data[start:], lines.offset + start, lines.number(row))
        self._ordinary[row:] = False
        self._filled[row:] = False

    def _fields(self, row: int, last: int) -> list[str] | None:
        """The needed fields of the record on some lines; None when they are not one record."""
        data = self._lines.data[self._lines.starts[row] : self._lines.ends[last]]
        plain = self._header.with_plain_nulls(data)
        source = io.StringIO(plain.decode(), newline="")
        try:
            records = list(
                csv.reader(
                    source,
                    delimiter=self._header.delimiter,
                    escapechar=self._header.escape,
                    strict=True,
                )
            )
        except csv.Error:
            return None
        if len(records) != 1 or len(records[0]) != len(self._header.names):
            return None
        return [records[0][position] for position in self._positions]

    def _read_by_python(self) -> _Parsed:
        rows = np.array([row for row, _ in self._records], dtype=np.int64)
        fields = [fields for _, fields in self._records]
        columns = [[record[place] for record in fields] for place in range(len(self._positions))]
        return _Parsed(rows, tuple(pa.array(column, pa.string()) for column in columns))

    def _read(self, rows: Integers) -> _Parsed:
        """Read lines of which none may reach into the next; those that do are broken."""
        if not len(rows):
            return _Parsed(rows, (pa.array([], pa.string()),) * len(self._positions))
        parsed = self._read_with_arrow(rows)
        if parsed is not None:
            return parsed
        if len(rows) == 1:
            self._broken.append(int(rows[0]))
            return self._read(rows[:0])
        parts = [self._read(part) for part in np.array_split(rows, _PARTS) if len(part)]
        columns = zip(*(part.columns for part in parts), strict=True)
        starts = np.concatenate([part.lines for part in parts])
        return _Parsed(starts, tuple(pa.concat_arrays(arrays) for arrays in columns))

    def _read_with_arrow(self, rows: Integers) -> _Parsed | None:
        refused: list[int] = []
        try:
            table = self._arrow_table(
                self._header.with_plain_nulls(self._lines.joined(rows)), refused
            )
        except pa.ArrowInvalid:
            return None
        if table.num_rows + len(refused) != len(rows):
            return None
        good = np.ones(len(rows), dtype=bool)
        good[refused] = False
        self._broken.extend(int(row) for row in rows[~good])
        columns = tuple(table.column(str(position)) for position in self._positions)
        return _Parsed(rows[good], tuple(_whole(column) for column in columns))

    def _arrow_table(self, data: bytes, refused: list[int]) -> pa.Table:
        def refuse(row: Any) -> Literal["skip"]:
            refused.append(row.number - 1)
            return "skip"

        names = [str(place) for place in range(len(self._header.names))]
        needed = [str(position) for position in self._positions]
        return pc.read_csv(
            io.BytesIO(data),
            pc.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            pc.ParseOptions(
                delimiter=self._header.delimiter,
                escape_char=self._header.escape or False,
                invalid_row_handler=refuse,
            ),
            pc.ConvertOptions(
                column_types=dict.fromkeys(needed, pa.string()),
                include_columns=needed,
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )


def _whole(column: ArrowArray) -> ArrowArray:
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)
