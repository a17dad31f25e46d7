"""Text by blocks of whole lines, in bounded memory, whatever is in the lines."""

from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa

from video_assets.arrow.types import Characters, Integers, Mask
from video_assets.sizes import BLOCK_BYTES, LONGEST_LINE

_KEPT_OF_TOO_LONG_LINE = 64 * 1024
_CUT_MARK = b"\xff"
_OVERREAD_BYTES = 64 * 1024
_NEWLINE, _RETURN = 10, 13
# Lines of more bytes are found faster one by one, by the C library's own search.
_LONG_LINE = 400


class ByteStream(Protocol):
    """Where the bytes come from: a file from some offset on, or its unzipped content."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""


class RejoinedStream:
    """A stream of which the beginning was read already."""

    def __init__(self, head: bytes, rest: ByteStream) -> None:
        """Read `head` first."""
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""
        if not self._head:
            return self._rest.read(size)
        head, self._head = self._head[:size], self._head[size:]
        return head


@dataclass(frozen=True)
class Lines:
    """Whole lines of a text.

    Attributes:
        data: the bytes of the lines.
        offset: where they begin in the (unzipped) file.
        first_number: 1-based number of the first line; None when nobody counted.
        is_last: nothing follows.
        origins: where each line begins in the file, and its number where somebody counted; None
            for lines that follow each other.
    """

    data: bytes
    offset: int
    first_number: int | None
    is_last: bool = False
    origins: tuple[Integers, Integers | None] | None = None

    @cached_property
    def bytes_(self) -> Characters:
        """The data, byte by byte."""
        return np.frombuffer(self.data, dtype=np.uint8)

    @cached_property
    def _breaks(self) -> Integers:
        if self.data.count(b"\n") * _LONG_LINE > len(self.data):
            return np.flatnonzero(self.bytes_ == _NEWLINE).astype(np.int64)
        return np.fromiter(_places_of(b"\n", self.data), np.int64)

    @cached_property
    def starts(self) -> Integers:
        """Where each line begins in the data."""
        starts = np.concatenate([np.zeros(1, np.int64), self._breaks + 1])
        return starts[:-1] if starts[-1] == len(self.data) else starts

    @cached_property
    def ends(self) -> Integers:
        """Where each line ends, its line break (LF or CRLF) left out."""
        ends = np.concatenate([self._breaks, np.full(1, len(self.data), np.int64)])
        ends = ends[: len(self.starts)]
        before = self.bytes_[np.maximum(ends - 1, 0)] if len(self.data) else ends
        return np.where((ends > self.starts) & (before == _RETURN), ends - 1, ends)

    def __len__(self) -> int:
        """How many lines."""
        return len(self.starts)

    def line(self, index: int) -> bytes:
        """One line without its line break."""
        return self.data[self.starts[index] : self.ends[index]]

    def number(self, index: int) -> int | None:
        """The 1-based number of a line in its file."""
        numbers = self.numbers(np.array([index]))
        return None if numbers is None else int(numbers[0])

    def numbers(self, rows: Integers) -> Integers | None:
        """The 1-based numbers of some lines in their file; None where nobody counted."""
        if self.origins is not None:
            numbers = self.origins[1]
            return None if numbers is None else numbers[rows]
        return None if self.first_number is None else rows + self.first_number

    def offsets(self, rows: Integers) -> Integers:
        """Where some lines begin in their file."""
        return self.offset + self.starts[rows] if self.origins is None else self.origins[0][rows]

    @property
    def ends_unfinished(self) -> bool:
        """Whether the file ends without the end of its last line."""
        return self.is_last and not self.data.endswith(b"\n")

    def only(self, rows: Integers) -> "Lines":
        """Some lines, in order, as lines of a text of their own that know where they come from."""
        if len(rows) == len(self):
            return self
        return Lines(
            data=self.joined(rows),
            offset=0,
            first_number=None,
            is_last=self.ends_unfinished and bool(len(rows) and rows[-1] == len(self) - 1),
            origins=(self.offsets(rows), self.numbers(rows)),
        )

    def joined(self, rows: Integers) -> bytes:
        """Some lines, in order, as one text; without a copy where they are all of them."""
        if len(rows) == len(self):
            return self.data
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        edges = [0, *breaks.tolist(), len(rows)] if len(rows) else []
        runs = [(rows[first], rows[end - 1]) for first, end in pairwise(edges)]
        return b"\n".join(self.data[self.starts[a] : self.ends[b]] for a, b in runs)

    def not_blank(self, blanks: bytes) -> Mask:
        """Which lines hold anything but the given white space."""
        filled = self.ends > self.starts
        if not len(self.data):
            return filled
        first = self.bytes_[np.minimum(self.starts, len(self.data) - 1)]
        suspects = filled & np.isin(first, np.frombuffer(blanks, np.uint8))
        for index in np.flatnonzero(suspects).tolist():
            filled[index] = bool(self.line(index).strip(blanks))
        return filled


def gathered(parts: Sequence[Lines]) -> Lines:
    """Lines of several places of a file, in order, as one text."""
    every = [np.arange(len(part)) for part in parts]
    numbers = [part.numbers(rows) for part, rows in zip(parts, every, strict=True)]
    counted = [some for some in numbers if some is not None]
    return Lines(
        data=b"\n".join(part.data.removesuffix(b"\n") for part in parts),
        offset=0,
        first_number=None,
        is_last=parts[-1].ends_unfinished,
        origins=(
            np.concatenate([part.offsets(rows) for part, rows in zip(parts, every, strict=True)]),
            np.concatenate(counted) if len(counted) == len(parts) else None,
        ),
    )


def blocks_of_lines(
    stream: ByteStream, offset: int = 0, end: int | None = None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Lines]:
    """Read a text from an offset on, as blocks of the whole lines that begin in [offset, end).

    A line of more than 16 MiB is cut to 64 KiB and ends in a byte that is not UTF-8, so that it
    is refused as unreadable but not lost.

    Args:
        stream: yields the bytes from `offset` on, or from `offset - 1` on where that is not 0.
        offset: where to begin; a line that began before it is not ours.
        end: where lines stop being ours; None reads to the end.
        block_bytes: about the size of a block.
    """
    reader = _Reader(stream, offset, end, block_bytes)
    if offset:
        reader.skip_line_that_began_before()
    yield from reader.blocks()


class _Reader:
    """What was read and not yet given out: what earlier reads left, and the newest one as it is.

    They are joined in a block alone, because copying text costs as much as reading it.
    """

    def __init__(self, stream: ByteStream, offset: int, end: int | None, block_bytes: int) -> None:
        self._stream = stream
        self._offset = max(offset - 1, 0)
        self._end = end
        self._block_bytes = block_bytes
        self._left = b""
        self._fresh = b""
        self._finished = False
        self._next_number = None if offset else 1

    def skip_line_that_began_before(self) -> None:
        self._advance(self._skip_line(), 0)

    def blocks(self) -> Iterator[Lines]:
        while not self._is_done():
            self._read_more()
            cut = self._size if self._finished else self._last_break() + 1
            if self._size > LONGEST_LINE and not cut:
                yield self._too_long_line()
                continue
            cut = self._cut_at_end(cut)
            if cut:
                yield self._take(cut)

    @property
    def _size(self) -> int:
        return len(self._left) + len(self._fresh)

    def _is_done(self) -> bool:
        beyond = self._end is not None and self._offset >= self._end
        return beyond or (self._finished and not self._size)

    def _read_more(self) -> None:
        wanted = self._block_bytes
        if self._end is not None:
            wanted = min(wanted, max(self._end - self._offset - self._size, _OVERREAD_BYTES))
        self._left = self._left + self._fresh if self._left else self._fresh
        self._fresh = self._stream.read(wanted)
        self._finished = not self._fresh

    def _last_break(self) -> int:
        place = self._fresh.rfind(b"\n")
        return self._left.rfind(b"\n") if place < 0 else len(self._left) + place

    def _break_from(self, start: int) -> int:
        place = self._left.find(b"\n", start)
        if place >= 0:
            return place
        place = self._fresh.find(b"\n", max(start - len(self._left), 0))
        return place if place < 0 else len(self._left) + place

    def _cut_at_end(self, cut: int) -> int:
        if self._end is None or self._offset + cut <= self._end:
            return cut
        last_line_break = self._break_from(self._end - 1 - self._offset)
        return last_line_break + 1 if last_line_break >= 0 else cut

    def _take(self, size: int) -> Lines:
        of_fresh = size - len(self._left)
        if of_fresh <= 0:
            data, self._left = self._left[:size], self._left[size:]
        else:
            data = b"".join((self._left, memoryview(self._fresh)[:of_fresh]))
            self._left, self._fresh = self._fresh[of_fresh:], b""
        is_last = self._finished and not self._size
        lines = Lines(data, self._offset, self._next_number, is_last)
        self._advance(size, len(lines))
        return lines

    def _advance(self, size: int, lines: int) -> None:
        self._offset += size
        if self._next_number is not None:
            self._next_number += lines

    def _too_long_line(self) -> Lines:
        head = self._left[:_KEPT_OF_TOO_LONG_LINE]
        kept = head + self._fresh[: _KEPT_OF_TOO_LONG_LINE - len(head)] + _CUT_MARK
        line = Lines(kept, self._offset, self._next_number)
        self._advance(self._skip_line(), 1)
        return line

    def _skip_line(self) -> int:
        """Leave out what comes before the next line, and say how many bytes that was."""
        size = 0
        while (end := self._break_from(0)) < 0 and not self._finished:
            size += self._size
            self._left = self._fresh = b""
            self._read_more()
        skipped = end + 1 or self._size
        of_fresh = max(skipped - len(self._left), 0)
        self._left, self._fresh = self._left[skipped:], self._fresh[of_fresh:]
        return size + skipped


def _places_of(character: bytes, data: bytes) -> Iterator[int]:
    place = data.find(character)
    while place >= 0:
        yield place
        place = data.find(character, place + 1)


def is_utf8(data: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    if data.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int64).tobytes())
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def text_so_far(data: bytes) -> str | None:
    """Text whose last character may be cut; None where anything else is wrong with it."""
    try:
        return getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return None


def readable_text(data: bytes) -> str:
    """Bytes as text to show: what is not UTF-8, and NUL, becomes U+FFFD."""
    return data.decode(errors="replace").replace("\0", "\ufffd")
