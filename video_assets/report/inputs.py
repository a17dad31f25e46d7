"""What the report is made from: the tables, and the part of them that its list shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.report.first_days import groups
from video_assets.report.people import audience

DAYS_SHOWN = 120
VIDEOS_LISTED = 10_000

RowCounts = Mapping[date, int]


@dataclass(frozen=True)
class Tables:
    """The tables that the report reads, and the rows a day of those that are only counted.

    Attributes:
        daily_views: None where there are none yet, and so is `missing_date`.
        dimension_daily: None where no dimension is named, and so is `experiment_results` where
            there is no experiment.
        daily_view_rows: rows of `daily_video_views`.
        definition_changes: days from which something else counts as a view there, and what.
        excluded_are_counted: settings ask to count who would be left out.
        video_daily: None where it was never written.
        forecast_finding: why the forecast has rows, or none; None where it was never made.
        unfinished: days of sessions that will get more rows.
        unfinished_views: the same of daily views.
    """

    engagement: DataFrame
    sessions: DataFrame
    video_performance: DataFrame
    video_position_curve: DataFrame
    user_engagement: DataFrame
    rejected_events: DataFrame
    daily_views: DataFrame | None
    missing_date: DataFrame | None
    events_per_day: RowCounts
    rejected_per_day: RowCounts
    daily_view_rows: int
    definition_changes: Mapping[date, str] = field(default_factory=dict)
    dimension_daily: DataFrame | None = None
    experiment_results: DataFrame | None = None
    excluded_are_counted: bool = False
    completion_forecast: DataFrame | None = None
    forecast_finding: str | None = None
    video_daily: DataFrame | None = None
    unfinished: frozenset[date] = frozenset()
    unfinished_views: frozenset[date] = frozenset()

    @cached_property
    def groups(self) -> DataFrame | None:
        """Channel or course of each video; None where nothing tells one."""
        return groups(self.daily_views, self.dimension_daily)


def listed_videos(performance: DataFrame) -> DataFrame:
    """The rows of `video_performance` that the list of videos shows, most watched first."""
    order = (F.desc("watchHours"), F.asc("videoId"))
    return performance.orderBy(*order).limit(VIDEOS_LISTED)


def watched_nothing(tables: Tables, videos: Sequence[str]) -> dict[str, int]:
    """How many counted viewers opened a video and watched nothing, of videos with any."""
    counted = audience(tables.user_engagement, counted=tables.excluded_are_counted)
    is_one = F.col("videoId").isin(*videos)
    has_watched = F.col("totalUniqueSecondsWatched") > F.lit(0.0)
    without = tables.engagement.where(is_one & ~has_watched)
    rows = without.join(counted.select("userId"), "userId", "left_semi").groupBy("videoId")
    return {
        r["videoId"]: r["viewers"] for r in rows.agg(F.count(F.lit(1)).alias("viewers")).collect()
    }
