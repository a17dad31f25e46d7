"""From the tables to the report's figures: small aggregates, computed by the engine.

Whatever is brought to the driver is bounded: the first videos and users, the newest days.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from video_assets.analytics.aggregates import total
from video_assets.analytics.tables import TIERS
from video_assets.days import SECONDS_PER_HOUR, UNDATED
from video_assets.engagement.tables import OK
from video_assets.report.compared import trials
from video_assets.report.facts import (
    Audience,
    Choice,
    Curve,
    Filter,
    FlagDay,
    Intake,
    Limits,
    Missing,
    Moment,
    PowerUser,
    QualityDay,
    Report,
    Stretch,
    Totals,
    Video,
    Views,
    WatchDay,
)
from video_assets.report.inputs import DAYS_SHOWN, RowCounts, Tables, listed_videos, watched_nothing
from video_assets.report.narrowed import days_of_filters, filters, narrowed
from video_assets.report.outlook import outlook
from video_assets.report.people import audience, people
from video_assets.report.periods import VIDEOS_SHOWN, choices, finished_periods
from video_assets.report.spans import Periods

TOP_VIDEOS = 10
HELD_VIDEOS = 5
CURVES = 6
STRETCHES = 240
POWER_USERS = 10
REASONS = 12
# Shares of fewer viewers say more about chance than about the video.
MIN_VIEWERS = 20

_FLAGGED = "dataQualityFlag"
_ALL = 100.0


def collect_report(
    tables: Tables, limits: Limits, bucket_seconds: int, written_at: datetime
) -> Report:
    """Compute every figure of the report.

    Args:
        tables: what to read.
        limits: what the checks tolerate.
        bucket_seconds: width of a bucket of the position curve.
        written_at: time of the report (UTC).
    """
    videos = tables.video_performance
    totals = _totals(tables.engagement)
    since = _first_day_shown(totals)
    most_watched = tuple(_video(row) for row in listed_videos(videos).collect())
    top = most_watched[:TOP_VIDEOS]
    best, worst = _held(videos)
    periods = finished_periods(tables)
    chosen, of_filters = _narrowed(tables, periods, choices(tables, periods))
    ranked = audience(tables.user_engagement, counted=tables.excluded_are_counted)
    return Report(
        written_at=written_at,
        limits=limits,
        totals=totals,
        choices=chosen,
        days=_watch_days(tables.sessions, since),
        views=_views(tables.daily_views, tables.definition_changes),
        videos=most_watched,
        top_videos=top,
        best_held=best,
        worst_held=worst,
        curves=_curves(tables, top[:CURVES], bucket_seconds),
        tiers=_tiers(tables.engagement),
        audience=_audience(ranked),
        people=people(tables.user_engagement, counted=tables.excluded_are_counted),
        intake=_intake(tables),
        flag_days=_flag_days(tables.engagement, since),
        flags=_flags(tables.engagement),
        missing=_missing(tables),
        trials=trials(tables.experiment_results) if tables.experiment_results else (),
        forecast_finding=tables.forecast_finding,
        outlook=outlook(tables.completion_forecast, videos) if tables.completion_forecast else None,
        groups=_groups(tables),
        unfinished=tuple(sorted(tables.unfinished | tables.unfinished_views)),
        filters=of_filters,
    )


def _narrowed(
    tables: Tables, periods: Periods | None, of_everybody: tuple[Choice, ...]
) -> tuple[tuple[Choice, ...], Mapping[Filter, Mapping[date, float]]]:
    """What filters leave of each period, and the hours of each day."""
    daily = tables.dimension_daily
    if daily is None or periods is None:
        return of_everybody, {}
    found = filters(of_everybody[-1].dimensions)
    left = narrowed(daily, tables.video_performance, found, periods, VIDEOS_SHOWN)
    of_choices = zip(of_everybody, left, strict=True)
    return (
        tuple(replace(choice, narrowed=own) for choice, own in of_choices),
        days_of_filters(daily, found, periods.known.last),
    )


def _totals(engagement: DataFrame) -> Totals:
    row = _only_row(
        engagement.agg(
            F.countDistinct("userId").alias("viewers"),
            F.countDistinct("videoId").alias("videos"),
            F.count(F.lit(1)).alias("pairs"),
            F.count_if(F.col("isCompletedAtLeastOnce")).alias("completed"),
            F.count_if(_is_flagged()).alias("flagged"),
            F.coalesce(total("totalWatchTime"), F.lit(0.0)).alias("seconds"),
            F.max("lastWatchDate").alias("newest"),
            F.max("processedAt").alias("computed"),
        )
    )
    return Totals(
        viewers=row["viewers"],
        videos=row["videos"],
        pairs=row["pairs"],
        completed_pairs=row["completed"],
        flagged_pairs=row["flagged"],
        watch_hours=row["seconds"] / SECONDS_PER_HOUR,
        newest_event=_utc(row["newest"]),
        computed_at=_utc(row["computed"]),
    )


def _first_day_shown(totals: Totals) -> date:
    if totals.newest_event is None:
        return date.min
    return totals.newest_event.date() - timedelta(days=DAYS_SHOWN - 1)


def _views(daily_views: DataFrame | None, changes: Mapping[date, str]) -> Views | None:
    if daily_views is None:
        return None
    counted = F.coalesce(F.sum("viewCount"), F.lit(0)).alias("views")
    newest = (
        daily_views.groupBy(F.col("date").alias("day"))
        .agg(counted)
        .orderBy(F.desc("day"))
        .limit(DAYS_SHOWN)
        .collect()
    )
    found = {row["day"]: row["views"] for row in newest}
    return Views(
        per_day=tuple((day, found.get(day, 0)) for day in _calendar(found)),
        total=_only_row(daily_views.agg(counted))["views"],
        definition_changes=tuple(sorted(changes.items())),
    )


def _watch_days(sessions: DataFrame, since: date) -> tuple[WatchDay, ...]:
    """The newest days, those in between without sessions included."""
    day = F.col("sessionDate")
    per_day = (
        sessions.where(day >= F.lit(since))
        .groupBy(day.alias("day"))
        .agg(total("watchTime").alias("seconds"), F.countDistinct("userId").alias("viewers"))
    )
    found = {row["day"]: row for row in per_day.collect()}
    return tuple(
        WatchDay(day, found[day]["seconds"] / SECONDS_PER_HOUR, found[day]["viewers"])
        if day in found
        else WatchDay(day, 0.0, 0)
        for day in _calendar(found)
    )


def _videos(performance: DataFrame, order: Column, limit: int) -> tuple[Video, ...]:
    rows = performance.orderBy(order, F.asc("videoId")).limit(limit).collect()
    return tuple(_video(row) for row in rows)


def _video(row: Any) -> Video:
    return Video(
        video_id=row["videoId"],
        title=row["videoTitle"],
        viewers=row["viewers"],
        plays=row["plays"],
        sessions=row["sessions"],
        hours=row["watchHours"],
        watched=row["avgUniqueWatchPercentage"],
        completion_rate=row["completionRate"],
        drop_off=row["dropOffPosition"],
        duration=row["videoDuration"],
        is_duration_estimated=row["isDurationEstimated"],
        excluded_viewers=row["excludedViewers"] or 0,
        excluded_hours=row["excludedWatchHours"] or 0.0,
        valid_plays=row["validPlays"],
        reached_end=row["reachedEndRate"],
        speed=row["playbackSpeed"],
    )


def _groups(tables: Tables) -> dict[str, str]:
    """The channel or course of each video of the list that has one."""
    if tables.groups is None:
        return {}
    listed = listed_videos(tables.video_performance).select("videoId")
    rows = tables.groups.join(listed, "videoId", "left_semi").collect()
    return {row["videoId"]: row["group"] for row in rows}


def _held(performance: DataFrame) -> tuple[tuple[Video, ...], tuple[Video, ...]]:
    """Videos of which viewers watch most, and least; none is in both."""
    watched = F.col("avgUniqueWatchPercentage")
    # An estimated duration is only as long as somebody watched.
    comparable = performance.where(
        (F.col("viewers") >= F.lit(MIN_VIEWERS)) & ~F.col("isDurationEstimated")
    )
    best = _videos(comparable, watched.desc(), HELD_VIDEOS)
    worst = _videos(comparable, watched.asc(), HELD_VIDEOS)
    return best, tuple(video for video in worst if video not in best)


def _curves(tables: Tables, videos: Sequence[Video], bucket_seconds: int) -> tuple[Curve, ...]:
    if not videos:
        return ()
    position_curve = tables.video_position_curve
    durations = {video.video_id: video.duration for video in videos}
    steps = {video.video_id: _stretch_seconds(video, bucket_seconds) for video in videos}
    # Positions beyond the end are the players' mistakes.
    is_shown = F.col("bucketStart") < _by_video(durations)
    number = F.floor(F.col("bucketStart") / _by_video(steps)).alias("number")
    rows = (
        position_curve.where(is_shown)
        .groupBy("videoId", number)
        .agg(
            F.min("bucketStart").alias("start"),
            F.max("bucketEnd").alias("end"),
            F.max("viewers").alias("viewers"),
            F.max("rewatches").alias("rewatches"),
            F.sum("exits").alias("exits"),
        )
        .orderBy("videoId", "start")
        .collect()
    )
    is_one = F.col("videoId").isin(*durations)
    first = position_curve.where(is_one & (F.col("bucketStart") == F.lit(0.0)))
    opening = {row["videoId"]: row["viewers"] for row in first.collect()}
    idle = watched_nothing(tables, list(durations))
    within = position_curve.where(is_one & (F.col("positionPercent") < F.lit(_ALL)))
    relative = within.groupBy("videoId").agg(F.avg("relativeRetention").alias("mean"))
    beside_others = {row["videoId"]: row["mean"] for row in relative.collect()}
    lost = _where_most_leave(within)
    curves = (
        Curve(
            video,
            _stretches(rows, video),
            opening=opening.get(video.video_id, 0),
            idle=idle.get(video.video_id, 0),
            bucket_seconds=bucket_seconds,
            relative=beside_others.get(video.video_id),
            lost=lost.get(video.video_id),
        )
        for video in videos
    )
    return tuple(curve for curve in curves if curve.stretches)


def _where_most_leave(buckets: DataFrame) -> dict[str, Moment]:
    """Of each video the bucket before the last one with most exits; of as many, the first."""
    of_video = Window.partitionBy("videoId")
    place = F.row_number().over(of_video.orderBy(F.desc("exits"), F.asc("bucketStart")))
    rows = (
        buckets.withColumn("last", F.max("bucketStart").over(of_video))
        .where((F.col("bucketStart") < F.col("last")) & (F.col("exits") > F.lit(0)))
        .withColumn("place", place)
        .where(F.col("place") == F.lit(1))
        .collect()
    )
    return {
        row["videoId"]: Moment(row["bucketStart"], row["bucketEnd"], row["exits"]) for row in rows
    }


def _rows_by(column: str, frame: DataFrame) -> dict[str, int]:
    counted = frame.groupBy(column).agg(F.count(F.lit(1)).alias("rows"))
    return {row[column]: row["rows"] for row in counted.collect()}


def _by_video(values: Mapping[str, float]) -> Column:
    """The value of the row's video; null for any other video."""
    is_it = {video: F.col("videoId") == F.lit(video) for video in values}
    return F.coalesce(*(F.when(is_it[video], F.lit(value)) for video, value in values.items()))


def _stretch_seconds(video: Video, bucket_seconds: int) -> float:
    """As many whole buckets as leave a curve with no more stretches than a chart can show."""
    buckets = video.duration / bucket_seconds
    return float(bucket_seconds * max(1, -(-buckets // STRETCHES)))


def _stretches(rows: Iterable[Any], video: Video) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(row["start"], row["end"], row["viewers"], row["rewatches"], row["exits"])
        for row in rows
        if row["videoId"] == video.video_id
    )


def _tiers(engagement: DataFrame) -> tuple[tuple[str, int], ...]:
    found = _rows_by("engagementTier", engagement)
    return tuple((tier, found.get(tier, 0)) for tier in TIERS)


def _audience(user_engagement: DataFrame) -> Audience:
    has_high = F.col("highTierVideos") > F.lit(0)
    all_users = _only_row(
        user_engagement.agg(
            F.count(F.lit(1)).alias("users"),
            F.coalesce(F.sum("watchSeconds"), F.lit(0.0)).alias("seconds"),
            F.count_if(has_high).alias("users_with_high"),
        )
    )
    order = (F.desc("highTierVideos"), F.desc("watchSeconds"), F.asc("userId"))
    rows = user_engagement.where(has_high).orderBy(*order).limit(POWER_USERS).collect()
    return Audience(
        users=all_users["users"],
        hours=all_users["seconds"] / SECONDS_PER_HOUR,
        users_with_high=all_users["users_with_high"],
        power_users=tuple(_power_user(row) for row in rows),
    )


def _power_user(row: Any) -> PowerUser:
    return PowerUser(
        user_id=row["userId"],
        high_videos=row["highTierVideos"],
        videos=row["videos"],
        completed_videos=row["completedVideos"],
        hours=row["watchSeconds"] / SECONDS_PER_HOUR,
        watched=row["avgUniqueWatchPercentage"],
        last_seen=_in_utc(row["lastSeen"]),
    )


def _intake(tables: Tables) -> Intake:
    kept = _dated(tables.events_per_day)
    rejected = _dated(tables.rejected_per_day)
    days = _newest({*kept, *rejected})
    reason = tables.rejected_events.groupBy("reason").agg(F.count(F.lit(1)).alias("rows"))
    reasons = reason.orderBy(F.desc("rows"), F.asc("reason")).limit(REASONS).collect()
    return Intake(
        days=tuple(QualityDay(day, kept.get(day, 0), rejected.get(day, 0)) for day in days),
        kept=sum(kept.values()),
        rejected=sum(tables.rejected_per_day.values()),
        undated=tables.rejected_per_day.get(UNDATED, 0),
        days_without_events=tuple(day for day in _calendar(kept) if not kept.get(day)),
        reasons=tuple((row["reason"], row["rows"]) for row in reasons),
    )


def _dated(rows: RowCounts) -> dict[date, int]:
    return {day: count for day, count in rows.items() if day != UNDATED}


def _flag_days(engagement: DataFrame, since: date) -> tuple[FlagDay, ...]:
    day = F.to_date("lastWatchDate")
    per_day = (
        engagement.where(day >= F.lit(since))
        .groupBy(day.alias("day"))
        .agg(F.count(F.lit(1)).alias("pairs"), F.count_if(_is_flagged()).alias("flagged"))
    )
    rows = per_day.orderBy("day").collect()
    return tuple(FlagDay(row["day"], row["pairs"], row["flagged"]) for row in rows)


def _flags(engagement: DataFrame) -> tuple[tuple[str, int], ...]:
    counted = engagement.groupBy(_FLAGGED).agg(F.count(F.lit(1)).alias("pairs"))
    rows = counted.where(_is_flagged()).orderBy(F.desc("pairs"), F.asc(_FLAGGED)).collect()
    return tuple((row[_FLAGGED], row["pairs"]) for row in rows)


def _is_flagged() -> Column:
    return F.col(_FLAGGED) != F.lit(OK)


def _missing(tables: Tables) -> Missing | None:
    if tables.missing_date is None:
        return None
    per_day = tables.missing_date.groupBy(F.col("missing_date").alias("day")).agg(
        F.count(F.lit(1)).alias("videos")
    )
    whole = _only_row(
        tables.missing_date.agg(
            F.countDistinct("video_id").alias("videos"), F.count(F.lit(1)).alias("dates")
        )
    )
    newest = per_day.orderBy(F.desc("day")).limit(DAYS_SHOWN).collect()
    found = {row["day"]: row["videos"] for row in newest}
    return Missing(
        per_day=tuple((day, found.get(day, 0)) for day in _calendar(found)),
        videos=whole["videos"],
        dates=whole["dates"],
        rows_there=tables.daily_view_rows,
    )


def _newest(days: Iterable[date]) -> list[date]:
    """The days from the newest one back as far as is shown, ascending."""
    ascending = sorted(days)
    if not ascending:
        return []
    oldest = ascending[-1] - timedelta(days=DAYS_SHOWN - 1)
    return [day for day in ascending if day >= oldest]


def _calendar(days: Iterable[date]) -> list[date]:
    """Every day from the first of those that are shown to the newest."""
    shown = _newest(days)
    if not shown:
        return []
    return [shown[0] + timedelta(days=n) for n in range((shown[-1] - shown[0]).days + 1)]


def _only_row(frame: DataFrame) -> Any:
    [row] = frame.collect()
    return row


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else _in_utc(at)


def _in_utc(at: datetime) -> datetime:
    """Spark Connect hands out local times, and the process's local time is UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
