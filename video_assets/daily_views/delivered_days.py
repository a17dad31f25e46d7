"""The days of which something was delivered, be it a file without a row."""

from datetime import date, timedelta

from resources.delta.warehouse import Warehouse
from video_assets.daily_views.stage_views import daily_views_layout
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.settings import Settings
from video_assets.sources.errors import SourceError
from video_assets.sources.listing import list_source


def delivered_days(settings: Settings, last_day: date) -> frozenset[date]:
    """The days that have a row in the tables, and those computed that have a file of their date.

    A bulk report leaves out videos without views, so that a day may come as a file with a header
    alone; its date is that of the file's path or name.

    Args:
        settings: of the source and the warehouse.
        last_day: last day to look for files of.
    """
    tables = Warehouse(settings.warehouse).snapshot()
    with_rows = {
        *tables.rows_per_day(DAILY_VIDEO_VIEWS),
        *tables.rows_per_day(REJECTED_DAILY_VIEWS),
    }
    with_files = _days_of_files(settings, last_day)
    computed = {day for day in with_files if tables.holds_day(DAILY_VIDEO_VIEWS, day)}
    return frozenset(with_rows | computed)


def _days_of_files(settings: Settings, last_day: date) -> set[date]:
    layout = daily_views_layout(settings)
    first, end = settings.start_date, max(last_day, settings.start_date) + timedelta(days=1)
    try:
        listing = list_source(layout.config, layout.kind, first, end, days_may_be_missing=True)
    except SourceError:
        # What is no longer there tells nothing; the tables tell what it held.
        return set()
    return {file.own_day for file in listing.files if file.own_day}
