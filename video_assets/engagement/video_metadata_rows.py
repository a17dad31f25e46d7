"""Which rows of video metadata are usable, on Arrow arrays."""

import numpy as np
import pyarrow as pa

from video_assets.engagement.durations import is_usable_duration
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.rejected_rows import rejected_rows
from video_assets.sources.chunks import Chunk
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import RowKind
from video_assets.sources.tagged import TaggedSchema, Verdict, tagged_schema
from video_assets.sources.values import mask, read_ids, read_positions
from video_assets.vocabulary import VIDEO_METADATA_COLUMNS

# Refused rows are counted by their reasons; no table holds them.
_REJECTED = rejected_rows("rejected_video_metadata", "day", "none")
TAGGED_VIDEO_METADATA = tagged_schema(VIDEO_METADATA.arrow_schema, _REJECTED.arrow_schema)


def validate_video_metadata(chunk: Chunk, _config: SourceConfig, _file_index: int) -> Verdict:
    """Judge rows of video metadata.

    Args:
        chunk: rows with the columns `videoId`, `duration` (seconds) and `title`, of any type that
            a source may have.

    Returns:
        The columns of `video_metadata`, where a duration that is not usable is null;
        and the one reason to refuse a row: it names no video.
    """
    videos = read_ids(chunk.columns["videoId"])
    durations, _ = read_positions(chunk.columns["duration"])
    values = {
        "videoId": videos,
        "duration": pa.array(durations, mask=~is_usable_duration(durations)),
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
