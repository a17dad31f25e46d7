"""What all that reads a source has in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

from resources.delta.schema_check import Days, days_between
from video_assets.days import UNDATED, DayRange
from video_assets.delta_clones import with_files_of_clone
from video_assets.settings import Settings
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError, reraise_source_error
from video_assets.sources.fields import RowKind
from video_assets.sources.listing import Listing, is_template, list_source, missing_days
from video_assets.staged_days import FailedDay

# What stands for the session where the source has none.
ONE_SESSION = '="none"'


def events_source(settings: Settings) -> SourceConfig:
    """The player events, as the settings name and map them."""
    columns = settings.events_columns
    if settings.events_session == "none":
        columns = {**_without(columns, "sessionId"), ONE_SESSION: "sessionId"}
    return SourceConfig(
        uri=settings.events,
        format=settings.events_format,
        columns=columns,
        dimensions=settings.events_dimensions,
        explode=settings.events_explode,
        event_names=settings.event_names,
        other_names=settings.events_other_names,
        timestamp_unit=settings.events_timestamp_unit,
        time_zone=settings.events_time_zone,
        position_unit=settings.events_position_unit,
        duration_unit=settings.events_duration_unit,
        csv=settings.events_csv,
        arrival_days=settings.arrival_days,
    )


def _without(columns: Mapping[str, str], ours: str) -> dict[str, str]:
    return {source: name for source, name in columns.items() if name != ours}


def daily_views_source(settings: Settings) -> SourceConfig:
    """The daily views, as the settings name and map them."""
    return SourceConfig(
        uri=settings.daily_views,
        format=settings.daily_views_format,
        columns={**settings.daily_views_columns, **settings.daily_views_measures},
        date_format=settings.daily_views_date_format,
        csv=settings.daily_views_csv,
        zip_member=settings.daily_views_zip_member,
        arrival_days=settings.arrival_days,
    )


def listed_days(source: SourceConfig, kind: RowKind, run: DayRange) -> Listing:
    """The files of the days of a run, where at least one of them has any.

    Raises:
        SourceError: there is nothing to read.
    """
    listing = list_source(source, kind, run.first, run.end, days_may_be_missing=True)
    if listing.missing and not listing.files:
        raise SourceError(missing_days(listing.missing, kind))
    return with_files_of_clone(listing)


def days_without_file(listing: Listing) -> dict[date, FailedDay]:
    """The days of a run that have no file, and where it was looked for."""
    why = "no file; a day on which nothing happened needs an empty one"
    return {day: FailedDay(why, f"expected {path}") for day, path in listing.missing.items()}


def replaced_days(source: SourceConfig, run: DayRange) -> tuple[Days, Days]:
    """The days that a run replaces: of the valid rows, and of the rejected ones.

    Rows whose time cannot be read belong to every run, unless their file tells their day.
    """
    days = days_between(run.first, run.end)
    return days, days if is_template(source.uri) else days | {UNDATED}


def what_is_read(listing: Listing) -> str:
    """The files of a run, for its log."""
    read = f"reading {listing.total_bytes / 1e6:.1f} MB in {len(listing.files)} files"
    if not listing.files:
        return read
    first, last = listing.files[0].uri, listing.files[-1].uri
    return f"{read}: {first}" + (f" to {last.rpartition('/')[2]}" if last != first else "")


@contextmanager
def clear_source_errors() -> Iterator[None]:
    """Show what a task found wrong with a source without the engine's pages around it."""
    try:
        yield
    except Exception as error:
        reraise_source_error(error)
        raise
