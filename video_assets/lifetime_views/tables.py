"""Lifetime views: what was asked for, and the whole history beside it."""

from dataclasses import replace

import pyarrow as pa

from resources.delta.table import Column, Table, required
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, VIDEO
from video_assets.vocabulary import SCHEMA_NAME, VIEW_MEASURES

LIFETIME_SNAPSHOTS = Table(
    name="lifetime_snapshots",
    schema=SCHEMA_NAME,
    grain="one video on the day that the API was asked",
    key=("video_id", "date"),
    partition_by="date",
    columns=(
        *VIDEO[:-1],
        replace(VIDEO[-1], nullable=True),
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
    schema=SCHEMA_NAME,
    grain="one video, day and source",
    key=("video_id", "date", "source"),
    partition_by="date",
    columns=(
        Column(
            "channel_id",
            pa.string(),
            "channel of the video",
            origin=DAILY_VIDEO_VIEWS.origin("channel_id") + LIFETIME_SNAPSHOTS.origin("channel_id"),
        ),
        required(
            "video_id",
            pa.string(),
            "video",
            origin=DAILY_VIDEO_VIEWS.origin("video_id") + LIFETIME_SNAPSHOTS.origin("video_id"),
        ),
        Column(
            "created_date",
            pa.date32(),
            "day the video was uploaded",
            "UTC day",
            origin=DAILY_VIDEO_VIEWS.origin("created_date")
            + LIFETIME_SNAPSHOTS.origin("created_date"),
        ),
        required(
            "date",
            pa.date32(),
            "day of the count",
            "UTC day",
            origin=DAILY_VIDEO_VIEWS.origin("date") + LIFETIME_SNAPSHOTS.origin("date"),
        ),
        Column(
            "viewCount",
            pa.int64(),
            "views of the day, or lifetime views",
            "views",
            origin=DAILY_VIDEO_VIEWS.origin("viewCount") + LIFETIME_SNAPSHOTS.origin("viewCount"),
        ),
        required("source", pa.string(), "daily or lifetime"),
        *DAILY_VIDEO_VIEWS.copied(*VIEW_MEASURES),
        replace(
            DAILY_VIDEO_VIEWS["viewDefinitionSince"],
            origin=DAILY_VIDEO_VIEWS.origin("viewDefinitionSince")
            + LIFETIME_SNAPSHOTS.origin("date"),
        ),
    ),
)
