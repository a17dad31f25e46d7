"""What must hold for `experiment_results`: viewers came as planned, and stay with their variant."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from asset_checks.rules import WARN, CheckInput, FrameRule, Rule
from video_assets.analytics.tables import EXPERIMENT_RESULTS


def _are_compared(given: CheckInput) -> bool:
    return bool(given.settings.experiments)


def _once_each(given: CheckInput) -> DataFrame:
    """A row an experiment, with what is said of it as a whole."""
    rows = given.rows().where(F.col("metric") == "watchSeconds")
    shown = ("splitPValue", "splitFits", "viewersOfSeveral")
    of_variant = F.concat_ws(": ", F.col("variant"), F.col("viewers").cast("string"))
    viewers = F.concat_ws(", ", F.sort_array(F.collect_list(of_variant)))
    return rows.groupBy("experiment", *shown).agg(
        viewers.alias("viewersByVariant"), F.sum("viewers").alias("viewers")
    )


def _with_too_many_changes(given: CheckInput) -> DataFrame:
    several = F.col("viewersOfSeveral")
    share = several / (several + F.col("viewers"))
    rows = _once_each(given).where(several > 0).withColumn("share", F.round(share, 6))
    return rows.where(share > given.tolerated("max_variant_changes"))


RULES: tuple[Rule, ...] = (
    FrameRule(
        name="splits_fit_the_plan",
        table=EXPERIMENT_RESULTS,
        description="Viewers came to the variants of an experiment in the planned shares.",
        problem="viewers did not come to the variants in the planned shares: their differences "
        "cannot be trusted",
        remedy="Look for what loses or redirects viewers of one variant, and correct EXPERIMENTS "
        "if the plan was another one.",
        severity=WARN,
        violations=lambda given: _once_each(given).where(~F.col("splitFits")),
        applies=_are_compared,
    ),
    FrameRule(
        name="one_variant_a_viewer",
        table=EXPERIMENT_RESULTS,
        description="Few viewers of an experiment have several of its variants; they are left out.",
        problem="viewers have several variants of an experiment, and are left out",
        remedy="See whether variants are assigned by user or by device, and stay.",
        severity=WARN,
        thresholds=("max_variant_changes",),
        violations=_with_too_many_changes,
        applies=_are_compared,
    ),
)
