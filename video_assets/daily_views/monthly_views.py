"""Views of the days become views of the months.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial, reduce
from operator import or_

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from resources.engine.compute_slots import turn
from video_assets.arrow.columns import with_plain_texts
from video_assets.arrow.kernels import Batches
from video_assets.arrow.types import ArrowArray, compute
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MEASURES, MONTHLY_VIEWS
from video_assets.days import last_of_month
from video_assets.sizes import ROWS_PER_TASK

_KEY = ["channel_id", "video_id"]
_VIEWS = "viewCount"
_LOW_BITS = 32
_LOW_MASK = 2**_LOW_BITS - 1
_LIMIT = 2 ** (63 - _LOW_BITS)
_LOW_HALF = "low half of "


def monthly_views(
    daily: DataFrame,
    months: Iterable[date],
    measures: Sequence[str] = (),
    definition_changes: Sequence[date] = (),
) -> DataFrame:
    """Sum of the daily views per channel, video and month.

    Days without a known count are left out of the sum. A month without any known count is null,
    because 0 would claim that nobody watched. A null channel is a channel of its own.

    One task adds up a month: it reads the files of its days alone, and Arrow's hash table of two
    texts takes a quarter of the time that the embedded engine's takes. The task holds the sums of
    the month's videos and a million rows, and months are added up side by side.

    Args:
        daily: rows of `daily_video_views`.
        months: first days of the months to compute, at least one; other rows are left out.
        measures: the measures that its source has; the others are null.
        definition_changes: days from which something else counts as a view, ascending.

    Returns:
        The columns of `monthly_views`. A sum beyond 64 bits fails the job that reads the result,
        with a message that names the video and the month.
    """
    sums = (_sums(daily, month, measures, definition_changes) for month in sorted(months))
    return reduce(DataFrame.unionAll, sums)


def _sums(
    daily: DataFrame, month: date, measures: Sequence[str], definition_changes: Sequence[date]
) -> DataFrame:
    last_day = last_of_month(month)
    summed = pa.schema(DAILY_VIDEO_VIEWS.fields(*_KEY, _VIEWS, *measures))
    by_video = (
        daily.where(F.col("date").between(F.lit(month), F.lit(last_day)))
        .select(*summed.names)
        .coalesce(1)
        .mapInArrow(partial(sums_of_videos, month=month, columns=summed), from_arrow_schema(summed))
    )
    unknown = {
        column.name: F.lit(None).cast(column.type_name)
        for column in MEASURES
        if column.name not in measures
    }
    return by_video.withColumns(
        {
            "month": F.lit(f"{month:%Y-%m}"),
            "aggViewCount": F.col(_VIEWS),
            "month_start": F.lit(month),
            **unknown,
            "viewDefinitionSince": definition_on(F.lit(last_day), definition_changes),
            "spansDefinitionChange": spans_change(F.lit(month), definition_changes),
        }
    ).select(*MONTHLY_VIEWS.column_names)


def sums_of_videos(batches: Batches, month: date, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Add up the columns that are no key, for each channel and video.

    Args:
        batches: rows of one month.
        month: its first day, for messages.
        columns: `channel_id`, `video_id`, and the columns to add up.

    Raises:
        OverflowError: a sum needs more than 64 bits.
    """
    summed = _halved(columns.empty_table())
    for rows in _in_portions(batches, columns):
        with turn():
            summed = _added_up(pa.concat_tables([summed, _halved(rows)]))
    with turn():
        rows = _joined(summed, month, columns)
    yield from rows.to_batches()


def _in_portions(batches: Batches, columns: pa.Schema) -> Iterator[pa.Table]:
    """The rows of many batches together; engines differ in how they represent a text."""
    waiting, rows = list[pa.RecordBatch](), 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_PER_TASK:
            yield with_plain_texts(pa.Table.from_batches(waiting)).cast(columns)
            waiting, rows = [], 0
    if waiting:
        yield with_plain_texts(pa.Table.from_batches(waiting)).cast(columns)


def _halved(rows: pa.Table) -> pa.Table:
    """Whole numbers as two halves, which are added up apart.

    Sums of 64-bit numbers wrap around unnoticed; those of their halves overflow after two thousand
    million rows.
    """
    for name in _whole_numbers(rows.schema):
        low = compute.bit_wise_and(rows[name], _LOW_MASK)
        high = compute.shift_right(rows[name], _LOW_BITS)
        rows = rows.set_column(rows.column_names.index(name), name, high)
        rows = rows.append_column(_LOW_HALF + name, low)
    return rows


def _added_up(rows: pa.Table) -> pa.Table:
    names = [name for name in rows.column_names if name not in _KEY]
    # Threads of Arrow's own would compute beside the engine's tasks.
    sums = rows.group_by(_KEY, use_threads=False).aggregate([(name, "sum") for name in names])
    return sums.select([*_KEY, *(f"{name}_sum" for name in names)]).rename_columns([*_KEY, *names])


def _joined(sums: pa.Table, month: date, columns: pa.Schema) -> pa.Table:
    for name in _whole_numbers(columns):
        low = sums[_LOW_HALF + name]
        high = compute.add(sums[name], compute.shift_right(low, _LOW_BITS))
        _require_64_bits(sums, name, high, month)
        whole = compute.bit_wise_or(
            compute.shift_left(high, _LOW_BITS), compute.bit_wise_and(low, _LOW_MASK)
        )
        sums = sums.set_column(sums.column_names.index(name), name, whole)
    return sums.select(columns.names).cast(columns)


def _require_64_bits(sums: pa.Table, name: str, high: ArrowArray, month: date) -> None:
    exceeds = compute.or_(compute.less(high, -_LIMIT), compute.greater_equal(high, _LIMIT))
    if compute.any(exceeds).as_py():
        video = sums["video_id"].filter(exceeds)[0].as_py()
        counted = "views" if name == _VIEWS else name
        raise OverflowError(
            f"the {counted} of video {video} exceed 64 bits in the month of {month}: correct or "
            "remove its rows of that month in daily_video_views"
        )


def _whole_numbers(columns: pa.Schema) -> list[str]:
    return [
        field.name for field in columns if field.name not in _KEY and pa.types.is_int64(field.type)
    ]


def definition_on(day: Column, changes: Sequence[date]) -> Column:
    """The newest change of what counts as a view, on or before a day; null before the first.

    Args:
        day: a date.
        changes: days from which something else counts as a view, ascending.
    """
    since = F.lit(None).cast("date")
    for change in changes:
        since = F.when(day >= F.lit(change), F.lit(change)).otherwise(since)
    return since


def spans_change(month_start: Column, changes: Sequence[date]) -> Column:
    """Whether what counts as a view changed within a month; not on its first day."""
    last_day = F.last_day(month_start)
    within = ((month_start < F.lit(c)) & (last_day >= F.lit(c)) for c in changes)
    return reduce(or_, within, F.lit(False))  # noqa: FBT003 (Spark's signature)
