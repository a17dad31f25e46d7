"""What the report can be narrowed to: the sessions with one value of a dimension."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import total
from video_assets.days import SECONDS_PER_HOUR
from video_assets.report.facts import Dimension, Filter, Narrowed, Sums
from video_assets.report.inputs import DAYS_SHOWN
from video_assets.report.period_videos import period_videos
from video_assets.report.spans import Periods, sums_before, sums_by_period, sums_of

# More of them are no choice, and would make the page large.
FILTERS = 24

OfPeriods = Sequence[tuple[Narrowed, ...]]


def filters(dimensions: Sequence[Dimension]) -> tuple[Filter, ...]:
    """The values with most sessions of each dimension, by dimension.

    Args:
        dimensions: the values of each, those with most sessions first.
    """
    values = [
        (place, dimension.name, group.value)
        for dimension in dimensions
        for place, group in enumerate(dimension.groups)
    ]
    kept = sorted(values)[:FILTERS]
    return tuple(Filter(name, value) for _, name, value in sorted(kept, key=lambda v: (v[1], v[0])))


def of_filters(daily: DataFrame, chosen: Sequence[Filter]) -> DataFrame:
    """The rows of `dimension_daily` that have the value of a filter."""
    is_one: Column = F.lit(False)  # noqa: FBT003 (Spark's)
    for each in chosen:
        has_value = F.col("value") == F.lit(each.value)
        is_one |= (F.col("dimension") == F.lit(each.dimension)) & has_value
    return daily.where(is_one)


def narrowed(
    daily: DataFrame,
    performance: DataFrame,
    chosen: Sequence[Filter],
    periods: Periods,
    videos_shown: int,
) -> OfPeriods:
    """What each filter leaves of each period; of filters that leave none of it, nothing.

    Args:
        daily: rows of `dimension_daily`.
        performance: rows of `video_performance`.
        chosen: the filters.
        periods: the periods.
        videos_shown: so many of the most watched videos of each.
    """
    rows = of_filters(daily, chosen)
    sums: Mapping[tuple[int, str, str], tuple[Sums, Sums | None]] = {
        (row["period"], row["dimension"], row["value"]): (sums_of(row), sums_before(row, periods))
        for row in sums_by_period(rows, periods, "dimension", "value").collect()
    }
    key = ("dimension", "value")
    found = period_videos(rows, performance, periods, videos_shown, *key)
    most_watched = {ranked.of: ranked.videos for ranked in found}
    return [
        tuple(
            Narrowed(each, *sums[of], most_watched[of])
            for each in chosen
            if (of := (n, each.dimension, each.value)) in sums
        )
        for n in range(len(periods.chosen))
    ]


def days_of_filters(
    daily: DataFrame, chosen: Sequence[Filter], last: date
) -> Mapping[Filter, Mapping[date, float]]:
    """The hours watched on each of the newest days with any, by filter."""
    since = last - timedelta(days=DAYS_SHOWN - 1)
    rows = (
        of_filters(daily, chosen)
        .where((F.col("date") >= F.lit(since)) & (F.col("date") <= F.lit(last)))
        .groupBy("dimension", "value", "date")
        .agg(total("watchSeconds").alias("seconds"))
        .orderBy("date")
        .collect()
    )
    found: dict[Filter, dict[date, float]] = {each: {} for each in chosen}
    for row in rows:
        of = Filter(row["dimension"], row["value"])
        found[of][row["date"]] = row["seconds"] / SECONDS_PER_HOUR
    return found
