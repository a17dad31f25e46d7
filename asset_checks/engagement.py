"""What must hold for `aggregated_user_video_engagement`: one possible row a user and video."""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from asset_checks.rules import WARN, CheckInput, FrameRule, RowRule, Rule
from video_assets.engagement.tables import ENGAGEMENT, OK, SESSIONS

# Sums of floats differ in their last digits with the order of adding.
RELATIVE_TOLERANCE = 1e-9
TOLERANCE_SECONDS = 1e-6

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


def _is_repeated(given: CheckInput) -> DataFrame:
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

    A first look sums up by a 64-bit number of each pair, in half the time; only where that finds
    something, the pairs themselves are looked at.
    """
    number = [F.xxhash64(*ENGAGEMENT.key).alias("pair")]
    if not _with_other_sums(given, number).limit(1).count():
        return given.rows().limit(0)
    return _with_other_sums(given, [F.col(name) for name in ENGAGEMENT.key])


def _with_other_sums(given: CheckInput, key: Sequence[Column]) -> DataFrame:
    pairs = _sums_of_sessions(given, key).unionByName(_sums_of_engagement(given, key))
    names = pairs.columns[: len(key)]
    sums = pairs.groupBy(*names).agg(
        *(F.sum(name).alias(name) for name in pairs.columns[len(key) :])
    )
    watched = F.col("watchTimeOfSessions")
    difference = F.abs(watched - F.col("watchTimeOfEngagement"))
    allowed = F.greatest(F.abs(watched), F.lit(1.0)) * F.lit(RELATIVE_TOLERANCE)
    # A user known only by continuations still had one session.
    expected = F.greatest(F.col("sessions"), F.lit(1).cast("bigint"))
    lacking = (F.col("sessionRows") == 0) | (F.col("engagementRows") == 0)
    return sums.where(
        lacking | (difference > allowed) | F.isnan(difference) | (expected != F.col("sessionCount"))
    )


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

RULES: tuple[Rule, ...] = (
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
        remedy="Materialize the table again; if it fails again, a watch-time rule has a bug.",
        broken=_has_a_negative_measure,
        shows=MEASURES,
    ),
    RowRule(
        name="unique_within_total",
        table=ENGAGEMENT,
        description="The seconds watched at least once are at most the total watch time.",
        problem="rows have more unique seconds than watch time",
        remedy="Materialize the table again; if it fails again, a watch-time rule has a bug.",
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
        remedy="Materialize the table again; if it fails again, a watch-time rule has a bug.",
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
