"""`missing_dates` and `missing_date`: one computation, as arrays and as rows."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from resources.delta.stage import Emission, StagedTable, stage
from video_assets.daily_views.missing_dates import missing_dates
from video_assets.daily_views.tables import MISSING_DATE, MISSING_DATES

ARRAYS, ROWS = MISSING_DATES.name, MISSING_DATE.name
DAYS_COLUMN = "missing_dates"


def stage_missing_dates(
    daily_video_views: DataFrame, as_of: date | None, warehouse: str
) -> Mapping[str, StagedTable]:
    """Write both forms of the missing days for one commit each.

    Args:
        daily_video_views: all rows of `daily_video_views`.
        as_of: last day that a video should have; None: there are no views.
        warehouse: path or URI below which the tables lie.
    """
    tables = {ARRAYS: MISSING_DATES, ROWS: MISSING_DATE}
    missing = missing_dates(daily_video_views, as_of)
    return stage(missing, warehouse, tables, _both_forms, dict.fromkeys(tables))


def _both_forms(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        yield Emission(ARRAYS, rows)
        yield Emission(ROWS, _one_row_a_day(rows))


def _one_row_a_day(rows: pa.Table) -> pa.Table:
    days: Any = rows[DAYS_COLUMN].combine_chunks()
    of_video = rows.drop_columns([DAYS_COLUMN]).take(days.value_parent_indices())
    return of_video.append_column("missing_date", days.flatten())
