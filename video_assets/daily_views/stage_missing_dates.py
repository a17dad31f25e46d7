"""`missing_dates` and `missing_date`: one computation, as arrays and as rows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial

from pyspark.sql import DataFrame

from resources.delta.stage import StagedTable, stage, target
from video_assets.daily_views.delivered_days import delivered_days
from video_assets.daily_views.missing_dates import Expectation, seen_days
from video_assets.daily_views.routes import both_forms
from video_assets.daily_views.tables import MISSING_DATE, MISSING_DATES
from video_assets.days import yesterday
from video_assets.settings import Settings

ARRAYS, ROWS = MISSING_DATES.name, MISSING_DATE.name


def expectation(settings: Settings, newest: date | None) -> Expectation:
    """On which days a video should have a row.

    Args:
        settings: as-of date, when a video is gone, and what a day without a row means.
        newest: newest day of `daily_video_views`; None: there are no views. A day that is not over
            misses nothing yet.
    """
    if newest and settings.include_today:
        newest = min(newest, yesterday(datetime.now(UTC)))
    as_of = settings.as_of_date or newest or date.min
    is_zero = settings.no_row_means == "zero" and newest is not None
    without_gap = delivered_days(settings, as_of) if is_zero else frozenset()
    return Expectation(as_of, newest, settings.gone_after, without_gap)


def stage_missing_dates(
    daily_video_views: DataFrame, expected: Expectation, warehouse: str
) -> Mapping[str, StagedTable]:
    """Write both forms of the missing days for one commit each.

    Args:
        daily_video_views: all rows of `daily_video_views`.
        expected: on which days a video should have a row.
        warehouse: path or URI below which the tables lie.
    """
    route = partial(both_forms, expected=expected)
    arrays, rows = target(warehouse, MISSING_DATES), target(warehouse, MISSING_DATE)
    return stage(seen_days(daily_video_views), route, arrays, rows)
