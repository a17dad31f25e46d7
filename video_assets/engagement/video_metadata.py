"""The table `video_metadata`: one row a video, whatever the source repeats."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from video_assets.arrow.columns import Bools
from video_assets.arrow.kernels import gathered
from video_assets.arrow.types import compute
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.engagement.video_metadata_rows import (
    DELIVERY_ORDER,
    TAGGED_VIDEO_METADATA,
    UNREADABLE_DURATIONS,
)
from video_assets.sources.fates import Cell, Fate, Tally, count_rows, less
from video_assets.sources.tagged import counted_rows

_DAY = "day"


@dataclass(frozen=True)
class DescribedVideos:
    """The videos of one task.

    Attributes:
        videos: rows of `video_metadata`, sorted by video.
        source_rows: rows that the readers met.
        duplicates: further rows of a video that is there already.
        refused: rows that name no video.
        unreadable_durations: durations that are there, and are no number above 0.
        tally: all source rows by file and fate; they have no day.
    """

    videos: pa.Table
    source_rows: int
    duplicates: int
    refused: int
    unreadable_durations: int
    tally: Tally


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
    own = delivered.filter(compute.greater_equal(delivered[DELIVERY_ORDER], 0))
    newest = own.filter(pa.array(_last_of_each_video(own)))
    return DescribedVideos(
        videos=videos.select(VIDEO_METADATA.column_names),
        source_rows=pc.sum(rows["sourceRows"], min_count=0).as_py(),
        duplicates=own.num_rows - newest.num_rows,
        refused=rows.num_rows - rows["reason"].null_count,
        unreadable_durations=pc.sum(rows[UNREADABLE_DURATIONS], min_count=0).as_py(),
        tally=counted_rows(rows.filter(counted))
        + _of_table(own, newest)
        + count_rows(Fate.REJECTED, rows.filter(refused), _DAY),
    )


def _last_of_each_video(rows: pa.Table) -> Bools:
    videos = rows["videoId"].to_numpy()
    return np.append(videos[1:] != videos[:-1], np.ones(min(1, len(videos)), np.bool_))


def _of_table(own: pa.Table, newest: pa.Table) -> Counter[Cell]:
    """Rows of a source by file: the last delivered of a video is valid, others are repeated."""
    valid = count_rows(Fate.VALID, newest, _DAY)
    return valid + less(count_rows(Fate.VALID, own, _DAY), valid, Fate.REPEATED)
