"""Views of the days become views of the months."""

from collections.abc import Sequence
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from video_assets.daily_views.tables import MEASURES, MONTHLY_VIEWS

_LOW_BITS = 32
_LIMIT = 2 ** (63 - _LOW_BITS)


def monthly_views(
    daily: DataFrame, measures: Sequence[str] = (), definition_changes: Sequence[date] = ()
) -> DataFrame:
    """Sum of the daily views per channel, video and month.

    Days without a known count are left out of the sum. A month without any known count is null,
    because 0 would claim that nobody watched. A null channel is a channel of its own.

    Args:
        daily: rows of `daily_video_views`.
        measures: the measures that its source has; the others are null.
        definition_changes: days from which something else counts as a view, ascending.

    Returns:
        The columns of `monthly_views`. A sum beyond 64 bits fails the job that reads the result,
        with a message that names the video and the month.
    """
    # Engines disagree on 64-bit overflow (one wraps, one fails) and are slow at wider numbers: the
    # two halves of a count are summed apart, which overflows after two thousand million days.
    views = F.col("viewCount")
    by_month = daily.groupBy(
        "channel_id", "video_id", F.trunc("date", "month").alias("month_start")
    ).agg(
        F.sum(F.shiftright(views, _LOW_BITS)).alias("high"),
        F.sum(views.bitwiseAND(F.lit(2**_LOW_BITS - 1))).alias("low"),
        *(F.sum(F.col(name)).alias(name) for name in measures),
    )
    unknown = {
        column.name: F.lit(None).cast(column.type_name)
        for column in MEASURES
        if column.name not in measures
    }
    return by_month.withColumns(
        {
            "month": F.date_format("month_start", "yyyy-MM"),
            "aggViewCount": _joined_halves(),
            **unknown,
            **_definition_of_month(definition_changes),
        }
    ).select(*MONTHLY_VIEWS.column_names)


def _joined_halves() -> Column:
    low = F.col("low")
    high = F.col("high") + F.shiftright(low, _LOW_BITS)
    too_many = F.concat(
        F.lit("the views of video "),
        F.col("video_id"),
        F.lit(" exceed 64 bits in the month of "),
        F.col("month_start").cast("string"),
        F.lit(": correct or remove its rows of that month in daily_video_views"),
    )
    whole = F.shiftleft(high, _LOW_BITS).bitwiseOR(low.bitwiseAND(F.lit(2**_LOW_BITS - 1)))
    exceeds = (high < F.lit(-_LIMIT)) | (high >= F.lit(_LIMIT))
    return F.when(exceeds, F.raise_error(too_many).cast("long")).otherwise(whole)


def definition_on(day: Column, changes: Sequence[date]) -> Column:
    """The newest change of what counts as a view, on or before a day; null before the first.

    Args:
        day: a date.
        changes: days from which something else counts as a view, ascending.
    """
    since = F.lit(None).cast("date")
    for change in changes:
        since = F.when(day >= F.lit(change), F.lit(change)).otherwise(since)
    return since


def spans_change(month_start: Column, changes: Sequence[date]) -> Column:
    """Whether what counts as a view changed within a month; not on its first day."""
    last_day = F.last_day(month_start)
    within = ((month_start < F.lit(c)) & (last_day >= F.lit(c)) for c in changes)
    return reduce(or_, within, F.lit(False))  # noqa: FBT003 (Spark's signature)


def _definition_of_month(changes: Sequence[date]) -> dict[str, Column]:
    month_start = F.col("month_start")
    return {
        "viewDefinitionSince": definition_on(F.last_day(month_start), changes),
        "spansDefinitionChange": spans_change(month_start, changes),
    }
