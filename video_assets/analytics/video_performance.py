"""The table `video_performance`: how each video does with all of its viewers."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import mean, median, percentage_of_rows, tier_counts, total
from video_assets.analytics.tables import REACHED_PERCENTAGES, VIDEO_PERFORMANCE
from video_assets.days import SECONDS_PER_HOUR
from video_assets.engagement.tables import OK
from video_assets.vocabulary import PlayerEvent

_ENDLESS = float("inf")
_MILLISECONDS = 1000.0
_COUNTED = ("plays", "validPlays")


def video_performance(
    engagement: DataFrame,
    raw_events: DataFrame,
    video_plays: DataFrame,
    reached_end: float,
    excluded: DataFrame | None = None,
) -> DataFrame:
    """One row per video, over all of its viewers; rows with a quality flag count like any other.

    Percentages of viewers and means are rounded to 2 decimals. The medians are exact, the drop-off
    position to the last digit. Of a video that only viewers opened who are left out, numbers are 0.

    Args:
        engagement: rows of `aggregated_user_video_engagement`.
        raw_events: rows of `raw_events`, of which the plays are counted.
        video_plays: rows of `video_plays.VIDEO_PLAYS`, of those who count.
        reached_end: share of the duration from which on a video counts as watched.
        excluded: `userId` of those who are left out; None: everybody counts.

    Returns:
        Rows of `video_performance`.
    """
    if excluded is None:
        nobody = {"excludedViewers": F.lit(0).cast("long"), "excludedWatchHours": F.lit(0.0)}
        videos = _viewers(engagement, reached_end).withColumns(nobody)
    else:
        few = F.broadcast(excluded)
        raw_events = raw_events.join(few, "userId", "left_anti")
        videos = _with_left_out(
            _viewers(engagement.join(few, "userId", "left_anti"), reached_end),
            _left_out(engagement.join(few, "userId", "left_semi")),
        )
    counted = videos.join(_plays(raw_events), "videoId", "left").join(
        video_plays, "videoId", "left"
    )
    played = F.col("playedMilliseconds")
    known = counted.withColumns(
        {
            **{name: F.coalesce(F.col(name), F.lit(0)).cast("long") for name in _COUNTED},
            "playedHours": F.when(
                F.coalesce(F.col("rowsUnknown"), F.lit(0)) == 0,
                F.coalesce(played, F.lit(0)) / F.lit(_MILLISECONDS * SECONDS_PER_HOUR),
            ),
            "playbackSpeed": F.round(
                F.col("watchedMilliseconds") / F.when(played > F.lit(0), played), 2
            ),
        }
    )
    return known.select(*VIDEO_PERFORMANCE.column_names)


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
    nobody = F.col("viewers").isNull()
    numbers = {
        name: F.when(
            nobody & F.col(name).isNull(), F.lit(0).cast(both.schema[name].dataType)
        ).otherwise(F.col(name))
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
    return total("totalWatchTime") / F.lit(SECONDS_PER_HOUR)


def _has_reached(percent: int) -> Column:
    """Who has an ending has reached 100 %, whatever the duration is said to be (rule 13)."""
    furthest = F.col("completionPercentage")
    return F.col("isCompletedAtLeastOnce") | (furthest >= F.lit(float(percent)))


def _viewers(engagement: DataFrame, reached_end: float) -> DataFrame:
    completed = F.col("isCompletedAtLeastOnce")
    # The furthest position of a viewer who completed the video tells nothing about leaving it.
    left_at = F.when(~completed, F.col("maxPositionReached"))
    has_length = (F.col("videoDuration") > F.lit(0.0)) & (F.col("videoDuration") < F.lit(_ENDLESS))
    watched = F.col("totalUniqueSecondsWatched") >= F.lit(reached_end) * F.col("videoDuration")
    length = F.max(F.when(has_length, F.col("videoDuration")))
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
        F.when(
            F.count_if(F.col("hasReachedEnd").isNull()) == 0,
            percentage_of_rows(F.col("hasReachedEnd")),
        ).alias("reachedEndRate"),
        percentage_of_rows(has_length & watched).alias("coveredRate"),
        F.round(total("totalWatchTime") / length, 2).alias("averageMinuteAudience"),
        F.median(left_at).alias("dropOffPosition"),
        mean("engagementScore").alias("avgEngagementScore"),
        *tier_counts("viewers"),
        F.count_if(F.col("dataQualityFlag") != F.lit(OK)).alias("flaggedViewers"),
    )
