"""Validated view counts become one row per video and day, with the views of that day.

The rules are functions of Arrow tables, for a task that holds all rows of its videos. On 21 million
rows such tasks took 5 to 13 s on the embedded engine; an aggregate with `max(struct(...))` had not
finished after 170 s.
"""

from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa

from resources.delta.table import Column, Table
from video_assets.arrow.types import ArrowArray, Integers, compute
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS

ViewCountKind = Literal["daily", "cumulative"]

DUPLICATE_ROWS = Column(
    "duplicateRows", pa.int64(), "rows of that video and day that were dropped", nullable=False
)
CONFLICTING_ROWS = Column(
    "conflictingRows", pa.int64(), "dropped rows whose count is another one", nullable=False
)
NEGATIVE_DIFFERENCE = Column(
    "isNegativeDifference", pa.bool_(), "the counter went down: 0 views", nullable=False
)

DELIVERED = pa.schema(
    [
        *(c for c in DAILY_VIDEO_VIEWS.arrow_schema.remove_metadata() if c.name != "viewCount"),
        pa.field("deliveryOrder", pa.int64()),
    ]
)
KEPT_VIEWS = Table(
    name="kept_views",
    grain="one video and day as delivered; never stored as a table of its own",
    key=("video_id", "date"),
    columns=(
        *(c for c in DAILY_VIDEO_VIEWS.columns if c.name != "viewCount"),
        DUPLICATE_ROWS,
        CONFLICTING_ROWS,
    ),
)
COUNTED_VIEWS = Table(
    name="counted_views",
    grain="one video and day, with what a run reports; never stored as a table of its own",
    key=("video_id", "date"),
    columns=(
        *DAILY_VIDEO_VIEWS.columns,
        DUPLICATE_ROWS,
        CONFLICTING_ROWS,
        NEGATIVE_DIFFERENCE,
    ),
)

_BEFORE_ALL = np.iinfo(np.int64).min


def kept_rows(delivered: pa.Table) -> pa.Table:
    """Of several rows for a video and day, the one with the largest count, then the latest.

    Rows equal in count and `deliveryOrder` are told apart by channel, then created date (largest,
    nulls last), so that the choice never depends on the order in which an engine reads.

    Args:
        delivered: columns of `DELIVERED`; all rows of a video and day must be among them.

    Returns:
        Rows of `KEPT_VIEWS`, in no particular order.
    """
    key = _video_and_day(delivered)
    _, group, size = np.unique(key, return_inverse=True, return_counts=True)
    contested = size[group] > 1
    alone = delivered.filter(pa.array(~contested))
    none = np.zeros(alone.num_rows, np.int64)
    # Most days are delivered once: only the others are worth sorting.
    best = _best_of(delivered.filter(pa.array(contested)), key[contested])
    return pa.concat_tables([_kept(alone, none, none), best])


def day_views(
    kept: pa.Table,
    kind: ViewCountKind,
    first_day: date,
    end_day: date,
    cumulative_lookback_days: int = 35,
) -> pa.Table:
    """Views of the days of a range, from daily counts or from cumulative counters.

    Of a cumulative source, a day's views are the difference to the video's newest record of the
    lookback days before it. A counter that went down gives 0 views and is marked. Without an
    earlier record the views are the counter itself on the day the video was created, else null.
    The created date is the row's own, not the smallest of the rows at hand: that one would depend
    on how the days are split into runs.

    Args:
        kept: columns of `KEPT_VIEWS`, of those days and, for a cumulative source, the lookback
            days before; all rows of a video must be among them. Older rows change nothing.
        kind: whether the source delivers views of the day or a running counter.
        first_day: first UTC day.
        end_day: UTC day after the last.
        cumulative_lookback_days: how many days before a day its earlier record may lie.

    Returns:
        Rows of `COUNTED_VIEWS`, in no particular order.

    Raises:
        ValueError: the kind is unknown, the range is empty or the lookback is below one day.
    """
    _require_range(kind, first_day, end_day, cumulative_lookback_days)
    if kind == "daily":
        views, went_down = kept["reportedCount"], np.zeros(kept.num_rows, np.bool_)
    else:
        kept = kept.take(np.argsort(_video_and_day(kept)))
        views, went_down = _differences(kept, cumulative_lookback_days)
    counted = kept.append_column("viewCount", views).append_column(
        NEGATIVE_DIFFERENCE.name, pa.array(went_down)
    )
    days = _days(kept["date"])
    in_range = (days >= _day_number(first_day)) & (days < _day_number(end_day))
    return counted.filter(pa.array(in_range)).select(list(COUNTED_VIEWS.column_names))


def _require_range(kind: str, first_day: date, end_day: date, lookback_days: int) -> None:
    if kind not in {"daily", "cumulative"}:
        raise ValueError(f"the view count kind is {kind!r}: use 'daily' or 'cumulative'")
    if first_day >= end_day:
        raise ValueError(f"no day lies from {first_day} to before {end_day}: end_day must be later")
    if lookback_days < 1:
        raise ValueError(f"cumulative_lookback_days is {lookback_days}: use at least 1 day")


def _best_of(delivered: pa.Table, key: Integers) -> pa.Table:
    counts = delivered["reportedCount"].to_numpy()
    worst_first = np.lexsort(
        (
            _days(delivered["created_date"]),
            _ranks(delivered["channel_id"]),
            delivered["deliveryOrder"].to_numpy(),
            counts,
            key,
        )
    )
    starts = np.flatnonzero(np.diff(key[worst_first], prepend=-1))
    rows = np.diff(starts, append=len(worst_first))
    best = worst_first[starts + rows - 1]
    is_other_count = counts[worst_first] != np.repeat(counts[best], rows)
    conflicts = np.add.reduceat(is_other_count, starts, dtype=np.int64) if len(starts) else rows
    return _kept(delivered.take(best), rows - 1, conflicts)


def _kept(rows: pa.Table, duplicates: Integers, conflicts: Integers) -> pa.Table:
    counted = rows.append_column(
        DUPLICATE_ROWS.name, pa.array(duplicates, pa.int64())
    ).append_column(CONFLICTING_ROWS.name, pa.array(conflicts, pa.int64()))
    return counted.select(list(KEPT_VIEWS.column_names))


def _differences(kept: pa.Table, lookback_days: int) -> tuple[ArrowArray, ArrowArray]:
    """Views, and whether the counter went down, of rows sorted by video and day."""
    count, day = kept["reportedCount"].to_numpy(), _days(kept["date"])
    video = _codes(kept["video_id"])
    # The newest earlier record is the row before: if that is too old, so are all others.
    has_earlier = np.diff(video, prepend=-1) == 0
    has_earlier &= np.diff(day, prepend=day[:1]) <= lookback_days
    difference = np.diff(count, prepend=count[:1])
    is_first_day = day == _days(kept["created_date"])
    views = np.where(has_earlier, np.maximum(difference, 0), count)
    unknown = ~has_earlier & ~is_first_day
    return pa.array(views, pa.int64(), mask=unknown), has_earlier & (difference < 0)


def _video_and_day(rows: pa.Table) -> Integers:
    """A number >= 0 for every distinct video and day, ascending with the day within a video."""
    days = _days(rows["date"])
    earliest = np.int64(days.min(initial=0))
    return (_codes(rows["video_id"]) << 32) | (days - earliest)


def _codes(texts: ArrowArray) -> Integers:
    codes = texts.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(), np.int64)


def _ranks(texts: ArrowArray) -> Integers:
    """Numbers in the order of the texts; a null comes before every text."""
    encoded = texts.combine_chunks().dictionary_encode()
    rank_of_text = compute.rank(encoded.dictionary).to_numpy().astype(np.int64)
    codes = encoded.indices.fill_null(-1).to_numpy()
    return np.asarray(np.append(rank_of_text, -1)[codes], np.int64)


def _days(dates: ArrowArray) -> Integers:
    """Days since 1970-01-01; a null comes before every date."""
    numbers = dates.cast(pa.int32()).cast(pa.int64())
    return np.asarray(numbers.fill_null(_BEFORE_ALL).to_numpy())


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
