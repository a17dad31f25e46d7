"""The periods that people choose, and sums over the days of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from video_assets.report.facts import Sums

LENGTHS = (7, 28, 90, 365)
THOUSANDTHS = 1000.0
# Of the days before a period.
_BEFORE = "Before"
_COUNTED = ("sessions", "completions", "newViewers", "forwardSkips", "plays", "untold")
_BOUNDS = "period int, first date, last date, firstBefore date"


class Days(NamedTuple):
    """Days from the first to the last."""

    first: date
    last: date

    @property
    def before(self) -> "Days":
        """As many, right before."""
        length = self.last - self.first + timedelta(days=1)
        return Days(self.first - length, self.last - length)

    def holds(self, day: str) -> Column:
        """Whether the day in a column is one of them."""
        return (F.col(day) >= F.lit(self.first)) & (F.col(day) <= F.lit(self.last))


def known_days(frame: DataFrame, day: str) -> Days | None:
    """From the first day in a column to the newest; None of a frame without rows."""
    [row] = frame.agg(F.min(day).alias("first"), F.max(day).alias("last")).collect()
    return None if row["last"] is None else Days(row["first"], row["last"])


def filled(known: Days) -> list[Days]:
    """The days of each length that the data reach back for, and last all of them."""
    firsts = [known.last - timedelta(days=length - 1) for length in LENGTHS]
    return [*(Days(first, known.last) for first in firsts if first > known.first), known]


@dataclass(frozen=True)
class Periods:
    """What people choose from, the shortest first; the last one is all days that are known."""

    chosen: Sequence[Days]

    @property
    def known(self) -> Days:
        """All days."""
        return self.chosen[-1]

    def before(self, number: int) -> Days | None:
        """As many days before one of them; None where the data do not reach back so far."""
        before = self.chosen[number].before
        return before if before.first >= self.known.first else None


def sums_by_period(daily: DataFrame, periods: Periods, *key: str) -> DataFrame:
    """Rows of days added up by period and key, where a day of the period has any.

    Args:
        daily: rows of `video_daily` or `dimension_daily`.
        periods: `period` is the number of one of them, from 0.
        key: columns that tell the results of a period apart.
    """
    bounds = [(n, *days, days.before.first) for n, days in enumerate(periods.chosen)]
    day, first = F.col("date"), F.col("first")
    is_now = day >= first
    columns = [*_sums(is_now, ""), *_sums(~is_now, _BEFORE)]
    return (
        daily.withColumns(
            {
                "thousandths": F.round(F.col("watchSeconds") * F.lit(THOUSANDTHS), 0),
                "untold": F.col("plays").isNull().cast("long"),
            }
        )
        .crossJoin(F.broadcast(daily.sparkSession.createDataFrame(bounds, _BOUNDS)))
        .where((day >= F.col("firstBefore")) & (day <= F.col("last")))
        .groupBy("period", *key)
        .agg(F.count_if(is_now).alias("days"), *columns)
        .where(F.col("days") > F.lit(0))
    )


def _sums(is_one: Column, suffix: str) -> list[Column]:
    return [
        F.coalesce(F.sum(F.when(is_one, F.col(name))), F.lit(0)).alias(f"{name}{suffix}")
        for name in (*_COUNTED, "thousandths")
    ]


def sums_of(row: Any) -> Sums:
    """A row of `sums_by_period`."""
    return _of(row, "")


def sums_before(row: Any, periods: Periods) -> Sums | None:
    """What as many days before the period add up to; None where they are not all known."""
    return _of(row, _BEFORE) if periods.before(row["period"]) else None


def _of(row: Any, suffix: str) -> Sums:
    return Sums(
        sessions=row[f"sessions{suffix}"],
        seconds=row[f"thousandths{suffix}"] / THOUSANDTHS,
        plays=None if row[f"untold{suffix}"] else row[f"plays{suffix}"],
        completions=row[f"completions{suffix}"],
        new_viewers=row[f"newViewers{suffix}"],
        forward_skips=row[f"forwardSkips{suffix}"],
    )
