"""`missing_dates` and `missing_date`: one computation, as arrays and as rows."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame

from resources.delta.stage import StagedTable, stage
from video_assets.daily_views.missing_dates import missing_dates
from video_assets.daily_views.routes import both_forms
from video_assets.daily_views.tables import MISSING_DATE, MISSING_DATES

ARRAYS, ROWS = MISSING_DATES.name, MISSING_DATE.name


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
    return stage(missing, warehouse, tables, both_forms, dict.fromkeys(tables))
