"""Which rows of video metadata are usable, on Arrow arrays."""

from typing import Any

import numpy as np
import pyarrow as pa

from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.rejected_rows import rejected_rows
from video_assets.sources.chunks import Chunk
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import RowKind
from video_assets.sources.tagged import TaggedSchema, Verdict, tagged_schema
from video_assets.sources.values import mask, read_durations, read_ids
from video_assets.vocabulary import VIDEO_METADATA_COLUMNS

# Refused rows are counted by their reasons; no table holds them.
_REJECTED = rejected_rows("rejected_video_metadata", "day", "none")
# Ascends in the order of delivery.
DELIVERY_ORDER = "deliveryOrder"
UNREADABLE_DURATIONS = "unreadableDurations"
_MORE: list["pa.Field[Any]"] = [
    pa.field(DELIVERY_ORDER, pa.int64()),
    pa.field(UNREADABLE_DURATIONS, pa.int64()),
]
TAGGED_VIDEO_METADATA = tagged_schema(VIDEO_METADATA.arrow_schema, _REJECTED.arrow_schema, _MORE)


def validate_video_metadata(chunk: Chunk, config: SourceConfig, file_index: int) -> Verdict:
    """Judge rows of video metadata.

    Args:
        chunk: rows with the columns `videoId`, `duration` and `title`, of any type that a source
            may have.
        config: how durations are written.
        file_index: place of the file in the order of delivery.

    Returns:
        The columns of `video_metadata`, where a duration that is not usable is null;
        and the one reason to refuse a row: it names no video.
    """
    videos = read_ids(chunk.columns["videoId"])
    durations, unreadable = read_durations(chunk.columns["duration"], config.position_unit)
    values = {
        "videoId": videos,
        "duration": durations,
        "title": read_ids(chunk.columns["title"]),
        DELIVERY_ORDER: pa.array(chunk.delivery_order(file_index)),
        UNREADABLE_DURATIONS: pa.array(unreadable.astype(np.int64)),
    }
    undated = np.zeros(len(chunk), np.int64)
    reasons = (("missing_video", mask(videos.is_null())),)
    return Verdict(values, reasons, undated, undated.astype(bool))


VIDEO_METADATA_ROWS = RowKind(
    title="video metadata",
    setting="VIDEO_ASSETS_VIDEO_METADATA",
    day_column=None,
    columns=VIDEO_METADATA_COLUMNS,
    tagged=TaggedSchema(TAGGED_VIDEO_METADATA, "day"),
    validate=validate_video_metadata,
)
