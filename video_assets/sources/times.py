"""Times and dates of every notation, as microseconds or days since 1970 in UTC; no guessing."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.types as pat

from resources.epoch import EPOCH, EPOCH_DAY, day_number, day_of
from video_assets.arrow.types import (
    ArrowArray,
    Integers,
    Mask,
    TextArray,
    compute,
    is_number,
    is_text,
)
from video_assets.sources.time_texts import times_of_text
from video_assets.sources.values import integers, numbers_of_text, second_try, text_of_array
from video_assets.vocabulary import TimestampUnit

NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
MICROSECONDS_PER_DAY = 86_400_000_000
_TIME_WITH_OFFSET = r":\d\d(\.\d+)? ?(Z|UTC|[+-]\d\d:?(\d\d)?)$"
_NO_TIME = np.iinfo(np.int64).min


def _since_epoch(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


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
        part_of: the days of the whole run, where these are a part of them.
    """

    first_day: date
    end_day: date
    with_undated: bool = True
    part_of: "Window | None" = None

    @property
    def start(self) -> int:
        """First microsecond since 1970."""
        return day_number(self.first_day) * MICROSECONDS_PER_DAY

    @property
    def end(self) -> int:
        """The microsecond after the last one."""
        return day_number(self.end_day) * MICROSECONDS_PER_DAY

    def of_file(self, days: Collection[date]) -> Self:
        """The same of a file that has rows of these days alone.

        Its rows without a day belong to the part of a run that has its first day of the run.
        """
        run = self.part_of
        of_run = [day for day in days if run and run.first_day <= day < run.end_day]
        if not of_run:
            return self
        return replace(self, with_undated=self.first_day <= min(of_run) < self.end_day)

    def has_undated_beside(self, earliest: int) -> bool:
        """Whether rows without a day belong to it that lie among others, by the earliest of these.

        A part of a run has them that reads the others anyway.

        Args:
            earliest: microsecond since 1970.
        """
        run = self.part_of
        if run is None or not run.start <= earliest < run.end:
            return self.with_undated
        return self.start <= earliest < self.end


# Every day that a time can have.
EVERY_DAY = Window(date(1900, 1, 1), date(2262, 1, 1))
# For rows that have no day: all of them count as undated.
ANY_DAY = Window(EPOCH_DAY, day_of(1))


def microseconds_of(value: Any, unit: TimestampUnit | None) -> int | None:
    """A single time as microseconds since 1970; None when its notation does not tell."""
    if isinstance(value, datetime):
        return _since_epoch(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return day_number(value) * MICROSECONDS_PER_DAY
    if unit and isinstance(value, int) and not isinstance(value, bool):
        return value * NANOSECONDS[unit] // 1000
    return None


def read_times(
    array: ArrowArray, unit: TimestampUnit | None, zone: str | None = None
) -> tuple[Integers, Mask]:
    """Read times of any notation.

    Args:
        array: timestamps (naive ones are UTC), dates (midnight), numbers, or text: see
            `time_texts`, or a number where there is a unit.
        unit: unit of numbers since 1970; without it numbers cannot be read.
        zone: time zone of texts without offset; None is UTC.

    Returns:
        Microseconds since 1970 (0 where unreadable), and which of them could be read. Times before
        1900 or after 2261 are not.
    """
    times, readable = _times(array, unit, zone)
    readable = readable & (times >= FIRST_TIME) & (times < LAST_TIME)
    return np.where(readable, times, 0), readable


def _times(
    array: ArrowArray, unit: TimestampUnit | None, zone: str | None
) -> tuple[Integers, Mask]:
    if is_text(array.type):
        return _times_of_text(text_of_array(array), unit, zone)
    if pat.is_date(array.type):
        days, there = integers(array.cast(pa.date32()).cast(pa.int32()))
        return days * MICROSECONDS_PER_DAY, there
    if pat.is_timestamp(array.type):
        return _times_of_timestamps(array)
    if is_number(array.type) and unit:
        return _times_of_numbers(array, unit)
    return np.zeros(len(array), np.int64), np.zeros(len(array), dtype=bool)


def _times_of_timestamps(array: ArrowArray) -> tuple[Integers, Mask]:
    return _scaled(*integers(array.cast(pa.int64())), array.type.unit)


def _scaled(values: Integers, there: Mask, unit: TimestampUnit) -> tuple[Integers, Mask]:
    if unit == "ns":
        return values // 1000, there
    factor = NANOSECONDS[unit] // 1000
    fits = there & (values >= FIRST_TIME // factor) & (values <= LAST_TIME // factor)
    return np.where(fits, values, 0) * factor, fits


def _times_of_numbers(array: ArrowArray, unit: TimestampUnit) -> tuple[Integers, Mask]:
    if pat.is_integer(array.type):
        return _scaled(*integers(_signed(array)), unit)
    factor = NANOSECONDS[unit] / 1000
    there = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    values = array.cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
    fits = there & (values >= FIRST_TIME / factor) & (values < LAST_TIME / factor)
    return np.rint(np.where(fits, values, 0) * factor).astype(np.int64), fits


def _signed(array: ArrowArray) -> ArrowArray:
    if array.type != pa.uint64():
        return array
    return compute.if_else(compute.less(array, pa.scalar(2**63, pa.uint64())), array, None)


def _times_of_text(
    texts: TextArray, unit: TimestampUnit | None, zone: str | None
) -> tuple[Integers, Mask]:
    times, readable = times_of_text(texts, zone)
    if unit is None:
        return times, readable
    return second_try(texts, times, readable, lambda left: _times_of_numeric_text(left, unit))


def _times_of_numeric_text(texts: TextArray, unit: TimestampUnit) -> tuple[Integers, Mask]:
    whole, fractional = numbers_of_text(texts)
    times, readable = _times_of_numbers(whole, unit)
    other_times, other_readable = _times_of_numbers(fractional, unit)
    return np.where(readable, times, other_times), readable | other_readable


def read_days(
    array: ArrowArray,
    unit: TimestampUnit | None,
    date_format: str | None,
    *,
    or_iso: bool,
    time_zone: str | None = None,
) -> tuple[Integers, Mask]:
    """Read dates, or the day of times.

    Args:
        array: dates, timestamps, text, or numbers.
        unit: as for `read_times`.
        date_format: strptime format of text and of whole numbers; None reads ISO 8601.
        or_iso: whether what is not in that format may be ISO 8601.
        time_zone: where the day of a moment is reckoned: of a timestamp with a zone, of a number,
            and of text with an offset; None: in UTC. Times without a zone have their own day.

    Returns:
        Days since 1970 (0 where unreadable), and which of them could be read.
    """
    if time_zone:
        array = _local_times(array, unit, time_zone)
    if date_format and (is_text(array.type) or pat.is_integer(array.type)):
        texts = text_of_array(array)
        times, readable = _times_by_format(texts, date_format)
        if or_iso:
            times, readable = second_try(
                texts, times, readable, lambda left: read_times(left, unit)
            )
    else:
        times, readable = read_times(array, unit)
    return times // MICROSECONDS_PER_DAY, readable


def _local_times(array: ArrowArray, unit: TimestampUnit | None, time_zone: str) -> ArrowArray:
    """Moments as the times that clocks of a zone show; what is no moment as it is."""
    is_moment = pat.is_timestamp(array.type) and array.type.tz is not None
    if is_moment or (unit and is_number(array.type)):
        times, readable = read_times(array, unit)
        return _shown_by_clocks(times, ~readable, time_zone)
    if not is_text(array.type):
        return array
    texts = compute.utf8_trim_whitespace(text_of_array(array))
    has_offset = compute.match_substring_regex(texts, _TIME_WITH_OFFSET)
    has_offset = compute.fill_null(has_offset, fill_value=False)
    if not compute.any(has_offset).as_py():
        return array
    times, readable = read_times(texts, unit)
    shown = _shown_by_clocks(times, ~readable, time_zone)
    local = compute.strftime(shown, format="%Y-%m-%dT%H:%M:%S")
    return compute.if_else(compute.and_(has_offset, shown.is_valid()), local, texts)


def _shown_by_clocks(times: Integers, unreadable: Mask, time_zone: str) -> ArrowArray:
    moments = pa.array(times, mask=unreadable).cast(pa.timestamp("us", time_zone))
    return compute.local_timestamp(moments)


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
