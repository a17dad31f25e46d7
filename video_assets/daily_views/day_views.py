"""Delivered view counts become one row per video and day, with the views of that day.

The rules are functions of Arrow tables, for a task that holds all rows of its videos (daily counts:
of its days). On 21 million rows such tasks took 5 to 13 s on the embedded engine; an aggregate with
`max(struct(...))` had not finished after 170 s.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from resources.delta.table import Table, required
from resources.epoch import day_number
from video_assets.arrow.types import ArrowArray, Floats, Integers, Mask, compute
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MEASURES
from video_assets.sources.chunks import ORDER_BITS_IN_FILE
from video_assets.sources.fates import FILE

ViewCountKind = Literal["daily", "cumulative"]
CombineRule = Literal["sum", "latest", "largest"]

USED_ROWS = required("usedRows", pa.int64(), "delivered rows that the count is made of", "rows")
DUPLICATE_ROWS = required(
    "duplicateRows", pa.int64(), "delivered rows that another one outdid", "rows"
)
CONFLICTING_ROWS = required(
    "conflictingRows", pa.int64(), "duplicate rows whose count is another one", "rows"
)
IS_LOST = required("isLost", pa.bool_(), "the counter reads 0 after it was above 0: unknown views")

OF_FILE = required(FILE, pa.int32(), "place of the file that the count comes from")

_KEY = ("channel_id", "video_id", "created_date", "date", "reportedCount")
_COUNTED = (USED_ROWS, DUPLICATE_ROWS, CONFLICTING_ROWS)
_DELIVERED_COLUMNS = tuple(DAILY_VIDEO_VIEWS[name] for name in _KEY)

DELIVERED = Table(
    name="delivered_views",
    grain="one valid source row; never stored as a table of its own",
    key=("video_id", "date", "deliveryOrder"),
    columns=(
        *_DELIVERED_COLUMNS,
        *MEASURES,
        required("deliveryOrder", pa.int64(), "ascends from file to file and row to row"),
    ),
)
COMBINED_VIEWS = Table(
    name="combined_views",
    grain="one video and day as delivered; never stored as a table of its own",
    key=("video_id", "date"),
    columns=(*_DELIVERED_COLUMNS, *MEASURES, *_COUNTED, OF_FILE),
)
COUNTED_VIEWS = Table(
    name="counted_views",
    grain="one video and day, with what a run reports; never stored as a table of its own",
    key=("video_id", "date"),
    columns=(
        *_DELIVERED_COLUMNS,
        DAILY_VIDEO_VIEWS["viewCount"],
        DAILY_VIDEO_VIEWS["daysCovered"],
        *MEASURES,
        *_COUNTED,
        IS_LOST,
    ),
)

_BEFORE_ALL = np.iinfo(np.int64).min
_LOW_BITS = 32
_DENSE = 4


class CountTooLargeError(ValueError):
    """The rows of a video and day add up to more than 64 bits hold."""


def combined_rows(delivered: pa.Table, rule: CombineRule) -> pa.Table:
    """One row for each video and day of what was delivered.

    * `sum`: the rows of one file add up; of several files that have the video and day, the one
      delivered last holds.
    * `latest`: the row delivered last holds.
    * `largest`: the row with the largest count holds, of several the one delivered last.

    The other rows are counted as duplicates, and as conflicts where their count (with `sum`: their
    file's) is another one. Rows equal in count and `deliveryOrder` are told apart by channel, then
    created date (largest, nulls last), so that the choice never depends on the order in which an
    engine reads.

    Args:
        delivered: columns of `DELIVERED`, of the measures those that the source has; all rows of a
            video and day must be among them.
        rule: what several rows of a video and day mean.

    Returns:
        Rows of `COMBINED_VIEWS`, with the same measures, in no particular order.

    Raises:
        CountTooLargeError: a sum exceeds 64 bits.
    """
    key = _video_and_day(delivered)
    alone = _occur_once(key)
    single = delivered.filter(pa.array(alone))
    several, keys = delivered.filter(pa.array(~alone)), key[~alone]
    ones = np.ones(single.num_rows, np.int64)
    combine = _sum_of_file if rule == "sum" else _chosen_row
    # Most days are delivered once: only the others are worth sorting.
    return pa.concat_tables(
        [_combined(single, ones, ones * 0, ones * 0), combine(several, keys, rule)]
    )


def day_views(
    combined: pa.Table,
    kind: ViewCountKind,
    first_day: date,
    end_day: date,
    cumulative_lookback_days: int = 35,
) -> pa.Table:
    """Views of the days of a range, from daily counts or from cumulative counters.

    Of a cumulative source, a day's views are the difference to the video's newest record of the
    lookback days before it, negative ones included, so that the days sum to the counter. Without
    an earlier record the views are the counter itself on the day the video was created and the day
    after it, else null. A counter that reads 0 while one of the lookback days is above 0 is lost:
    its views are null, and it is nobody's predecessor. `daysCovered` says over how many days the
    views go. Measures are differences to the same record.

    The created date is the row's own, not the smallest of the rows at hand: that one would depend
    on how the days are split into runs.

    Args:
        combined: columns of `COMBINED_VIEWS`, of those days and, for a cumulative source, the
            lookback days before; all rows of a video must be among them. Older rows change nothing.
        kind: whether the source delivers views of the day or a running counter.
        first_day: first UTC day.
        end_day: UTC day after the last.
        cumulative_lookback_days: how many days before a day its earlier record may lie.

    Returns:
        Rows of `COUNTED_VIEWS`, with the same measures, in no particular order.

    Raises:
        ValueError: the kind is unknown, the range is empty or the lookback is below one day.
    """
    _require_range(kind, first_day, end_day, cumulative_lookback_days)
    if kind == "daily":
        counted = _daily_counts(combined)
    else:
        counted = _differences(combined, cumulative_lookback_days)
    days = day_numbers(counted["date"])
    in_range = (days >= day_number(first_day)) & (days < day_number(end_day))
    if not in_range.all():
        counted = counted.filter(pa.array(in_range))
    return counted.select(_columns(COUNTED_VIEWS, combined))


def day_numbers(dates: ArrowArray) -> Integers:
    """Days since 1970-01-01; a null comes before every date."""
    numbers = dates.cast(pa.int32()).cast(pa.int64())
    return np.asarray(numbers.fill_null(_BEFORE_ALL).to_numpy())


def measures_of(rows: pa.Table) -> list[str]:
    """The measures among the columns, in the order of the table."""
    return [column.name for column in MEASURES if column.name in rows.column_names]


def _columns(table: Table, rows: pa.Table) -> list[str]:
    """The declared columns, of the measures those that there are."""
    absent = {column.name for column in MEASURES} - set(rows.column_names)
    return [name for name in table.column_names if name not in absent]


def _require_range(kind: str, first_day: date, end_day: date, lookback_days: int) -> None:
    if kind not in {"daily", "cumulative"}:
        raise ValueError(f"the view count kind is {kind!r}: use 'daily' or 'cumulative'")
    if first_day >= end_day:
        raise ValueError(f"no day lies from {first_day} to before {end_day}: end_day must be later")
    if lookback_days < 1:
        raise ValueError(f"cumulative_lookback_days is {lookback_days}: use at least 1 day")


def _occur_once(key: Integers) -> Mask:
    """Which keys no other row has; counted where keys lie close together, else sorted."""
    if not len(key):
        return np.zeros(0, np.bool_)
    if key.max() < _DENSE * len(key):
        return np.asarray((np.bincount(key) == 1)[key])
    in_order = np.sort(key)
    repeated = in_order[1:][in_order[1:] == in_order[:-1]]
    return np.isin(key, repeated, invert=True)


class _Groups(NamedTuple):
    """Rows sorted by video and day, and within by what holds: the last one of a group.

    Attributes:
        order: indices of the rows in that order.
        starts: where each group begins.
        sizes: rows of each group.
    """

    order: Integers
    starts: Integers
    sizes: Integers

    @property
    def last(self) -> Integers:
        """The place of each group's last row in that order."""
        return self.starts + self.sizes - 1

    def total(self, values: Integers) -> Integers:
        """The sum of each group, of values in that order."""
        if not len(self.starts):
            return np.zeros(0, np.int64)
        return np.asarray(np.add.reduceat(values, self.starts, dtype=np.int64))

    def repeated(self, values: Integers) -> Integers:
        """A value of each group for each of its rows."""
        return np.repeat(values, self.sizes)


def _groups(order: Integers, key: Integers) -> _Groups:
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    return _Groups(order, starts, np.diff(starts, append=len(order)))


def _chosen_row(delivered: pa.Table, key: Integers, rule: CombineRule) -> pa.Table:
    """The best row of each group."""
    counts = delivered["reportedCount"].to_numpy()
    delivery = delivered["deliveryOrder"].to_numpy()
    first, second = (counts, delivery) if rule == "largest" else (delivery, counts)
    groups = _groups(np.lexsort((*_tie_breakers(delivered), second, first, key)), key)
    best = groups.order[groups.last]
    is_other_count = counts[groups.order] != groups.repeated(counts[best])
    ones = np.ones(len(best), np.int64)
    return _combined(
        delivered.take(best), ones, groups.sizes - 1, groups.total(is_other_count.astype(np.int64))
    )


def _sum_of_file(delivered: pa.Table, key: Integers, _: CombineRule) -> pa.Table:
    """The sum over the rows of the file that was delivered last, for each group."""
    delivery = delivered["deliveryOrder"].to_numpy()
    groups = _groups(np.lexsort((*_tie_breakers(delivered), delivery, key)), key)
    file = delivery[groups.order] >> ORDER_BITS_IN_FILE
    is_used = file == groups.repeated(file[groups.last])
    last_rows = delivered.take(groups.order[groups.last])
    counts = delivered["reportedCount"].to_numpy()[groups.order]
    sums = _exact_sums(np.where(is_used, counts, 0), groups, last_rows)
    for name in measures_of(delivered):
        values = delivered[name].take(groups.order)
        last_rows = _with_column(last_rows, name, _sum_of_known(values, is_used, groups))
    used = groups.total(is_used.astype(np.int64))
    summed = _with_column(last_rows, "reportedCount", pa.array(sums))
    conflicts = groups.total(_differs_by_file(counts, file, groups, sums).astype(np.int64))
    return _combined(summed, used, groups.sizes - used, conflicts)


def _differs_by_file(counts: Integers, file: Integers, groups: _Groups, sums: Integers) -> Mask:
    """Which rows are of a file whose sum for the video and day is not the one that holds."""
    group = groups.repeated(np.arange(len(groups.starts)))
    is_new = (np.diff(group, prepend=-1) != 0) | (np.diff(file, prepend=-1) != 0)
    starts = np.flatnonzero(is_new)
    of_files = _Groups(groups.order, starts, np.diff(starts, append=len(counts)))
    differs: Mask = of_files.repeated(of_files.total(counts)) != groups.repeated(sums)
    return differs


def _exact_sums(counts: Integers, groups: _Groups, rows: pa.Table) -> Integers:
    """Sums of 64-bit counts, from the sums of their halves, which cannot overflow."""
    low = groups.total(counts & (2**_LOW_BITS - 1))
    high = groups.total(counts >> _LOW_BITS) + (low >> _LOW_BITS)
    limit = 2 ** (63 - _LOW_BITS)
    too_large = np.flatnonzero((high < -limit) | (high >= limit))
    if len(too_large):
        row = rows.select(["video_id", "date"]).slice(int(too_large[0]), 1).to_pylist()[0]
        raise CountTooLargeError(
            f"the rows of video {row['video_id']} on {row['date']} add up to more than 64 bits: "
            "correct them at the source, or choose another DAILY_VIEWS_COMBINE than sum"
        )
    sums: Integers = (high << _LOW_BITS) | (low & (2**_LOW_BITS - 1))
    return sums


def _sum_of_known(values: ArrowArray, is_used: Mask, groups: _Groups) -> ArrowArray:
    """Sums of a measure over the used rows of each group; null where none of them has it."""
    known = np.asarray(values.is_valid().to_numpy()) & is_used
    numbers = np.where(known, values.fill_null(0).to_numpy(), 0)
    sums = np.add.reduceat(numbers, groups.starts) if len(groups.starts) else numbers[:0]
    nothing = groups.total(known.astype(np.int64)) == 0
    return pa.array(sums, values.type, mask=nothing)


def _with_column(rows: pa.Table, name: str, values: ArrowArray) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)


def _tie_breakers(delivered: pa.Table) -> tuple[Integers, Integers]:
    return day_numbers(delivered["created_date"]), _ranks(delivered["channel_id"])


def _combined(
    rows: pa.Table, used: Integers, duplicates: Integers, conflicts: Integers
) -> pa.Table:
    counters = zip(_COUNTED, (used, duplicates, conflicts), strict=True)
    for column, values in counters:
        rows = rows.append_column(column.name, pa.array(values, pa.int64()))
    file = rows["deliveryOrder"].to_numpy() >> ORDER_BITS_IN_FILE
    rows = rows.append_column(FILE, pa.array(file, OF_FILE.type))
    return rows.select(_columns(COMBINED_VIEWS, rows))


def _daily_counts(combined: pa.Table) -> pa.Table:
    one_day = pa.array(np.ones(combined.num_rows, np.int64))
    nothing_lost = pa.array(np.zeros(combined.num_rows, np.bool_))
    return _counted(combined, combined["reportedCount"], one_day, nothing_lost)


def _counted(rows: pa.Table, views: ArrowArray, days: ArrowArray, lost: ArrowArray) -> pa.Table:
    return (
        rows.append_column("viewCount", views)
        .append_column("daysCovered", days)
        .append_column(IS_LOST.name, lost)
    )


def _differences(combined: pa.Table, lookback_days: int) -> pa.Table:
    rows = combined.take(np.argsort(_video_and_day(combined)))
    count, day = rows["reportedCount"].to_numpy(), day_numbers(rows["date"])
    earlier, lost = _predecessors(_codes(rows["video_id"]), count, day, lookback_days)
    has_earlier = earlier >= 0
    age = day - np.maximum(day_numbers(rows["created_date"]), day.min(initial=0) - 2)
    is_first = ~has_earlier & ((age == 0) | (age == 1))
    unknown = lost | ~(has_earlier | is_first)
    before = np.where(has_earlier, earlier, 0)
    views = count - np.where(has_earlier, count[before], 0)
    covered = np.where(has_earlier, day - day[before], age + 1)
    for name in measures_of(rows):
        grown = _growth(rows[name], before, has_earlier, unknown)
        rows = _with_column(rows, name, grown)
    return _counted(
        rows,
        pa.array(views, pa.int64(), mask=unknown),
        pa.array(covered, pa.int64(), mask=unknown),
        pa.array(lost),
    )


def _predecessors(
    video: Integers, count: Integers, day: Integers, lookback_days: int
) -> tuple[Integers, Mask]:
    """The index of each row's earlier record (-1: none), and which counters are lost.

    Rows are sorted by video and day. Where a counter was above 0 within the lookback, the newest
    such record is the earlier one: a 0 after it is lost. Before it was ever above 0, a 0 counts.
    So days 1 to 5 that read 0, 9, 0, 0, 12 have the earlier records none, 1, 2 (lost), 2 (lost), 2.
    """
    index = np.arange(len(count))
    is_first = np.diff(video, prepend=-1) != 0
    first_of_video = np.maximum.accumulate(np.where(is_first, index, 0))
    newest_filled = np.maximum.accumulate(np.where(count > 0, index, -1))
    filled = _shifted(newest_filled)
    filled = _recent(filled, filled >= first_of_video, day, lookback_days)
    previous = _recent(index - 1, ~is_first, day, lookback_days)
    return np.where(filled >= 0, filled, previous), (count == 0) & (filled >= 0)


def _shifted(values: Integers) -> Integers:
    return np.concatenate([np.full(min(1, len(values)), -1), values[:-1]])


def _recent(earlier: Integers, exists: Mask, day: Integers, lookback_days: int) -> Integers:
    is_near = exists & (day - day[np.where(exists, earlier, 0)] <= lookback_days)
    return np.where(is_near, earlier, -1)


def _growth(values: ArrowArray, before: Integers, has_earlier: Mask, unknown: Mask) -> ArrowArray:
    """Differences of a measure; null where it is unknown on either day."""
    known = np.asarray(values.is_valid().to_numpy())
    numbers: Integers | Floats = values.fill_null(0).to_numpy()
    is_known = ~unknown & known & (~has_earlier | known[before])
    grown = numbers - np.where(has_earlier, numbers[before], 0)
    return pa.array(grown, values.type, mask=~is_known)


def _video_and_day(rows: pa.Table) -> Integers:
    """A number >= 0 for every distinct video and day, ascending with the day within a video."""
    days = day_numbers(rows["date"])
    if not len(days):
        return days
    earliest = days.min()
    return np.asarray(_codes(rows["video_id"]) * (days.max() - earliest + 1) + days - earliest)


def _codes(texts: ArrowArray) -> Integers:
    codes = texts.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(), np.int64)


def _ranks(texts: ArrowArray) -> Integers:
    """Numbers in the order of the texts; a null comes before every text."""
    encoded = texts.combine_chunks().dictionary_encode()
    rank_of_text = compute.rank(encoded.dictionary).to_numpy().astype(np.int64)
    codes = encoded.indices.fill_null(-1).to_numpy()
    return np.asarray(np.append(rank_of_text, -1)[codes], np.int64)


def definitions_in_force(days: Integers, changes: Sequence[date]) -> ArrowArray:
    """The newest change of what counts as a view, on or before each day; null before the first.

    Args:
        days: days since 1970-01-01.
        changes: the days from which another definition holds, ascending.
    """
    since = np.array([0, *map(day_number, changes)], np.int32)
    place = np.searchsorted(since[1:], days, side="right")
    return pa.array(since[place], pa.date32(), mask=place == 0)
