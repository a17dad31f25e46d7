"""The table `video_performance`: how each video does with all of its viewers."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import mean, median, percentage_of_rows, tier_counts, total
from video_assets.analytics.tables import REACHED_PERCENTAGES, VIDEO_PERFORMANCE
from video_assets.engagement.tables import OK
from video_assets.vocabulary import PlayerEvent

_SECONDS_PER_HOUR = 3600.0


def video_performance(
    engagement: DataFrame, raw_events: DataFrame, excluded: DataFrame | None = None
) -> DataFrame:
    """One row per video, over all of its viewers; rows with a quality flag count like any other.

    Percentages of viewers and means are rounded to 2 decimals. The medians are exact, the drop-off
    position to the last digit. Of a video that only viewers opened who are left out, numbers are 0.

    Args:
        engagement: rows of `aggregated_user_video_engagement`.
        raw_events: rows of `raw_events`, of which the plays are counted.
        excluded: `userId` of those who are left out; None: everybody counts.

    Returns:
        Rows of `video_performance`.
    """
    if excluded is None:
        nobody = {"excludedViewers": F.lit(0).cast("long"), "excludedWatchHours": F.lit(0.0)}
        videos = _viewers(engagement).withColumns(nobody)
    else:
        few = F.broadcast(excluded)
        raw_events = raw_events.join(few, "userId", "left_anti")
        videos = _with_left_out(
            _viewers(engagement.join(few, "userId", "left_anti")),
            _left_out(engagement.join(few, "userId", "left_semi")),
        )
    counted = videos.join(_plays(raw_events), on="videoId", how="left")
    plays = F.coalesce(F.col("plays"), F.lit(0)).cast("long")
    return counted.withColumn("plays", plays).select(*VIDEO_PERFORMANCE.column_names)


def _plays(raw_events: DataFrame) -> DataFrame:
    is_play = F.col("eventName") == F.lit(PlayerEvent.PLAY.column_value)
    return raw_events.where(is_play).groupBy("videoId").agg(F.count(F.lit(1)).alias("plays"))


def _left_out(engagement: DataFrame) -> DataFrame:
    """What a video has of those who are left out."""
    return engagement.groupBy("videoId").agg(
        *_of_video(),
        F.count(F.lit(1)).alias("excludedViewers"),
        _hours().alias("excludedWatchHours"),
    )


def _with_left_out(videos: DataFrame, left_out: DataFrame) -> DataFrame:
    """Both together, with the videos that only one of them has."""
    shared = [name for name in videos.columns if name in left_out.columns and name != "videoId"]
    both = videos.join(
        left_out.withColumnsRenamed({name: f"{name}OfThem" for name in shared}), "videoId", "full"
    )
    seen = {
        "firstSeen": F.least("firstSeen", "firstSeenOfThem"),
        "lastSeen": F.greatest("lastSeen", "lastSeenOfThem"),
    }
    described = {name: F.coalesce(F.col(name), F.col(f"{name}OfThem")) for name in shared}
    numbers = {
        name: F.coalesce(F.col(name), F.lit(0)).cast(both.schema[name].dataType)
        for name in both.columns
        if name not in {"videoId", "dropOffPosition", *shared, *(f"{n}OfThem" for n in shared)}
    }
    return both.withColumns({**described, **seen, **numbers})


def _of_video() -> list[Column]:
    return [
        F.max("videoTitle").alias("videoTitle"),
        F.max("videoDuration").alias("videoDuration"),
        F.bool_or("isDurationEstimated").alias("isDurationEstimated"),
        F.min("firstWatchDate").alias("firstSeen"),
        F.max("lastWatchDate").alias("lastSeen"),
    ]


def _hours() -> Column:
    return total("totalWatchTime") / F.lit(_SECONDS_PER_HOUR)


def _has_reached(percent: int) -> Column:
    """Who has an ending has reached 100 %, whatever the duration is said to be (rule 13)."""
    furthest = F.col("completionPercentage")
    return F.col("isCompletedAtLeastOnce") | (furthest >= F.lit(float(percent)))


def _viewers(engagement: DataFrame) -> DataFrame:
    completed = F.col("isCompletedAtLeastOnce")
    # The furthest position of a viewer who completed the video tells nothing about leaving it.
    left_at = F.when(~completed, F.col("maxPositionReached"))
    return engagement.groupBy("videoId").agg(
        *_of_video(),
        F.count(F.lit(1)).alias("viewers"),
        F.sum("sessionCount").alias("sessions"),
        (F.sum("sessionCount") - F.count(F.lit(1))).alias("replays"),
        F.sum("completionCount").alias("completions"),
        _hours().alias("watchHours"),
        mean("watchPercentage").alias("avgWatchPercentage"),
        median("watchPercentage").alias("medianWatchPercentage"),
        mean("uniqueWatchPercentage").alias("avgUniqueWatchPercentage"),
        median("uniqueWatchPercentage").alias("medianUniqueWatchPercentage"),
        percentage_of_rows(completed).alias("completionRate"),
        *(
            percentage_of_rows(_has_reached(percent)).alias(f"reached{percent}Percent")
            for percent in REACHED_PERCENTAGES
        ),
        F.median(left_at).alias("dropOffPosition"),
        mean("engagementScore").alias("avgEngagementScore"),
        *tier_counts("viewers"),
        F.count_if(F.col("dataQualityFlag") != F.lit(OK)).alias("flaggedViewers"),
    )
