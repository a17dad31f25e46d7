"""Times and dates of every notation, as microseconds or days since 1970 in UTC; no guessing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pat

from video_assets.arrow.types import (
    ArrowArray,
    Characters,
    Integers,
    Mask,
    TextArray,
    compute,
    is_number,
    is_text,
)
from video_assets.sources.config import TimestampUnit
from video_assets.sources.values import numbers_of_text, text_of_array

MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
MICROSECONDS_PER_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TIME = np.iinfo(np.int64).min


def _since_epoch(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


# Times outside are slips of a clock or a unit, and would not fit every reader's nanoseconds.
FIRST_TIME = _since_epoch(datetime(1900, 1, 1, tzinfo=UTC))
LAST_TIME = _since_epoch(datetime(2262, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Window:
    """The days [first_day, end_day) that a run, or a part of it, is for.

    Attributes:
        first_day: first day.
        end_day: day after the last one.
        with_undated: rows whose day cannot be read belong to it too; of the parts of a run, one
            has them.
    """

    first_day: date
    end_day: date
    with_undated: bool = True

    @property
    def start(self) -> int:
        """First microsecond since 1970."""
        return (self.first_day - _EPOCH.date()).days * MICROSECONDS_PER_DAY

    @property
    def end(self) -> int:
        """The microsecond after the last one."""
        return (self.end_day - _EPOCH.date()).days * MICROSECONDS_PER_DAY


# For rows that have no day: all of them count as undated.
ANY_DAY = Window(_EPOCH.date(), _EPOCH.date() + timedelta(days=1))


def microseconds_of(value: Any, unit: TimestampUnit | None) -> int | None:
    """A single time as microseconds since 1970; None when its notation does not tell."""
    if isinstance(value, datetime):
        return _since_epoch(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return (value - _EPOCH.date()).days * MICROSECONDS_PER_DAY
    if unit and isinstance(value, int) and not isinstance(value, bool):
        return value * MICROSECONDS[unit]
    return None


def read_times(array: ArrowArray, unit: TimestampUnit | None) -> tuple[Integers, Mask]:
    """Read times of any notation.

    Args:
        array: timestamps (naive ones are UTC), dates (midnight), numbers, or text: ISO 8601, or a
            number where there is a unit.
        unit: unit of numbers since 1970; without it numbers cannot be read.

    Returns:
        Microseconds since 1970 (0 where unreadable), and which of them could be read. Times before
        1900 or after 2261 are not.
    """
    times, readable = _times(array, unit)
    readable = readable & (times >= FIRST_TIME) & (times < LAST_TIME)
    return np.where(readable, times, 0), readable


def _times(array: ArrowArray, unit: TimestampUnit | None) -> tuple[Integers, Mask]:
    if is_text(array.type):
        return _times_of_text(text_of_array(array), unit)
    if pat.is_date(array.type):
        days, there = _integers(array.cast(pa.date32()).cast(pa.int32()))
        return days * MICROSECONDS_PER_DAY, there
    if pat.is_timestamp(array.type):
        return _times_of_timestamps(array)
    if is_number(array.type) and unit:
        return _times_of_numbers(array, unit)
    return np.zeros(len(array), np.int64), np.zeros(len(array), dtype=bool)


def _integers(array: ArrowArray) -> tuple[Integers, Mask]:
    there = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    values = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return values, there


def _times_of_timestamps(array: ArrowArray) -> tuple[Integers, Mask]:
    values, there = _integers(array.cast(pa.int64()))
    if array.type.unit == "ns":
        return values // 1000, there
    return _scaled(values, there, MICROSECONDS[array.type.unit])


def _scaled(values: Integers, there: Mask, factor: int) -> tuple[Integers, Mask]:
    fits = there & (values >= FIRST_TIME // factor) & (values <= LAST_TIME // factor)
    return np.where(fits, values, 0) * factor, fits


def _times_of_numbers(array: ArrowArray, unit: TimestampUnit) -> tuple[Integers, Mask]:
    factor = MICROSECONDS[unit]
    if pat.is_integer(array.type):
        return _scaled(*_integers(_signed(array)), factor)
    there = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    values = array.cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
    fits = there & (values >= FIRST_TIME / factor) & (values < LAST_TIME / factor)
    return np.rint(np.where(fits, values, 0) * factor).astype(np.int64), fits


def _signed(array: ArrowArray) -> ArrowArray:
    if array.type != pa.uint64():
        return array
    return compute.if_else(compute.less(array, pa.scalar(2**63, pa.uint64())), array, None)


def _times_of_text(texts: TextArray, unit: TimestampUnit | None) -> tuple[Integers, Mask]:
    times, readable = iso_times(texts)
    times, readable = _second_try(
        texts, times, readable, lambda left: iso_times(compute.utf8_trim_whitespace(left))
    )
    if unit is None:
        return times, readable
    return _second_try(texts, times, readable, lambda left: _times_of_numeric_text(left, unit))


def _second_try(
    texts: TextArray,
    times: Integers,
    readable: Mask,
    read: Callable[[TextArray], tuple[Integers, Mask]],
) -> tuple[Integers, Mask]:
    """Read what could not be read, in another way."""
    left = np.flatnonzero(~readable)
    if len(left):
        times, readable = times.copy(), readable.copy()
        times[left], readable[left] = read(texts.take(pa.array(left)))
    return times, readable


def _times_of_numeric_text(texts: TextArray, unit: TimestampUnit) -> tuple[Integers, Mask]:
    whole, fractional = numbers_of_text(texts)
    times, readable = _times_of_numbers(whole, unit)
    other_times, other_readable = _times_of_numbers(fractional, unit)
    return np.where(readable, times, other_times), readable | other_readable


_LONGEST_TEXT = 40
_MONTHS, _HOURS, _MINUTES, _HOUR_ZONE = 12, 24, 60, len("+02")
_ZONE_STATES = 8
_DATE_LENGTH, _MINUTE_LENGTH, _SECOND_LENGTH = 10, 16, 19
_MOST_DIGITS, _KEPT_DIGITS = 9, 6


def iso_times(texts: TextArray) -> tuple[Integers, Mask]:
    """Read ISO 8601 text.

    A date (midnight), or date and time to the minute, second or up to nine digits of a fraction
    (cut to microseconds), after `T` or a space; `Z`, `+02:00`, `+0200`, `+02`, or no offset (UTC).

    Returns:
        Microseconds since 1970, and which of them could be read.
    """
    times = np.zeros(len(texts), np.int64)
    readable = np.zeros(len(texts), dtype=bool)
    data, starts, lengths = _bytes_of_text(texts)
    zones = _zone_lengths(data, starts, lengths)
    shapes = np.minimum(lengths, _LONGEST_TEXT) * _ZONE_STATES + zones
    for shape in np.flatnonzero(np.bincount(shapes)):
        length, zone = divmod(int(shape), _ZONE_STATES)
        if not _is_known_shape(length - zone):
            continue
        rows = np.flatnonzero(shapes == shape)
        matrix = _matrix(data, starts[rows], length)
        times[rows], readable[rows] = _times_of_one_shape(matrix, length - zone)
    return times, readable


def _is_known_shape(length: int) -> bool:
    if length in (_DATE_LENGTH, _MINUTE_LENGTH, _SECOND_LENGTH):
        return True
    return _SECOND_LENGTH + 1 < length <= _SECOND_LENGTH + 1 + _MOST_DIGITS


def _bytes_of_text(texts: TextArray) -> tuple[Characters, Integers, Integers]:
    if not len(texts):
        return np.zeros(1, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64)
    _, offsets, content = texts.buffers()
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(content, np.uint8) if content and content.size else np.zeros(1, np.uint8)
    lengths = np.diff(edges).astype(np.int64)
    if texts.null_count:
        lengths[~np.asarray(texts.is_valid().to_numpy(zero_copy_only=False), dtype=bool)] = 0
    return data, edges[:-1].astype(np.int64), lengths


def _zone_lengths(data: Characters, starts: Integers, lengths: Integers) -> Integers:
    """How many characters at the end of each text are its offset from UTC."""

    def from_end(distance: int) -> Characters:
        return data.take(starts + lengths - distance, mode="clip")

    def signed(distance: int) -> Mask:
        character = from_end(distance)
        has_room = lengths >= _MINUTE_LENGTH + distance
        is_sign: Mask = (character == ord("+")) | (character == ord("-"))
        return has_room & is_sign

    last = from_end(1)
    zulu = (lengths > _MINUTE_LENGTH) & ((last == ord("Z")) | (last == ord("z")))
    with_colon = signed(6) & (from_end(3) == ord(":"))
    return np.select([zulu, with_colon, signed(5), signed(3)], [1, 6, 5, 3], 0)


def _matrix(data: Characters, starts: Integers, length: int) -> Characters:
    """Texts of one length as the rows of a matrix of characters."""
    first, count = int(starts[0]), len(starts)
    if int(starts[-1]) - first == (count - 1) * length and np.all(np.diff(starts) == length):
        return data[first : first + count * length].reshape(count, length)
    return data.take(starts[:, None] + np.arange(length))


class _Digits:
    """Numbers at fixed places of texts of one shape, and whether all of them were digits."""

    def __init__(self, matrix: Characters) -> None:
        self._matrix = matrix
        self.good: Mask = np.ones(len(matrix), dtype=bool)

    def number(self, start: int, end: int) -> Integers:
        value = np.zeros(len(self._matrix), np.int64)
        for place in range(start, end):
            digit = self._matrix[:, place] - np.uint8(ord("0"))
            self.good &= digit <= _MOST_DIGITS
            value = value * 10 + digit
        return value

    def require(self, place: int, characters: str) -> None:
        allowed = [self._matrix[:, place] == ord(character) for character in characters]
        self.good &= np.logical_or.reduce(allowed)


def _times_of_one_shape(matrix: Characters, length: int) -> tuple[Integers, Mask]:
    """Times of texts that have as many characters and an offset of as many characters."""
    digits = _Digits(matrix)
    times = _days(digits) * MICROSECONDS_PER_DAY
    if length > _DATE_LENGTH:
        times = times + _clock(digits, length) - _zone(digits, length, matrix)
    return np.where(digits.good, times, 0), digits.good


def _days(digits: _Digits) -> Integers:
    year, month, day = digits.number(0, 4), digits.number(5, 7), digits.number(8, 10)
    digits.require(4, "-")
    digits.require(7, "-")
    digits.good &= (month >= 1) & (month <= _MONTHS) & (day >= 1)
    months = ((year - 1970) * _MONTHS + np.where(digits.good, month, 1) - 1).astype("M8[M]")
    first = months.astype("M8[D]").astype(np.int64)
    digits.good &= first + day <= (months + 1).astype("M8[D]").astype(np.int64)
    return first + day - 1


def _clock(digits: _Digits, length: int) -> Integers:
    digits.require(10, "Tt ")
    digits.require(13, ":")
    hour, minute = digits.number(11, 13), digits.number(14, 16)
    seconds = hour * 3600 + minute * 60
    digits.good &= (hour < _HOURS) & (minute < _MINUTES)
    if length == _MINUTE_LENGTH:
        return seconds * 1_000_000
    digits.require(16, ":")
    second = digits.number(17, 19)
    digits.good &= second < _MINUTES
    return (seconds + second) * 1_000_000 + _fraction(digits, length)


def _fraction(digits: _Digits, length: int) -> Integers:
    if length == _SECOND_LENGTH:
        return digits.number(0, 0)
    digits.require(19, ".,")
    begin = _SECOND_LENGTH + 1
    kept = min(length, begin + _KEPT_DIGITS)
    digits.number(kept, length)
    scale: int = 10 ** (begin + _KEPT_DIGITS - kept)
    return digits.number(begin, kept) * scale


def _zone(digits: _Digits, length: int, matrix: Characters) -> Integers:
    size = matrix.shape[1] - length
    if size <= 1:
        return digits.number(0, 0)
    hours = digits.number(length + 1, length + 3)
    minutes = (
        digits.number(matrix.shape[1] - 2, matrix.shape[1]) if size > _HOUR_ZONE else hours * 0
    )
    digits.good &= (hours < _HOURS) & (minutes < _MINUTES)
    sign = np.where(matrix[:, length] == ord("-"), -1, 1)
    offset: Integers = sign * (hours * 3600 + minutes * 60) * 1_000_000
    return offset


def read_days(
    array: ArrowArray, unit: TimestampUnit | None, date_format: str | None, *, or_iso: bool
) -> tuple[Integers, Mask]:
    """Read dates, or the UTC day of times.

    Args:
        array: dates, timestamps, text, or numbers.
        unit: as for `read_times`.
        date_format: strptime format of text and of whole numbers; None reads ISO 8601.
        or_iso: whether what is not in that format may be ISO 8601.

    Returns:
        Days since 1970 (0 where unreadable), and which of them could be read.
    """
    if date_format and (is_text(array.type) or pat.is_integer(array.type)):
        texts = text_of_array(array)
        times, readable = _times_by_format(texts, date_format)
        if or_iso:
            times, readable = _second_try(
                texts, times, readable, lambda left: read_times(left, unit)
            )
    else:
        times, readable = read_times(array, unit)
    return times // MICROSECONDS_PER_DAY, readable


def _times_by_format(texts: TextArray, date_format: str) -> tuple[Integers, Mask]:
    """Read each distinct text once: a source has few dates and many rows."""
    encoded = texts.dictionary_encode()
    distinct = [_time_by_format(text, date_format) for text in encoded.dictionary.to_pylist()]
    known = np.array([_NO_TIME if time is None else time for time in (*distinct, None)], np.int64)
    times = known[encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)]
    readable = (times >= FIRST_TIME) & (times < LAST_TIME)
    return np.where(readable, times, 0), readable


def _time_by_format(text: str, date_format: str) -> int | None:
    try:
        moment = datetime.strptime(text.strip(), date_format)  # noqa: DTZ007 (UTC is added below)
    except ValueError:
        return None
    return _since_epoch(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
