"""Ranges of UTC days."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from resources.epoch import EPOCH_DAY

SECONDS_PER_HOUR = 3600.0
# Rows whose day cannot be read are kept under this one.
UNDATED = EPOCH_DAY
# So many days without a gap are named one by one.
_NAMED_ALONE = 2


@dataclass(frozen=True)
class DayRange:
    """The days of a run: `first <= day < end`."""

    first: date
    end: date

    @classmethod
    def single(cls, day: date) -> "DayRange":
        """One day."""
        return cls(day, day + timedelta(days=1))

    def __str__(self) -> str:
        """First and last day, for logs."""
        return f"{self.first} to {self.last}"

    @property
    def day_before(self) -> date:
        """The day before the first one."""
        return self.first - timedelta(days=1)

    @property
    def last(self) -> date:
        """The last day."""
        return self.end - timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """Each day, ascending."""
        return [self.first + timedelta(days=n) for n in range((self.end - self.first).days)]


def consecutive(days: Iterable[date]) -> list[DayRange]:
    """Days as ranges without a gap, ascending."""
    ranges: list[DayRange] = []
    for day in sorted(days):
        if ranges and ranges[-1].end == day:
            ranges[-1] = DayRange(ranges[-1].first, DayRange.single(day).end)
        else:
            ranges.append(DayRange.single(day))
    return ranges


def yesterday(now: datetime) -> date:
    """The last UTC day that is over."""
    return now.astimezone(UTC).date() - timedelta(days=1)


def listed(days: Iterable[date]) -> str:
    """All days as text, ascending: `2025-01-01, 2025-01-03 to 2025-01-31`."""
    return ", ".join(text for found in consecutive(set(days)) for text in _named(found))


def _named(days: DayRange) -> list[str]:
    return [str(days)] if len(days.days) > _NAMED_ALONE else list(map(str, days.days))


def days_listed(text: str) -> list[date]:
    """The days of a text as `listed` writes it.

    Raises:
        ValueError: it lists something else.
    """
    ends = [list(map(date.fromisoformat, part.strip().split(" to "))) for part in text.split(",")]
    return [day for first, *rest in ends for day in _from_to(first, *rest)]


def _from_to(first: date, last: date | None = None) -> list[date]:
    return DayRange(first, DayRange.single(last or first).end).days


def last_of_month(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])
