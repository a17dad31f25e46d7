"""What the tasks emit for the tables of the group.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from resources.delta.stage import Emission
from resources.engine.compute_slots import turn
from video_assets.arrow.blocks import unpacked
from video_assets.arrow.kernels import count_values
from video_assets.daily_views.missing_dates import Expectation, missing_of
from video_assets.daily_views.monthly_views import MonthOfViews, month_of_files
from video_assets.daily_views.sort_out import ViewRules, sort_out_views
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.day_counters import counted_by_day
from video_assets.sources.fates import as_counters
from video_assets.vocabulary import CONFLICTS, DUPLICATES, IGNORED, SOURCE_ROWS, WAITING

DAYS_COLUMN = "missing_dates"
GONE_VIDEOS = "gone_videos"


def sorted_views(batches: Iterator[pa.RecordBatch], rules: ViewRules) -> Iterator[Emission]:
    """Valid and rejected rows of each bucket of views; see `views_in_blocks`."""
    for parts in unpacked(batches):
        with turn():
            bucket = sort_out_views(parts, rules)
        counted = {
            SOURCE_ROWS: bucket.source_rows,
            "valid_rows": bucket.used,
            DUPLICATES: bucket.duplicates,
            IGNORED: bucket.ignored,
            WAITING: bucket.waiting,
            CONFLICTS: bucket.conflicts,
            "negative_days": bucket.negative_days,
            "negative_views": bucket.negative_views,
            "lost_counters": bucket.lost_counters,
            "rows_without_known_views": bucket.unknown_views,
            **{f"rows_with_{name}": rows for name, rows in bucket.rows_with_measure.items()},
            **counted_by_day(bucket.valid_by_day, bucket.refused_by_day, bucket.conflicts_by_day),
            **as_counters(bucket.tally),
        }
        reasons = count_values(bucket.rejected, "reason")
        yield Emission(DAILY_VIDEO_VIEWS.name, bucket.valid, counted)
        yield Emission(REJECTED_DAILY_VIEWS.name, bucket.rejected, reasons)


def both_forms(batches: Iterator[pa.RecordBatch], expected: Expectation) -> Iterator[Emission]:
    """The missing days of videos (rows of `seen_days`) as arrays, and one row a day."""
    for batch in batches:
        for missing in missing_of(pa.Table.from_batches([batch]), expected):
            yield Emission(MISSING_DATES.name, missing.rows, {GONE_VIDEOS: missing.gone})
            yield Emission(MISSING_DATE.name, one_row_a_day(missing.rows))


def summed_months(
    batches: Iterator[pa.RecordBatch], months: Sequence[tuple[MonthOfViews, Sequence[str]]]
) -> Iterator[Emission]:
    """The rows of months, each with the files of its days, whose places come in."""
    for place in (int(place.as_py()) for batch in batches for place in batch.column(0)):
        month, locations = months[place]
        with turn():
            rows = month_of_files(locations, month)
        yield Emission(MONTHLY_VIEWS.name, rows)


def one_row_a_day(rows: pa.Table) -> pa.Table:
    """Rows of `missing_dates` as rows of `missing_date`."""
    days: Any = rows[DAYS_COLUMN].combine_chunks()
    of_video = rows.drop_columns([DAYS_COLUMN]).take(days.value_parent_indices())
    return of_video.append_column("missing_date", days.flatten())
