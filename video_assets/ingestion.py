"""What the assets that read a source have in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from resources.delta.schema_check import Days, days_between
from resources.delta.stage import StagedTable
from video_assets.days import UNDATED, DayRange
from video_assets.plots import bars_per_day
from video_assets.settings import Settings
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import reraise_source_error
from video_assets.sources.listing import Listing, is_template

SOURCE_ROWS = "source_rows"
DUPLICATES = "duplicates"

# A row takes about so many bytes in compressed Parquet, and more in any other format.
_BYTES_PER_ROW = 20
_FILES_NAMED = 3


def events_source(settings: Settings) -> SourceConfig:
    """The player events, as the settings name and map them."""
    return SourceConfig(
        uri=settings.events,
        format=settings.events_format,
        columns=settings.events_columns,
        event_names=settings.event_names,
        timestamp_unit=settings.events_timestamp_unit,
    )


def daily_views_source(settings: Settings) -> SourceConfig:
    """The daily views, as the settings name and map them."""
    return SourceConfig(
        uri=settings.daily_views,
        format=settings.daily_views_format,
        columns=settings.daily_views_columns,
        date_format=settings.daily_views_date_format,
    )


def rows_of_source(listing: Listing) -> int:
    """About how many rows a source has, told by the size of its files."""
    return listing.total_bytes // _BYTES_PER_ROW


def replaced_days(source: SourceConfig, run: DayRange) -> tuple[Days, Days]:
    """The days that a run replaces: of the valid rows, and of the rejected ones.

    Rows whose time cannot be read belong to every run, unless their file tells their day.
    """
    days = days_between(run.first, run.end)
    return days, days if is_template(source.uri) else days | {UNDATED}


def what_is_read(listing: Listing) -> str:
    """The files of a run, for its log."""
    named = ", ".join(file.uri for file in listing.files[:_FILES_NAMED])
    more = len(listing.files) - _FILES_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return (
        f"reading {listing.total_bytes / 1e6:.1f} MB in {len(listing.files)} files: {named}{rest}"
    )


@contextmanager
def clear_source_errors() -> Iterator[None]:
    """Show what a task found wrong with a source without the engine's pages around it."""
    try:
        yield
    except Exception as error:
        reraise_source_error(error)
        raise


def accounting(valid: StagedTable, rejected: StagedTable) -> dict[str, Any]:
    """Metadata that accounts for every source row: kept, repeated or rejected."""
    source_rows = valid.counters.get(SOURCE_ROWS, 0)
    return {
        SOURCE_ROWS: source_rows,
        DUPLICATES: valid.counters.get(DUPLICATES, 0),
        "rejected_rows": rejected.rows,
        "share_rejected_percent": round(100 * rejected.rows / max(source_rows, 1), 3),
        **rejected_share_plot(valid, rejected),
    }


def rejected_share_plot(valid: StagedTable, rejected: StagedTable) -> dict[str, Any]:
    """Metadata that shows which days of a range have most rejected rows; none for a single day.

    Repeated rows are not counted: they are known of the run, not of its days.
    """
    kept, refused = valid.rows_per_day(), rejected.rows_per_day()
    rows = {day: kept.get(day, 0) + refused.get(day, 0) for day in kept}
    if len(rows) <= 1:
        return {}
    shares = {day: 100 * refused.get(day, 0) / rows[day] for day in rows if rows[day]}
    plot = bars_per_day(shares, "Rejected rows by day, in percent", "% of valid and rejected")
    return {"rejected_by_day": dg.MetadataValue.md(plot)}


def reasons_of(rejected: StagedTable) -> Mapping[str, int]:
    """How many rows were refused for which reason, most frequent first."""
    return dict(sorted(rejected.counters.items(), key=lambda item: (-item[1], item[0])))
