"""One JSON array read as lines: each element becomes a line, byte for byte at its own place."""

import re

import numpy as np

from video_assets.arrow.types import Characters, Integers, Mask
from video_assets.sources.lines import ByteStream

_ARRAY_OF_OBJECTS = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\[\s*[\]{]")
_NEWLINE, _BLANK, _QUOTE, _BACKSLASH, _COMMA = (ord(c) for c in '\n "\\,')
_OPENING, _CLOSING = np.frombuffer(b"[{", np.uint8), np.frombuffer(b"]}", np.uint8)


def begins_array(head: bytes) -> bool:
    """Whether a text begins like an array of objects."""
    return _ARRAY_OF_OBJECTS.match(head) is not None


class ElementsAsLines:
    """An array of which brackets become blanks and commas between elements become line breaks."""

    def __init__(self, text: ByteStream) -> None:
        """Read from the beginning of the array on."""
        self._text = text
        self._depth = 0
        self._in_array = False
        self._in_string = False
        self._is_escaped = False

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""
        data = self._text.read(size)
        if not data:
            return data
        characters = np.frombuffer(data, np.uint8).copy()
        outside = ~self._strings(characters)
        opens = outside & np.isin(characters, _OPENING)
        closes = outside & np.isin(characters, _CLOSING)
        depth = self._depth + np.cumsum(opens.astype(np.int64) - closes)
        self._depth = int(depth[-1])
        in_array = self._in_arrays(characters, opens & (depth == 1))
        begins = opens & (depth == 1) & (characters == _OPENING[0])
        ends = closes & (depth == 0) & (characters == _CLOSING[0])
        between = outside & in_array & (depth == 1) & (characters == _COMMA)
        characters[begins | ((characters == _NEWLINE) & (depth > 0))] = _BLANK
        characters[between | ends] = _NEWLINE
        return characters.tobytes()

    def _in_arrays(self, characters: Characters, tops: Mask) -> Mask:
        """Which characters follow the opening of an array, and of no object since."""
        last = np.maximum.accumulate(np.where(tops, np.arange(len(tops)), -1))
        found: Mask = np.where(last >= 0, characters[last] == _OPENING[0], self._in_array)
        self._in_array = bool(found[-1])
        return found

    def _strings(self, characters: Characters) -> Mask:
        """Which characters are inside of a string, its first quote included."""
        quotes = (characters == _QUOTE) & ~self._escaped(characters)
        inside: Mask = (np.cumsum(quotes) + self._in_string) % 2 == 1
        self._in_string = bool(inside[-1])
        return inside

    def _escaped(self, characters: Characters) -> Mask:
        """Which characters follow an odd number of backslashes."""
        escaped = np.zeros(len(characters), np.bool_)
        escaped[0] = self._is_escaped
        self._is_escaped = False
        slashes = np.flatnonzero(characters == _BACKSLASH)
        for start, length in _runs(slashes):
            odd = (length + (start == 0 and bool(escaped[0]))) % 2 == 1
            after = start + length
            if odd and after < len(characters):
                escaped[after] = True
            elif odd:
                self._is_escaped = True
        return escaped


def _runs(places: Integers) -> list[tuple[int, int]]:
    """Where neighbouring places begin, and how many there are."""
    if not len(places):
        return []
    starts = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    lengths = np.diff(np.append(starts, len(places)))
    return list(zip(places[starts].tolist(), lengths.tolist(), strict=True))
