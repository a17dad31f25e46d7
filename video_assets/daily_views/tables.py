"""Views by day and month, and the days that are missing."""

from dataclasses import replace

import pyarrow as pa

from resources.delta.table import Column, Table, required
from video_assets.rejected_rows import rejected_rows
from video_assets.vocabulary import SCHEMA_NAME, VIEW_MEASURES

# What a platform counts beside views; a source has some of them (`DAILY_VIEWS_MEASURES`).
MEASURES = (
    Column("engagedViews", pa.int64(), "views that went on beyond the first moment", "views"),
    Column("watchMinutes", pa.float64(), "time watched", "min"),
    Column("likes", pa.int64(), "likes, net of those taken back", "likes"),
    Column("dislikes", pa.int64(), "dislikes, net of those taken back", "dislikes"),
    Column("comments", pa.int64(), "comments", "comments"),
    Column("shares", pa.int64(), "shares", "shares"),
    Column("subscribersGained", pa.int64(), "subscribers won by the video", "subscribers"),
    Column("subscribersLost", pa.int64(), "subscribers lost by the video", "subscribers"),
)
_VIEW_DEFINITION = Column(
    "viewDefinitionSince",
    pa.date32(),
    "day since which what counts as a view was the same (`_VIEW_DEFINITION_CHANGES`); null: as "
    "before the first change",
    "day",
)

DAILY_VIDEO_VIEWS = Table(
    name="daily_video_views",
    schema=SCHEMA_NAME,
    grain="one video and day",
    key=("video_id", "date"),
    partition_by="date",
    columns=(
        Column("channel_id", pa.string(), "channel of the video"),
        required("video_id", pa.string(), "video"),
        Column("created_date", pa.date32(), "day the video was uploaded, as delivered", "day"),
        required("date", pa.date32(), "day of the views, as the source reckons days", "day"),
        Column(
            "viewCount",
            pa.int64(),
            "views on that day, negative where the platform took views back; null when a "
            "cumulative source has no earlier count, or lost its counter",
            "views",
        ),
        required(
            "reportedCount",
            pa.int64(),
            "the count as delivered: views of the day, or the cumulative counter",
            "views",
        ),
        Column(
            "daysCovered",
            pa.int64(),
            "days over which the views go: 1, or of a cumulative source those since its earlier "
            "count; null where the views are",
            "days",
        ),
        *MEASURES,
        _VIEW_DEFINITION,
    ),
)

REJECTED_DAILY_VIEWS = rejected_rows("rejected_daily_views", "date", "day of the row")

MONTHLY_VIEWS = Table(
    name="monthly_views",
    schema=SCHEMA_NAME,
    grain="one video of a channel and month",
    key=("channel_id", "video_id", "month_start"),
    partition_by="month_start",
    partition_unit="month",
    hardly_repeated=("video_id",),
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
            "day",
            origin=DAILY_VIDEO_VIEWS.origin("date"),
        ),
        *DAILY_VIDEO_VIEWS.copied(*VIEW_MEASURES),
        replace(_VIEW_DEFINITION, origin=DAILY_VIDEO_VIEWS.origin("date")),
        Column(
            "spansDefinitionChange",
            pa.bool_(),
            "within the month it changed what counts as a view: its days are not comparable",
            origin=DAILY_VIDEO_VIEWS.origin("date"),
        ),
    ),
)

# What is known of a video from all of its rows.
VIDEO = (
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
        "earliest upload day named, or first day with a view",
        "day",
        origin=DAILY_VIDEO_VIEWS.origin("created_date", "date", "viewCount", "reportedCount"),
    ),
)

MISSING_DATES = Table(
    name="missing_dates",
    schema=SCHEMA_NAME,
    grain="one video that misses at least one day",
    key=("video_id",),
    columns=(
        *VIDEO,
        required(
            "missing_dates",
            pa.list_(pa.field("element", pa.date32(), nullable=False)),
            "days from created_date to the as-of date without a row, ascending",
            "UTC day",
            origin=DAILY_VIDEO_VIEWS.origin("date", "created_date"),
        ),
        Column(
            "goneSince",
            pa.date32(),
            "first day after the last row of a video that is gone (`GONE_AFTER`): from then on "
            "nothing is missing; null: not gone",
            "day",
            origin=DAILY_VIDEO_VIEWS.origin("date"),
        ),
    ),
)

MISSING_DATE = Table(
    name="missing_date",
    schema=SCHEMA_NAME,
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
        *MISSING_DATES.copied("goneSince"),
    ),
)
