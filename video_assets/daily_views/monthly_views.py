"""Views of the days become views of the months.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial, reduce
from operator import or_
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from resources.delta.file_rows import rows_of_files
from resources.engine.compute_slots import turn
from video_assets.arrow.columns import with_numbered_texts
from video_assets.arrow.dictionaries import numbered
from video_assets.arrow.kernels import Batches, gathered, spark_schema
from video_assets.arrow.types import ArrowArray, compute
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MEASURES, MONTHLY_VIEWS
from video_assets.days import last_of_month
from video_assets.sizes import SUMMED_BYTES

_CHANNEL, _VIDEO, _VIEWS = "channel_id", "video_id", "viewCount"
_LOW_BITS = 32
_LOW_MASK = 2**_LOW_BITS - 1
_TOO_MUCH = 2**63
_LIMIT = _TOO_MUCH >> _LOW_BITS
_LOW_HALF = "low half of "


@dataclass(frozen=True)
class MonthOfViews:
    """What a row of `monthly_views` is computed by.

    Attributes:
        first_day: of the month.
        measures: the measures that its source has; the others are null.
        definition_changes: days from which something else counts as a view.
    """

    first_day: date
    measures: tuple[str, ...] = ()
    definition_changes: tuple[date, ...] = ()

    @property
    def last_day(self) -> date:
        """Of the month."""
        return last_of_month(self.first_day)

    @property
    def taken(self) -> pa.Schema:
        """The columns of `daily_video_views` that it is computed from."""
        return pa.schema(DAILY_VIDEO_VIEWS.fields(_CHANNEL, _VIDEO, _VIEWS, *self.measures))

    @property
    def in_every_row(self) -> dict[str, Any]:
        """The columns that all rows of the month have in common."""
        changes = self.definition_changes
        return {
            "month": f"{self.first_day:%Y-%m}",
            "month_start": self.first_day,
            **{column.name: None for column in MEASURES if column.name not in self.measures},
            "viewDefinitionSince": max((c for c in changes if c <= self.last_day), default=None),
            "spansDefinitionChange": any(self.first_day < c <= self.last_day for c in changes),
        }


def monthly_views(
    daily: DataFrame,
    months: Iterable[date],
    measures: Sequence[str] = (),
    definition_changes: Sequence[date] = (),
) -> DataFrame:
    """Sum of the daily views per channel, video and month.

    Days without a known count are left out of the sum. A month without any known count is null,
    because 0 would claim that nobody watched. A null channel is a channel of its own.

    One task adds up a month. It holds the sums of the month's videos and 64 MiB of rows.

    Args:
        daily: rows of `daily_video_views`.
        months: first days of the months to compute, at least one; other rows are left out.
        measures: the measures that its source has; the others are null.
        definition_changes: days from which something else counts as a view.

    Returns:
        The columns of `monthly_views`. A sum beyond 64 bits fails the job that reads the result,
        with a message that names the video and the month.
    """
    changes = tuple(definition_changes)
    asked = (MonthOfViews(month, tuple(measures), changes) for month in sorted(months))
    return reduce(DataFrame.unionAll, (_rows_of_frame(daily, month) for month in asked))


def _rows_of_frame(daily: DataFrame, month: MonthOfViews) -> DataFrame:
    of_month = F.col("date").between(F.lit(month.first_day), F.lit(month.last_day))
    taken = daily.where(of_month).select(*month.taken.names).coalesce(1)
    return taken.mapInArrow(partial(_rows_of_batches, month=month), spark_schema(MONTHLY_VIEWS))


def _rows_of_batches(batches: Batches, month: MonthOfViews) -> Iterator[pa.RecordBatch]:
    sums = SumsOfMonth(month)
    for rows in (gathered([batch], month.taken) for batch in batches):
        with turn():
            sums.add(rows)
    with turn():
        summed = sums.rows()
    yield from summed.to_batches()


def month_of_files(locations: Iterable[str], month: MonthOfViews) -> pa.Table:
    """The rows of `monthly_views` of a month, from the data files of its days.

    Arrow reads numbers of channels and adds up by them and by the videos' texts: two thirds of
    the time in which an engine hands the texts over, and half of its own aggregate's.

    Args:
        locations: paths or URIs of files of `daily_video_views`.
        month: which month.

    Raises:
        OverflowError: a sum needs more than 64 bits.
    """
    sums = SumsOfMonth(month)
    for rows in rows_of_files(locations, DAILY_VIDEO_VIEWS, month.taken.names, [_CHANNEL]):
        sums.add(rows)
    return sums.rows()


class SumsOfMonth:
    """Adds up the days of a month; holds the sums of its videos and 64 MiB of rows."""

    def __init__(self, month: MonthOfViews) -> None:
        """Begin without a row."""
        self._month = month
        self._waiting = [month.taken.empty_table()]
        self._waiting_bytes = 0
        self._in_halves = False

    def add(self, rows: pa.Table) -> None:
        """Add some rows, with the columns that are taken."""
        self._waiting.append(_halved(rows) if self._in_halves else rows)
        self._waiting_bytes += rows.nbytes
        if self._waiting_bytes > SUMMED_BYTES:
            self._add_up()

    def rows(self) -> pa.Table:
        """Rows of `monthly_views`.

        Raises:
            OverflowError: a sum needs more than 64 bits.
        """
        [sums] = self._add_up()
        whole = _joined(sums, self._month) if self._in_halves else sums
        return _named(_by_channel(whole), self._month)

    def _add_up(self) -> list[pa.Table]:
        if not self._in_halves and _may_exceed_64_bits(self._waiting):
            self._waiting = list(map(_halved, self._waiting))
            self._in_halves = True
        self._waiting, self._waiting_bytes = [_added_up(self._waiting)], 0
        return self._waiting


def _may_exceed_64_bits(parts: Sequence[pa.Table]) -> bool:
    """Whether a sum of any of these whole numbers could, by the largest one and how many there are.

    Arrow's sums wrap around unnoticed.
    """
    rows = sum(part.num_rows for part in parts)
    found = (compute.min_max(part[name]) for part in parts for name in _whole_numbers(part))
    bounds = (bound.as_py() or 0 for pair in found for bound in pair.values())
    return max(map(abs, bounds), default=0) * rows >= _TOO_MUCH


def _halved(rows: pa.Table) -> pa.Table:
    """Whole numbers as two halves, whose sums overflow only after two thousand million rows."""
    for name in _whole_numbers(rows):
        low = compute.bit_wise_and(rows[name], _LOW_MASK)
        high = compute.shift_right(rows[name], _LOW_BITS)
        rows = rows.set_column(rows.column_names.index(name), name, high)
        rows = rows.append_column(_LOW_HALF + name, low)
    return rows


def _added_up(parts: Sequence[pa.Table]) -> pa.Table:
    """The sums of each channel and video; a channel is a number as long as rows are compared."""
    rows = with_numbered_texts(pa.concat_tables(map(_with_numbered_channel, parts)))
    channel = numbered(rows[_CHANNEL]).combine_chunks()
    rows = rows.set_column(0, _CHANNEL, channel.indices)
    names = rows.column_names[2:]
    # Threads of Arrow's own would compute beside the engine's tasks.
    summed = rows.group_by([_VIDEO, _CHANNEL], use_threads=False).aggregate(
        [(name, "sum") for name in names]
    )
    of_group = summed[_CHANNEL].combine_chunks()
    channels = pa.DictionaryArray.from_arrays(of_group, channel.dictionary)
    sums = [summed[f"{name}_sum"] for name in names]
    return pa.table([channels, summed[_VIDEO], *sums], rows.column_names)


def _with_numbered_channel(rows: pa.Table) -> pa.Table:
    video = rows[_VIDEO].cast(pa.string())
    return rows.set_column(0, _CHANNEL, numbered(rows[_CHANNEL])).set_column(1, _VIDEO, video)


def _joined(sums: pa.Table, month: MonthOfViews) -> pa.Table:
    for name in _whole_numbers(sums.select(month.taken.names)):
        low = sums[_LOW_HALF + name]
        high = compute.add(sums[name], compute.shift_right(low, _LOW_BITS))
        _require_64_bits(sums, name, high, month)
        whole = compute.bit_wise_or(
            compute.shift_left(high, _LOW_BITS), compute.bit_wise_and(low, _LOW_MASK)
        )
        sums = sums.set_column(sums.column_names.index(name), name, whole)
    return sums.select(month.taken.names)


def _require_64_bits(sums: pa.Table, name: str, high: ArrowArray, month: MonthOfViews) -> None:
    exceeds = compute.or_(compute.less(high, -_LIMIT), compute.greater_equal(high, _LIMIT))
    if compute.any(exceeds).as_py():
        video = sums[_VIDEO].filter(exceeds)[0].as_py()
        counted = "views" if name == _VIEWS else name
        raise OverflowError(
            f"the {counted} of video {video} exceed 64 bits in the month of {month.first_day}: "
            "correct or remove its rows of that month in daily_video_views"
        )


def _whole_numbers(rows: pa.Table) -> list[str]:
    return [field.name for field in rows.schema if pa.types.is_int64(field.type)]


def _by_channel(sums: pa.Table) -> pa.Table:
    """In the order of a file's rows, which costs least while a channel is a number."""
    channel: Any = sums[_CHANNEL].combine_chunks()
    ranks = compute.rank(channel.dictionary, tiebreaker="dense").take(channel.indices)
    return sums.take(compute.sort_indices(ranks.fill_null(0)))


def _named(sums: pa.Table, month: MonthOfViews) -> pa.Table:
    rows = sums.rename_columns(["aggViewCount" if n == _VIEWS else n for n in sums.column_names])
    for name, value in month.in_every_row.items():
        repeated: Any = pa.scalar(value, MONTHLY_VIEWS[name].type)
        rows = rows.append_column(name, pa.repeat(repeated, rows.num_rows))
    return rows.select(MONTHLY_VIEWS.column_names).cast(MONTHLY_VIEWS.arrow_schema)


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
