"""The tables of the player events: the valid ones, and the refused rows."""

import pyarrow as pa

from resources.delta.table import TIMESTAMP, Column, Table, required
from video_assets.rejected_rows import rejected_rows
from video_assets.vocabulary import EVENT_NAMES, SCHEMA_NAME

USER = required("userId", pa.string(), "viewer, as the player names them")

VIDEO = required("videoId", pa.string(), "video, as the player names it")

RAW_EVENTS = Table(
    name="raw_events",
    schema=SCHEMA_NAME,
    grain="one valid, distinct player event",
    key=("userId", "videoId", "sessionId", "timestamp", "eventName", "currentTime", "seekTime"),
    partition_by="eventDate",
    columns=(
        required("timestamp", TIMESTAMP, "when the player acted", "UTC"),
        USER,
        required("sessionId", pa.string(), "session, as the player names it"),
        VIDEO,
        required(
            "eventName",
            pa.string(),
            " or ".join((", ".join(EVENT_NAMES[:-1]), EVENT_NAMES[-1])),
        ),
        required(
            "currentTime", pa.float64(), "position in the video, >= 0; where a seek left", "s"
        ),
        Column("seekTime", pa.float64(), "where a seek went, >= 0; null for other events", "s"),
        required("eventDate", pa.date32(), "day of the timestamp", "UTC day"),
        Column(
            "dimensions",
            pa.string(),
            "values of the dimensions that EVENTS_DIMENSIONS names, as a JSON object such as "
            '`{"country":"CH","device":"phone"}`; null without any',
        ),
        Column(
            "reportedSeconds",
            pa.float64(),
            "how much of the video the player says was watched in its session so far, each second "
            "once; null where it does not say",
            "s of video",
        ),
    ),
)

REJECTED_EVENTS = rejected_rows("rejected_events", "eventDate", "day of the row's time")

DESCRIBED_VIDEOS = Table(
    name="described_videos",
    schema=SCHEMA_NAME,
    grain="one video and day of whose events one tells its duration or title, or was sampled",
    key=("videoId", "eventDate"),
    partition_by="eventDate",
    columns=(
        VIDEO,
        Column("duration", pa.float64(), "last duration that an event of the day tells", "s"),
        Column("title", pa.string(), "last title that an event of the day tells"),
        required("toldAt", TIMESTAMP, "last event of the day that tells one of both", "UTC"),
        required("unreadableDurations", pa.int64(), "events with a duration that cannot be read"),
        required("eventDate", pa.date32(), "day of these events", "UTC day"),
        Column(
            "sampledEvents",
            pa.int64(),
            "events that stand for several, of which the sender kept one; null: nobody counted",
        ),
    ),
)

ERASED_USERS = Table(
    name="erased_users",
    schema=SCHEMA_NAME,
    grain="one person who was erased",
    key=("userHash",),
    columns=(
        required("userHash", pa.string(), "keyed hash of the id"),
        required("keyCheck", pa.string(), "tells whether a key is the one of these hashes"),
        required("erasedAt", TIMESTAMP, "when the erasure began", "UTC"),
    ),
)

USER_ALIASES = Table(
    name="user_aliases",
    schema=SCHEMA_NAME,
    grain="one anonymous id and time from which on it was another user",
    key=("anonymousId", "since"),
    columns=(
        required("anonymousId", pa.string(), "id of the player before anybody logged in"),
        required("userId", pa.string(), "who logged in; of an erased person the keyed hash"),
        Column("since", TIMESTAMP, "from when on; null: the first user, also before", "UTC"),
    ),
)
