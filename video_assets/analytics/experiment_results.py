"""The table `experiment_results`: the viewers of an experiment, summed up and compared.

A viewer counts from the first session with a variant on, under that variant, with all that
follows: who leaves because of a variant is part of what it does.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import total, total_of_squares
from video_assets.analytics.experiment_statistics import (
    LEVEL,
    Difference,
    Floats,
    Samples,
    difference,
    holm,
    smallest_effect,
    split_p_value,
)
from video_assets.analytics.tables import EXPERIMENT_METRICS
from video_assets.settings.experiments import Experiment

# Below it, the split is called wrong: each day somebody looks, and a wrong split is never subtle.
SPLIT_LEVEL = 0.001

Row = Mapping[str, Any]
_SEVERAL = None


def viewer_sums(sessions: DataFrame, name: str, plan: Experiment) -> DataFrame:
    """Viewers of each variant, and of their metrics the sums and the sums of squares.

    Args:
        sessions: all rows of `sessions`.
        name: dimension of the experiment.
        plan: its variants.

    Returns:
        A row a variant that has viewers, and one without `variant` for those of several.
    """
    variant = F.get_json_object("dimensions", f"$.{name}")
    begun = F.col("firstEventTime")
    exposed = (
        sessions.select("userId", begun, variant.alias("variant"))
        .where(F.col("variant").isin(*plan.split))
        .groupBy("userId")
        .agg(
            F.min("firstEventTime").alias("since"),
            F.min("variant").alias("variant"),
            F.max("variant").alias("lastVariant"),
        )
    )
    is_later = F.col("sessionDate") > F.to_date("since")
    viewers = (
        sessions.join(exposed, "userId")
        .where(begun >= F.col("since"))
        .groupBy("userId", "variant", "lastVariant")
        .agg(
            total("watchTime").alias("watchSeconds"),
            F.max((F.col("endedCount") > 0).cast("double")).alias("completion"),
            F.max(is_later.cast("double")).alias("return"),
        )
    )
    is_one = F.col("variant") == F.col("lastVariant")
    sums = [
        column
        for name in EXPERIMENT_METRICS
        for column in (
            total(name).alias(name),
            total_of_squares(name).alias(f"{name}Squares"),
        )
    ]
    by_variant = viewers.withColumn("variant", F.when(is_one, F.col("variant"))).groupBy("variant")
    return by_variant.agg(F.count(F.lit(1)).alias("viewers"), *sums)


def result_rows(sums: Sequence[Row], name: str, plan: Experiment) -> Iterator[dict[str, Any]]:
    """Compare the variants of an experiment.

    Args:
        sums: rows of `viewer_sums`.
        name: dimension of the experiment.
        plan: its control and shares.

    Yields:
        Rows of `experiment_results`.
    """
    found = {row["variant"]: row for row in sums}
    several = found.get(_SEVERAL, {}).get("viewers", 0)
    shares = plan.shares
    samples = {variant: _samples(found.get(variant, {})) for variant in shares}
    viewers = np.array([sample.viewers[0] for sample in samples.values()])
    split = _known(split_p_value(viewers, np.array([*shares.values()])))
    fits = None if split is None else split >= SPLIT_LEVEL
    others = [variant for variant in samples if variant != plan.control]
    control = samples[plan.control]
    apart = {variant: difference(samples[variant], control) for variant in others}
    adjusted = holm(np.concatenate([apart[variant].anytime_p_value for variant in others]))
    of_other = dict(zip(others, adjusted.reshape(len(others), -1), strict=True))
    for variant, sample in samples.items():
        compared = [dict[str, Any]() for _ in EXPERIMENT_METRICS]
        if variant in apart:
            smallest = smallest_effect(sample, control, adjusted.size)
            compared = [*_compared(apart[variant], of_other[variant], smallest, fits=fits)]
        for place, metric in enumerate(EXPERIMENT_METRICS):
            yield {
                "experiment": name,
                "variant": variant,
                "metric": metric,
                "isControl": variant == plan.control,
                "viewers": int(sample.viewers[place]),
                "mean": _known(sample.mean[place]),
                "standardDeviation": _known(np.sqrt(sample.variance[place])),
                **compared[place],
                "plannedShare": 100 * shares[variant],
                "splitPValue": split,
                "splitFits": fits,
                "viewersOfSeveral": several,
            }


def _samples(row: Row) -> Samples:
    """One sample a metric."""
    return Samples(
        np.full(len(EXPERIMENT_METRICS), float(row.get("viewers", 0))),
        np.array([row.get(name, 0.0) for name in EXPERIMENT_METRICS]),
        np.array([row.get(f"{name}Squares", 0.0) for name in EXPERIMENT_METRICS]),
    )


def _compared(
    apart: Difference, adjusted: Floats, smallest: Floats, *, fits: bool | None
) -> Iterator[dict[str, Any]]:
    for place in range(len(EXPERIMENT_METRICS)):
        p_value = _known(adjusted[place])
        yield {
            "difference": _known(apart.difference[place]),
            "lowerBound": _known(apart.lower[place]),
            "upperBound": _known(apart.upper[place]),
            "pValue": _known(apart.p_value[place]),
            "anytimeLowerBound": _known(apart.anytime_lower[place]),
            "anytimeUpperBound": _known(apart.anytime_upper[place]),
            "adjustedPValue": p_value,
            "isDifferent": p_value <= LEVEL if fits and p_value is not None else None,
            "smallestEffect": _known(smallest[place]),
        }


def _known(number: Any) -> float | None:
    return None if np.isnan(number) else float(number)
