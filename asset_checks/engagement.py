"""What must hold for `sessions` and for `aggregated_user_video_engagement`.

Sessions: possible watch times, and every event in exactly one row. Engagement: one possible row a
user and video, which agrees with the sessions.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from asset_checks.evaluate import sample
from asset_checks.freshness import yesterday_is_there
from asset_checks.rules import (
    WARN,
    CheckInput,
    Finding,
    FrameRule,
    MeasuredRule,
    RowRule,
    Rule,
    of_days,
    share_of,
)
from video_assets.engagement.tables import ENGAGEMENT, OK, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.unfinished_days import lag_of_events

# Sums of floats differ in their last digits with the order of adding.
TOLERANCE_SECONDS = 1e-6
RELATIVE_TOLERANCE = 1e-9

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
    rows = given.rows()
    if given.days is None:
        old = [day for day in given.checked_days() if given.stored.drops(RAW_EVENTS, day)]
        rows = rows.where(~F.col("sessionDate").isin(old)) if old else rows
    sessions = rows.groupBy(F.col("sessionDate").alias("day"))
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
        stretches = F.col("watchedSegments") + F.col("cutSegments")
        cut = F.col("cutSegments") / F.when(stretches > 0, stretches)
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
    before = day - timedelta(days=1)
    if day <= given.settings.start_date or given.stored.holds_day(RAW_EVENTS, before):
        return False
    # Sessions that are computed now need the events; those of the whole table were computed before.
    return given.days is not None or not given.stored.drops(RAW_EVENTS, before)


def _reports_segments(given: CheckInput) -> bool:
    return "playedSegments" in given.settings.events_columns.values()


def _differing_reports(given: CheckInput) -> Finding:
    """Compare what players said with the last event of a session row with its unique seconds.

    They speak of the session so far: at least of the row, and at most of all rows of the session.
    Of a session that began on another day, how much there was before is not asked.
    """
    session = ["userId", "videoId", "sessionId"]
    same_session = Window.partitionBy(*session)
    rows = given.rows().select(
        *SESSIONS.key,
        "uniqueSecondsWatched",
        F.col("lastEventTime").alias("timestamp"),
        F.sum("uniqueSecondsWatched").over(same_session).alias("ofSession"),
        F.max(F.col("isContinuation").cast("int")).over(same_session).alias("continues"),
    )
    reports = given.rows(RAW_EVENTS).where(F.col("reportedSeconds").isNotNull())
    last_reports = reports.groupBy(*session, "timestamp").agg(
        F.max("reportedSeconds").alias("reportedSeconds")
    )
    reported = F.col("reportedSeconds")
    more = reported - F.when(F.col("continues") == 0, F.col("ofSession"))
    difference = F.greatest(F.col("uniqueSecondsWatched") - reported, more)
    allowed = F.greatest(
        F.lit(given.settings.rules.position_tolerance),
        reported * F.lit(given.thresholds.max_report_difference),
    )
    compared = rows.join(last_reports, [*session, "timestamp"]).select(
        *SESSIONS.key, "uniqueSecondsWatched", "reportedSeconds", (difference > allowed).alias("is")
    )
    counted = compared.groupBy("sessionDate").agg(
        F.count(F.lit(1)).alias("rows"), F.count_if("is").alias("differing")
    )
    tolerated = given.thresholds.max_differing_reports
    days = counted.collect()
    found = of_days(
        {day["sessionDate"]: share_of(day["differing"], day["rows"], tolerated) for day in days}
    )
    share = sum(day["differing"] for day in days) / max(found.checked or 0, 1)
    found = replace(found, measured={"share": round(share, 6)})
    if not found.rows:
        return found
    differing = compared.where("is").drop("is").where(F.col("sessionDate").isin(*found.days))
    return replace(found, sample=sample(differing))


def _compute_again(what: str) -> str:
    return f"Materialize the {what} again; if it fails again, a watch-time rule has a bug."


SESSION_RULES: tuple[Rule, ...] = (
    RowRule(
        name="watch_time_not_negative",
        table=SESSIONS,
        description="Nobody watches less than nothing: watchTime is a number >= 0.",
        problem="session rows have a negative watch time, or none",
        remedy=_compute_again("days"),
        blocking=True,
        broken=_watch_time_is_impossible,
        shows=("watchTime",),
    ),
    RowRule(
        name="unique_within_watch_time",
        table=SESSIONS,
        description="The seconds watched at least once are at most the watch time.",
        problem="session rows have more unique seconds than watch time",
        remedy=_compute_again("days"),
        blocking=True,
        broken=_unique_exceeds_watch_time,
        shows=("uniqueSecondsWatched", "watchTime"),
    ),
    RowRule(
        name="intervals_sorted_and_disjoint",
        table=SESSIONS,
        description="The watched intervals of a row have a length, ascend and do not overlap.",
        problem="session rows have watched intervals that overlap or are out of order",
        remedy=_compute_again("days"),
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
        remedy="Raise VIDEO_ASSETS_MAX_SEGMENT above the longest true stretch, then compute these "
        "days again.",
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
        remedy="If players play faster, raise VIDEO_ASSETS_MAX_PLAYBACK_RATE, then compute these "
        "days again.",
        severity=WARN,
        thresholds=("max_cut_share",),
        violations=_days_with_cut_segments("tooFastSegments"),
        day_column="day",
    ),
    MeasuredRule(
        name="watched_as_reported",
        table=SESSIONS,
        description="What sessions have as watched is what their players report, where the "
        "settings map something onto `playedSegments`.",
        problem="players report other seconds than these rows have",
        remedy="Look for lost events, two players in one session, or another unit; see "
        "docs/sources.md.",
        severity=WARN,
        compared_with=(RAW_EVENTS,),
        thresholds=("max_report_difference", "max_differing_reports"),
        measure=_differing_reports,
        applies=_reports_segments,
    ),
    yesterday_is_there(SESSIONS, lag_of_events),
)


MEASURES = (
    "videoDuration",
    "totalWatchTime",
    "totalUniqueSecondsWatched",
    "maxPositionReached",
    "watchPercentage",
    "completionPercentage",
    "uniqueWatchPercentage",
    "sessionCount",
    "avgWatchTimePerSession",
    "avgSessionDuration",
    "avgPausesPerSession",
    "totalForwardSkips",
    "totalBackwardSkips",
    "completionCount",
    "creditedWatchTime",
)


class _Look(NamedTuple):
    """How many users and videos have other sums than their sessions, and more than one row."""

    different: int
    repeated: int


def _first_look(given: CheckInput) -> _Look:
    """Sum up by a 64-bit number of each pair, in half the time; by accident it may find more."""
    number = [F.xxhash64(*ENGAGEMENT.key).alias("pair")]
    [found] = (
        _sums(given, number)
        .agg(
            F.count_if(_sums_differ()).alias("different"),
            F.count_if(F.col("engagementRows") > 1).alias("repeated"),
        )
        .collect()
    )
    return _Look(found["different"], found["repeated"])


def _is_repeated(given: CheckInput) -> DataFrame:
    if not given.once(_first_look).repeated:
        return given.rows().limit(0)
    pairs = given.rows().groupBy(*ENGAGEMENT.key).agg(F.count(F.lit(1)).alias("rows"))
    return pairs.where(F.col("rows") > 1)


def _has_a_negative_measure(_: CheckInput) -> Column:
    # A value that is no number compares as larger than all others.
    columns = [F.col(name).cast("double") for name in MEASURES]
    return reduce(or_, ((column < 0) | F.isnan(column) for column in columns))


def _unique_exceeds_total(_: CheckInput) -> Column:
    total = F.col("totalWatchTime")
    return F.col("totalUniqueSecondsWatched") > total + F.lit(TOLERANCE_SECONDS)


def _unique_exceeds_duration(given: CheckInput) -> Column:
    longest = F.col("videoDuration") * F.lit(given.settings.duration_tolerance)
    return F.col("totalUniqueSecondsWatched") > longest + F.lit(TOLERANCE_SECONDS)


def _ends_before_it_begins(_: CheckInput) -> Column:
    return F.col("lastWatchDate") < F.col("firstWatchDate")


def _differs_from_sessions(given: CheckInput) -> DataFrame:
    """Users and videos whose sums are not those of their session rows, or that one side lacks.

    Only where a first look finds something, the pairs themselves are looked at.
    """
    if not given.once(_first_look).different:
        return given.rows().limit(0)
    return _sums(given, [F.col(name) for name in ENGAGEMENT.key]).where(_sums_differ())


def _sums(given: CheckInput, key: Sequence[Column]) -> DataFrame:
    pairs = _sums_of_sessions(given, key).unionByName(_sums_of_engagement(given, key))
    names = pairs.columns[: len(key)]
    return pairs.groupBy(*names).agg(
        *(F.sum(name).alias(name) for name in pairs.columns[len(key) :])
    )


def _sums_differ() -> Column:
    watched = F.col("watchTimeOfSessions")
    difference = F.abs(watched - F.col("watchTimeOfEngagement"))
    allowed = F.greatest(F.abs(watched), F.lit(1.0)) * F.lit(RELATIVE_TOLERANCE)
    # A user known only by continuations still had one session.
    expected = F.greatest(F.col("sessions"), F.lit(1).cast("bigint"))
    lacking = (F.col("sessionRows") == 0) | (F.col("engagementRows") == 0)
    is_other = (difference > allowed) | F.isnan(difference)
    return lacking | is_other | (expected != F.col("sessionCount"))


def _sums_of_sessions(given: CheckInput, key: Sequence[Column]) -> DataFrame:
    return given.all_rows(SESSIONS).select(
        *key,
        F.col("watchTime").alias("watchTimeOfSessions"),
        F.lit(0.0).alias("watchTimeOfEngagement"),
        F.when(F.col("isContinuation"), 0).otherwise(1).cast("bigint").alias("sessions"),
        F.lit(0).cast("bigint").alias("sessionCount"),
        F.lit(1).cast("bigint").alias("sessionRows"),
        F.lit(0).cast("bigint").alias("engagementRows"),
    )


def _sums_of_engagement(given: CheckInput, key: Sequence[Column]) -> DataFrame:
    earned = F.col("totalWatchTime") - F.col("creditedWatchTime")
    return given.rows().select(
        *key,
        F.lit(0.0).alias("watchTimeOfSessions"),
        earned.alias("watchTimeOfEngagement"),
        F.lit(0).cast("bigint").alias("sessions"),
        F.col("sessionCount"),
        F.lit(0).cast("bigint").alias("sessionRows"),
        F.lit(1).cast("bigint").alias("engagementRows"),
    )


def _watch_time_is_excessive(given: CheckInput) -> Column:
    once = F.col("videoDuration") * F.lit(given.settings.duration_tolerance)
    return F.col("totalWatchTime") > once * F.col("sessionCount")


def _completed_unwatched(given: CheckInput) -> Column:
    sufficient = F.lit(given.settings.sufficient_watch_percentage)
    return F.col("isCompletedAtLeastOnce") & (F.col("watchPercentage") < sufficient)


def _is_flagged(_: CheckInput) -> Column:
    return F.col("dataQualityFlag") != F.lit(OK)


def _is_old(given: CheckInput) -> DataFrame:
    """Rows that no change concerned keep their time, so that the newest row tells."""
    oldest = given.now - timedelta(hours=given.thresholds.max_hours_since_processing)
    newest = given.rows().agg(F.max("processedAt").alias("newestProcessedAt"))
    return newest.where(F.col("newestProcessedAt") < F.lit(oldest))


UP_TO_DATE = FrameRule(
    name="computed_recently",
    table=ENGAGEMENT,
    description="Some row of engagement was computed within the last hours.",
    problem="no row was computed for too long",
    remedy="Switch on the schedule daily_at_two, or see why its last run failed or found no "
    "events; run it again.",
    severity=WARN,
    thresholds=("max_hours_since_processing",),
    violations=_is_old,
)

ENGAGEMENT_RULES: tuple[Rule, ...] = (
    FrameRule(
        name="one_row_per_user_and_video",
        table=ENGAGEMENT,
        description="A user and video have one row.",
        problem="pairs of user and video have more than one row",
        remedy="Somebody else wrote to the table: materialize it again; if it fails again, a rule "
        "has a bug.",
        violations=_is_repeated,
    ),
    RowRule(
        name="no_negative_measure",
        table=ENGAGEMENT,
        description="Every duration, count, average and percentage is a number >= 0.",
        problem="rows have a measure that is negative or no number",
        remedy=_compute_again("table"),
        broken=_has_a_negative_measure,
        shows=MEASURES,
    ),
    RowRule(
        name="unique_within_total",
        table=ENGAGEMENT,
        description="The seconds watched at least once are at most the total watch time.",
        problem="rows have more unique seconds than watch time",
        remedy=_compute_again("table"),
        broken=_unique_exceeds_total,
        shows=("totalUniqueSecondsWatched", "totalWatchTime"),
    ),
    RowRule(
        name="unique_within_duration",
        table=ENGAGEMENT,
        description="The seconds watched at least once are at most the duration, with a margin.",
        problem="rows have more unique seconds than the video is long",
        remedy="Compare the duration in video_metadata with the video; correct it, and materialize "
        "both tables again.",
        thresholds=("duration_tolerance",),
        broken=_unique_exceeds_duration,
        shows=("totalUniqueSecondsWatched", "videoDuration", "isDurationEstimated"),
    ),
    RowRule(
        name="last_not_before_first",
        table=ENGAGEMENT,
        description="The last watch date is not before the first.",
        problem="rows were last watched before they were first watched",
        remedy=_compute_again("table"),
        broken=_ends_before_it_begins,
        shows=("firstWatchDate", "lastWatchDate"),
    ),
    FrameRule(
        name="sums_match_sessions",
        table=ENGAGEMENT,
        description="Watch time (without what was credited) and sessions of every user and video "
        "are the sums of their rows in sessions, and no one is missing on either side.",
        problem="pairs of user and video have other sums than their sessions",
        remedy="sessions changed after engagement was computed: materialize the table again.",
        compared_with=(SESSIONS,),
        violations=_differs_from_sessions,
    ),
    RowRule(
        name="watch_time_plausible",
        table=ENGAGEMENT,
        description="Watch time is at most duration x sessions, with a margin.",
        problem="rows have more watch time than duration x sessions allow",
        remedy="See raw_events of these users: a player that repeats itself, a robot, or a wrong "
        "duration.",
        severity=WARN,
        thresholds=("duration_tolerance",),
        broken=_watch_time_is_excessive,
        shows=("totalWatchTime", "videoDuration", "sessionCount", "isDurationEstimated"),
    ),
    RowRule(
        name="completed_with_sufficient_watch",
        table=ENGAGEMENT,
        description="Who completed a video also watched most of it.",
        problem="rows are completed although little was watched",
        remedy="Many people jump to the end; if one video stands out, see its duration and its "
        "player's events.",
        severity=WARN,
        thresholds=("sufficient_watch_percentage",),
        broken=_completed_unwatched,
        shows=("watchPercentage", "completionCount", "totalWatchTime", "videoDuration"),
    ),
    RowRule(
        name="few_flagged_rows",
        table=ENGAGEMENT,
        description="Most rows have the quality flag ok.",
        problem="too many rows have a quality flag",
        remedy="See the picture of quality flags on the asset's page: the most frequent flag tells "
        "what is wrong.",
        severity=WARN,
        thresholds=("max_flagged_share",),
        broken=_is_flagged,
        shows=("dataQualityFlag", "totalWatchTime", "maxPositionReached", "videoDuration"),
        tolerated_share="max_flagged_share",
    ),
    UP_TO_DATE,
)
