"""What must hold for `sessions`: possible watch times, and every event in exactly one row."""

from collections.abc import Callable
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from asset_checks.freshness import yesterday_is_there
from asset_checks.rules import WARN, CheckInput, Finding, FrameRule, MeasuredRule, RowRule, Rule
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS

# Sums of floats differ in their last digits with the order of adding.
TOLERANCE_SECONDS = 1e-6

_DISORDER = float("inf")


def _watch_time_is_impossible(_: CheckInput) -> Column:
    watched = F.col("watchTime")
    return (watched < 0) | F.isnan(watched)


def _unique_exceeds_watch_time(_: CheckInput) -> Column:
    return F.col("uniqueSecondsWatched") > F.col("watchTime") + F.lit(TOLERANCE_SECONDS)


def _intervals_overlap(_: CheckInput) -> Column:
    """Walk along the intervals; one that begins before the last one's end is out of order."""

    def furthest_end(last: Column, interval: Column) -> Column:
        follows = (interval["start"] >= last) & (interval["end"] > interval["start"])
        return F.when(follows, interval["end"]).otherwise(F.lit(_DISORDER))

    walked = F.aggregate(F.col("watchedIntervals"), F.lit(0.0), furthest_end)
    return walked == F.lit(_DISORDER)


def _days_with_lost_events(given: CheckInput) -> DataFrame:
    """Days whose session rows do not stand for as many events as `raw_events` has."""
    sessions = given.rows().groupBy(F.col("sessionDate").alias("day"))
    raw = given.rows(RAW_EVENTS).groupBy(F.col("eventDate").alias("day"))
    # Of the whole table, days that were never computed are no mistake.
    both = sessions.agg(F.sum("eventCount").alias("events")).join(
        raw.agg(F.count(F.lit(1)).alias("rawEvents")), "day", "full" if given.days else "left"
    )
    counted = both.select(
        "day",
        F.coalesce(F.col("events"), F.lit(0)).alias("eventsInSessions"),
        F.coalesce(F.col("rawEvents"), F.lit(0)).alias("rawEvents"),
    )
    return counted.where(F.col("eventsInSessions") != F.col("rawEvents"))


def _days_with_cut_segments(counted: str) -> Callable[[CheckInput], DataFrame]:
    """Days on which a setting alone cuts too many of the stretches that would be watched."""

    def days(given: CheckInput) -> DataFrame:
        by_day = given.rows().groupBy(F.col("sessionDate").alias("day"))
        counts = by_day.agg(
            F.sum("segmentCount").alias("watchedSegments"), F.sum(counted).alias("cutSegments")
        )
        cut = F.col("cutSegments") / (F.col("watchedSegments") + F.col("cutSegments"))
        shares = counts.withColumn("share", F.round(cut, 4))
        return shares.where(cut > F.lit(given.tolerated("max_cut_share")))

    return days


def _days_without_the_day_before(given: CheckInput) -> Finding:
    days = given.checked_days()
    missing = [(day, day - timedelta(days=1)) for day in days if _lacks_day_before(given, day)]
    return Finding(
        rows=len(missing),
        checked=len(days),
        sample=[{"day": day, "missing_raw_events_of": before} for day, before in missing],
        days=[day for day, _ in missing],
    )


def _lacks_day_before(given: CheckInput, day: date) -> bool:
    if day <= given.settings.start_date:
        return False
    return not given.stored.holds_day(RAW_EVENTS, day - timedelta(days=1))


RULES: tuple[Rule, ...] = (
    RowRule(
        name="watch_time_not_negative",
        table=SESSIONS,
        description="Nobody watches less than nothing: watchTime is a number >= 0.",
        problem="session rows have a negative watch time, or none",
        remedy="Materialize the days again; if it fails again, a watch-time rule has a bug.",
        blocking=True,
        broken=_watch_time_is_impossible,
        shows=("watchTime",),
    ),
    RowRule(
        name="unique_within_watch_time",
        table=SESSIONS,
        description="The seconds watched at least once are at most the watch time.",
        problem="session rows have more unique seconds than watch time",
        remedy="Materialize the days again; if it fails again, a watch-time rule has a bug.",
        blocking=True,
        broken=_unique_exceeds_watch_time,
        shows=("uniqueSecondsWatched", "watchTime"),
    ),
    RowRule(
        name="intervals_sorted_and_disjoint",
        table=SESSIONS,
        description="The watched intervals of a row have a length, ascend and do not overlap.",
        problem="session rows have watched intervals that overlap or are out of order",
        remedy="Materialize the days again; if it fails again, a watch-time rule has a bug.",
        blocking=True,
        broken=_intervals_overlap,
        shows=("watchedIntervals",),
    ),
    FrameRule(
        name="events_accounted_for",
        table=SESSIONS,
        description="The session rows of a day stand for exactly the events of that day.",
        problem="days have other numbers of events in sessions than in raw_events",
        remedy="raw_events changed after sessions were computed: materialize sessions of these "
        "days again.",
        blocking=True,
        compared_with=(RAW_EVENTS,),
        violations=_days_with_lost_events,
        day_column="day",
    ),
    MeasuredRule(
        name="previous_day_present",
        table=SESSIONS,
        description="The raw events of the day before are there, so that sessions which run past "
        "midnight are complete; the first partition needs none.",
        problem="days were computed without the raw events of the day before",
        remedy="Materialize raw_events of the day before, then sessions of these days again.",
        severity=WARN,
        compared_with=(RAW_EVENTS,),
        measure=_days_without_the_day_before,
    ),
    FrameRule(
        name="max_segment_cuts_little",
        table=SESSIONS,
        description="MAX_SEGMENT alone keeps few stretches from being watched segments.",
        problem="days have many stretches that are not watched only because they are too long",
        remedy="Raise VIDEO_ASSETS_MAX_SEGMENT above the longest stretch that people watch without "
        "an event, then materialize sessions of these days again.",
        severity=WARN,
        thresholds=("max_cut_share",),
        violations=_days_with_cut_segments("tooLongSegments"),
        day_column="day",
    ),
    FrameRule(
        name="max_playback_rate_cuts_little",
        table=SESSIONS,
        description="MAX_PLAYBACK_RATE alone keeps few stretches from being watched segments.",
        problem="days have many stretches that are not watched only because they are too fast",
        remedy="If your player plays faster, raise VIDEO_ASSETS_MAX_PLAYBACK_RATE, then "
        "materialize sessions of these days again; if it tells of no seeks, these are jumps.",
        severity=WARN,
        thresholds=("max_cut_share",),
        violations=_days_with_cut_segments("tooFastSegments"),
        day_column="day",
    ),
    yesterday_is_there(SESSIONS),
)
