"""Where JSON begins and ends, told by its brackets alone: arrays as lines, objects in a row."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from video_assets.arrow.types import Characters, Integers, Mask
from video_assets.sources.lines import ByteStream

_ARRAY_OF_OBJECTS = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\[\s*[\]{]")
_NEWLINE, _BLANK, _QUOTE, _BACKSLASH, _COMMA = (ord(c) for c in '\n "\\,')
_OPENING, _CLOSING = np.frombuffer(b"[{", np.uint8), np.frombuffer(b"]}", np.uint8)


@dataclass(frozen=True)
class Brackets:
    """The brackets of a piece of JSON, one element a character.

    Attributes:
        outside: which characters are outside of strings.
        opens: which are opening brackets.
        closes: which are closing ones.
        depth: how many brackets are open after the character.
    """

    outside: Mask
    opens: Mask
    closes: Mask
    depth: Integers


class _Scanner:
    """Scans JSON piece by piece."""

    def __init__(self) -> None:
        self.depth = 0
        self.in_string = False
        self._is_escaped = False

    def scan(self, characters: Characters) -> Brackets:
        """The brackets of the next piece, which is not empty."""
        outside = ~self._strings(characters)
        opens = outside & np.isin(characters, _OPENING)
        closes = outside & np.isin(characters, _CLOSING)
        depth = self.depth + np.cumsum(opens.astype(np.int64) - closes)
        self.depth = int(depth[-1])
        return Brackets(outside, opens, closes, depth)

    def _strings(self, characters: Characters) -> Mask:
        """Which characters are inside of a string, its first quote included."""
        quotes = (characters == _QUOTE) & ~self._escaped(characters)
        inside: Mask = (np.cumsum(quotes) + self.in_string) % 2 == 1
        self.in_string = bool(inside[-1])
        return inside

    def _escaped(self, characters: Characters) -> Mask:
        """Which characters follow an odd number of backslashes."""
        escaped = np.zeros(len(characters), np.bool_)
        escaped[0] = was_escaped = self._is_escaped
        self._is_escaped = False
        starts, lengths = _runs(np.flatnonzero(characters == _BACKSLASH))
        after = (starts + lengths)[(lengths + (was_escaped & (starts == 0))) % 2 == 1]
        escaped[after[after < len(characters)]] = True
        self._is_escaped = bool(np.any(after == len(characters)))
        return escaped


def _runs(places: Integers) -> tuple[Integers, Integers]:
    """Where neighbouring places begin, and how many there are."""
    starts = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    return places[starts], np.diff(np.append(starts, len(places)))


def begins_array(head: bytes) -> bool:
    """Whether a text begins like an array of objects."""
    return _ARRAY_OF_OBJECTS.match(head) is not None


class ElementsAsLines:
    """An array of objects as lines, byte for byte at their own places.

    Its brackets become blanks, and commas between its elements line breaks.
    """

    def __init__(self, text: ByteStream) -> None:
        """Read from the beginning of the array on."""
        self._text = text
        self._scanner = _Scanner()
        self._in_array = False

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""
        data = self._text.read(size)
        if not data:
            return data
        characters = np.frombuffer(data, np.uint8).copy()
        found = self._scanner.scan(characters)
        first = found.opens & (found.depth == 1)
        in_array = self._in_arrays(characters, first)
        begins = first & (characters == _OPENING[0])
        ends = found.closes & (found.depth == 0) & (characters == _CLOSING[0])
        between = found.outside & in_array & (found.depth == 1) & (characters == _COMMA)
        characters[(characters == _NEWLINE) & (found.depth > 0)] = _BLANK
        characters[begins] = _BLANK
        characters[between | ends] = _NEWLINE
        return characters.tobytes()

    def _in_arrays(self, characters: Characters, first: Mask) -> Mask:
        """Which characters follow the opening of an array, and of no object since."""
        last = np.maximum.accumulate(np.where(first, np.arange(len(first)), -1))
        found: Mask = np.where(last >= 0, characters[last] == _OPENING[0], self._in_array)
        self._in_array = bool(found[-1])
        return found


def objects_in_a_row(text: bytes) -> list[bytes]:
    """The objects that stand one after the other in a text, and what is left of it."""
    found = _Scanner().scan(np.frombuffer(text, np.uint8))
    ends = np.flatnonzero(found.closes & (found.depth == 0)) + 1
    edges = [0, *ends.tolist(), len(text)]
    pieces = (text[start:end].strip() for start, end in pairwise(edges))
    return [piece for piece in pieces if piece]


def is_cut(text: bytes) -> bool:
    """Whether a text begins like an object and ends before its last bracket."""
    if not text.lstrip().startswith(b"{"):
        return False
    scanner = _Scanner()
    scanner.scan(np.frombuffer(text, np.uint8))
    return scanner.depth > 0 or scanner.in_string
