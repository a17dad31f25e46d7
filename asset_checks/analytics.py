"""What must hold for the analysts' tables that are computed day by day."""

from dataclasses import replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from asset_checks.freshness import yesterday_is_there
from asset_checks.rules import WARN, CheckInput, FrameRule, RowRule, Rule
from video_assets.analytics.aggregates import total
from video_assets.analytics.dimension_daily import OTHER, UNKNOWN
from video_assets.analytics.tables import DIMENSION_DAILY, VIDEO_DAILY
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.unfinished_days import lag_of_events

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
    return _differing_sums(given, given.rows(), ["videoId", "date"])


def _differs_from_sessions_in_any_dimension(given: CheckInput) -> DataFrame:
    """Dimensions, videos and days whose values do not add up to their session rows."""
    key = ["dimension", "videoId", "date"]
    sums = (F.sum(name).alias(name) for name in _COUNTED)
    return _differing_sums(
        given,
        given.rows().groupBy(*key).agg(total("watchSeconds").alias("watchSeconds"), *sums),
        key,
    )


def _differing_sums(given: CheckInput, rows: DataFrame, key: list[str]) -> DataFrame:
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
    if "dimension" in key:
        of_sessions = of_sessions.crossJoin(_dimensions(given))
    if given.days is None:
        # Of the whole table, days that were never computed are no mistake.
        days = [name for name in key if name != "videoId"]
        of_sessions = of_sessions.join(rows.select(*days).distinct(), days, "left_semi")
    both = rows.join(of_sessions, key, "full")
    counts = [~F.col(name).eqNullSafe(F.col(f"{name}OfSessions")) for name in _COUNTED]
    seconds = F.abs(F.col("watchSeconds") - F.col("secondsOfSessions")) > _TOLERANCE_SECONDS
    differs = F.coalesce(seconds, F.lit(True))  # noqa: FBT003 (Spark's signature)
    for count in counts:
        differs |= count
    shown = ("watchSeconds", "secondsOfSessions")
    pairs = (name for count in _COUNTED for name in (count, f"{count}OfSessions"))
    return both.where(differs).select(*key, *shown, *pairs)


def _dimensions(given: CheckInput) -> DataFrame:
    names = F.array(*map(F.lit, given.settings.events_dimensions))
    return given.stored.session().range(1).select(F.explode(names).alias("dimension"))


def _viewers_not_new_once(given: CheckInput) -> DataFrame:
    """Days and videos that count other first viewings than engagement knows."""
    return _differing_new_viewers(given, given.rows(), ["videoId", "date"])


def _viewers_not_new_once_in_any_dimension(given: CheckInput) -> DataFrame:
    """The same of a dimension."""
    key = ["dimension", "videoId", "date"]
    rows = given.rows().groupBy(*key).agg(F.sum("newViewers").alias("newViewers"))
    return _differing_new_viewers(given, rows, key)


def _differing_new_viewers(given: CheckInput, rows: DataFrame, key: list[str]) -> DataFrame:
    firsts = (
        given.all_rows(ENGAGEMENT)
        .groupBy("videoId", F.to_date("firstWatchDate").alias("date"))
        .agg(F.count(F.lit(1)).alias("firstViewings"))
    )
    both = rows.select(*key, "newViewers").join(firsts, ["videoId", "date"], "left")
    expected = F.coalesce(F.col("firstViewings"), F.lit(0))
    return both.where(F.col("newViewers") != expected)


def _are_named(given: CheckInput) -> bool:
    return bool(given.settings.events_dimensions)


def _with_too_many_values(given: CheckInput) -> DataFrame:
    """Dimensions and days with as many values as are named, and others."""
    value = F.col("value")
    values = F.count_distinct(F.when(~value.isin(UNKNOWN, OTHER), value)).alias("valuesNamed")
    others = F.sum(F.when(value == OTHER, F.col("sessions"))).alias("sessionsOfOthers")
    days = given.rows().groupBy("dimension", "date").agg(values, others)
    most = given.settings.dimension_values
    return days.where((F.col("valuesNamed") >= most) & F.col("sessionsOfOthers").isNotNull())


_YESTERDAY = yesterday_is_there(DIMENSION_DAILY, lag_of_events)

DIMENSION_RULES: tuple[Rule, ...] = (
    RowRule(
        name="possible_numbers",
        table=DIMENSION_DAILY,
        description="A day of a value has viewers, new ones among them, and no more unique seconds "
        "than watch time.",
        problem="days of values have numbers that contradict each other",
        remedy="Materialize these days again; if it fails again, the computation has a bug.",
        broken=_is_impossible,
        shows=("viewers", "newViewers", "daysSinceFirst", "uniqueSeconds", "watchSeconds"),
        applies=_are_named,
    ),
    FrameRule(
        name="sums_match_sessions",
        table=DIMENSION_DAILY,
        description="The values of a dimension add up to the sessions, watch time, completions and "
        "skips of the video and day, as `video_daily` has them.",
        problem="the values of dimensions add up to other sums than the sessions",
        remedy="sessions changed, or a dimension was named, after these days were computed: "
        "materialize dimension_daily again.",
        compared_with=(SESSIONS,),
        violations=_differs_from_sessions_in_any_dimension,
        day_column="date",
        applies=_are_named,
    ),
    FrameRule(
        name="viewers_are_new_once",
        table=DIMENSION_DAILY,
        description="Who is new on a day is so under one value of a dimension.",
        problem="the values of dimensions count other new viewers than engagement knows",
        remedy="Engagement changed after these days were computed: materialize dimension_daily of "
        "the days named again.",
        severity=WARN,
        compared_with=(ENGAGEMENT,),
        violations=_viewers_not_new_once_in_any_dimension,
        day_column="date",
        applies=_are_named,
    ),
    FrameRule(
        name="values_are_named",
        table=DIMENSION_DAILY,
        description="No dimension has more values on a day than are named: the rest is `other`.",
        problem="dimensions have more values than are named, the rest of them is `other`",
        remedy="Name a coarser path in EVENTS_DIMENSIONS, or raise DIMENSION_VALUES, and "
        "materialize the days named again.",
        severity=WARN,
        thresholds=("dimension_values",),
        violations=_with_too_many_values,
        day_column="date",
        applies=_are_named,
    ),
    replace(_YESTERDAY, applies=lambda given: _are_named(given) and _YESTERDAY.applies(given)),
)

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
