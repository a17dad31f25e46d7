"""Every table's schema, declared once: it feeds Delta, the Dagster UI, and the docs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")
INTERVALS = pa.list_(
    pa.field(
        "element",
        pa.struct(
            [
                pa.field("start", pa.float64(), nullable=False),
                pa.field("end", pa.float64(), nullable=False),
            ]
        ),
        nullable=False,
    )
)

SCHEMA_NAME = "video"


@dataclass(frozen=True)
class Column:
    """One column: its name, Arrow type, meaning and unit."""

    name: str
    type: pa.DataType
    description: str
    unit: str = ""
    nullable: bool = True

    @property
    def type_name(self) -> str:
        """The type as people of SQL and Spark name it."""
        return _type_name(self.type)

    @property
    def comment(self) -> str:
        """The description with its unit, as shown to readers of the table."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


_TYPE_NAMES = {
    pa.string(): "string",
    pa.float64(): "double",
    pa.int64(): "long",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    TIMESTAMP: "timestamp",
}


def _type_name(type_: pa.DataType) -> str:
    if isinstance(type_, pa.ListType):
        return f"array<{_type_name(type_.value_type)}>"
    if isinstance(type_, pa.StructType):
        fields = (f"{field.name}: {_type_name(field.type)}" for field in type_)
        return f"struct<{', '.join(fields)}>"
    return _TYPE_NAMES[type_]


@dataclass(frozen=True)
class Table:
    """One Delta table: what a row is, its columns, its key and its partition column."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: str | None = None
    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the columns, and refuse a key or partition column that is not declared."""
        by_name = {column.name: column for column in self.columns}
        object.__setattr__(self, "_by_name", MappingProxyType(by_name))
        partition = (self.partition_by,) if self.partition_by else ()
        undeclared = [name for name in (*self.key, *partition) if name not in by_name]
        if undeclared:
            raise ValueError(f"table {self.name}: columns {undeclared} are not declared")

    def __getitem__(self, name: str) -> Column:
        """The column of that name."""
        return self._by_name[name]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in the order of the table."""
        return tuple(self._by_name)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns that never hold a null."""
        return tuple(column.name for column in self.columns if not column.nullable)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The table's columns as an Arrow schema, comments in the fields' metadata."""
        return pa.schema(
            [
                pa.field(c.name, c.type, c.nullable, metadata={"comment": c.comment})
                for c in self.columns
            ]
        )


def _required(name: str, type_: pa.DataType, description: str, unit: str = "") -> Column:
    return Column(name, type_, description, unit, nullable=False)


_USER = _required("userId", pa.string(), "viewer, as the player names them")
_VIDEO = _required("videoId", pa.string(), "video, as the player names it")

RAW_EVENTS = Table(
    name="raw_events",
    grain="one valid, distinct player event",
    key=("userId", "videoId", "sessionId", "timestamp", "eventName", "currentTime"),
    partition_by="eventDate",
    columns=(
        _required("timestamp", TIMESTAMP, "when the player acted", "UTC"),
        _USER,
        _required("sessionId", pa.string(), "session, as the player names it"),
        _VIDEO,
        _required(
            "eventName",
            pa.string(),
            "video_play, video_pause, video_resume or video_ended",
        ),
        _required("currentTime", pa.float64(), "position in the video, >= 0", "s"),
        _required("eventDate", pa.date32(), "day of the timestamp", "UTC day"),
    ),
)

REJECTED_EVENTS = Table(
    name="rejected_events",
    grain="one source row that was refused, with the reason",
    key=("source", "sourceRow"),
    partition_by="eventDate",
    columns=(
        _required("reason", pa.string(), "first rule that the row breaks"),
        Column("rowText", pa.string(), "the row as received"),
        _required("source", pa.string(), "file (or Delta table) the row came from"),
        Column("sourceRow", pa.int64(), "1-based row in that file; null where rows have no order"),
        _required(
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
        _required("sessionId", pa.string(), "session, as the player names it"),
        _required("sessionDate", pa.date32(), "day that the row describes", "UTC day"),
        _required(
            "sessionNumber",
            pa.int64(),
            "1, 2, ... in time order: a long idle time splits one sessionId into several",
        ),
        _required(
            "isContinuation",
            pa.bool_(),
            "the session began on the day before and runs on into this day",
        ),
        _required("firstEventTime", TIMESTAMP, "first event of the row's day", "UTC"),
        _required("lastEventTime", TIMESTAMP, "last event of the row's day", "UTC"),
        _required(
            "elapsedSeconds", pa.float64(), "wall clock inside the session, pauses included", "s"
        ),
        _required("watchTime", pa.float64(), "length of all watched segments", "s of video"),
        _required(
            "uniqueSecondsWatched",
            pa.float64(),
            "length of the union of the watched segments",
            "s of video",
        ),
        _required(
            "watchedIntervals",
            INTERVALS,
            "the watched segments, merged: sorted, disjoint [start, end)",
            "s of video",
        ),
        _required("maxPosition", pa.float64(), "furthest position of any event", "s of video"),
        _required("pauseCount", pa.int64(), "pauses"),
        _required("endedCount", pa.int64(), "times the video ran to its end"),
        _required("forwardSkips", pa.int64(), "jumps ahead"),
        _required("backwardSkips", pa.int64(), "jumps back"),
        _required("eventCount", pa.int64(), "player events"),
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
        _required("videoDuration", pa.float64(), "length of the video", "s"),
        _required(
            "isDurationEstimated",
            pa.bool_(),
            "the metadata has no usable duration: the furthest position anyone reached stands in",
        ),
        _required("totalWatchTime", pa.float64(), "time watched, rewatching included", "s"),
        _required(
            "totalUniqueSecondsWatched",
            pa.float64(),
            "seconds of the video watched at least once",
            "s of video",
        ),
        _required("maxPositionReached", pa.float64(), "furthest position", "s of video"),
        _required("watchPercentage", pa.float64(), "totalWatchTime of videoDuration", "%"),
        _required("completionPercentage", pa.float64(), "maxPositionReached of videoDuration", "%"),
        _required(
            "uniqueWatchPercentage", pa.float64(), "totalUniqueSecondsWatched of videoDuration", "%"
        ),
        _required("sessionCount", pa.int64(), "sessions, at least 1"),
        _required("avgWatchTimePerSession", pa.float64(), "totalWatchTime per session", "s"),
        _required("avgSessionDuration", pa.float64(), "wall clock per session with pauses", "s"),
        _required("avgPausesPerSession", pa.float64(), "pauses per session"),
        _required("totalForwardSkips", pa.int64(), "jumps ahead"),
        _required("totalBackwardSkips", pa.int64(), "jumps back"),
        _required("completionCount", pa.int64(), "times the video ran to its end"),
        _required("isCompletedAtLeastOnce", pa.bool_(), "completionCount > 0"),
        _required("engagementScore", pa.float64(), "weighted sum of the measures", "points"),
        _required("engagementTier", pa.string(), "High, Medium, Low or Minimal, by the score"),
        _required("firstWatchDate", TIMESTAMP, "first event", "UTC"),
        _required("lastWatchDate", TIMESTAMP, "last event", "UTC"),
        _required("isReplay", pa.bool_(), "watched in more than one session"),
        _required("dataQualityFlag", pa.string(), "first quality rule that the row breaks, or ok"),
        _required("processedAt", TIMESTAMP, "when this row was computed", "UTC"),
        _required(
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
        _required("video_id", pa.string(), "video"),
        Column("created_date", pa.date32(), "day the video was uploaded", "UTC day"),
        _required("date", pa.date32(), "day of the views", "UTC day"),
        Column(
            "viewCount",
            pa.int64(),
            "views on that day; null when a cumulative source has no earlier count",
            "views",
        ),
        _required(
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
        _required("reason", pa.string(), "first rule that the row breaks"),
        Column("rowText", pa.string(), "the row as received"),
        _required("source", pa.string(), "file (or Delta table) the row came from"),
        Column("sourceRow", pa.int64(), "1-based row in that file; null where rows have no order"),
        _required(
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
        _required("video_id", pa.string(), "video"),
        _required("month", pa.string(), "month as YYYY-MM"),
        Column("aggViewCount", pa.int64(), "sum of the days' viewCount", "views"),
        _required("month_start", pa.date32(), "first day of the month", "UTC day"),
    ),
)

_MISSING_VIDEO = (
    Column("channel_id", pa.string(), "channel of the video's newest row"),
    _required("video_id", pa.string(), "video"),
    _required("created_date", pa.date32(), "earliest upload day seen", "UTC day"),
)

MISSING_DATES = Table(
    name="missing_dates",
    grain="one video that misses at least one day",
    key=("video_id",),
    columns=(
        *_MISSING_VIDEO,
        _required(
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
        _required("missing_date", pa.date32(), "a day without a row", "UTC day"),
    ),
)

LIFETIME_SNAPSHOTS = Table(
    name="lifetime_snapshots",
    grain="one video on the day that the API was asked",
    key=("video_id", "date"),
    partition_by="date",
    columns=(
        Column("channel_id", pa.string(), "channel of the video's newest row"),
        _required("video_id", pa.string(), "video"),
        Column("created_date", pa.date32(), "earliest upload day seen", "UTC day"),
        _required("date", pa.date32(), "day the count was asked for", "UTC day"),
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
        _required("video_id", pa.string(), "video"),
        Column("created_date", pa.date32(), "day the video was uploaded", "UTC day"),
        _required("date", pa.date32(), "day of the count", "UTC day"),
        Column("viewCount", pa.int64(), "views of the day, or lifetime views", "views"),
        _required("source", pa.string(), "daily or lifetime"),
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
        )
    }
)
