"""The tables `daily_video_views` and `rejected_daily_views`: a delivery of views, sorted out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from video_assets.arrow.kernels import gathered
from video_assets.arrow.types import compute
from video_assets.daily_views.day_views import (
    CONFLICTING_ROWS,
    DELIVERED,
    DUPLICATE_ROWS,
    NEGATIVE_DIFFERENCE,
    ViewCountKind,
    day_views,
    kept_rows,
)
from video_assets.daily_views.source_rows import TAGGED_DAILY_VIEWS
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.sources.tagged import SOURCE_ROWS, WAITING_ROWS


@dataclass(frozen=True)
class ViewRules:
    """What a day's views depend on: the days of the run, and what a count means."""

    kind: ViewCountKind
    first_day: date
    end_day: date
    cumulative_lookback_days: int


@dataclass(frozen=True)
class SortedOutViews:
    """The rows of one task, sorted out.

    Attributes:
        valid: one row a video and day of the run, as `daily_video_views`.
        rejected: refused rows, as `rejected_daily_views`.
        source_rows: rows of the run that the readers met.
        waiting: halves of rows at the end of a file.
        duplicates: valid rows of a video and day that another one outdid.
        conflicts: those of them with another count.
        counters_that_fell: running totals below the one before; their day counts 0 views.
        unknown_views: running totals with nothing to compare with; their day's views are null.
    """

    valid: pa.Table
    rejected: pa.Table
    source_rows: int
    waiting: int
    duplicates: int
    conflicts: int
    counters_that_fell: int
    unknown_views: int


def sort_out_views(batches: Iterable[pa.RecordBatch], rules: ViewRules) -> SortedOutViews:
    """Keep one row a video and day, tell its views, and set refused rows apart.

    Args:
        batches: tagged rows (`TAGGED_DAILY_VIEWS`); all rows of a video must be among them, for
            running totals those of the lookback days too.
        rules: days and kind of count.
    """
    rows = gathered(batches, TAGGED_DAILY_VIEWS)
    refused = pc.is_valid(rows["reason"])
    counted = pc.is_valid(rows[SOURCE_ROWS])
    delivered = rows.filter(pc.invert(pc.or_(refused, counted))).select(DELIVERED.names)
    views = day_views(
        kept_rows(delivered.cast(DELIVERED)),
        rules.kind,
        rules.first_day,
        rules.end_day,
        rules.cumulative_lookback_days,
    )
    return SortedOutViews(
        valid=views.select(DAILY_VIDEO_VIEWS.column_names),
        rejected=rows.filter(refused).select(list(REJECTED_DAILY_VIEWS.column_names)),
        source_rows=_total(rows, SOURCE_ROWS),
        waiting=_total(rows, WAITING_ROWS),
        duplicates=_total(views, DUPLICATE_ROWS.name),
        conflicts=_total(views, CONFLICTING_ROWS.name),
        counters_that_fell=int(np.sum(views[NEGATIVE_DIFFERENCE.name].to_numpy())),
        unknown_views=views["viewCount"].null_count,
    )


def _total(rows: pa.Table, column: str) -> int:
    return int(compute.sum(rows[column], min_count=0).as_py())
