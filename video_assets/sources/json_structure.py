"""Where JSON begins and ends, told by its brackets alone: what spans lines, objects in a row."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_assets.arrow.types import Characters, Integers, Mask
from video_assets.sources.lines import ByteStream

_ARRAY_OF_OBJECTS = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\[\s*[\]{]")
# A first line of nothing but a bracket; more could be an object that was cut.
_INDENTED_OBJECT = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\{[ \t]*\r?\n")
_NEWLINE, _BLANK, _BRACKET = ord("\n"), ord(" "), ord("[")
_QUOTES, _BACKSLASHES, _OPENING, _CLOSING, _COMMAS, _BREAKS = range(1, 7)
_KINDS = np.zeros(256, np.uint8)
for _kind, _characters in enumerate((b'"', b"\\", b"[{", b"]}", b",", b"\n"), 1):
    _KINDS[list(_characters)] = _kind


@dataclass(frozen=True)
class _Marks:
    """The characters that structure JSON, those in strings included.

    Attributes:
        places: where they are.
        kinds: what they are.
        quotes: which of them begin or end a string.
    """

    places: Integers
    kinds: npt.NDArray[np.uint8]
    quotes: Mask

    @classmethod
    def of(cls, characters: Characters, *, first_is_escaped: bool = False) -> "tuple[_Marks, bool]":
        """The marks, and whether the character after the last one is escaped."""
        kinds = _KINDS[characters]
        places = np.flatnonzero(kinds)
        kinds = kinds[places]
        escaped = after_odd_runs(places[kinds == _BACKSLASHES], first_is_escaped=first_is_escaped)
        quotes = kinds == _QUOTES
        if len(escaped):
            quotes &= ~np.isin(places, escaped, assume_unique=True)
        return cls(places, kinds, quotes), bool(np.any(escaped == len(characters)))

    def steps(self, outside: Mask) -> Integers:
        """By how much each of them changes the depth."""
        opens, closes = self.kinds == _OPENING, self.kinds == _CLOSING
        steps: Integers = (outside & opens).astype(np.int64) - (outside & closes)
        return steps


def after_odd_runs(places: Integers, *, first_is_escaped: bool = False) -> Integers:
    """What follows an odd number of neighbouring places, and so is escaped."""
    starts = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    lengths = np.diff(np.append(starts, len(places)))
    first = places[starts]
    after = first + lengths
    odd = after[(lengths - (first_is_escaped & (first == 0))) % 2 == 1]
    begins_plainly = first_is_escaped and not (len(places) and places[0] == 0)
    return np.append(odd, 0) if begins_plainly else odd


def begins_array(head: bytes) -> bool:
    """Whether a text begins like an array of objects."""
    return _ARRAY_OF_OBJECTS.match(head) is not None


def spans_lines(head: bytes) -> bool:
    """Whether a text begins like an array of objects, or like objects of a line for each value."""
    return begins_array(head) or _INDENTED_OBJECT.match(head) is not None


class ObjectsAsLines:
    """Objects of several lines, or in an array, as lines, byte for byte at their own places.

    The brackets of arrays become blanks, commas between their elements line breaks, and line
    breaks within objects blanks.
    """

    def __init__(self, text: ByteStream) -> None:
        """Read from the beginning of the text on."""
        self._text = text
        self._depth = 0
        self._in_string = False
        self._is_escaped = False
        self._in_array = False

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""
        data = self._text.read(size)
        if not data:
            return data
        characters = np.frombuffer(data, np.uint8).copy()
        marks, self._is_escaped = _Marks.of(characters, first_is_escaped=self._is_escaped)
        if len(marks.places):
            self._rewrite(characters, marks)
        return characters.tobytes()

    def _rewrite(self, characters: Characters, marks: _Marks) -> None:
        inside = (np.cumsum(marks.quotes) + self._in_string) % 2 == 1
        steps = marks.steps(~inside)
        depth = self._depth + np.cumsum(steps)
        marked = characters[marks.places]
        first = (steps > 0) & (depth == 1)
        in_array = self._in_arrays(marked, first)
        ends = (steps < 0) & (depth == 0) & (marked == _BRACKET + 2)
        between = ~inside & in_array & (depth == 1) & (marks.kinds == _COMMAS)
        characters[marks.places[(marks.kinds == _BREAKS) & (depth > 0)]] = _BLANK
        characters[marks.places[first & (marked == _BRACKET)]] = _BLANK
        characters[marks.places[between | ends]] = _NEWLINE
        self._depth, self._in_string = int(depth[-1]), bool(inside[-1])

    def _in_arrays(self, marked: Characters, first: Mask) -> Mask:
        """Which characters follow the opening of an array, and of no object since."""
        last = np.maximum.accumulate(np.where(first, np.arange(len(first)), -1))
        found: Mask = np.where(last >= 0, marked[last] == _BRACKET, self._in_array)
        self._in_array = bool(found[-1])
        return found


def one_object_a_line(data: bytes) -> tuple[bytes, Integers]:
    """Lines of several objects as lines of one each.

    Args:
        data: lines; what is no object stays together.

    Returns:
        The lines, some of which are blank, and the place of the line that each comes from.
    """
    characters = np.frombuffer(data, np.uint8)
    marks, _ = _Marks.of(characters)
    breaks = marks.kinds == _BREAKS
    line = np.cumsum(breaks)
    inside = _since_break(np.cumsum(marks.quotes), breaks, line) % 2 == 1
    steps = marks.steps(~inside)
    depth = _since_break(np.cumsum(steps), breaks, line)
    ends = marks.places[(steps < 0) & (depth == 0)] + 1
    cuts = np.concatenate([ends, marks.places[breaks]])
    is_break = np.arange(len(cuts)) >= len(ends)
    order = np.argsort(cuts, kind="stable")
    return np.insert(characters, ends, _NEWLINE).tobytes(), np.append(
        np.zeros(1, np.int64), np.cumsum(is_break[order])
    )


def _since_break(total: Integers, breaks: Mask, line: Integers) -> Integers:
    """A running total that begins at 0 in each line."""
    before: Integers = np.append(np.zeros(1, total.dtype), total[breaks])
    return total - before[line]


def is_cut(text: bytes) -> bool:
    """Whether a text begins like an object and ends before its last bracket."""
    if not text.lstrip().startswith(b"{"):
        return False
    marks, _ = _Marks.of(np.frombuffer(text, np.uint8))
    inside = np.cumsum(marks.quotes) % 2 == 1
    return bool(inside[-1]) or bool(np.sum(marks.steps(~inside)) > 0)
