"""The schemas of the analysts' tables."""

from dataclasses import replace

import pyarrow as pa

from resources.delta.table import TIMESTAMP, Column, Table, required
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.vocabulary import SCHEMA_NAME

REACHED_PERCENTAGES = (10, 25, 50, 75, 90, 100)
TIERS = ("High", "Medium", "Low", "Minimal")


def _tier_counts(of: str) -> tuple[Column, ...]:
    return tuple(
        required(
            f"{tier.lower()}Tier{of.title()}",
            pa.int64(),
            f"{of} of the tier {tier}",
            of,
            origin=ENGAGEMENT.origin("engagementTier"),
        )
        for tier in TIERS
    )


# Of a table that is declared further down.
_LEFT_OUT = (("user_engagement", "exclusionReason"),)

VIDEO_PERFORMANCE = Table(
    name="video_performance",
    schema=SCHEMA_NAME,
    grain="one video that anyone opened",
    key=("videoId",),
    columns=(
        *ENGAGEMENT.copied("videoId", "videoTitle", "videoDuration", "isDurationEstimated"),
        required(
            "viewers",
            pa.int64(),
            "users with any event of the video",
            "viewers",
            origin=ENGAGEMENT.origin("userId"),
        ),
        required(
            "plays",
            pa.int64(),
            "times that play was pressed: video_play events",
            "video_play",
            origin=RAW_EVENTS.origin("eventName"),
        ),
        required(
            "sessions",
            pa.int64(),
            "sessions of all viewers",
            "sessions",
            origin=ENGAGEMENT.origin("sessionCount"),
        ),
        required(
            "replays",
            pa.int64(),
            "sessions beyond each viewer's first",
            "sessions",
            origin=ENGAGEMENT.origin("sessionCount"),
        ),
        required(
            "completions",
            pa.int64(),
            "times that the video ran to its end",
            origin=ENGAGEMENT.origin("completionCount"),
        ),
        required(
            "watchHours",
            pa.float64(),
            "time watched, rewatching included",
            "h",
            origin=ENGAGEMENT.origin("totalWatchTime"),
        ),
        required(
            "avgWatchPercentage",
            pa.float64(),
            "mean of the viewers' watchPercentage",
            "%",
            origin=ENGAGEMENT.origin("watchPercentage"),
        ),
        required(
            "medianWatchPercentage",
            pa.float64(),
            "median of the viewers' watchPercentage",
            "%",
            origin=ENGAGEMENT.origin("watchPercentage"),
        ),
        required(
            "avgUniqueWatchPercentage",
            pa.float64(),
            "mean of the viewers' uniqueWatchPercentage",
            "%",
            origin=ENGAGEMENT.origin("uniqueWatchPercentage"),
        ),
        required(
            "medianUniqueWatchPercentage",
            pa.float64(),
            "median of the viewers' uniqueWatchPercentage",
            "%",
            origin=ENGAGEMENT.origin("uniqueWatchPercentage"),
        ),
        required(
            "completionRate",
            pa.float64(),
            "viewers who completed the video at least once",
            "%",
            origin=ENGAGEMENT.origin("isCompletedAtLeastOnce"),
        ),
        *(
            required(
                f"reached{percent}Percent",
                pa.float64(),
                f"viewers whose furthest position is at least {percent} % of the duration "
                "(completionPercentage), however they got there, or who completed the video",
                "%",
                origin=ENGAGEMENT.origin("completionPercentage", "isCompletedAtLeastOnce"),
            )
            for percent in REACHED_PERCENTAGES
        ),
        Column(
            "dropOffPosition",
            pa.float64(),
            "median furthest position of the viewers who never completed the video; null when "
            "all completed it",
            "s of video",
            origin=ENGAGEMENT.origin("maxPositionReached", "isCompletedAtLeastOnce"),
        ),
        required(
            "avgEngagementScore",
            pa.float64(),
            "mean of the viewers' scores",
            "points",
            origin=ENGAGEMENT.origin("engagementScore"),
        ),
        *_tier_counts("viewers"),
        required(
            "flaggedViewers",
            pa.int64(),
            "viewers whose row has a data quality flag; they are in all other numbers",
            "viewers",
            origin=ENGAGEMENT.origin("dataQualityFlag"),
        ),
        required(
            "firstSeen",
            TIMESTAMP,
            "first event of anyone",
            "UTC",
            origin=ENGAGEMENT.origin("firstWatchDate"),
        ),
        required(
            "lastSeen",
            TIMESTAMP,
            "last event of anyone",
            "UTC",
            origin=ENGAGEMENT.origin("lastWatchDate"),
        ),
        Column(
            "reachedEndRate",
            pa.float64(),
            "viewers who reached the end, by position: the video ran to it, or a watched segment "
            "ends at REACHED_END of the duration or after it",
            "%",
            origin=ENGAGEMENT.origin("hasReachedEnd"),
        ),
        Column(
            "coveredRate",
            pa.float64(),
            "viewers who watched REACHED_END of the video at least once, by coverage: who skipped "
            "to the end is none",
            "%",
            origin=ENGAGEMENT.origin("totalUniqueSecondsWatched", "videoDuration"),
        ),
        Column(
            "validPlays",
            pa.int64(),
            "sessions in which VALID_PLAY_SECONDS were watched, or the video ran to its end",
            "sessions",
            origin=SESSIONS.origin("sessionId", "isContinuation", "watchTime", "endedCount"),
        ),
        Column(
            "playedHours",
            pa.float64(),
            "wall clock of what was watched; null where sessions of any day do not tell it yet",
            "h",
            origin=SESSIONS.origin("playedSeconds"),
        ),
        Column(
            "playbackSpeed",
            pa.float64(),
            "seconds of video watched in a second of wall clock; null where none is known",
            origin=SESSIONS.origin("watchTime", "playedSeconds"),
        ),
        Column(
            "averageMinuteAudience",
            pa.float64(),
            "how many watch an average minute of the video: watch time by its duration; null "
            "without a duration",
            "viewers",
            origin=ENGAGEMENT.origin("totalWatchTime", "videoDuration"),
        ),
        Column(
            "excludedViewers",
            pa.int64(),
            "viewers with an exclusionReason: they are in no other number but excludedWatchHours, "
            "firstSeen and lastSeen",
            "viewers",
            origin=_LEFT_OUT,
        ),
        Column(
            "excludedWatchHours",
            pa.float64(),
            "time that they watched, beside watchHours",
            "h",
            origin=_LEFT_OUT + ENGAGEMENT.origin("totalWatchTime"),
        ),
    ),
)

_WATCHED = RAW_EVENTS.origin(
    "userId", "sessionId", "timestamp", "eventName", "currentTime", "seekTime"
)

VIDEO_POSITION_CURVE = Table(
    name="video_position_curve",
    schema=SCHEMA_NAME,
    grain="one bucket of positions of a video, up to the last that anyone watched",
    key=("videoId", "bucketStart"),
    columns=(
        *RAW_EVENTS.copied("videoId"),
        required(
            "bucketStart",
            pa.float64(),
            "first position of the bucket",
            "s of video",
            origin=RAW_EVENTS.origin("currentTime", "seekTime"),
        ),
        required(
            "bucketEnd",
            pa.float64(),
            "position after the bucket's last",
            "s of video",
            origin=RAW_EVENTS.origin("currentTime", "seekTime"),
        ),
        required(
            "viewers",
            pa.int64(),
            "users who watched any of the bucket",
            "viewers",
            origin=_WATCHED,
        ),
        required(
            "views",
            pa.int64(),
            "times that any of the bucket was watched; a pause does not make it two",
            "views",
            origin=_WATCHED,
        ),
        required(
            "rewatches",
            pa.int64(),
            "views beyond each viewer's first",
            "views",
            origin=_WATCHED,
        ),
        required(
            "audienceRetention",
            pa.float64(),
            "viewers of the bucket, of all users with any event of the video",
            "%",
            origin=_WATCHED,
        ),
        required(
            "exits",
            pa.int64(),
            "viewers who stopped here for good: what they watched last, in time, ends in the "
            "bucket; those who watched to the end exit in the last one",
            "viewers",
            origin=_WATCHED,
        ),
        Column(
            "positionPercent",
            pa.float64(),
            "bucketStart in percent of the video's duration; null where that is unknown",
            "%",
            origin=ENGAGEMENT.origin("videoDuration"),
        ),
        Column(
            "started",
            pa.int64(),
            "views that begin in the bucket; a pause begins none",
            "views",
            origin=_WATCHED,
        ),
        Column(
            "stopped",
            pa.int64(),
            "views that end in the bucket: nothing carries on from there",
            "views",
            origin=_WATCHED,
        ),
        Column(
            "relativeRetention",
            pa.float64(),
            "share of the other videos of similar length that hold a smaller part of their viewers "
            "at this percent of their length, those that hold as much counted half: 0 least of "
            "all, 0.5 as the median, 1 most; null without such a video, and beyond the end",
            origin=_WATCHED,
        ),
        Column(
            "hotspotRank",
            pa.int64(),
            "1, 2, ... for the moments that are watched again more than what is around them, the "
            "most watched first; null elsewhere",
            origin=_WATCHED,
        ),
        Column(
            "excludedViews",
            pa.int64(),
            "views by viewers with an exclusionReason, who are in no other number",
            "views",
            origin=_WATCHED + _LEFT_OUT,
        ),
    ),
)

_SIDE_BY_SIDE = _WATCHED + SESSIONS.origin("lastEventTime", "elapsedSeconds")
_MOST_IN_A_DAY = SESSIONS.origin("sessionDate", "watchTime", "elapsedSeconds")
_MOST_PLAYS = SESSIONS.origin("sessionDate", "isContinuation", "endedCount")
_EXCLUDED = tuple(dict.fromkeys(_SIDE_BY_SIDE + _MOST_IN_A_DAY + _MOST_PLAYS))

USER_ENGAGEMENT = Table(
    name="user_engagement",
    schema=SCHEMA_NAME,
    grain="one user",
    key=("userId",),
    columns=(
        *ENGAGEMENT.copied("userId"),
        required(
            "videos",
            pa.int64(),
            "videos with any event of the user",
            "videos",
            origin=ENGAGEMENT.origin("videoId"),
        ),
        required(
            "completedVideos",
            pa.int64(),
            "videos completed at least once",
            "videos",
            origin=ENGAGEMENT.origin("isCompletedAtLeastOnce"),
        ),
        required(
            "watchSeconds",
            pa.float64(),
            "time watched, rewatching included",
            "s",
            origin=ENGAGEMENT.origin("totalWatchTime"),
        ),
        required(
            "sessions",
            pa.int64(),
            "sessions, counted for each video",
            "sessions",
            origin=ENGAGEMENT.origin("sessionCount"),
        ),
        required(
            "avgWatchPercentage",
            pa.float64(),
            "mean of the videos' watchPercentage",
            "%",
            origin=ENGAGEMENT.origin("watchPercentage"),
        ),
        required(
            "avgUniqueWatchPercentage",
            pa.float64(),
            "mean of the videos' uniqueWatchPercentage",
            "%",
            origin=ENGAGEMENT.origin("uniqueWatchPercentage"),
        ),
        required(
            "avgEngagementScore",
            pa.float64(),
            "mean of the videos' scores",
            "points",
            origin=ENGAGEMENT.origin("engagementScore"),
        ),
        *_tier_counts("videos"),
        required(
            "firstSeen", TIMESTAMP, "first event", "UTC", origin=ENGAGEMENT.origin("firstWatchDate")
        ),
        required(
            "lastSeen", TIMESTAMP, "last event", "UTC", origin=ENGAGEMENT.origin("lastWatchDate")
        ),
        Column(
            "simultaneousSeconds",
            pa.float64(),
            "wall clock played beyond one session at a time: part of what watchSeconds adds up",
            "s",
            origin=_SIDE_BY_SIDE,
        ),
        Column(
            "simultaneousSessions",
            pa.int64(),
            "sessions that played at the same moment as another one of the user",
            "sessions",
            origin=_SIDE_BY_SIDE,
        ),
        Column(
            "mostPlacesAtOnce",
            pa.int64(),
            "most sessions that played at the same moment, at least 1",
            "sessions",
            origin=_SIDE_BY_SIDE,
        ),
        Column(
            "mostSecondsInADay",
            pa.float64(),
            "longest that the user watched on one UTC day: of each session at most its wall clock",
            "s",
            origin=_MOST_IN_A_DAY,
        ),
        Column(
            "mostPlaysOfAVideo",
            pa.int64(),
            "most sessions begun, or endings, of one video on one UTC day",
            "plays",
            origin=_MOST_PLAYS,
        ),
        Column(
            "exclusionReason",
            pa.string(),
            "why rankings and curves leave the user out: `listed`, `hours_a_day`, "
            "`plays_of_a_video` or `places_at_once`, the first that holds; null for the audience",
            origin=_EXCLUDED,
        ),
    ),
)

_COHORT_WEEKS = SESSIONS.origin("userId", "sessionDate")

VIEWER_COHORTS = Table(
    name="viewer_cohorts",
    schema=SCHEMA_NAME,
    grain="one week in the life of the viewers who came in the same week",
    key=("cohortWeek", "weeksSince"),
    columns=(
        required(
            "cohortWeek",
            pa.date32(),
            "Monday of the week of the viewers' first session",
            "UTC day",
            origin=_COHORT_WEEKS,
        ),
        required(
            "weeksSince",
            pa.int64(),
            "weeks since then, 0 for the first",
            "weeks",
            origin=SESSIONS.origin("sessionDate"),
        ),
        required(
            "cohortViewers", pa.int64(), "viewers of the cohort", "viewers", origin=_COHORT_WEEKS
        ),
        required(
            "returningViewers",
            pa.int64(),
            "of these, viewers with a session in that week; all of them in week 0",
            "viewers",
            origin=_COHORT_WEEKS,
        ),
        required(
            "returnRate",
            pa.float64(),
            "returningViewers of cohortViewers",
            "%",
            origin=_COHORT_WEEKS,
        ),
        required(
            "watchSeconds",
            pa.float64(),
            "time that they watched in that week",
            "s",
            origin=SESSIONS.origin("userId", "sessionDate", "watchTime"),
        ),
    ),
)

VIDEO_ENGAGEMENT_BI = Table(
    name="vw_video_engagement_bi",
    schema=SCHEMA_NAME,
    grain="one user and video, without doubts about its data",
    key=("userId", "videoId"),
    columns=(
        *ENGAGEMENT.copied("userId", "videoId", "videoTitle"),
        required(
            "watchMinutes",
            pa.float64(),
            "time watched, rewatching included",
            "min",
            origin=ENGAGEMENT.origin("totalWatchTime"),
        ),
        required(
            "watchPercentage",
            pa.float64(),
            "time watched of the video's duration",
            "%",
            origin=ENGAGEMENT.origin("watchPercentage"),
        ),
        required(
            "completionPercentage",
            pa.float64(),
            "furthest position of the video's duration",
            "%",
            origin=ENGAGEMENT.origin("completionPercentage"),
        ),
        *ENGAGEMENT.copied("engagementTier"),
        required(
            "firstWatchDay",
            pa.date32(),
            "day of the first event",
            "UTC day",
            origin=ENGAGEMENT.origin("firstWatchDate"),
        ),
        required(
            "sessionCount",
            pa.int64(),
            "sessions, at least 1",
            "sessions",
            origin=ENGAGEMENT.origin("sessionCount"),
        ),
        required(
            "isCompletedAtLeastOnce",
            pa.bool_(),
            "the video ran to its end",
            origin=ENGAGEMENT.origin("isCompletedAtLeastOnce"),
        ),
        Column(
            "viewDefinitionSince",
            pa.date32(),
            "for comparing with the platform's views: day since which these were counted as on "
            "firstWatchDay (`_VIEW_DEFINITION_CHANGES`); null: as before the first change",
            "day",
            origin=ENGAGEMENT.origin("firstWatchDate"),
        ),
    ),
)

_OF_THE_DAY = SESSIONS.origin("sessionDate")

VIDEO_DAILY = Table(
    name="video_daily",
    schema=SCHEMA_NAME,
    grain="one video on a day on which anyone opened it",
    key=("videoId", "date"),
    partition_by="date",
    columns=(
        *SESSIONS.copied("videoId"),
        required("date", pa.date32(), "day of the events", "UTC day", origin=_OF_THE_DAY),
        Column(
            "plays",
            pa.int64(),
            "times that play was pressed: video_play events; null where the sessions of the day "
            "were computed before they counted them",
            "video_play",
            origin=SESSIONS.origin("playCount"),
        ),
        required(
            "viewers",
            pa.int64(),
            "users with any event of the video that day",
            "viewers",
            origin=SESSIONS.origin("userId"),
        ),
        required(
            "newViewers",
            pa.int64(),
            "of these, users who opened the video for the first time",
            "viewers",
            origin=ENGAGEMENT.origin("firstWatchDate"),
        ),
        required(
            "sessions",
            pa.int64(),
            "sessions that began that day; one that runs past midnight counts where it began",
            "sessions",
            origin=SESSIONS.origin("isContinuation"),
        ),
        required(
            "watchSeconds",
            pa.float64(),
            "time watched, rewatching included",
            "s",
            origin=SESSIONS.origin("watchTime"),
        ),
        required(
            "uniqueSeconds",
            pa.float64(),
            "length of what each viewer watched that day at least once, of all viewers",
            "s of video",
            origin=SESSIONS.origin("watchedIntervals"),
        ),
        required(
            "completions",
            pa.int64(),
            "times that the video ran to its end",
            origin=SESSIONS.origin("endedCount"),
        ),
        *SESSIONS.copied("forwardSkips", "backwardSkips"),
        required(
            "daysSinceFirst",
            pa.int64(),
            "days since the first day on which anyone opened the video, 0 on that day",
            "days",
            origin=ENGAGEMENT.origin("firstWatchDate"),
        ),
        Column(
            "isUnfinished",
            pa.bool_(),
            "whether the deliveries of the day had not ended when it was computed, so that its "
            "numbers are those so far; null in rows from before this column",
        ),
    ),
)

_OF_DIMENSIONS = SESSIONS.origin("dimensions")
_NEW_OF_VALUE = required(
    "newViewers",
    pa.int64(),
    "of these, users who opened the video for the first time, each under the value of the first "
    "session",
    "viewers",
    origin=ENGAGEMENT.origin("firstWatchDate", "firstDimensions"),
)


def _of_value(column: Column) -> Column:
    """A column of `video_daily`, of the sessions with a value."""
    if column.name in (*VIDEO_DAILY.key, "daysSinceFirst", "isUnfinished"):
        return column
    if column.name == _NEW_OF_VALUE.name:
        return _NEW_OF_VALUE
    return replace(column, origin=column.origin + _OF_DIMENSIONS)


DIMENSION_DAILY = Table(
    name="dimension_daily",
    schema=SCHEMA_NAME,
    grain="one value of a dimension, of a video on a day on which anyone opened it so",
    key=("dimension", "value", "videoId", "date"),
    partition_by="date",
    columns=(
        required(
            "dimension",
            pa.string(),
            "name of the dimension, as EVENTS_DIMENSIONS has it",
            origin=_OF_DIMENSIONS,
        ),
        required(
            "value",
            pa.string(),
            "of the session's first event that has one; `unknown` where none has one, `other` "
            "beyond the DIMENSION_VALUES of the day with most sessions",
            origin=_OF_DIMENSIONS,
        ),
        *map(_of_value, VIDEO_DAILY.columns),
    ),
)

_OF_VIEWERS = SESSIONS.origin("userId", "dimensions", "firstEventTime", "isContinuation")
_OF_METRICS = _OF_VIEWERS + SESSIONS.origin("watchTime", "endedCount", "sessionDate")


def _compared(name: str, type_: pa.DataType, description: str) -> Column:
    return Column(name, type_, description, origin=_OF_METRICS)


# As people ask: how long, to the end, again.
EXPERIMENT_METRICS = ("watchSeconds", "completion", "return")
EXPERIMENT_RESULTS = Table(
    name="experiment_results",
    schema=SCHEMA_NAME,
    grain="one metric of a variant of an experiment",
    key=("experiment", "variant", "metric"),
    columns=(
        required(
            "experiment",
            pa.string(),
            "name of the dimension, as in EXPERIMENTS",
            origin=_OF_VIEWERS,
        ),
        required("variant", pa.string(), "one of the plan", origin=_OF_VIEWERS),
        required(
            "metric",
            pa.string(),
            "`watchSeconds` of a viewer, `completion` (1: ran any video to its end) or `return` "
            "(1: came on a later day), since the viewer's first session with the variant",
            origin=_OF_METRICS,
        ),
        required("isControl", pa.bool_(), "the others are compared with it", origin=_OF_VIEWERS),
        required(
            "viewers", pa.int64(), "who had this variant alone", "viewers", origin=_OF_VIEWERS
        ),
        _compared("mean", pa.float64(), "of the viewers; null without any"),
        _compared("standardDeviation", pa.float64(), "of the viewers; null below two"),
        _compared("difference", pa.float64(), "to the control's mean; null for the control itself"),
        _compared("lowerBound", pa.float64(), "of the difference's 95 % interval (Welch)"),
        _compared("upperBound", pa.float64(), "the other end; null where nothing varies"),
        _compared("pValue", pa.float64(), "of the difference (Welch), right for a single look"),
        _compared(
            "anytimeLowerBound",
            pa.float64(),
            "of an interval that in 95 of 100 experiments holds the difference at every look",
        ),
        _compared("anytimeUpperBound", pa.float64(), "the other end"),
        _compared(
            "adjustedPValue",
            pa.float64(),
            "right for daily looks (always valid), and corrected for all metrics and variants of "
            "the experiment (Holm)",
        ),
        _compared(
            "isDifferent",
            pa.bool_(),
            "adjustedPValue is at most 5 %; null where the split does not fit the plan",
        ),
        _compared(
            "smallestEffect",
            pa.float64(),
            "difference that would be called one in 80 of 100 such samples",
        ),
        required("plannedShare", pa.float64(), "of the viewers", "%", origin=_OF_VIEWERS),
        Column(
            "splitPValue",
            pa.float64(),
            "of the viewers of all variants beside the plan (chi-square); null without viewers",
            origin=_OF_VIEWERS,
        ),
        Column(
            "splitFits",
            pa.bool_(),
            "splitPValue is at least 0.1 %; where it is not, viewers were lost or shared out "
            "wrongly, and no difference can be trusted",
            origin=_OF_VIEWERS,
        ),
        required(
            "viewersOfSeveral",
            pa.int64(),
            "viewers of several variants of the experiment, who are left out",
            "viewers",
            origin=_OF_VIEWERS,
        ),
    ),
)

_FORECAST = SESSIONS.origin(
    "sessionDate", "watchTime", "maxPosition", "endedCount", "forwardSkips", "backwardSkips"
) + VIDEO_METADATA.origin("duration")
COMPLETION_FORECAST = Table(
    name="completion_forecast",
    schema=SCHEMA_NAME,
    grain="one user and video that the user has opened and not completed",
    key=("userId", "videoId"),
    columns=(
        *SESSIONS.copied("userId", "videoId"),
        required(
            "completionProbability",
            pa.float64(),
            "that the video runs to its end within 7 days after forecastDate, between 0 and 1",
            origin=_FORECAST,
        ),
        required(
            "forecastDate",
            pa.date32(),
            "newest day of the sessions that the forecast, and its model, know",
            "UTC day",
            origin=SESSIONS.origin("sessionDate"),
        ),
    ),
)

# Each is computed as a whole, from all days.
ANALYTICS_TABLES: tuple[Table, ...] = (
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
    USER_ENGAGEMENT,
    VIEWER_COHORTS,
    VIDEO_ENGAGEMENT_BI,
    EXPERIMENT_RESULTS,
    COMPLETION_FORECAST,
)

# Each is computed day by day.
DAILY_ANALYTICS_TABLES: tuple[Table, ...] = (VIDEO_DAILY, DIMENSION_DAILY)
