"""The tables `daily_video_views` and `rejected_daily_views`: a delivery of views, sorted out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from resources.epoch import day_number
from video_assets.arrow.blocks import Shares, pack, pack_days
from video_assets.arrow.columns import with_numbered_texts
from video_assets.arrow.kernels import count_values
from video_assets.arrow.types import ArrowArray, compute
from video_assets.daily_views.day_views import (
    CONFLICTING_ROWS,
    DELIVERED,
    DUPLICATE_ROWS,
    IS_LOST,
    USED_ROWS,
    CombineRule,
    ViewCountKind,
    combined_rows,
    day_numbers,
    day_views,
    definitions_in_force,
)
from video_assets.daily_views.source_rows import BEFORE_UPLOAD
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MEASURES, REJECTED_DAILY_VIEWS
from video_assets.sources.chunks import ORDER_BITS_IN_FILE
from video_assets.sources.fates import FILE, Cell, Fate, Tally, add_up, count_rows, less
from video_assets.sources.frames import BatchFunction
from video_assets.sources.packing import OTHER_ROWS, VALID_ROWS, packed
from video_assets.sources.tagged import (
    IGNORED_ROWS,
    SOURCE_ROWS,
    WAITING_ROWS,
    counted_rows,
    tagged_schema,
)

_REFUSED_OR_COUNTED = tagged_schema(REJECTED_DAILY_VIEWS.arrow_schema, ())


@dataclass(frozen=True)
class ViewRules:
    """What a day's views depend on.

    Attributes:
        kind: what a count means.
        combine: what several rows of a video and day mean.
        first_day: first day of the run.
        end_day: day after its last.
        cumulative_lookback_days: how many days before a day its earlier counter may lie.
        measures: those that the source has beside the views.
        definition_changes: days from which something else counts as a view, ascending.
    """

    kind: ViewCountKind
    combine: CombineRule
    first_day: date
    end_day: date
    cumulative_lookback_days: int
    measures: tuple[str, ...] = ()
    definition_changes: tuple[date, ...] = ()


@dataclass(frozen=True)
class SortedOutViews:
    """The rows of one bucket, sorted out.

    Attributes:
        valid: one row a video and day of the run, as `daily_video_views`.
        rejected: refused rows, as `rejected_daily_views`.
        source_rows: rows of the run that the readers met.
        waiting: halves of rows at the end of a file.
        ignored: rows that are no video's.
        used: valid rows that the counts are made of.
        duplicates: valid rows of a video and day that another one outdid.
        conflicts: those of them with another count.
        negative_days: days whose views are below 0.
        negative_views: the sum of these days' views.
        lost_counters: running totals that read 0 after they were above 0; their views are null.
        unknown_views: days whose views are null, lost counters included.
        rows_with_measure: days that have a measure, by its name.
        valid_by_day: valid source rows of each day.
        conflicts_by_day: those of them with another count than the row that holds.
        refused_by_day: refused source rows of each day, without zeros before the upload day.
        tally: all source rows by file, day and fate; those of days that are not the run's wait.
    """

    valid: pa.Table
    rejected: pa.Table
    source_rows: int
    waiting: int
    ignored: int
    used: int
    duplicates: int
    conflicts: int
    negative_days: int
    negative_views: int
    lost_counters: int
    unknown_views: int
    rows_with_measure: Mapping[str, int]
    valid_by_day: Mapping[date, int]
    conflicts_by_day: Mapping[date, int]
    refused_by_day: Mapping[date, int]
    tally: Tally


def views_in_blocks(rules: ViewRules, shares: Shares) -> BatchFunction:
    """What packs the tagged rows of a task into blocks, those that belong together in one bucket.

    A running total needs all days of a video, daily counts only the rows of a day: a task that has
    whole days writes one file a day. Where there are few days, videos are shared out.

    Args:
        rules: how counts are combined, and the days of the run.
        shares: tasks and buckets.

    Returns:
        A function for `map_rows`; a bucket of its blocks, unpacked, is what `sort_out_views` takes.
    """
    days = range(day_number(rules.first_day), day_number(rules.end_day))
    if rules.kind == "daily" and len(days) >= shares.buckets:
        pack_valid = partial(pack_days, VALID_ROWS, day="date", days=days, buckets=shares.buckets)
    else:
        pack_valid = partial(pack, VALID_ROWS, owner="video_id", buckets=shares.buckets)
    return partial(
        packed,
        valid=_delivered_columns(rules),
        others=_REFUSED_OR_COUNTED,
        pack_valid=pack_valid,
        buckets=shares.buckets,
    )


def sort_out_views(parts: Mapping[str, pa.Table], rules: ViewRules) -> SortedOutViews:
    """Combine the rows of each video and day, compute its views, and set refused rows apart.

    Args:
        parts: a bucket of `views_in_blocks`, unpacked.
        rules: days, kind of count and how rows are combined.
    """
    valid = with_numbered_texts(parts.get(VALID_ROWS, DELIVERED.arrow_schema.empty_table()))
    others = parts.get(OTHER_ROWS, _REFUSED_OR_COUNTED.empty_table())
    combined = combined_rows(valid, rules.combine)
    views = day_views(
        combined,
        rules.kind,
        rules.first_day,
        rules.end_day,
        rules.cumulative_lookback_days,
    )
    rejected = others.filter(compute.is_valid(others["reason"]))
    below_zero = views["viewCount"].filter(compute.less(views["viewCount"], 0))
    return SortedOutViews(
        valid=_as_stored(views, rules),
        rejected=rejected.select(list(REJECTED_DAILY_VIEWS.column_names)),
        source_rows=_total(others, SOURCE_ROWS),
        waiting=_total(others, WAITING_ROWS),
        ignored=_total(others, IGNORED_ROWS),
        used=_total(views, USED_ROWS.name),
        duplicates=_total(views, DUPLICATE_ROWS.name),
        conflicts=_total(views, CONFLICTING_ROWS.name),
        negative_days=len(below_zero),
        negative_views=int(compute.sum(below_zero, min_count=0).as_py()),
        lost_counters=int(np.sum(views[IS_LOST.name].to_numpy())),
        unknown_views=views["viewCount"].null_count,
        rows_with_measure={
            name: views.num_rows - views[name].null_count for name in rules.measures
        },
        valid_by_day=_by_day(views, compute.add(views[USED_ROWS.name], views[DUPLICATE_ROWS.name])),
        conflicts_by_day=_by_day(views, views[CONFLICTING_ROWS.name]),
        refused_by_day=count_values(
            rejected.filter(compute.not_equal(rejected["reason"], BEFORE_UPLOAD)), "date"
        ),
        tally=counted_rows(others.filter(compute.is_valid(others[SOURCE_ROWS])))
        + count_rows(Fate.REJECTED, rejected, "date")
        + _of_tables(_of_run(valid, rules), _of_run(combined, rules)),
    )


def _of_run(rows: pa.Table, rules: ViewRules) -> pa.Table:
    """Without the rows of the lookback days."""
    first, end = (pa.scalar(day, pa.date32()) for day in (rules.first_day, rules.end_day))
    in_run = compute.and_(
        compute.greater_equal(rows["date"], first), compute.less(rows["date"], end)
    )
    return rows.filter(in_run)


def _of_tables(delivered: pa.Table, combined: pa.Table) -> Counter[Cell]:
    """Rows that the counts are made of, and those that another one outdid, by file and day."""
    used = add_up(Fate.VALID, combined, "date", combined[USED_ROWS.name])
    file = pa.array(delivered["deliveryOrder"].to_numpy() >> ORDER_BITS_IN_FILE)
    rows = delivered.select(["date"]).append_column(FILE, file)
    return used + less(count_rows(Fate.VALID, rows, "date"), used, Fate.REPEATED)


def _by_day(views: pa.Table, rows: Any) -> dict[date, int]:
    by_day = views.select(["date"]).append_column("rows", rows).group_by("date")
    counted: Any = by_day.aggregate([("rows", "sum")])
    return dict(zip(counted["date"].to_pylist(), counted["rows_sum"].to_pylist(), strict=True))


def _delivered_columns(rules: ViewRules) -> list[str]:
    absent = {column.name for column in MEASURES} - set(rules.measures)
    return [name for name in DELIVERED.column_names if name not in absent]


def _as_stored(views: pa.Table, rules: ViewRules) -> pa.Table:
    """The rows with all columns of the table: unknown measures, and the definition of a view."""
    for column in MEASURES:
        if column.name not in views.column_names:
            nothing: ArrowArray = pa.array([None] * views.num_rows, column.type)
            views = views.append_column(column.name, nothing)
    since = definitions_in_force(day_numbers(views["date"]), rules.definition_changes)
    views = views.append_column("viewDefinitionSince", since)
    return views.select(list(DAILY_VIDEO_VIEWS.column_names))


def _total(rows: pa.Table, column: str) -> int:
    return int(compute.sum(rows[column], min_count=0).as_py())
