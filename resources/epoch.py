"""The day from which Arrow, Delta and Unix count: 1970-01-01 UTC."""

from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.date()


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH_DAY).days


def day_of(number: int) -> date:
    """The day that many days after 1970-01-01."""
    return EPOCH_DAY + timedelta(days=number)
