"""Who counts in rankings and curves, who is left out of them, and who is in several places."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import total
from video_assets.analytics.viewer_limits import REASON
from video_assets.days import SECONDS_PER_HOUR
from video_assets.report.facts import Exclusion, People


def audience(user_engagement: DataFrame, *, counted: bool) -> DataFrame:
    """The users whom rankings and curves count; everybody where the settings ask for it."""
    is_one = F.col(REASON).isNull()
    return user_engagement if counted else user_engagement.where(is_one)


def people(user_engagement: DataFrame, *, counted: bool) -> People:
    """Who is left out and why, and how much ran side by side."""
    hours = total("watchSeconds") / F.lit(SECONDS_PER_HOUR)
    excluded = (
        user_engagement.where(F.col(REASON).isNotNull())
        .groupBy(REASON)
        .agg(F.count(F.lit(1)).alias("viewers"), hours.alias("hours"))
        .orderBy(F.desc("hours"), F.asc(REASON))
        .collect()
    )
    [side_by_side] = user_engagement.agg(
        F.count_if(F.col("simultaneousSeconds") > F.lit(0.0)).alias("users"),
        F.coalesce(total("simultaneousSeconds"), F.lit(0.0)).alias("seconds"),
    ).collect()
    return People(
        exclusions=tuple(Exclusion(r[REASON], r["viewers"], r["hours"]) for r in excluded),
        are_counted=counted,
        in_several_places=side_by_side["users"],
        simultaneous_hours=side_by_side["seconds"] / SECONDS_PER_HOUR,
    )
