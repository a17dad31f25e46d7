"""The table `video_metadata`: one row a video, whatever the source repeats."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from video_assets.arrow.kernels import gathered
from video_assets.arrow.types import compute
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.engagement.video_metadata_rows import (
    DELIVERY_ORDER,
    TAGGED_VIDEO_METADATA,
    UNREADABLE_DURATIONS,
)


@dataclass(frozen=True)
class DescribedVideos:
    """The videos of one task.

    Attributes:
        videos: rows of `video_metadata`, sorted by video.
        source_rows: rows that the readers met.
        duplicates: further rows of a video that is there already.
        refused: rows that name no video.
        unreadable_durations: durations that are there, and are no number above 0.
    """

    videos: pa.Table
    source_rows: int
    duplicates: int
    refused: int
    unreadable_durations: int


def describe_videos(batches: Iterable[pa.RecordBatch]) -> DescribedVideos:
    """Keep one row a video: the duration and the title that were delivered last, each by itself.

    Args:
        batches: tagged rows (`TAGGED_VIDEO_METADATA`); all rows of a video must be among them.
    """
    rows = gathered(batches, TAGGED_VIDEO_METADATA)
    counted = pc.is_valid(rows["sourceRows"])
    refused = pc.is_valid(rows["reason"])
    usable = rows.filter(pc.invert(pc.or_(counted, refused)))
    # Where nobody knows an order, the longest and the last in the alphabet.
    order = ("videoId", DELIVERY_ORDER, "duration", "title")
    delivered = usable.sort_by([(name, "ascending") for name in order])
    values = ("duration", "title")
    last = delivered.group_by("videoId", use_threads=False).aggregate([(v, "last") for v in values])
    videos = last.rename_columns({f"{value}_last": value for value in values})
    delivered_rows = pc.sum(compute.greater_equal(usable[DELIVERY_ORDER], 0), min_count=0).as_py()
    return DescribedVideos(
        videos=videos.select(VIDEO_METADATA.column_names),
        source_rows=pc.sum(rows["sourceRows"], min_count=0).as_py(),
        duplicates=max(0, delivered_rows - _videos_of(delivered)),
        refused=rows.num_rows - rows["reason"].null_count,
        unreadable_durations=pc.sum(rows[UNREADABLE_DURATIONS], min_count=0).as_py(),
    )


def _videos_of(delivered: pa.Table) -> int:
    own = delivered.filter(compute.greater_equal(delivered[DELIVERY_ORDER], 0))
    return int(pc.count_distinct(own["videoId"]).as_py())
