"""Which columns each column comes from: shown as column lineage in the UI."""

from collections.abc import Mapping
from types import MappingProxyType

from resources.delta.table import Table
from video_assets.analytics.tables import (
    REACHED_PERCENTAGES,
    TIERS,
    USER_ENGAGEMENT,
    VIDEO_ENGAGEMENT_BI,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
    VIEWER_COHORTS,
)
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATES
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS
from video_assets.player_events.tables import RAW_EVENTS

Sources = Mapping[str, tuple[str, ...]]
Lineage = Mapping[str, Sources]


def _from(table: Table, *columns: str) -> Sources:
    for column in columns:
        table[column]
    return {table.name: columns}


def _copied(table: Table, *columns: str) -> Lineage:
    return {column: _from(table, column) for column in columns}


_WATCHED = _from(RAW_EVENTS, "timestamp", "eventName", "currentTime")
_DURATION = {**_from(VIDEO_METADATA, "duration"), **_from(SESSIONS, "maxPosition")}
_CREDIT = ("unterminatedPosition", "isContinuation", "sessionDate")


def _computed_from(*session_columns: str) -> Sources:
    """A measure of the sessions that also depends on the video's duration."""
    return {**_DURATION, **_from(SESSIONS, "maxPosition", *session_columns)}


_WATCH_TIME = _computed_from("watchTime", *_CREDIT)
_UNIQUE = _computed_from("watchedIntervals", *_CREDIT)
_SCORE = _computed_from(
    "watchTime", "watchedIntervals", "endedCount", "forwardSkips", "backwardSkips", *_CREDIT
)

_SESSIONS: Lineage = {
    **_copied(RAW_EVENTS, "userId", "videoId", "sessionId"),
    "sessionDate": _from(RAW_EVENTS, "timestamp"),
    "firstEventTime": _from(RAW_EVENTS, "timestamp"),
    "lastEventTime": _from(RAW_EVENTS, "timestamp"),
    "maxPosition": _from(RAW_EVENTS, "currentTime"),
    "pauseCount": _from(RAW_EVENTS, "eventName"),
    "endedCount": _from(RAW_EVENTS, "eventName"),
    "eventCount": _from(RAW_EVENTS, "eventName"),
    **dict.fromkeys(
        (
            "sessionNumber",
            "isContinuation",
            "elapsedSeconds",
            "watchTime",
            "uniqueSecondsWatched",
            "watchedIntervals",
            "forwardSkips",
            "backwardSkips",
            "unterminatedPosition",
        ),
        _WATCHED,
    ),
}

_ENGAGEMENT: Lineage = {
    **_copied(SESSIONS, "userId", "videoId"),
    "videoTitle": _from(VIDEO_METADATA, "title"),
    "videoDuration": _DURATION,
    "isDurationEstimated": _from(VIDEO_METADATA, "duration"),
    "totalWatchTime": _WATCH_TIME,
    "creditedWatchTime": _computed_from(*_CREDIT),
    "totalUniqueSecondsWatched": _UNIQUE,
    "maxPositionReached": _from(SESSIONS, "maxPosition"),
    "watchPercentage": _WATCH_TIME,
    "completionPercentage": _DURATION,
    "uniqueWatchPercentage": _UNIQUE,
    "sessionCount": _from(SESSIONS, "isContinuation"),
    "avgWatchTimePerSession": _WATCH_TIME,
    "avgSessionDuration": _from(SESSIONS, "elapsedSeconds", "isContinuation"),
    "avgPausesPerSession": _from(SESSIONS, "pauseCount", "isContinuation"),
    "totalForwardSkips": _from(SESSIONS, "forwardSkips"),
    "totalBackwardSkips": _from(SESSIONS, "backwardSkips"),
    "completionCount": _from(SESSIONS, "endedCount"),
    "isCompletedAtLeastOnce": _from(SESSIONS, "endedCount"),
    "engagementScore": _SCORE,
    "engagementTier": _SCORE,
    "firstWatchDate": _from(SESSIONS, "firstEventTime"),
    "lastWatchDate": _from(SESSIONS, "lastEventTime"),
    "isReplay": _from(SESSIONS, "isContinuation"),
    "dataQualityFlag": _computed_from("watchTime", "endedCount", *_CREDIT),
}


def _tier_counts(of: str) -> Lineage:
    tiers = _from(ENGAGEMENT, "engagementTier")
    return {f"{tier.lower()}Tier{of.title()}": tiers for tier in TIERS}


_VIDEO_PERFORMANCE: Lineage = {
    **_copied(ENGAGEMENT, "videoId", "videoTitle", "videoDuration", "isDurationEstimated"),
    "viewers": _from(ENGAGEMENT, "userId"),
    "plays": _from(RAW_EVENTS, "eventName"),
    "sessions": _from(ENGAGEMENT, "sessionCount"),
    "replays": _from(ENGAGEMENT, "sessionCount"),
    "completions": _from(ENGAGEMENT, "completionCount"),
    "watchHours": _from(ENGAGEMENT, "totalWatchTime"),
    "avgWatchPercentage": _from(ENGAGEMENT, "watchPercentage"),
    "medianWatchPercentage": _from(ENGAGEMENT, "watchPercentage"),
    "avgUniqueWatchPercentage": _from(ENGAGEMENT, "uniqueWatchPercentage"),
    "medianUniqueWatchPercentage": _from(ENGAGEMENT, "uniqueWatchPercentage"),
    "completionRate": _from(ENGAGEMENT, "isCompletedAtLeastOnce"),
    **{
        f"reached{percent}Percent": _from(ENGAGEMENT, "completionPercentage")
        for percent in REACHED_PERCENTAGES
    },
    "dropOffPosition": _from(ENGAGEMENT, "maxPositionReached", "isCompletedAtLeastOnce"),
    "avgEngagementScore": _from(ENGAGEMENT, "engagementScore"),
    **_tier_counts("viewers"),
    "flaggedViewers": _from(ENGAGEMENT, "dataQualityFlag"),
    "firstSeen": _from(ENGAGEMENT, "firstWatchDate"),
    "lastSeen": _from(ENGAGEMENT, "lastWatchDate"),
}

_VIDEO_POSITION_CURVE: Lineage = {
    **_copied(RAW_EVENTS, "videoId"),
    **dict.fromkeys(("bucketStart", "bucketEnd"), _from(RAW_EVENTS, "currentTime")),
    **dict.fromkeys(
        ("viewers", "views", "rewatches", "audienceRetention", "exits"),
        _from(RAW_EVENTS, "userId", "sessionId", "timestamp", "eventName", "currentTime"),
    ),
}

_USER_ENGAGEMENT: Lineage = {
    **_copied(ENGAGEMENT, "userId"),
    "videos": _from(ENGAGEMENT, "videoId"),
    "completedVideos": _from(ENGAGEMENT, "isCompletedAtLeastOnce"),
    "watchSeconds": _from(ENGAGEMENT, "totalWatchTime"),
    "sessions": _from(ENGAGEMENT, "sessionCount"),
    "avgWatchPercentage": _from(ENGAGEMENT, "watchPercentage"),
    "avgUniqueWatchPercentage": _from(ENGAGEMENT, "uniqueWatchPercentage"),
    "avgEngagementScore": _from(ENGAGEMENT, "engagementScore"),
    **_tier_counts("videos"),
    "firstSeen": _from(ENGAGEMENT, "firstWatchDate"),
    "lastSeen": _from(ENGAGEMENT, "lastWatchDate"),
}

_COHORT_WEEKS = _from(SESSIONS, "userId", "sessionDate")

_VIEWER_COHORTS: Lineage = {
    "cohortWeek": _COHORT_WEEKS,
    "weeksSince": _from(SESSIONS, "sessionDate"),
    "cohortViewers": _COHORT_WEEKS,
    "returningViewers": _COHORT_WEEKS,
    "returnRate": _COHORT_WEEKS,
    "watchSeconds": _from(SESSIONS, "userId", "sessionDate", "watchTime"),
}

_VIDEO_ENGAGEMENT_BI: Lineage = {
    **_copied(
        ENGAGEMENT,
        "userId",
        "videoId",
        "videoTitle",
        "watchPercentage",
        "completionPercentage",
        "engagementTier",
        "sessionCount",
        "isCompletedAtLeastOnce",
    ),
    "watchMinutes": _from(ENGAGEMENT, "totalWatchTime"),
    "firstWatchDay": _from(ENGAGEMENT, "firstWatchDate"),
}

_VIDEO_OF_VIEWS: Lineage = {
    "channel_id": _from(DAILY_VIDEO_VIEWS, "channel_id", "date"),
    "video_id": _from(DAILY_VIDEO_VIEWS, "video_id"),
    "created_date": _from(DAILY_VIDEO_VIEWS, "created_date"),
}

LINEAGE: Mapping[str, Lineage] = MappingProxyType(
    {
        SESSIONS.name: _SESSIONS,
        ENGAGEMENT.name: _ENGAGEMENT,
        VIDEO_PERFORMANCE.name: _VIDEO_PERFORMANCE,
        VIDEO_POSITION_CURVE.name: _VIDEO_POSITION_CURVE,
        USER_ENGAGEMENT.name: _USER_ENGAGEMENT,
        VIEWER_COHORTS.name: _VIEWER_COHORTS,
        VIDEO_ENGAGEMENT_BI.name: _VIDEO_ENGAGEMENT_BI,
        "monthly_views": {
            **_copied(DAILY_VIDEO_VIEWS, "channel_id", "video_id"),
            "month": _from(DAILY_VIDEO_VIEWS, "date"),
            "month_start": _from(DAILY_VIDEO_VIEWS, "date"),
            "aggViewCount": _from(DAILY_VIDEO_VIEWS, "viewCount"),
        },
        "missing_dates": {
            **_VIDEO_OF_VIEWS,
            "missing_dates": _from(DAILY_VIDEO_VIEWS, "date", "created_date"),
        },
        "missing_date": {
            **_copied(MISSING_DATES, "channel_id", "video_id", "created_date"),
            "missing_date": _from(MISSING_DATES, "missing_dates"),
        },
        "lifetime_snapshots": _VIDEO_OF_VIEWS,
        "lifetime_view_history": {
            column: {
                **_from(DAILY_VIDEO_VIEWS, column),
                **_from(LIFETIME_SNAPSHOTS, column),
            }
            for column in ("channel_id", "video_id", "created_date", "date", "viewCount")
        },
    }
)


def lineage_of(table: Table) -> Lineage:
    """Column -> upstream table -> its columns; empty for a table read from a source."""
    return LINEAGE.get(table.name, MappingProxyType({}))
