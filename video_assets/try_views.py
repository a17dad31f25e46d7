"""A sample of view counts, taken through the tables of daily views."""

import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from pyspark.sql import functions as F
from rich.table import Table as Grid

from resources.delta.commit import commit
from resources.delta.stage import StagedTable
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.daily_views.missing_dates import newest_date
from video_assets.daily_views.stage_missing_dates import expectation, stage_missing_dates
from video_assets.daily_views.stage_months import stage_monthly_views
from video_assets.daily_views.stage_views import REJECTED, VALID, stage_views
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATE, MONTHLY_VIEWS
from video_assets.days import DayRange
from video_assets.sample_data.platforms import PlatformSample
from video_assets.settings import Settings
from video_assets.staged_days import StagedDays
from video_assets.vocabulary import DUPLICATES, IGNORED, SOURCE_ROWS

_FATES = (SOURCE_ROWS, "valid_rows", DUPLICATES, IGNORED)
_ROWS_SHOWN = 12
_LOG = logging.getLogger(__name__)


def try_views(name: str, sample: PlatformSample, warehouse: Path) -> Iterator[Grid | str]:
    """Compute the tables of a sample; yield the fates of its rows, then what came out.

    Args:
        name: of the preset.
        sample: what was written.
        warehouse: where the tables go.
    """
    settings = settings_of(name, sample, warehouse)
    yield fates(name, compute(settings, sample), VALID, REJECTED)
    yield _months(settings)
    tables = Warehouse(settings.warehouse)
    rows, missing = (tables.row_count(table) for table in (DAILY_VIDEO_VIEWS, MISSING_DATE))
    yield f"{rows} rows of video and day, {missing} missing; tables in {settings.warehouse}"


def settings_of(name: str, sample: PlatformSample, warehouse: Path) -> Settings:
    """What a user sets for such a source: where it is, the preset, and the first day."""
    return Settings(
        daily_views=sample.source,
        daily_views_preset=name,
        start_date=sample.first_day,
        warehouse=str(warehouse),
    )


def compute(settings: Settings, sample: PlatformSample) -> Mapping[str, StagedTable]:
    """Fill the tables of daily views; what was written of the days."""
    spark = SparkEngine.from_settings(settings)
    run = DayRange(sample.first_day, sample.last_day + timedelta(days=1))
    delivered = stage_views(spark, settings, run, _LOG)
    write(delivered)
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session)
    daily = stored.frame(DAILY_VIDEO_VIEWS)
    months = frozenset(day.replace(day=1) for day in run.days)
    commit(stage_monthly_views(stored, months, settings))
    expected = expectation(settings, newest_date(daily))
    for table in stage_missing_dates(daily, expected, settings.warehouse).values():
        commit(table)
    return delivered.tables


def write(delivered: StagedDays) -> None:
    """Commit the tables of a delivery, and note that it was read."""
    for table in delivered.tables.values():
        commit(table)
    delivered.note()


def fates(name: str, staged: Mapping[str, StagedTable], valid: str, rejected: str) -> Grid:
    """What became of the rows of a source.

    Args:
        name: of the source.
        staged: what was written, by table.
        valid: the table of the valid rows.
        rejected: the table of the refused ones.
    """
    grid = Grid("fate", "rows", title=f"Rows of {name}")
    counted = {"valid_rows": staged[valid].rows, **staged[valid].counters}
    for fate in _FATES:
        grid.add_row(fate.replace("_", " "), f"{counted.get(fate, 0):,}")
    for reason, rows in sorted(staged[rejected].counters.items()):
        grid.add_row(f"refused: {reason}", f"{rows:,}")
    return grid


def _months(settings: Settings) -> Grid:
    spark = SparkEngine.from_settings(settings)
    months = Warehouse(settings.warehouse, lambda: spark.spark_session).frame(MONTHLY_VIEWS)
    shown = ("video_id", "month", "aggViewCount", *settings.view_measures[:2])
    names = [F.col(column) for column in (*shown, "spansDefinitionChange")]
    grid = Grid(*shown, "spansDefinitionChange", title="monthly_views")
    for row in months.select(*names).orderBy("video_id", "month").limit(_ROWS_SHOWN).collect():
        grid.add_row(*map(str, row))
    return grid
