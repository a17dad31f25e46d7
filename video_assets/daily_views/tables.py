"""Views by day and month, and the days that are missing."""

import pyarrow as pa

from resources.delta.table import Column, Table, required

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
    partition_unit="month",
    columns=(
        Column(
            "channel_id",
            pa.string(),
            "channel of the video",
            origin=DAILY_VIDEO_VIEWS.origin("channel_id"),
        ),
        required("video_id", pa.string(), "video", origin=DAILY_VIDEO_VIEWS.origin("video_id")),
        required("month", pa.string(), "month as YYYY-MM", origin=DAILY_VIDEO_VIEWS.origin("date")),
        Column(
            "aggViewCount",
            pa.int64(),
            "sum of the days' viewCount",
            "views",
            origin=DAILY_VIDEO_VIEWS.origin("viewCount"),
        ),
        required(
            "month_start",
            pa.date32(),
            "first day of the month",
            "UTC day",
            origin=DAILY_VIDEO_VIEWS.origin("date"),
        ),
    ),
)

_VIDEO = (
    Column(
        "channel_id",
        pa.string(),
        "channel of the video's newest row",
        origin=DAILY_VIDEO_VIEWS.origin("channel_id", "date"),
    ),
    required("video_id", pa.string(), "video", origin=DAILY_VIDEO_VIEWS.origin("video_id")),
    required(
        "created_date",
        pa.date32(),
        "earliest upload day seen",
        "UTC day",
        origin=DAILY_VIDEO_VIEWS.origin("created_date"),
    ),
)

MISSING_DATES = Table(
    name="missing_dates",
    grain="one video that misses at least one day",
    key=("video_id",),
    columns=(
        *_VIDEO,
        required(
            "missing_dates",
            pa.list_(pa.field("element", pa.date32(), nullable=False)),
            "days from created_date to the as-of date without a row, ascending",
            "UTC day",
            origin=DAILY_VIDEO_VIEWS.origin("date", "created_date"),
        ),
    ),
)

MISSING_DATE = Table(
    name="missing_date",
    grain="one missing day of a video",
    key=("video_id", "missing_date"),
    columns=(
        *MISSING_DATES.copied("channel_id", "video_id", "created_date"),
        required(
            "missing_date",
            pa.date32(),
            "a day without a row",
            "UTC day",
            origin=MISSING_DATES.origin("missing_dates"),
        ),
    ),
)
