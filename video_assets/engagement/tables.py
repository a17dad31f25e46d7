"""What users watched: by session and day, and by user and video; and what is known of videos."""

import pyarrow as pa

from resources.delta.table import INTERVALS, TIMESTAMP, Column, Origin, Table, required
from video_assets.player_events.tables import RAW_EVENTS, VIDEO
from video_assets.vocabulary import SCHEMA_NAME

# The quality flag of a row that breaks no quality rule.
OK = "ok"

VIDEO_METADATA = Table(
    name="video_metadata",
    schema=SCHEMA_NAME,
    grain="one video",
    key=("videoId",),
    columns=(
        VIDEO,
        Column("duration", pa.float64(), "length of the video; null when unknown", "s"),
        Column("title", pa.string(), "title of the video"),
    ),
)

_WATCHED = RAW_EVENTS.origin("timestamp", "eventName", "currentTime", "seekTime")

SESSIONS = Table(
    name="sessions",
    schema=SCHEMA_NAME,
    grain="one session of a user with a video, on one day",
    key=("userId", "videoId", "sessionId", "sessionDate", "sessionNumber"),
    partition_by="sessionDate",
    columns=(
        *RAW_EVENTS.copied("userId", "videoId"),
        required(
            "sessionId",
            pa.string(),
            "session, as the player names it",
            origin=RAW_EVENTS.origin("sessionId"),
        ),
        required(
            "sessionDate",
            pa.date32(),
            "day that the row describes",
            "UTC day",
            origin=RAW_EVENTS.origin("timestamp"),
        ),
        required(
            "sessionNumber",
            pa.int64(),
            "1, 2, ... in time order: a long idle time splits one sessionId into several",
            origin=_WATCHED,
        ),
        required(
            "isContinuation",
            pa.bool_(),
            "the session began on the day before and runs on into this day",
            origin=_WATCHED,
        ),
        required(
            "firstEventTime",
            TIMESTAMP,
            "first event of the row's day",
            "UTC",
            origin=RAW_EVENTS.origin("timestamp"),
        ),
        required(
            "lastEventTime",
            TIMESTAMP,
            "last event of the row's day",
            "UTC",
            origin=RAW_EVENTS.origin("timestamp"),
        ),
        required(
            "elapsedSeconds",
            pa.float64(),
            "wall clock inside the session, pauses included",
            "s",
            origin=_WATCHED,
        ),
        required(
            "watchTime",
            pa.float64(),
            "length of all watched segments",
            "s of video",
            origin=_WATCHED,
        ),
        required(
            "uniqueSecondsWatched",
            pa.float64(),
            "length of the union of the watched segments",
            "s of video",
            origin=_WATCHED,
        ),
        required(
            "watchedIntervals",
            INTERVALS,
            "the watched segments, merged: sorted, disjoint [start, end)",
            "s of video",
            origin=_WATCHED,
        ),
        required(
            "maxPosition",
            pa.float64(),
            "furthest position of any event, the target of a seek included",
            "s of video",
            origin=RAW_EVENTS.origin("currentTime", "seekTime"),
        ),
        required("pauseCount", pa.int64(), "pauses", origin=RAW_EVENTS.origin("eventName")),
        required(
            "endedCount",
            pa.int64(),
            "times the video ran to its end",
            origin=RAW_EVENTS.origin("timestamp", "eventName"),
        ),
        required("forwardSkips", pa.int64(), "jumps ahead", origin=_WATCHED),
        required("backwardSkips", pa.int64(), "jumps back", origin=_WATCHED),
        required("eventCount", pa.int64(), "player events", origin=RAW_EVENTS.origin("eventName")),
        Column(
            "unterminatedPosition",
            pa.float64(),
            "position of a play that is the row's last event; null when it ends otherwise",
            "s of video",
            origin=_WATCHED,
        ),
        Column(
            "furthestSeen",
            pa.float64(),
            "furthest end of a watched segment, or of the video where it ran to it; null without",
            "s of video",
            origin=_WATCHED,
        ),
        Column(
            "segmentCount",
            pa.int64(),
            "watched segments, before they are merged",
            origin=_WATCHED,
        ),
        Column(
            "playCount",
            pa.int64(),
            "times that play was pressed: video_play events",
            "video_play",
            origin=RAW_EVENTS.origin("eventName"),
        ),
        Column(
            "tooLongSegments",
            pa.int64(),
            "stretches not watched because of MAX_SEGMENT alone",
            origin=_WATCHED,
        ),
        Column(
            "tooFastSegments",
            pa.int64(),
            "stretches not watched because of MAX_PLAYBACK_RATE alone",
            origin=_WATCHED,
        ),
        Column(
            "dimensions",
            pa.string(),
            "of each dimension the value of the session's first event that has one, as a JSON "
            "object; null without any",
            origin=RAW_EVENTS.origin("dimensions", "timestamp"),
        ),
        Column(
            "playedSeconds",
            pa.float64(),
            "wall clock of the watched segments, each from the event before the one that closes it",
            "s",
            origin=_WATCHED,
        ),
    ),
)

_CREDIT = SESSIONS.origin("unterminatedPosition", "isContinuation", "sessionDate")
_DURATION = VIDEO_METADATA.origin("duration") + SESSIONS.origin("furthestSeen", "maxPosition")


def _computed_from(*session_columns: str) -> Origin:
    """The origin of a measure of the sessions that also depends on the video's duration."""
    return _DURATION + SESSIONS.origin(*session_columns) + _CREDIT


_WATCH_TIME = _computed_from("watchTime")
_UNIQUE = _computed_from("watchedIntervals")
_SCORE = _computed_from(
    "watchTime", "watchedIntervals", "endedCount", "forwardSkips", "backwardSkips"
)

ENGAGEMENT = Table(
    name="aggregated_user_video_engagement",
    schema=SCHEMA_NAME,
    grain="one user and video",
    key=("userId", "videoId"),
    columns=(
        *SESSIONS.copied("userId", "videoId"),
        Column(
            "videoTitle",
            pa.string(),
            "title from the video metadata",
            origin=VIDEO_METADATA.origin("title"),
        ),
        required("videoDuration", pa.float64(), "length of the video", "s", origin=_DURATION),
        required(
            "isDurationEstimated",
            pa.bool_(),
            "the metadata has no usable duration: the furthest that anyone watched stands in",
            origin=VIDEO_METADATA.origin("duration"),
        ),
        required(
            "totalWatchTime",
            pa.float64(),
            "time watched, rewatching included",
            "s",
            origin=_WATCH_TIME,
        ),
        required(
            "totalUniqueSecondsWatched",
            pa.float64(),
            "seconds of the video watched at least once",
            "s of video",
            origin=_UNIQUE,
        ),
        required(
            "maxPositionReached",
            pa.float64(),
            "furthest position",
            "s of video",
            origin=SESSIONS.origin("maxPosition"),
        ),
        required(
            "watchPercentage",
            pa.float64(),
            "totalWatchTime of videoDuration",
            "%",
            origin=_WATCH_TIME,
        ),
        required(
            "completionPercentage",
            pa.float64(),
            "maxPositionReached of videoDuration",
            "%",
            origin=_DURATION,
        ),
        required(
            "uniqueWatchPercentage",
            pa.float64(),
            "totalUniqueSecondsWatched of videoDuration",
            "%",
            origin=_UNIQUE,
        ),
        required(
            "sessionCount",
            pa.int64(),
            "sessions, at least 1",
            origin=SESSIONS.origin("isContinuation"),
        ),
        required(
            "avgWatchTimePerSession",
            pa.float64(),
            "totalWatchTime per session",
            "s",
            origin=_WATCH_TIME,
        ),
        required(
            "avgSessionDuration",
            pa.float64(),
            "wall clock per session with pauses",
            "s",
            origin=SESSIONS.origin("elapsedSeconds", "isContinuation"),
        ),
        required(
            "avgPausesPerSession",
            pa.float64(),
            "pauses per session",
            origin=SESSIONS.origin("pauseCount", "isContinuation"),
        ),
        required(
            "totalForwardSkips", pa.int64(), "jumps ahead", origin=SESSIONS.origin("forwardSkips")
        ),
        required(
            "totalBackwardSkips", pa.int64(), "jumps back", origin=SESSIONS.origin("backwardSkips")
        ),
        required(
            "completionCount",
            pa.int64(),
            "times the video ran to its end",
            origin=SESSIONS.origin("endedCount"),
        ),
        required(
            "isCompletedAtLeastOnce",
            pa.bool_(),
            "completionCount > 0",
            origin=SESSIONS.origin("endedCount"),
        ),
        required(
            "engagementScore", pa.float64(), "weighted sum of the measures", "points", origin=_SCORE
        ),
        required(
            "engagementTier",
            pa.string(),
            "High, Medium, Low or Minimal, by the score",
            origin=_SCORE,
        ),
        required(
            "firstWatchDate",
            TIMESTAMP,
            "first event",
            "UTC",
            origin=SESSIONS.origin("firstEventTime"),
        ),
        required(
            "lastWatchDate", TIMESTAMP, "last event", "UTC", origin=SESSIONS.origin("lastEventTime")
        ),
        required(
            "isReplay",
            pa.bool_(),
            "watched in more than one session",
            origin=SESSIONS.origin("isContinuation"),
        ),
        required(
            "dataQualityFlag",
            pa.string(),
            "first quality rule that the row breaks, or ok",
            origin=_computed_from("watchTime", "endedCount"),
        ),
        required("processedAt", TIMESTAMP, "when this row was computed", "UTC"),
        required(
            "creditedWatchTime",
            pa.float64(),
            "part of totalWatchTime credited to plays with nothing after them",
            "s",
            origin=_computed_from(),
        ),
        Column(
            "hasReachedEnd",
            pa.bool_(),
            "the video ran to its end, or a watched segment ends at REACHED_END of videoDuration "
            "or after it",
            origin=_computed_from("watchedIntervals", "endedCount"),
        ),
        Column(
            "firstDimensions",
            pa.string(),
            "dimensions of the first session, as a JSON object; null without any",
            origin=SESSIONS.origin("dimensions", "firstEventTime"),
        ),
    ),
)
