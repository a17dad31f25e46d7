"""When the deliveries of a day have ended: until then its numbers are those so far."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from resources.delta.schema_check import Days
from video_assets.days import DayRange
from video_assets.settings import Settings

# Of `new_deliveries`, while today is a partition.
SECONDS_BETWEEN_LOOKS = 30
DEADLINE = time(4)
TIME_ZONE = "Europe/Zurich"


def due_day(now: datetime) -> date:
    """The newest day that must be there: yesterday, or before the deadline the day before.

    Args:
        now: an aware time.
    """
    local = now.astimezone(ZoneInfo(TIME_ZONE))
    return local.date() - timedelta(days=1 if local.time() >= DEADLINE else 2)


def lag_of_events(settings: Settings) -> int:
    """Days after which the events of a day must be there."""
    return settings.delivery_lag


def lag_of_views(settings: Settings) -> int:
    """Days after which the views of a day must be there."""
    return settings.daily_views_delivery_lag or settings.delivery_lag


def last_delivered_day(settings: Settings, lag: int, now: datetime) -> date:
    """The newest day that gets no more deliveries, unless they are late.

    Args:
        settings: how many folders after its own a day reads.
        lag: days after which its rows must be there.
        now: an aware time.
    """
    return due_day(now) - timedelta(days=max(lag, settings.arrival_days + 1) - 1)


def unfinished_days(settings: Settings, lag: int, run: DayRange, now: datetime) -> Days:
    """The days of a run whose deliveries have not ended; none unless today is a partition.

    Args:
        settings: as of `last_delivered_day`.
        lag: days after which the rows of a day must be there.
        run: the days.
        now: when the run begins to read.
    """
    if not settings.include_today:
        return Days()
    ended = last_delivered_day(settings, lag, now)
    return Days(day for day in run.days if day > ended)


def last_partition(settings: Settings, now: datetime) -> date:
    """The newest day that has a partition: yesterday, or today where the settings say so."""
    today = now.astimezone(UTC).date()
    return today if settings.include_today else today - timedelta(days=1)
