"""The days on which a video should have a row of daily views and has none."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.arrow.kernels import spark_schema
from video_assets.arrow.types import ArrowArray, Integers, compute
from video_assets.daily_views.tables import MISSING_DATES

_DAYS_PER_BLOCK = 64
_DAYS_PER_BATCH = 2**22
_BLOCKS = pa.list_(pa.struct([pa.field("block", pa.int64()), pa.field("days", pa.int64())]))
_SEEN = pa.schema(
    [
        *(c for c in MISSING_DATES.arrow_schema.remove_metadata() if c.name != "missing_dates"),
        pa.field("blocks", _BLOCKS),
    ]
)
_GAPS = "videos long, dates long, longestGap long"


def newest_date(daily: DataFrame) -> date | None:
    """The newest `date` of all rows, None without rows. Runs a job that returns one value."""
    row = daily.agg(F.max("date").alias("newest")).first()
    return None if row is None else row["newest"]


def missing_dates(daily: DataFrame, as_of: date | None = None) -> DataFrame:
    """The days from a video's creation to the as-of date, both included, without a row.

    * Created date: the smallest of the video's rows; a video without any: its first `date`.
    * Channel: that of the row with the newest `date` (of several the smallest, nulls last).
    * A video created after the as-of date misses nothing. Rows dated after the as-of date neither
      extend the days asked for nor count as missing, and rows dated before the created date
      change nothing.

    Aggregates pack the days of a video into 64-bit blocks, so that little is shuffled and held per
    video; a kernel then reads the days that are not set. On 20 million rows of 100,000 videos this
    took 3 to 6 s on the embedded engine, where `collect_set` with `array_except` took almost two
    minutes and twice the memory.

    Args:
        daily: `channel_id`, `video_id`, `created_date`, `date` of `daily_video_views`.
        as_of: last day that a video should have (UTC); None: the newest `date` of the data, for
            which a job runs at once.

    Returns:
        The columns of `missing_dates`, only videos that miss a day, their days ascending.
    """
    last_day = as_of or newest_date(daily) or date.min
    missing_of_batches = partial(_missing_of_batches, as_of=last_day)
    return _seen_days(daily).mapInArrow(missing_of_batches, spark_schema(MISSING_DATES))


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


def _seen_days(daily: DataFrame) -> DataFrame:
    """One row per video with the days it has, as `blocks` of 64 days (number and bits)."""
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
            F.flatten(F.collect_list("blocks")).alias("blocks"),
        )
    )
    channel_id = F.col("newest.channel_id").alias("channel_id")
    return videos.select(channel_id, "video_id", "created_date", "blocks")


def _blocks_by_channel(daily: DataFrame) -> DataFrame:
    """One row per video and channel, so that structs are compared for few rows: that is slow."""
    day = F.unix_date("date")
    bit = day.bitwiseAND(F.lit(_DAYS_PER_BLOCK - 1))
    # Shifting right by 6 divides by 64 and rounds down, before 1970 too.
    block = F.shiftright(day, 6).cast("long").alias("block")
    blocks = daily.groupBy("video_id", "channel_id", block).agg(
        # PySpark's own `shiftleft` takes no column as the number of bits.
        F.bit_or(F.call_function("shiftleft", F.lit(1).cast("long"), bit)).alias("days"),
        F.min("created_date").alias("created"),
        F.min("date").alias("first_seen"),
        F.max("date").alias("last_seen"),
    )
    return blocks.groupBy("video_id", "channel_id").agg(
        F.min("created").alias("created"),
        F.min("first_seen").alias("first_seen"),
        F.max("last_seen").alias("last_seen"),
        F.collect_list(F.struct("block", "days")).alias("blocks"),
    )


def _missing_of_batches(batches: Iterable[pa.RecordBatch], as_of: date) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        videos = pa.Table.from_batches([batch]).cast(_SEEN)
        for part in _parts_of_bounded_days(videos, _day_number(as_of)):
            yield from missing_rows(part, as_of).to_batches()


def missing_rows(videos: pa.Table, as_of: date) -> pa.Table:
    """The missing days of videos whose days are given as `blocks` of 64 days.

    Args:
        videos: `channel_id`, `video_id`, `created_date` and `blocks` (list of `block`, the day
            number since 1970-01-01 divided by 64, and `days`, its 64 bits).
        as_of: last day that a video should have (UTC).

    Returns:
        The columns of `missing_dates`, in the order of the videos.
    """
    created = _day_numbers(videos["created_date"])
    expected = _expected_days(created, _day_number(as_of))
    ends = np.cumsum(expected)
    starts = ends - expected
    is_seen = np.zeros(ends[-1] if len(ends) else 0, dtype=np.bool_)
    video, day = _video_and_day(videos["blocks"])
    since = day - created[video]
    inside = (since >= 0) & (since < expected[video])
    is_seen[starts[video[inside]] + since[inside]] = True
    gaps = np.flatnonzero(~is_seen)
    owner = np.searchsorted(ends, gaps, side="right")
    days = created[owner] + gaps - starts[owner]
    return _with_lists(videos, np.bincount(owner, minlength=len(created)), days)


def _with_lists(videos: pa.Table, counts: Integers, days: Integers) -> pa.Table:
    misses = counts > 0
    offsets = np.concatenate([[0], np.cumsum(counts[misses])])
    lists = pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(days, pa.int32()).cast(pa.date32())
    )
    named = videos.filter(pa.array(misses)).drop_columns("blocks")
    rows = named.append_column("missing_dates", lists).select(list(MISSING_DATES.column_names))
    return rows.cast(MISSING_DATES.arrow_schema)


def _parts_of_bounded_days(videos: pa.Table, as_of: int) -> Iterator[pa.Table]:
    """Cut a batch, as one video with a created date in antiquity expects a million days."""
    ends = np.cumsum(_expected_days(_day_numbers(videos["created_date"]), as_of))
    start = 0
    while start < videos.num_rows:
        before = ends[start - 1] if start else 0
        stop = int(np.searchsorted(ends, before + _DAYS_PER_BATCH, side="right"))
        stop = max(stop, start + 1)
        yield videos.slice(start, stop - start)
        start = stop


def _expected_days(created: Integers, as_of: int) -> Integers:
    return np.maximum(as_of + 1 - created, 0)


def _video_and_day(blocks: ArrowArray) -> tuple[Integers, Integers]:
    """Index of the video and number of the day, for each bit that is set."""
    video_of_block = compute.list_parent_indices(blocks).to_numpy()
    number, days = (field.to_numpy() for field in compute.list_flatten(blocks).flatten())
    octets = np.ascontiguousarray(days, dtype="<i8").view(np.uint8)
    bits = np.unpackbits(octets, bitorder="little").reshape(-1, _DAYS_PER_BLOCK)
    of_block, bit = np.nonzero(bits)
    return video_of_block[of_block], number[of_block] * _DAYS_PER_BLOCK + bit


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _day_numbers(dates: ArrowArray) -> Integers:
    return np.asarray(dates.cast(pa.int32()).cast(pa.int64()).to_numpy())


def _gaps_of_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        lists = pa.Table.from_batches([batch])["missing_dates"]
        video = compute.list_parent_indices(lists).to_numpy()
        days = _day_numbers(compute.list_flatten(lists))
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
