"""Which columns each column comes from: shown as column lineage in the UI."""

from collections.abc import Mapping
from types import MappingProxyType

from video_assets.schemas import (
    DAILY_VIDEO_VIEWS,
    ENGAGEMENT,
    LIFETIME_SNAPSHOTS,
    MISSING_DATES,
    RAW_EVENTS,
    SESSIONS,
    VIDEO_METADATA,
    Table,
)

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

_VIDEO_OF_VIEWS: Lineage = {
    "channel_id": _from(DAILY_VIDEO_VIEWS, "channel_id", "date"),
    "video_id": _from(DAILY_VIDEO_VIEWS, "video_id"),
    "created_date": _from(DAILY_VIDEO_VIEWS, "created_date"),
}

LINEAGE: Mapping[str, Lineage] = MappingProxyType(
    {
        SESSIONS.name: _SESSIONS,
        ENGAGEMENT.name: _ENGAGEMENT,
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
