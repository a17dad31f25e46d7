"""The names that settings, sources and rules share: of columns, events, formats and units."""

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Literal

# The first part of the asset keys, and the folder of the tables below the warehouse.
SCHEMA_NAME = "video"


class Role(Enum):
    """What a column of a source means, and so which types it may have."""

    TIME = "a timestamp, a date, or ISO 8601 text"
    DATE = "a date, a timestamp, or text"
    ID = "text or whole numbers"
    LABEL = "text, numbers, or true and false"
    POSITION = "numbers, or numbers as text"
    COUNT = "whole numbers, or whole numbers as text"


# What the tasks that read a source count: rows of the source, those that repeat another one, those
# that nobody wants, those that are cut at the end of a file, and those of people who were erased.
SOURCE_ROWS = "source_rows"
DUPLICATES = "duplicates"
IGNORED, WAITING = "ignored_rows", "waiting_rows"
ERASED = "erased_rows"
# Of several rows of a video and day, those with another count than the one that holds.
CONFLICTS = "conflicts"
# What a run reports besides: rows in the table of refusals, and their share of the source's rows.
REJECTED_ROWS, SHARE_REJECTED = "rejected_rows", "share_rejected_percent"

SourceFormat = Literal["auto", "parquet", "json", "csv", "delta"]
TimestampUnit = Literal["s", "ms", "us", "ns"]
# How positions and durations are written; texts of ISO 8601 are as `PT5M21S`, of clocks `00:05:21`.
PositionUnit = Literal["s", "ms", "iso8601", "clock"]

# What becomes of rows whose event name is no name of ours.
OtherNames = Literal["reject", "ignore"]
IGNORE = "ignore"


class PlayerEvent(IntEnum):
    """What the player did; of the events of an instant while playing, the smaller comes first."""

    HEARTBEAT = 0
    PAUSE = 1
    ENDED = 2
    SEEK = 3
    PLAY = 4
    RESUME = 5

    @property
    def column_value(self) -> str:
        """The event's name in the column eventName."""
        return f"video_{self.name.lower()}"


EVENT_NAMES = tuple(
    event.column_value
    for event in (
        PlayerEvent.PLAY,
        PlayerEvent.PAUSE,
        PlayerEvent.RESUME,
        PlayerEvent.ENDED,
        PlayerEvent.SEEK,
        PlayerEvent.HEARTBEAT,
    )
)

EVENT_COLUMNS: Mapping[str, Role] = {
    "timestamp": Role.TIME,
    "userId": Role.ID,
    "sessionId": Role.ID,
    "videoId": Role.ID,
    "eventName": Role.ID,
    "currentTime": Role.POSITION,
    "seekTime": Role.POSITION,
    "videoDuration": Role.POSITION,
    "videoTitle": Role.ID,
    "itemCount": Role.COUNT,
    "playedSegments": Role.LABEL,
}
# What events may tell of their video and of themselves; read only where the settings map something
# onto it.
DESCRIBING_COLUMNS = frozenset({"videoDuration", "videoTitle", "itemCount", "playedSegments"})
# A source of which no player seeks has no such column.
OPTIONAL_EVENT_COLUMNS = frozenset({"seekTime", *DESCRIBING_COLUMNS})
DAILY_VIEW_COLUMNS: Mapping[str, Role] = {
    "channel_id": Role.ID,
    "video_id": Role.ID,
    "created_date": Role.DATE,
    "date": Role.DATE,
    "viewCount": Role.COUNT,
}
# What a platform counts beside views.
VIEW_MEASURES: Mapping[str, Role] = {
    "engagedViews": Role.COUNT,
    "watchMinutes": Role.POSITION,
    "likes": Role.COUNT,
    "dislikes": Role.COUNT,
    "comments": Role.COUNT,
    "shares": Role.COUNT,
    "subscribersGained": Role.COUNT,
    "subscribersLost": Role.COUNT,
}
VIDEO_METADATA_COLUMNS: Mapping[str, Role] = {
    "videoId": Role.ID,
    "duration": Role.POSITION,
    "title": Role.ID,
}
# Which user an anonymous id is; without a time, always.
ALIAS_COLUMNS: Mapping[str, Role] = {
    "anonymousId": Role.ID,
    "userId": Role.ID,
    "timestamp": Role.TIME,
}
OPTIONAL_ALIAS_COLUMNS = frozenset({"timestamp"})
