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
        return np.flatnonzero(self.bytes_ == _NEWLINE).astype(np.int64)

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
    def __init__(self, stream: ByteStream, offset: int, end: int | None, block_bytes: int) -> None:
        self._stream = stream
        self._offset = max(offset - 1, 0)
        self._end = end
        self._block_bytes = block_bytes
        self._pending = b""
        self._finished = False
        self._next_number = None if offset else 1

    def skip_line_that_began_before(self) -> None:
        while b"\n" not in self._pending and not self._finished:
            self._offset += len(self._pending)
            self._pending = b""
            self._read_more()
        skipped = self._pending.find(b"\n") + 1 or len(self._pending)
        self._offset += skipped
        self._pending = self._pending[skipped:]

    def blocks(self) -> Iterator[Lines]:
        while not self._is_done():
            self._read_more()
            if len(self._pending) > LONGEST_LINE and b"\n" not in self._pending:
                yield self._too_long_line()
                continue
            cut = len(self._pending) if self._finished else self._pending.rfind(b"\n") + 1
            cut = self._cut_at_end(cut)
            if cut:
                yield self._take(cut)

    def _is_done(self) -> bool:
        beyond = self._end is not None and self._offset >= self._end
        return beyond or (self._finished and not self._pending)

    def _read_more(self) -> None:
        wanted = self._block_bytes
        if self._end is not None:
            left = self._end - self._offset - len(self._pending)
            wanted = min(wanted, max(left, _OVERREAD_BYTES))
        data = self._stream.read(wanted)
        self._finished = not data
        self._pending = self._pending + data if self._pending else data

    def _cut_at_end(self, cut: int) -> int:
        if self._end is None or self._offset + cut <= self._end:
            return cut
        last_line_break = self._pending.find(b"\n", self._end - 1 - self._offset)
        return last_line_break + 1 if last_line_break >= 0 else cut

    def _take(self, size: int) -> Lines:
        data, self._pending = self._pending[:size], self._pending[size:]
        is_last = self._finished and not self._pending
        lines = Lines(data, self._offset, self._next_number, is_last)
        self._advance(size, len(lines))
        return lines

    def _advance(self, size: int, lines: int) -> None:
        self._offset += size
        if self._next_number is not None:
            self._next_number += lines

    def _too_long_line(self) -> Lines:
        kept = self._pending[:_KEPT_OF_TOO_LONG_LINE] + _CUT_MARK
        line = Lines(kept, self._offset, self._next_number)
        size = 0
        while b"\n" not in self._pending and not self._finished:
            size += len(self._pending)
            self._pending = b""
            self._read_more()
        skipped = self._pending.find(b"\n") + 1 or len(self._pending)
        self._pending = self._pending[skipped:]
        self._advance(size + skipped, 1)
        return line


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
