"""Which rows of video metadata are usable, on Arrow arrays."""

from typing import Any

import numpy as np
import pyarrow as pa

from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.sources.chunks import Chunk
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import RowKind
from video_assets.sources.tagged import TaggedSchema, Verdict, tagged_schema
from video_assets.sources.values import mask, read_ids, read_positions
from video_assets.vocabulary import VIDEO_METADATA_COLUMNS

_REJECTED: list["pa.Field[Any]"] = [
    pa.field("reason", pa.string()),
    pa.field("rowText", pa.string()),
    pa.field("source", pa.string()),
    pa.field("sourceRow", pa.int64()),
    pa.field("day", pa.date32()),
]
TAGGED_VIDEO_METADATA = tagged_schema(VIDEO_METADATA.arrow_schema, _REJECTED)


def validate_video_metadata(chunk: Chunk, _config: SourceConfig, _file_index: int) -> Verdict:
    """Judge rows of video metadata.

    Args:
        chunk: rows with the columns `videoId`, `duration` (seconds) and `title`, of any type that
            a source may have.

    Returns:
        The columns of `video_metadata`, where a duration that is no finite number > 0 is null;
        and the one reason to refuse a row: it names no video.
    """
    videos = read_ids(chunk.columns["videoId"])
    durations, finite = read_positions(chunk.columns["duration"])
    values = {
        "videoId": videos,
        "duration": pa.array(durations, mask=~(finite & (durations > 0))),
        "title": read_ids(chunk.columns["title"]),
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
