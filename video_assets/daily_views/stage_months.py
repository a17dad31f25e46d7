"""`monthly_views`: the months of a run, each added up by a task of its own."""

from collections.abc import Collection
from datetime import date, timedelta
from functools import partial
from itertools import chain

from resources.delta.schema_check import Days, days_between
from resources.delta.stage import StagedTable, stage, stage_frame, stage_nothing, target
from resources.delta.warehouse import Warehouse
from video_assets.daily_views.monthly_views import MonthOfViews, monthly_views
from video_assets.daily_views.routes import summed_months
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MONTHLY_VIEWS
from video_assets.days import last_of_month
from video_assets.settings import Settings


def stage_monthly_views(
    stored: Warehouse, months: Collection[date], settings: Settings
) -> StagedTable:
    """Write the rows of some months for one commit.

    Tasks read the files of the days themselves, unless only the engine can.

    Args:
        stored: the tables, with a session.
        months: first days of the months.
        settings: where the table lies, what the source has, and when it changed what counts as a
            view.
    """
    measures, changes = settings.view_measures, settings.definition_change_days
    days = frozenset(chain(*map(_days_of_month, months)))
    by_day = stored.files_by_partition(DAILY_VIDEO_VIEWS)
    if by_day is None:
        rows = monthly_views(stored.frame(DAILY_VIDEO_VIEWS), months, measures, changes)
        return stage_frame(rows, settings.warehouse, MONTHLY_VIEWS, days)
    # The newest first: catalogues grow, and the largest month should not be the last to begin.
    files: dict[date, list[str]] = {month: [] for month in sorted(months, reverse=True)}
    for day, locations in by_day.items():
        if day and (month := day.replace(day=1)) in files:
            files[month] += locations
    work = [
        (MonthOfViews(month, measures, changes), locations)
        for month, locations in files.items()
        if locations
    ]
    into = target(settings.warehouse, MONTHLY_VIEWS, days, sort=True)
    if not work:
        return stage_nothing(into)[MONTHLY_VIEWS.name]
    places = stored.session().range(0, len(work), 1, len(work))
    return stage(places, partial(summed_months, months=work), into)[MONTHLY_VIEWS.name]


def _days_of_month(first_day: date) -> Days:
    return days_between(first_day, last_of_month(first_day) + timedelta(days=1))
