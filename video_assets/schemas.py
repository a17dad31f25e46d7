"""Every table's schema, declared once: it feeds Delta, the Dagster UI, and the docs."""

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from video_assets.analytics_schemas import ANALYTICS_TABLES
from video_assets.declarations import INTERVALS, TIMESTAMP, Column, Table, required

__all__ = [
    "DAILY_VIDEO_VIEWS",
    "ENGAGEMENT",
    "INTERVALS",
    "LIFETIME_SNAPSHOTS",
    "LIFETIME_VIEW_HISTORY",
    "MISSING_DATE",
    "MISSING_DATES",
    "MONTHLY_VIEWS",
    "RAW_EVENTS",
    "REJECTED_DAILY_VIEWS",
    "REJECTED_EVENTS",
    "SCHEMA_NAME",
    "SESSIONS",
    "TABLES",
    "TIMESTAMP",
    "VIDEO_METADATA",
    "Column",
    "Table",
]

SCHEMA_NAME = "video"

_USER = required("userId", pa.string(), "viewer, as the player names them")
_VIDEO = required("videoId", pa.string(), "video, as the player names it")

RAW_EVENTS = Table(
    name="raw_events",
    grain="one valid, distinct player event",
    key=("userId", "videoId", "sessionId", "timestamp", "eventName", "currentTime"),
    partition_by="eventDate",
    columns=(
        required("timestamp", TIMESTAMP, "when the player acted", "UTC"),
        _USER,
        required("sessionId", pa.string(), "session, as the player names it"),
        _VIDEO,
        required(
            "eventName",
            pa.string(),
            "video_play, video_pause, video_resume or video_ended",
        ),
        required("currentTime", pa.float64(), "position in the video, >= 0", "s"),
        required("eventDate", pa.date32(), "day of the timestamp", "UTC day"),
    ),
)

REJECTED_EVENTS = Table(
    name="rejected_events",
    grain="one source row that was refused, with the reason",
    key=("source", "sourceRow"),
    partition_by="eventDate",
    columns=(
        required("reason", pa.string(), "first rule that the row breaks"),
        Column("rowText", pa.string(), "the row as received"),
        required("source", pa.string(), "file (or Delta table) the row came from"),
        Column("sourceRow", pa.int64(), "1-based row in that file; null where rows have no order"),
        required(
            "eventDate",
            pa.date32(),
            "day of the row's time; unreadable: the file's day, else 1970-01-01",
            "UTC day",
        ),
    ),
)

VIDEO_METADATA = Table(
    name="video_metadata",
    grain="one video",
    key=("videoId",),
    columns=(
        _VIDEO,
        Column("duration", pa.float64(), "length of the video; null when unknown", "s"),
        Column("title", pa.string(), "title of the video"),
    ),
)

SESSIONS = Table(
    name="sessions",
    grain="one session of a user with a video, on one day",
    key=("userId", "videoId", "sessionId", "sessionDate", "sessionNumber"),
    partition_by="sessionDate",
    columns=(
        _USER,
        _VIDEO,
        required("sessionId", pa.string(), "session, as the player names it"),
        required("sessionDate", pa.date32(), "day that the row describes", "UTC day"),
        required(
            "sessionNumber",
            pa.int64(),
            "1, 2, ... in time order: a long idle time splits one sessionId into several",
        ),
        required(
            "isContinuation",
            pa.bool_(),
            "the session began on the day before and runs on into this day",
        ),
        required("firstEventTime", TIMESTAMP, "first event of the row's day", "UTC"),
        required("lastEventTime", TIMESTAMP, "last event of the row's day", "UTC"),
        required(
            "elapsedSeconds", pa.float64(), "wall clock inside the session, pauses included", "s"
        ),
        required("watchTime", pa.float64(), "length of all watched segments", "s of video"),
        required(
            "uniqueSecondsWatched",
            pa.float64(),
            "length of the union of the watched segments",
            "s of video",
        ),
        required(
            "watchedIntervals",
            INTERVALS,
            "the watched segments, merged: sorted, disjoint [start, end)",
            "s of video",
        ),
        required("maxPosition", pa.float64(), "furthest position of any event", "s of video"),
        required("pauseCount", pa.int64(), "pauses"),
        required("endedCount", pa.int64(), "times the video ran to its end"),
        required("forwardSkips", pa.int64(), "jumps ahead"),
        required("backwardSkips", pa.int64(), "jumps back"),
        required("eventCount", pa.int64(), "player events"),
        Column(
            "unterminatedPosition",
            pa.float64(),
            "position of a play that is the row's last event; null when it ends otherwise",
            "s of video",
        ),
    ),
)

ENGAGEMENT = Table(
    name="aggregated_user_video_engagement",
    grain="one user and video",
    key=("userId", "videoId"),
    columns=(
        _USER,
        _VIDEO,
        Column("videoTitle", pa.string(), "title from the video metadata"),
        required("videoDuration", pa.float64(), "length of the video", "s"),
        required(
            "isDurationEstimated",
            pa.bool_(),
            "the metadata has no usable duration: the furthest position anyone reached stands in",
        ),
        required("totalWatchTime", pa.float64(), "time watched, rewatching included", "s"),
        required(
            "totalUniqueSecondsWatched",
            pa.float64(),
            "seconds of the video watched at least once",
            "s of video",
        ),
        required("maxPositionReached", pa.float64(), "furthest position", "s of video"),
        required("watchPercentage", pa.float64(), "totalWatchTime of videoDuration", "%"),
        required("completionPercentage", pa.float64(), "maxPositionReached of videoDuration", "%"),
        required(
            "uniqueWatchPercentage", pa.float64(), "totalUniqueSecondsWatched of videoDuration", "%"
        ),
        required("sessionCount", pa.int64(), "sessions, at least 1"),
        required("avgWatchTimePerSession", pa.float64(), "totalWatchTime per session", "s"),
        required("avgSessionDuration", pa.float64(), "wall clock per session with pauses", "s"),
        required("avgPausesPerSession", pa.float64(), "pauses per session"),
        required("totalForwardSkips", pa.int64(), "jumps ahead"),
        required("totalBackwardSkips", pa.int64(), "jumps back"),
        required("completionCount", pa.int64(), "times the video ran to its end"),
        required("isCompletedAtLeastOnce", pa.bool_(), "completionCount > 0"),
        required("engagementScore", pa.float64(), "weighted sum of the measures", "points"),
        required("engagementTier", pa.string(), "High, Medium, Low or Minimal, by the score"),
        required("firstWatchDate", TIMESTAMP, "first event", "UTC"),
        required("lastWatchDate", TIMESTAMP, "last event", "UTC"),
        required("isReplay", pa.bool_(), "watched in more than one session"),
        required("dataQualityFlag", pa.string(), "first quality rule that the row breaks, or ok"),
        required("processedAt", TIMESTAMP, "when this row was computed", "UTC"),
        required(
            "creditedWatchTime",
            pa.float64(),
            "part of totalWatchTime credited to plays with nothing after them",
            "s",
        ),
    ),
)

DAILY_VIDEO_VIEWS = Table(
    name="daily_video_views",
    grain="one video and day",
    key=("video_id", "date"),
    partition_by="date",
    columns=(
        Column("channel_id", pa.string(), "channel of the video"),
        required("video_id", pa.string(), "video"),
        Column("created_date", pa.date32(), "day the video was uploaded", "UTC day"),
        required("date", pa.date32(), "day of the views", "UTC day"),
        Column(
            "viewCount",
            pa.int64(),
            "views on that day; null when a cumulative source has no earlier count",
            "views",
        ),
        required(
            "reportedCount",
            pa.int64(),
            "the count as delivered: views of the day, or the cumulative counter",
            "views",
        ),
    ),
)

REJECTED_DAILY_VIEWS = Table(
    name="rejected_daily_views",
    grain="one source row that was refused, with the reason",
    key=("source", "sourceRow"),
    partition_by="date",
    columns=(
        required("reason", pa.string(), "first rule that the row breaks"),
        Column("rowText", pa.string(), "the row as received"),
        required("source", pa.string(), "file (or Delta table) the row came from"),
        Column("sourceRow", pa.int64(), "1-based row in that file; null where rows have no order"),
        required(
            "date",
            pa.date32(),
            "day of the row; unreadable: the file's day, else 1970-01-01",
            "UTC day",
        ),
    ),
)

MONTHLY_VIEWS = Table(
    name="monthly_views",
    grain="one video of a channel and month",
    key=("channel_id", "video_id", "month_start"),
    partition_by="month_start",
    columns=(
        Column("channel_id", pa.string(), "channel of the video"),
        required("video_id", pa.string(), "video"),
        required("month", pa.string(), "month as YYYY-MM"),
        Column("aggViewCount", pa.int64(), "sum of the days' viewCount", "views"),
        required("month_start", pa.date32(), "first day of the month", "UTC day"),
    ),
)

_MISSING_VIDEO = (
    Column("channel_id", pa.string(), "channel of the video's newest row"),
    required("video_id", pa.string(), "video"),
    required("created_date", pa.date32(), "earliest upload day seen", "UTC day"),
)

MISSING_DATES = Table(
    name="missing_dates",
    grain="one video that misses at least one day",
    key=("video_id",),
    columns=(
        *_MISSING_VIDEO,
        required(
            "missing_dates",
            pa.list_(pa.field("element", pa.date32(), nullable=False)),
            "days from created_date to the as-of date without a row, ascending",
            "UTC day",
        ),
    ),
)

MISSING_DATE = Table(
    name="missing_date",
    grain="one missing day of a video",
    key=("video_id", "missing_date"),
    columns=(
        *_MISSING_VIDEO,
        required("missing_date", pa.date32(), "a day without a row", "UTC day"),
    ),
)

LIFETIME_SNAPSHOTS = Table(
    name="lifetime_snapshots",
    grain="one video on the day that the API was asked",
    key=("video_id", "date"),
    partition_by="date",
    columns=(
        Column("channel_id", pa.string(), "channel of the video's newest row"),
        required("video_id", pa.string(), "video"),
        Column("created_date", pa.date32(), "earliest upload day seen", "UTC day"),
        required("date", pa.date32(), "day the count was asked for", "UTC day"),
        Column(
            "viewCount",
            pa.int64(),
            "lifetime views on that day; null when the owner hides the count",
            "views",
        ),
    ),
)

LIFETIME_VIEW_HISTORY = Table(
    name="lifetime_view_history",
    grain="one video, day and source",
    key=("video_id", "date", "source"),
    partition_by="date",
    columns=(
        Column("channel_id", pa.string(), "channel of the video"),
        required("video_id", pa.string(), "video"),
        Column("created_date", pa.date32(), "day the video was uploaded", "UTC day"),
        required("date", pa.date32(), "day of the count", "UTC day"),
        Column("viewCount", pa.int64(), "views of the day, or lifetime views", "views"),
        required("source", pa.string(), "daily or lifetime"),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            RAW_EVENTS,
            REJECTED_EVENTS,
            VIDEO_METADATA,
            SESSIONS,
            ENGAGEMENT,
            DAILY_VIDEO_VIEWS,
            REJECTED_DAILY_VIEWS,
            MONTHLY_VIEWS,
            MISSING_DATES,
            MISSING_DATE,
            LIFETIME_SNAPSHOTS,
            LIFETIME_VIEW_HISTORY,
            *ANALYTICS_TABLES,
        )
    }
)
