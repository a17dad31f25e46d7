"""Lifetime views: what was asked for, and the whole history beside it."""

import pyarrow as pa

from resources.delta.table import Column, Table, required

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
