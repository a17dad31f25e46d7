"""Which daily view counts are valid, on Arrow arrays."""

import numpy as np
import pyarrow as pa

from video_assets.arrow.types import ArrowArray, Mask, compute, is_text
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.sources.chunks import Chunk
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import RowKind
from video_assets.sources.tagged import TaggedSchema, Verdict, day_array, tagged_schema
from video_assets.sources.times import read_days
from video_assets.sources.values import mask, read_counts, read_ids
from video_assets.vocabulary import DAILY_VIEW_COLUMNS

DELIVERY_ORDER = "deliveryOrder"
# Leaves room for files of four terabytes each, and two million of them in a run.
_ORDER_BITS_IN_FILE = 42

_VALID = [field for field in DAILY_VIDEO_VIEWS.arrow_schema if field.name != "viewCount"]
TAGGED_DAILY_VIEWS = tagged_schema(
    _VALID, REJECTED_DAILY_VIEWS.arrow_schema, [pa.field(DELIVERY_ORDER, pa.int64())]
)


def validate_daily_views(chunk: Chunk, config: SourceConfig, file_index: int) -> Verdict:
    """Judge daily view counts.

    Args:
        chunk: rows with the columns `channel_id`, `video_id`, `created_date`, `date` and
            `viewCount`, of any type that a source may have.
        config: how dates are written.
        file_index: place of the file in the order of delivery.

    Returns:
        The columns of `daily_video_views` (the count as `reportedCount`) and `deliveryOrder`,
        which ascends from file to file and row to row; and the reasons, in order.
    """
    videos = read_ids(chunk.columns["video_id"])
    created_column = chunk.columns["created_date"]
    days, has_day = read_days(
        chunk.columns["date"], config.timestamp_unit, config.date_format, or_iso=False
    )
    created, has_created = read_days(
        created_column, config.timestamp_unit, config.date_format, or_iso=True
    )
    counts, has_count, is_whole = read_counts(chunk.columns["viewCount"])
    values = {
        "channel_id": read_ids(chunk.columns["channel_id"]),
        "video_id": videos,
        "created_date": day_array(created, has_created),
        "date": day_array(days),
        "reportedCount": pa.array(counts),
        DELIVERY_ORDER: pa.array(chunk.order + (file_index << _ORDER_BITS_IN_FILE)),
    }
    reasons = (
        ("missing_video", mask(videos.is_null())),
        ("missing_date", ~has_day),
        ("missing_count", ~has_count),
        ("unreadable_count", ~is_whole),
        ("negative_count", counts < 0),
        ("unreadable_created_date", ~has_created & _is_filled(created_column)),
        ("date_before_created_date", has_created & (days < created)),
    )
    return Verdict(values, reasons, days, has_day)


def _is_filled(array: ArrowArray) -> Mask:
    there = mask(array.is_valid())
    if not is_text(array.type):
        return there
    blank = compute.equal(compute.utf8_trim_whitespace(array.fill_null("")), "")
    return np.logical_and(there, ~mask(blank))


DAILY_VIEW_ROWS = RowKind(
    title="daily views",
    setting="VIDEO_ASSETS_DAILY_VIEWS",
    day_column="date",
    columns=DAILY_VIEW_COLUMNS,
    tagged=TaggedSchema(TAGGED_DAILY_VIEWS, "date"),
    validate=validate_daily_views,
)
