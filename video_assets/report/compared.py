"""What the report compares: sessions by the values of dimensions, and variants of experiments."""

from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import total
from video_assets.analytics.tables import EXPERIMENT_METRICS
from video_assets.report.facts import Dimension, Group, Outcome, Trial

# With more of them a table compares nothing.
VALUES_SHOWN = 8


def dimensions(daily: DataFrame) -> tuple[Dimension, ...]:
    """The values of each dimension with most sessions, over all days and videos.

    Args:
        daily: rows of `dimension_daily`.
    """
    values = daily.groupBy("dimension", "value").agg(
        F.sum("sessions").alias("sessions"),
        total("watchSeconds").alias("seconds"),
        F.sum("completions").alias("completions"),
        F.sum("forwardSkips").alias("forwardSkips"),
    )
    order = Window.partitionBy("dimension").orderBy(F.desc("sessions"), "value")
    first = values.withColumn("place", F.row_number().over(order))
    rows = first.where(F.col("place") <= VALUES_SHOWN).orderBy("dimension", "place").collect()
    names = dict.fromkeys(row["dimension"] for row in rows)
    return tuple(
        Dimension(name, tuple(_group(row) for row in rows if row["dimension"] == name))
        for name in names
    )


def _group(row: Any) -> Group:
    return Group(
        value=row["value"],
        sessions=row["sessions"],
        seconds=row["seconds"],
        completions=row["completions"],
        forward_skips=row["forwardSkips"],
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
