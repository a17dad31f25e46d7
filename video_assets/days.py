"""The partitions of the assets, and how those of one follow from those of another."""

from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

# Rows whose day cannot be read are kept under this one.
UNDATED = date(1970, 1, 1)

WIDENED_BY_A_DAY = dg.TimeWindowPartitionMapping(
    start_offset=-1, end_offset=0, allow_nonexistent_upstream_partitions=True
)
DAYS_THAT_ARE_THERE = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
DAYS_OF_THE_MONTH = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)


def daily_partitions(start: date) -> dg.DailyPartitionsDefinition:
    """UTC days from `start` to yesterday."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC")


def days_until_today(start: date) -> dg.DailyPartitionsDefinition:
    """UTC days from `start` to today: a count asked today belongs to today."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=1)


def monthly_partitions(start: date) -> dg.MonthlyPartitionsDefinition:
    """UTC months from that of `start` to the current one, which is still incomplete."""
    return dg.MonthlyPartitionsDefinition(
        start_date=start.replace(day=1).isoformat(), timezone="UTC", end_offset=1
    )


@dataclass(frozen=True)
class DayRange:
    """The days of a run: `first <= day < end`."""

    first: date
    end: date

    @classmethod
    def of(cls, context: dg.AssetExecutionContext) -> "DayRange":
        """The partition or the range of partitions that a step materializes."""
        window = context.partition_time_window
        return cls(window.start.date(), window.end.date())

    @classmethod
    def single(cls, day: date) -> "DayRange":
        """One day."""
        return cls(day, day + timedelta(days=1))

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
