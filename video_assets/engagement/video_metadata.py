"""The table `video_metadata`: one row a video, whatever the source repeats."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from video_assets.arrow.columns import first_of_each
from video_assets.arrow.kernels import gathered
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.engagement.video_metadata_rows import TAGGED_VIDEO_METADATA


@dataclass(frozen=True)
class DescribedVideos:
    """The videos of one task.

    Attributes:
        videos: rows of `video_metadata`, sorted by video.
        source_rows: rows that the readers met.
        duplicates: further rows of a video that is there already.
        refused: rows that name no video.
    """

    videos: pa.Table
    source_rows: int
    duplicates: int
    refused: int


def describe_videos(batches: Iterable[pa.RecordBatch]) -> DescribedVideos:
    """Keep one row a video: the longest duration, then the last title in the alphabet.

    Args:
        batches: tagged rows (`TAGGED_VIDEO_METADATA`); all rows of a video must be among them.
    """
    rows = gathered(batches, TAGGED_VIDEO_METADATA)
    counted = pc.is_valid(rows["sourceRows"])
    refused = pc.is_valid(rows["reason"])
    usable = rows.filter(pc.invert(pc.or_(counted, refused))).select(VIDEO_METADATA.column_names)
    best_first = usable.sort_by(
        [("videoId", "ascending"), ("duration", "descending"), ("title", "descending")]
    )
    first = first_of_each(best_first["videoId"].to_numpy())
    return DescribedVideos(
        videos=best_first.filter(pa.array(first)),
        source_rows=pc.sum(rows["sourceRows"], min_count=0).as_py(),
        duplicates=best_first.num_rows - int(first.sum()),
        refused=rows.num_rows - rows["reason"].null_count,
    )
