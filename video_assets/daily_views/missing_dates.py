"""The days on which a video should have a row of daily views and has none."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from resources.epoch import day_number
from video_assets.arrow.types import ArrowArray, Integers, Mask, compute
from video_assets.daily_views.day_views import day_numbers
from video_assets.daily_views.tables import MISSING_DATES

_DAYS_PER_BLOCK = 64
_DAYS_PER_BATCH = 2**22
_BLOCKS: Any = pa.list_(pa.struct([pa.field("block", pa.int64()), pa.field("days", pa.int64())]))
_SEEN_COLUMNS: dict[str, pa.DataType] = {
    "channel_id": pa.string(),
    "video_id": pa.string(),
    "created_date": pa.date32(),
    "last_seen": pa.date32(),
    "blocks": _BLOCKS,
}
SEEN_DAYS = pa.schema(_SEEN_COLUMNS)
_GAPS = "videos long, dates long, longestGap long"


@dataclass(frozen=True)
class Expectation:
    """On which days a video should have a row.

    Attributes:
        as_of: last day that a video should have.
        newest: newest day of any video's rows; None: there are no rows.
        gone_after: a video without a row for more than this many days until the newest is gone,
            and misses nothing after its last row.
        without_gap: days that no video can miss, because a day without a row means 0 views.
    """

    as_of: date
    newest: date | None = None
    gone_after: int | None = None
    without_gap: Collection[date] = frozenset()

    def is_gone(self, last_seen: Integers) -> Mask:
        """Which videos are gone, by the days since 1970 of their last rows."""
        if self.newest is None or self.gone_after is None:
            return np.zeros(len(last_seen), np.bool_)
        newest = day_number(min(self.newest, self.as_of))
        return np.asarray(newest - last_seen > self.gone_after)


@dataclass(frozen=True)
class MissingDays:
    """What some videos miss.

    Attributes:
        rows: the columns of `missing_dates`, of the videos that miss a day.
        gone: how many of the videos are gone, those that miss nothing included.
    """

    rows: pa.Table
    gone: int


def newest_date(daily: DataFrame) -> date | None:
    """The newest `date` of all rows, None without rows. Runs a job that returns one value."""
    row = daily.agg(F.max("date").alias("newest")).first()
    return None if row is None else row["newest"]


def seen_days(daily: DataFrame) -> DataFrame:
    """One row per video with the days it has, as `blocks` of 64 days (number and bits).

    * Created date: the smallest of those that rows name and of the first day with a view; where
      there is neither, the first `date`.
    * Channel: that of the row with the newest `date` (of several the smallest, nulls last).

    Aggregates pack the days of a video into 64-bit blocks, so that little is shuffled and held per
    video; a kernel then reads the days that are not set. On 20 million rows of 100,000 videos this
    took 3 to 6 s on the embedded engine, where `collect_set` with `array_except` took almost two
    minutes and twice the memory.

    Args:
        daily: rows of `daily_video_views`.

    Returns:
        Rows of `SEEN_DAYS`.
    """
    # A flag for null, because engines disagree on where a null sorts inside a struct.
    channel = F.struct(
        (-F.unix_date("last_seen")).alias("age"),
        F.col("channel_id").isNull().alias("is_unknown"),
        F.col("channel_id").alias("channel_id"),
    )
    videos = (
        _blocks_by_channel(daily)
        .groupBy("video_id")
        .agg(
            F.min(channel).alias("newest"),
            F.coalesce(F.min("created"), F.min("first_seen")).alias("created_date"),
            F.max("last_seen").alias("last_seen"),
            F.flatten(F.collect_list("blocks")).alias("blocks"),
        )
    )
    channel_id = F.col("newest.channel_id").alias("channel_id")
    return videos.select(channel_id, "video_id", "created_date", "last_seen", "blocks")


def _blocks_by_channel(daily: DataFrame) -> DataFrame:
    """One row per video and channel, so that structs are compared for few rows: that is slow."""
    day = F.unix_date("date")
    bit = day.bitwiseAND(F.lit(_DAYS_PER_BLOCK - 1))
    # Shifting right by 6 divides by 64 and rounds down, before 1970 too.
    block = F.shiftright(day, 6).cast("long").alias("block")
    blocks = daily.groupBy("video_id", "channel_id", block).agg(
        # PySpark's own `shiftleft` takes no column as the number of bits.
        F.bit_or(F.call_function("shiftleft", F.lit(1).cast("long"), bit)).alias("days"),
        F.min(created_or_watched()).alias("created"),
        F.min("date").alias("first_seen"),
        F.max("date").alias("last_seen"),
    )
    return blocks.groupBy("video_id", "channel_id").agg(
        F.min("created").alias("created"),
        F.min("first_seen").alias("first_seen"),
        F.max("last_seen").alias("last_seen"),
        F.collect_list(F.struct("block", "days")).alias("blocks"),
    )


def created_or_watched() -> Column:
    """The created date that a row of `daily_video_views` tells: named, or a day with a view.

    A counter above 0 tells it too where the views of its day are unknown.
    """
    views = F.coalesce(F.col("viewCount"), F.col("reportedCount"))
    # `least` passes over nulls.
    return F.least(F.col("created_date"), F.when(views > 0, F.col("date")))


def missing_of(videos: pa.Table, expected: Expectation) -> Iterator[MissingDays]:
    """The days from a video's creation to the as-of date, both included, without a row.

    A video created after the as-of date misses nothing. Rows dated after the as-of date neither
    extend the days asked for nor count as missing, and rows dated before the created date change
    nothing.

    Args:
        videos: rows of `SEEN_DAYS`.
        expected: on which days a video should have a row.

    Yields:
        The missing days of some of the videos: a video with a created date in antiquity expects a
        million days.
    """
    videos = videos.cast(SEEN_DAYS)
    is_gone = expected.is_gone(day_numbers(videos["last_seen"]))
    as_of = day_number(expected.as_of)
    last = np.where(is_gone, np.minimum(day_numbers(videos["last_seen"]), as_of), as_of)
    created = day_numbers(videos["created_date"])
    for part in _parts_of_bounded_days(np.maximum(last + 1 - created, 0)):
        rows = _missing_rows(
            videos.slice(part.start, part.stop - part.start), last[part], is_gone[part], expected
        )
        yield MissingDays(rows, int(np.count_nonzero(is_gone[part])))


def _missing_rows(
    videos: pa.Table, last: Integers, is_gone: Mask, expected: Expectation
) -> pa.Table:
    created = day_numbers(videos["created_date"])
    wanted = np.maximum(last + 1 - created, 0)
    ends = np.cumsum(wanted)
    starts = ends - wanted
    is_seen = np.zeros(ends[-1] if len(ends) else 0, dtype=np.bool_)
    video, day = _video_and_day(videos["blocks"])
    since = day - created[video]
    inside = (since >= 0) & (since < wanted[video])
    is_seen[starts[video[inside]] + since[inside]] = True
    gaps = np.flatnonzero(~is_seen)
    owner = np.searchsorted(ends, gaps, side="right")
    days = created[owner] + gaps - starts[owner]
    if expected.without_gap:
        can_miss = ~np.isin(days, [day_number(day) for day in expected.without_gap])
        owner, days = owner[can_miss], days[can_miss]
    since_when = pa.array((last + 1).astype(np.int32), pa.date32(), mask=~is_gone)
    named = videos.append_column("goneSince", since_when)
    return _with_lists(named, np.bincount(owner, minlength=len(created)), days)


def missing_summary(missing: DataFrame) -> DataFrame:
    """One row about all gaps: `videos`, `dates` and `longestGap`, all 0 when nothing is missing.

    Args:
        missing: the columns of `missing_dates`.

    Returns:
        One row: videos that miss a day, days missed by all of them, and the longest run of
        consecutive missing days of one video.
    """
    of_batches = missing.select("missing_dates").mapInArrow(_gaps_of_batches, _GAPS)
    return of_batches.agg(
        F.coalesce(F.sum("videos"), F.lit(0)).cast("long").alias("videos"),
        F.coalesce(F.sum("dates"), F.lit(0)).cast("long").alias("dates"),
        F.coalesce(F.max("longestGap"), F.lit(0)).cast("long").alias("longestGap"),
    )


def missing_per_day(missing: DataFrame) -> DataFrame:
    """How many videos (`videos`) miss each day (`date`); days that no video misses have no row.

    Args:
        missing: the columns of `missing_dates`.

    Returns:
        At most one row per day of the calendar range, in no particular order.
    """
    return (
        missing.select(F.explode("missing_dates").alias("date"))
        .groupBy("date")
        .agg(F.count(F.lit(1)).alias("videos"))
    )


def _with_lists(videos: pa.Table, counts: Integers, days: Integers) -> pa.Table:
    misses = counts > 0
    offsets = np.concatenate([[0], np.cumsum(counts[misses])])
    lists = pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(days, pa.int32()).cast(pa.date32())
    )
    named = videos.filter(pa.array(misses))
    rows = named.append_column("missing_dates", lists).select(list(MISSING_DATES.column_names))
    return rows.cast(MISSING_DATES.arrow_schema)


def _parts_of_bounded_days(wanted: Integers) -> Iterator[slice]:
    """Cut the videos into parts that do not expect too many days together."""
    ends = np.cumsum(wanted)
    start = 0
    while start < len(wanted):
        before = ends[start - 1] if start else 0
        stop = int(np.searchsorted(ends, before + _DAYS_PER_BATCH, side="right"))
        stop = max(stop, start + 1)
        yield slice(start, stop)
        start = stop


def _video_and_day(blocks: ArrowArray) -> tuple[Integers, Integers]:
    """Index of the video and number of the day, for each bit that is set."""
    video_of_block = compute.list_parent_indices(blocks).to_numpy()
    number, days = (field.to_numpy() for field in compute.list_flatten(blocks).flatten())
    octets = np.ascontiguousarray(days, dtype="<i8").view(np.uint8)
    bits = np.unpackbits(octets, bitorder="little").reshape(-1, _DAYS_PER_BLOCK)
    of_block, bit = np.nonzero(bits)
    return video_of_block[of_block], number[of_block] * _DAYS_PER_BLOCK + bit


def _gaps_of_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        lists = pa.Table.from_batches([batch])["missing_dates"]
        video = compute.list_parent_indices(lists).to_numpy()
        days = day_numbers(compute.list_flatten(lists))
        yield pa.RecordBatch.from_pydict(
            {
                "videos": pa.array([len(lists)], pa.int64()),
                "dates": pa.array([len(days)], pa.int64()),
                "longestGap": pa.array([_longest_gap(video, days)], pa.int64()),
            }
        )


def _longest_gap(video: Integers, days: Integers) -> int:
    """Length of the longest run of consecutive days of one video; days ascend within a video."""
    goes_on = (np.diff(video) == 0) & (np.diff(days) == 1)
    borders = np.concatenate([[0], np.flatnonzero(~goes_on) + 1, [len(days)]])
    return int(np.diff(borders).max())
