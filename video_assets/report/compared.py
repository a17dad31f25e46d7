"""What the report compares: sessions by the values of dimensions, and variants of experiments."""

from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from video_assets.analytics.tables import EXPERIMENT_METRICS
from video_assets.report.facts import Dimension, Group, Outcome, Trial
from video_assets.report.spans import Periods, sums_by_period, sums_of

# With more of them a table compares nothing.
VALUES_SHOWN = 8


def dimensions(daily: DataFrame, periods: Periods) -> list[tuple[Dimension, ...]]:
    """Of each period the values of each dimension with most sessions, over all videos.

    Args:
        daily: rows of `dimension_daily`.
        periods: the periods.
    """
    of = Window.partitionBy("period", "dimension")
    place = F.row_number().over(of.orderBy(F.desc("sessions"), "value"))
    rows = (
        sums_by_period(daily, periods, "dimension", "value")
        .withColumn("place", place)
        .where(F.col("place") <= VALUES_SHOWN)
        .orderBy("period", "dimension", "place")
        .collect()
    )
    found: list[dict[str, list[Group]]] = [{} for _ in periods.chosen]
    for row in rows:
        found[row["period"]].setdefault(row["dimension"], []).append(_group(row))
    return [tuple(Dimension(name, tuple(of[name])) for name in of) for of in found]


def _group(row: Any) -> Group:
    sums = sums_of(row)
    return Group(
        value=row["value"],
        sessions=sums.sessions,
        seconds=sums.seconds,
        completions=sums.completions,
        forward_skips=sums.forward_skips,
    )


def trials(results: DataFrame) -> tuple[Trial, ...]:
    """Each variant of each experiment beside its control.

    Args:
        results: rows of `experiment_results`, which are few.
    """
    rows = results.orderBy("experiment", "variant").collect()
    of = {(row["experiment"], row["variant"], row["metric"]): row for row in rows}
    controls = {row["experiment"]: row["variant"] for row in rows if row["isControl"]}
    variants = dict.fromkeys(
        (row["experiment"], row["variant"]) for row in rows if not row["isControl"]
    )
    found = []
    for experiment, variant in variants:
        control = controls[experiment]
        pairs = [
            (of[experiment, variant, metric], of[experiment, control, metric])
            for metric in EXPERIMENT_METRICS
        ]
        row, beside = pairs[0]
        found.append(
            Trial(
                experiment=experiment,
                variant=variant,
                control=control,
                viewers=row["viewers"],
                control_viewers=beside["viewers"],
                split_fits=row["splitFits"],
                of_several=row["viewersOfSeveral"],
                outcomes=tuple(_outcome(*pair) for pair in pairs),
            )
        )
    return tuple(found)


def _outcome(row: Any, control: Any) -> Outcome:
    return Outcome(
        metric=row["metric"],
        mean=row["mean"],
        control_mean=control["mean"],
        difference=row["difference"],
        lower=row["anytimeLowerBound"],
        upper=row["anytimeUpperBound"],
        is_different=row["isDifferent"],
        smallest=row["smallestEffect"],
    )
