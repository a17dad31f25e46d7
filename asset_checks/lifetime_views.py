"""What must hold for `lifetime_snapshots`: every video answered, and no count that falls."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from asset_checks.freshness import no_lag, yesterday_is_there
from asset_checks.rules import WARN, CheckInput, FrameRule, Rule
from asset_checks.view_deliveries import drifting_videos
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS

_ANSWER = ("video_id", "date")


def _unanswered(given: CheckInput) -> DataFrame:
    """Videos without a row on a day that asked; a video belongs to the days after its first."""
    videos = (
        given.all_rows(DAILY_VIDEO_VIEWS)
        .groupBy("video_id")
        .agg(F.min("date").alias("first_views"))
    )
    days = given.stored.session().createDataFrame(
        [(day,) for day in _days_that_asked(given)], schema="date date"
    )
    asked = videos.crossJoin(days).where(F.col("first_views") < F.col("date"))
    return asked.join(given.all_rows().select(*_ANSWER), list(_ANSWER), "left_anti")


def _days_that_asked(given: CheckInput) -> Sequence[date]:
    """Of a run those with answers, or else its last one; of the whole table the newest."""
    answered = sorted(given.stored.rows_per_day(LIFETIME_SNAPSHOTS))
    if given.days is None:
        return answered[-1:]
    return [day for day in given.days.days if day in answered] or [given.days.last]


def _fell(given: CheckInput) -> DataFrame:
    earlier = (
        Window.partitionBy("video_id").orderBy("date").rowsBetween(Window.unboundedPreceding, -1)
    )
    counts = given.all_rows().select(
        "video_id", "date", "viewCount", F.max("viewCount").over(earlier).alias("largestBefore")
    )
    fallen = counts.where(F.col("viewCount") < F.col("largestBefore"))
    if given.days is None:
        return fallen
    day = F.col("date")
    return fallen.where((day >= F.lit(given.days.first)) & (day < F.lit(given.days.end)))


RULES: tuple[Rule, ...] = (
    FrameRule(
        name="every_known_video_answered",
        table=LIFETIME_SNAPSHOTS,
        description="Every video of the daily views has a snapshot; deleted and private ones "
        "have none.",
        problem="known videos were not answered",
        remedy="A few deleted or private videos are normal; if many, see key and quota of the "
        "view-count API.",
        severity=WARN,
        compared_with=(DAILY_VIDEO_VIEWS,),
        violations=_unanswered,
        day_column="date",
    ),
    FrameRule(
        name="counts_never_fall",
        table=LIFETIME_SNAPSHOTS,
        description="The lifetime views of a video are at least those of every earlier snapshot.",
        problem="lifetime counts are below an earlier snapshot",
        remedy="Platforms take back counts of robots: nothing to do for a few; if many fall at "
        "once, ask the platform.",
        severity=WARN,
        violations=_fell,
        day_column="date",
    ),
    FrameRule(
        name="agrees_with_daily_views",
        table=LIFETIME_SNAPSHOTS,
        description="The days of a video sum up to its lifetime views, since its upload or since "
        "the first snapshot.",
        problem="videos have other lifetime views than the sum of their days",
        remedy="See unknown and negative days and changed definitions; else days lack, or see "
        "DAILY_VIEWS_COMBINE.",
        severity=WARN,
        compared_with=(DAILY_VIDEO_VIEWS,),
        thresholds=("max_lifetime_drift", "min_lifetime_drift"),
        by_partition=False,
        violations=drifting_videos,
        day_column="snapshotDate",
    ),
    yesterday_is_there(LIFETIME_SNAPSHOTS, no_lag),
)
