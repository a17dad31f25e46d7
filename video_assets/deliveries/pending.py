"""What each source of the settings waits for now."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from video_assets.days import DayRange
from video_assets.deliveries.delivery import Source
from video_assets.deliveries.stale import Comparison, compare
from video_assets.settings import Settings
from video_assets.sources.listing import FoundFile
from video_assets.unfinished_days import (
    lag_of_events,
    lag_of_views,
    last_delivered_day,
    last_partition,
)

# Of files that nobody looked into yet those that may not be whole.
Growing = Callable[[Sequence[FoundFile]], Iterable[FoundFile]]


def no_file(_: Sequence[FoundFile]) -> Iterable[FoundFile]:
    """No file is left for later."""
    return ()


def pending_of(
    source: Source, settings: Settings, now: datetime, growing: Growing = no_file
) -> Comparison:
    """Hold the account of a source against its files.

    Args:
        source: the source.
        settings: of the first day.
        now: UTC time; its day is over tomorrow, and a partition today if the settings say so.
        growing: which new files are left for later.

    Raises:
        SourceError: the source cannot be listed.
    """
    found, account = source.every_file(), source.account()
    new = [file for file in found if account.known_file(file) is None]
    today = now.astimezone(UTC).date()
    first = settings.first_day_of_events(today) if source.is_of_events else settings.start_date
    end = last_partition(settings, now) + timedelta(days=1)
    lag = lag_of_events(settings) if source.is_of_events else lag_of_views(settings)
    return compare(
        account,
        found,
        source.stored_days(),
        DayRange(first, max(end, first)) if source.is_daily else None,
        growing(new),
        start=settings.start_date,
        delivered=last_delivered_day(settings, lag, now),
        early_days=1 if end == today else 0,
        days_by_path=source.is_template and not settings.arrival_days,
    )


def gapless(days: Sequence[date]) -> list[DayRange]:
    """Ascending days as few ranges without a gap."""
    ranges: list[DayRange] = []
    for day in days:
        if ranges and ranges[-1].end == day:
            ranges[-1] = DayRange(ranges[-1].first, day + timedelta(days=1))
        else:
            ranges.append(DayRange.single(day))
    return ranges
