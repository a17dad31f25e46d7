"""What the tasks emit for the tables of the group.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from resources.delta.stage import Emission
from video_assets.arrow.kernels import count_values
from video_assets.daily_views.sort_out import ViewRules, sort_out_views
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    REJECTED_DAILY_VIEWS,
)
from video_assets.vocabulary import DUPLICATES, SOURCE_ROWS, WAITING

DAYS_COLUMN = "missing_dates"


def sorted_views(batches: Iterator[pa.RecordBatch], rules: ViewRules) -> Iterator[Emission]:
    """Valid and rejected rows of a task that has all rows of its videos."""
    task = sort_out_views(batches, rules)
    counted = {
        SOURCE_ROWS: task.source_rows,
        DUPLICATES: task.duplicates,
        WAITING: task.waiting,
        "conflicts": task.conflicts,
        "counters_that_fell": task.counters_that_fell,
        "rows_without_known_views": task.unknown_views,
    }
    yield Emission(DAILY_VIDEO_VIEWS.name, task.valid, counted)
    yield Emission(REJECTED_DAILY_VIEWS.name, task.rejected, count_values(task.rejected, "reason"))


def both_forms(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
    """The missing days of videos as arrays, and one row a day."""
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        yield Emission(MISSING_DATES.name, rows)
        yield Emission(MISSING_DATE.name, one_row_a_day(rows))


def one_row_a_day(rows: pa.Table) -> pa.Table:
    """Rows of `missing_dates` as rows of `missing_date`."""
    days: Any = rows[DAYS_COLUMN].combine_chunks()
    of_video = rows.drop_columns([DAYS_COLUMN]).take(days.value_parent_indices())
    return of_video.append_column("missing_date", days.flatten())
