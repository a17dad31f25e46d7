"""Sums, means and shares that come out the same on every engine, in whatever order rows come.

A sum of doubles depends on the order in which a cluster adds them. A sum of whole numbers does
not (up to 2^53), so what is added here is whole thousandths or hundredths.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from video_assets.analytics.tables import TIERS

_HUNDREDTHS = 100.0
_THOUSANDTHS = 1000.0


def _whole(number: Column) -> Column:
    """The nearest whole number, halves away from 0; engines disagree on halves in `rint`."""
    return F.round(number, 0)


def total(column: str) -> Column:
    """The sum of a column, each of its values taken to three decimals (of seconds: to the ms)."""
    thousandths = _whole(F.col(column) * F.lit(_THOUSANDTHS))
    return F.sum(thousandths) / F.lit(_THOUSANDTHS)


def total_of_squares(column: str) -> Column:
    """The sum of a column's squares, each value taken to three decimals.

    A square of thousandths may be above 2^53, so that the engine adds decimals.
    """
    thousandths = _whole(F.col(column) * F.lit(_THOUSANDTHS)).cast("decimal(18, 0)")
    return F.sum(thousandths * thousandths).cast("double") / F.lit(_THOUSANDTHS**2)


def mean(column: str) -> Column:
    """The mean of a column of two decimals, to two decimals; infinite where a value is."""
    hundredths = _whole(F.col(column) * F.lit(_HUNDREDTHS))
    return _whole(F.sum(hundredths) / F.count(F.lit(1))) / F.lit(_HUNDREDTHS)


def median(column: str) -> Column:
    """The exact median of a column, to two decimals: half way between two middle values."""
    return _whole(F.median(column) * F.lit(_HUNDREDTHS)) / F.lit(_HUNDREDTHS)


def percentage_of_rows(condition: Column) -> Column:
    """The share of the rows for which the condition holds, in percent to two decimals."""
    share = F.count_if(condition) / F.count(F.lit(1))
    return _whole(share * F.lit(100 * _HUNDREDTHS)) / F.lit(_HUNDREDTHS)


def tier_counts(of: str) -> list[Column]:
    """How many rows have each engagement tier, named like `highTierViewers`.

    Args:
        of: what a row stands for: `viewers` or `videos`.
    """
    tier = F.col("engagementTier")
    return [
        F.count_if(tier == F.lit(name)).alias(f"{name.lower()}Tier{of.title()}") for name in TIERS
    ]
