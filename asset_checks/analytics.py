"""What must hold for the analysts' tables that are computed day by day."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from asset_checks.freshness import lag_of_events, yesterday_is_there
from asset_checks.rules import WARN, CheckInput, FrameRule, RowRule, Rule
from video_assets.analytics.aggregates import total
from video_assets.analytics.tables import VIDEO_DAILY
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS

# Sums of whole milliseconds are exact; half of one tells them apart.
_TOLERANCE_SECONDS = 5e-4
_COUNTED = ("sessions", "completions", "forwardSkips", "backwardSkips")


def _is_impossible(_: CheckInput) -> Column:
    viewers, unique = F.col("viewers"), F.col("uniqueSeconds")
    return (
        (viewers < 1)
        | (F.col("newViewers") > viewers)
        | (F.col("newViewers") < 0)
        | (F.col("daysSinceFirst") < 0)
        # The length of what a viewer watched is rounded for each of them.
        | (unique > F.col("watchSeconds") + F.lit(_TOLERANCE_SECONDS) * (viewers + 1))
    )


def _differs_from_sessions(given: CheckInput) -> DataFrame:
    """Videos and days with other sums than their session rows, or that one side lacks."""
    of_sessions = (
        given.rows(SESSIONS)
        .groupBy("videoId", F.col("sessionDate").alias("date"))
        .agg(
            F.count_if(~F.col("isContinuation")).alias("sessions"),
            F.sum("endedCount").alias("completions"),
            F.sum("forwardSkips").alias("forwardSkips"),
            F.sum("backwardSkips").alias("backwardSkips"),
            total("watchTime").alias("secondsOfSessions"),
        )
        .withColumnsRenamed({name: f"{name}OfSessions" for name in _COUNTED})
    )
    rows = given.rows()
    if given.days is None:
        # Of the whole table, days that were never computed are no mistake.
        computed = rows.select("date").distinct()
        of_sessions = of_sessions.join(computed, "date", "left_semi")
    both = rows.join(of_sessions, ["videoId", "date"], "full")
    counts = [~F.col(name).eqNullSafe(F.col(f"{name}OfSessions")) for name in _COUNTED]
    seconds = F.abs(F.col("watchSeconds") - F.col("secondsOfSessions")) > _TOLERANCE_SECONDS
    differs = F.coalesce(seconds, F.lit(True))  # noqa: FBT003 (Spark's signature)
    for count in counts:
        differs |= count
    shown = ("watchSeconds", "secondsOfSessions")
    pairs = (name for count in _COUNTED for name in (count, f"{count}OfSessions"))
    return both.where(differs).select("videoId", "date", *shown, *pairs)


def _viewers_not_new_once(given: CheckInput) -> DataFrame:
    """Days and videos that count other first viewings than engagement knows."""
    firsts = (
        given.all_rows(ENGAGEMENT)
        .groupBy("videoId", F.to_date("firstWatchDate").alias("date"))
        .agg(F.count(F.lit(1)).alias("firstViewings"))
    )
    rows = given.rows().select("videoId", "date", "newViewers")
    both = rows.join(firsts, ["videoId", "date"], "left")
    expected = F.coalesce(F.col("firstViewings"), F.lit(0))
    return both.where(F.col("newViewers") != expected)


RULES: tuple[Rule, ...] = (
    RowRule(
        name="possible_numbers",
        table=VIDEO_DAILY,
        description="A day of a video has viewers, new ones among them, and no more unique seconds "
        "than watch time.",
        problem="days of videos have numbers that contradict each other",
        remedy="Materialize these days again; if it fails again, the computation has a bug.",
        broken=_is_impossible,
        shows=("viewers", "newViewers", "daysSinceFirst", "uniqueSeconds", "watchSeconds"),
    ),
    FrameRule(
        name="sums_match_sessions",
        table=VIDEO_DAILY,
        description="Sessions, watch time, completions and skips of a video and day are those of "
        "its sessions.",
        problem="days of videos have other sums than their sessions",
        remedy="sessions changed after these days were computed: materialize video_daily again.",
        compared_with=(SESSIONS,),
        violations=_differs_from_sessions,
        day_column="date",
    ),
    FrameRule(
        name="viewers_are_new_once",
        table=VIDEO_DAILY,
        description="Who is new on a day saw the video for the first time that day.",
        problem="days count other new viewers than engagement knows",
        remedy="Engagement changed after these days were computed: materialize video_daily of the "
        "days named again.",
        severity=WARN,
        compared_with=(ENGAGEMENT,),
        violations=_viewers_not_new_once,
        day_column="date",
    ),
    yesterday_is_there(VIDEO_DAILY, lag_of_events),
)
