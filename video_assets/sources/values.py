"""Ids, positions and counts of every notation."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.types as pat

from video_assets.arrow.types import (
    ArrowArray,
    Floats,
    Integers,
    Mask,
    TextArray,
    compute,
    is_text,
)
from video_assets.vocabulary import PositionUnit

_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_WHOLE = r"^-?[0-8]?\d{1,18}$"
_PART = r"\d+(?:\.\d*)?"
# A name begins with the unit of its part.
_NOTATIONS = {
    "iso8601": rf"^P(?:(?P<days>{_PART})D)?(?:T(?:(?P<hours>{_PART})H)?(?:(?P<minutes>{_PART})M)?"
    rf"(?:(?P<seconds>{_PART})S)?)?$",
    "clock": r"^(?:(?P<hours>\d+):(?P<m_of_hour>[0-5]?\d)|(?P<minutes>\d+)):"
    r"(?P<seconds>[0-5]?\d(?:\.\d*)?)$",
}
_SECONDS_OF_PART = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_MILLISECONDS = 1000
_COUNT_LIMIT = 2**63
_LARGEST_FLOAT_COUNT = 2.0**63
_LONGEST_COUNT = 40
_UUID_BYTES, _UUID_CHARACTERS = 16, 36
_UUID_DIGITS = [place for place in range(_UUID_CHARACTERS) if place not in (8, 13, 18, 23)]
_HEX_DIGITS = np.array([list(f"{value:02x}".encode()) for value in range(256)], np.uint8)


def mask(array: ArrowArray) -> Mask:
    """A boolean array without nulls as a numpy mask."""
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=bool)


def integers(array: ArrowArray) -> tuple[Integers, Mask]:
    """Values as integers, 0 where they are null, and which are not."""
    values = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return values, mask(array.is_valid())


def second_try(
    texts: TextArray,
    values: Integers,
    readable: Mask,
    read: Callable[[TextArray], tuple[Integers, Mask]],
) -> tuple[Integers, Mask]:
    """Read what could not be read, in another way."""
    if not readable.any():
        return read(texts)
    left = np.flatnonzero(~readable)
    if len(left):
        values, readable = values.copy(), readable.copy()
        values[left], readable[left] = read(texts.take(pa.array(left)))
    return values, readable


def text_of_array(array: ArrowArray) -> TextArray:
    """Text of any type, or whole numbers, as strings."""
    return array if array.type == pa.string() else array.cast(pa.string())


def text_of_uuids(array: ArrowArray) -> ArrowArray:
    """UUIDs as their usual text; other arrays as they are."""
    if array.type != pa.uuid():
        return array
    some = array.storage.fill_null(bytes(_UUID_BYTES))
    content = np.frombuffer(some.buffers()[1], np.uint8)
    first = some.offset * _UUID_BYTES
    values = content[first : first + len(some) * _UUID_BYTES].reshape(-1, _UUID_BYTES)
    texts = np.full((len(some), _UUID_CHARACTERS), ord("-"), np.uint8)
    texts[:, _UUID_DIGITS] = _HEX_DIGITS[values].reshape(len(some), -1)
    edges = np.arange(len(some) + 1, dtype=np.int32) * _UUID_CHARACTERS
    buffers = [None, pa.py_buffer(edges.tobytes()), pa.py_buffer(texts.tobytes())]
    return only(pa.Array.from_buffers(pa.string(), len(some), buffers), array.is_valid())


def per_text(array: ArrowArray, function: Callable[[ArrowArray], TextArray]) -> TextArray:
    """Apply a function of texts to each text of a dictionary once, or to all texts of an array."""
    if not isinstance(array, pa.DictionaryArray):
        return function(array)
    texts = function(array.dictionary)
    if not texts.null_count:
        return pa.DictionaryArray.from_arrays(array.indices, texts)
    known = compute.if_else(texts.is_valid(), pa.array(range(len(texts)), pa.int32()), None)
    return pa.DictionaryArray.from_arrays(known.take(array.indices), texts.fill_null(""))


def is_text_equal(array: TextArray, text: str) -> Mask | None:
    """Where a text is; None where it is nowhere, which in a dictionary is soon told."""
    texts = array.dictionary if isinstance(array, pa.DictionaryArray) else array
    equal = compute.equal(texts, text).fill_null(fill_value=False)
    if not equal.true_count:
        return None
    found = equal.take(array.indices) if isinstance(array, pa.DictionaryArray) else equal
    return mask(found.fill_null(fill_value=False))


def invalid_text(array: ArrowArray) -> Mask | None:
    """Which values are text in name only, not being UTF-8; None when all of them are."""
    if not is_text(array.type):
        return None
    raw = array.cast(pa.large_binary())
    try:
        raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        return np.array([not _is_utf8(value) for value in raw.to_pylist()], dtype=bool)
    return None


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def read_ids(array: ArrowArray) -> TextArray:
    """Ids as strings, as they are; empty ones and those of white space only are null."""
    if pat.is_null(array.type):
        return array.cast(pa.string())
    texts = text_of_array(array)
    blank = compute.or_(
        compute.equal(compute.binary_length(texts), 0), compute.utf8_is_space(texts)
    )
    if not compute.any(blank).as_py():
        return texts
    return compute.if_else(blank, pa.scalar(None, pa.string()), texts)


def read_positions(array: ArrowArray, unit: PositionUnit = "s") -> tuple[Floats, Mask]:
    """Positions or durations in seconds, and which of them are finite numbers; the others are 0.

    Args:
        array: numbers or text; of the units `iso8601` and `clock` only text can be read.
        unit: how they are written.
    """
    if unit in _NOTATIONS:
        array = _seconds_of_parts(array, _NOTATIONS[unit])
    elif is_text(array.type):
        array = _floats_of_text(text_of_array(array))
    values = array.cast(pa.float64(), safe=False).fill_null(np.nan)
    positions = np.asarray(values.to_numpy(zero_copy_only=False))
    finite = np.isfinite(positions)
    if unit == "ms":
        positions = positions / _MILLISECONDS
    # Adding 0.0 turns -0.0, which would be another event, into 0.0.
    return np.where(finite, positions, 0.0) + 0.0, finite


def read_durations(array: ArrowArray, unit: PositionUnit = "s") -> tuple[ArrowArray, Mask]:
    """Durations in seconds, null where there is no number above 0, and which of those had a value.

    Args:
        array: as for `read_positions`.
        unit: how they are written.
    """
    durations, finite = read_positions(array, unit)
    usable = finite & (durations > 0)
    return pa.array(durations, mask=~usable), ~usable & ~hold_nothing(array, ~usable)


def hold_nothing(array: ArrowArray, among: Mask) -> Mask:
    """Which of some rows have no value: null, text of white space only, or NaN, as text too.

    Args:
        array: values of any type.
        among: the rows to look at, few as a rule; the others are False.
    """
    rows = np.flatnonzero(among)
    empty = np.zeros(len(among), dtype=bool)
    if rows.size == 0:
        return empty
    values = array.take(pa.array(rows))
    if is_text(array.type):
        texts = compute.utf8_lower(compute.utf8_trim_whitespace(text_of_array(values)))
        nothing = compute.is_in(texts, pa.array(["", "nan"], texts.type))
        empty[rows] = mask(compute.or_(nothing, texts.is_null()))
    else:
        empty[rows] = mask(compute.is_null(values, nan_is_null=True))
    return empty


def _seconds_of_parts(array: ArrowArray, notation: str) -> ArrowArray:
    """Seconds of texts that name days, hours, minutes and seconds; null where they do not."""
    if not is_text(array.type):
        return pa.nulls(len(array), pa.float64())
    texts = compute.utf8_upper(compute.utf8_trim_whitespace(text_of_array(array)))
    texts = compute.replace_substring(texts, ",", ".")
    parts = compute.extract_regex(
        only(texts, compute.match_substring_regex(texts, r"\d")), notation
    )
    seconds = compute.if_else(parts.is_valid(), 0.0, pa.scalar(None, pa.float64()))
    for field in parts.type:
        part = compute.struct_field(parts, field.name)
        number = only(part, compute.not_equal(part, "")).cast(pa.float64()).fill_null(0.0)
        seconds = compute.add(seconds, compute.multiply(number, _SECONDS_OF_PART[field.name[0]]))
    return seconds


def _floats_of_text(texts: TextArray) -> ArrowArray:
    trimmed = compute.utf8_trim_whitespace(texts)
    try:
        return trimmed.cast(pa.float64())
    except pa.ArrowInvalid:
        return only(trimmed, compute.match_substring_regex(trimmed, _NUMBER)).cast(pa.float64())


def only(texts: TextArray, wanted: ArrowArray) -> TextArray:
    """The texts that are wanted; the others are null."""
    return compute.if_else(wanted, texts, pa.scalar(None, pa.string()))


def numbers_of_text(texts: TextArray) -> tuple[ArrowArray, ArrowArray]:
    """Numbers written as text: the whole ones exactly, the others as floats; null elsewhere."""
    trimmed = compute.utf8_trim_whitespace(texts)
    whole = compute.match_substring_regex(trimmed, _WHOLE)
    other = compute.and_not(compute.match_substring_regex(trimmed, _NUMBER), whole)
    return only(trimmed, whole).cast(pa.int64()), only(trimmed, other).cast(pa.float64())


def without_thousands(array: ArrowArray, separator: str | None) -> ArrowArray:
    """Numbers as text without the character between their thousands; all else as it is."""
    if not separator or not is_text(array.type):
        return array
    texts = compute.utf8_trim_whitespace(text_of_array(array))
    mark = re.escape(separator)
    grouped = compute.match_substring_regex(texts, rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+(\D\d+)?$")
    plain = compute.replace_substring(texts, separator, "")
    return compute.if_else(compute.fill_null(grouped, fill_value=False), plain, texts)


def read_counts(array: ArrowArray) -> tuple[Integers, Mask, Mask]:
    """Read counts without ever losing a digit of a whole number to floating point.

    Returns:
        The counts (0 where there is none), which are there (not null or empty text), and which of
        those are whole numbers of 64 bits.
    """
    if is_text(array.type):
        return _counts_of_text(text_of_array(array))
    there = mask(array.is_valid())
    if pat.is_floating(array.type):
        return _counts_of_floats(array, there)
    if pat.is_decimal(array.type):
        return _counts_one_by_one(array.cast(pa.string()), there)
    if array.type == pa.uint64():
        fits = compute.less(array, pa.scalar(_COUNT_LIMIT, pa.uint64()))
        array = compute.if_else(fits, array, pa.scalar(None, pa.uint64()))
    counts = array.cast(pa.int64())
    return counts.fill_null(0).to_numpy(zero_copy_only=False), there, mask(counts.is_valid())


def _counts_of_floats(array: ArrowArray, there: Mask) -> tuple[Integers, Mask, Mask]:
    values = np.asarray(array.cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False))
    whole = there & (np.abs(values) < _LARGEST_FLOAT_COUNT) & (np.floor(values) == values)
    return np.where(whole, values, 0).astype(np.int64), there & ~np.isnan(values), whole


def _counts_of_text(texts: TextArray) -> tuple[Integers, Mask, Mask]:
    trimmed = compute.utf8_trim_whitespace(texts).fill_null("")
    there = mask(compute.not_equal(trimmed, ""))
    plain = compute.match_substring_regex(trimmed, _WHOLE)
    counts = only(trimmed, plain).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    whole = mask(plain)
    left = np.flatnonzero(there & ~whole)
    if len(left):
        counts, whole = counts.copy(), whole.copy()
        some = trimmed.take(pa.array(left))
        counts[left], _, whole[left] = _counts_one_by_one(some, there[left])
    return counts, there, whole


def _counts_one_by_one(texts: TextArray, there: Mask) -> tuple[Integers, Mask, Mask]:
    counts = [_count(text) for text in texts.to_pylist()]
    whole = np.array([count is not None for count in counts], dtype=bool)
    return np.array([count or 0 for count in counts], np.int64), there, whole


def _count(text: str | None) -> int | None:
    if text is None or len(text) > _LONGEST_COUNT or not text.isascii() or "_" in text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    fits = value.is_finite() and -_COUNT_LIMIT <= value < _COUNT_LIMIT
    return int(value) if fits and value == value.to_integral_value() else None
