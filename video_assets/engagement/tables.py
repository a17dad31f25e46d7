"""What users watched: by session and day, and by user and video; and what is known of videos."""

import pyarrow as pa

from resources.delta.table import INTERVALS, TIMESTAMP, Column, Table, required
from video_assets.player_events.tables import USER, VIDEO

VIDEO_METADATA = Table(
    name="video_metadata",
    grain="one video",
    key=("videoId",),
    columns=(
        VIDEO,
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
        USER,
        VIDEO,
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
        USER,
        VIDEO,
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
