"""Engagement rows in a few numbers, for a notebook."""

from html import escape
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import total
from video_assets.analytics.tables import TIERS
from video_assets.days import SECONDS_PER_HOUR

TOP_VIDEOS = 10
QUARTILES = {"q25": 0.25, "q50": 0.5, "q75": 0.75}


class SummaryStats(dict[str, Any]):
    """A plain mapping; printed, or as the last line of a cell, it is a table."""

    def __str__(self) -> str:
        """The numbers, a line each."""
        lines = _lines(self)
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)

    def _repr_html_(self) -> str:
        """How notebooks show it."""
        rows = (
            f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in _lines(self)
        )
        return f"<table>{''.join(rows)}</table>"


def summary_stats(engagement: DataFrame) -> SummaryStats:
    """Sum up engagement rows.

    Args:
        engagement: rows of `aggregated_user_video_engagement`.

    Returns:
        See `VideoEngagementAggregator.generate_summary_stats`.
    """
    [row] = engagement.agg(
        F.count_distinct("userId").alias("users"),
        F.count_distinct("videoId").alias("videos"),
        F.count(F.lit(1)).alias("pairs"),
        F.count_if(F.col("isCompletedAtLeastOnce")).alias("completed"),
        F.count_if(F.col("totalWatchTime") < F.lit(0.0)).alias("negative_watch_time"),
        *(F.percentile("watchPercentage", share).alias(name) for name, share in QUARTILES.items()),
    ).collect()
    tiers = _counts(engagement, "engagementTier")
    return SummaryStats(
        users=row["users"],
        videos=row["videos"],
        pairs=row["pairs"],
        tier_counts={tier: tiers.get(tier, 0) for tier in TIERS},
        flag_counts=_counts(engagement, "dataQualityFlag"),
        completion_rate=round(100 * row["completed"] / row["pairs"], 2) if row["pairs"] else None,
        watch_percentage_quartiles={name: row[name] for name in QUARTILES},
        negative_watch_time=row["negative_watch_time"],
        top_videos=_top_videos(engagement),
    )


def _counts(engagement: DataFrame, column: str) -> dict[str, int]:
    """How often each value occurs, the most frequent first."""
    counted = engagement.groupBy(column).agg(F.count(F.lit(1)).alias("n")).collect()
    ordered = sorted(counted, key=lambda row: (-row["n"], row[column]))
    return {row[column]: row["n"] for row in ordered}


def _top_videos(engagement: DataFrame) -> list[dict[str, Any]]:
    by_video = engagement.groupBy("videoId").agg(
        F.max("videoTitle").alias("videoTitle"),
        (total("totalWatchTime") / F.lit(SECONDS_PER_HOUR)).alias("watchHours"),
        F.count(F.lit(1)).alias("viewers"),
    )
    top = by_video.orderBy(F.col("watchHours").desc(), F.col("videoId").asc()).limit(TOP_VIDEOS)
    return [row.asDict() for row in top.collect()]


def _lines(stats: SummaryStats) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in stats.items():
        if isinstance(value, dict):
            lines += [(f"{name}: {key}", _plain(part)) for key, part in value.items()]
        elif isinstance(value, list):
            lines += [(f"{name}: {place}", _video(v)) for place, v in enumerate(value, start=1)]
        else:
            lines.append((name, _plain(value)))
    return lines


def _video(video: dict[str, Any]) -> str:
    title = f" {video['videoTitle']}" if video["videoTitle"] else ""
    return f"{video['videoId']}{title}: {video['watchHours']:.2f} h, {video['viewers']} viewers"


def _plain(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
