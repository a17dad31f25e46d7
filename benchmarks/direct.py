"""Engagement straight from a source, where nothing on the way is to be kept.

All rows of a video meet in one task, so a video that most of the rows belong to sets its memory.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from resources.engine.compute_slots import turn
from video_assets.arrow.blocks import BLOCKS_DDL, Shares, gathered_packs, pack, shared, unpacked
from video_assets.engagement.engagement_frames import sessions_taken
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.engagement.watch_time.engagement import engagement_rows
from video_assets.engagement.watch_time.sessions import session_rows
from video_assets.player_events.sort_out import sort_out
from video_assets.rules import WatchTimeRules

_SESSIONS, _VIDEOS = "sessions", "videos"
_OF_VIDEO = ("duration", "title", "estimatedDuration")


def sessions_by_video(  # noqa: PLR0913 (events, videos, and what applies to them)
    events: DataFrame,
    video_metadata: DataFrame,
    rules: WatchTimeRules,
    first_day: date,
    end_day: date,
    *,
    shares: Shares,
) -> DataFrame:
    """Session rows and metadata as blocks, those of a video in one bucket; lazily.

    Args:
        events: see `events_in_blocks`.
        video_metadata: rows of `video_metadata`.
        rules: thresholds and weights.
        first_day: first UTC day.
        end_day: UTC day after the last.
        shares: tasks and buckets.

    Returns:
        Blocks, for `engagement_of_videos`.
    """
    function = partial(
        _packed_sessions,
        rules=rules,
        first_day=first_day,
        end_day=end_day,
        buckets=shares.buckets,
    )
    videos = video_metadata.select(*VIDEO_METADATA.column_names).mapInArrow(
        partial(_packed_videos, buckets=shares.buckets), BLOCKS_DDL
    )
    return shared(events.mapInArrow(function, BLOCKS_DDL).union(videos), shares)


def engagement_of_videos(
    blocks: Iterable[pa.RecordBatch], rules: WatchTimeRules, processed_at: datetime
) -> Iterator[pa.Table]:
    """One row per user and video (rules 7, 8 and 10 to 13), bucket by bucket.

    Args:
        blocks: those of one task; see `sessions_by_video`.
        rules: thresholds and weights.
        processed_at: UTC time to stamp on the rows.

    Yields:
        Rows of `aggregated_user_video_engagement`.
    """
    for parts in unpacked(blocks):
        if _SESSIONS in parts:
            with turn():
                rows = _described(parts[_SESSIONS], parts.get(_VIDEOS, _no_videos()))
                rows = engagement_rows(rows, rules, processed_at)
            yield rows


def _packed_sessions(
    blocks: Iterable[pa.RecordBatch],
    rules: WatchTimeRules,
    first_day: date,
    end_day: date,
    buckets: int,
) -> Iterator[pa.RecordBatch]:
    taken = [*(n for n in sessions_taken(rules).names if n not in _OF_VIDEO), "furthestSeen"]
    for parts in unpacked(blocks):
        valid = sort_out(parts).valid
        with turn():
            rows = session_rows(valid, rules, first_day, end_day).select(taken)
            packed = pack(_SESSIONS, rows, "videoId", buckets)
        yield packed


def _packed_videos(batches: Iterable[pa.RecordBatch], buckets: int) -> Iterator[pa.RecordBatch]:
    for rows in gathered_packs(batches):
        yield pack(_VIDEOS, rows.cast(VIDEO_METADATA.arrow_schema), "videoId", buckets)


def _described(sessions: pa.Table, videos: pa.Table) -> pa.Table:
    furthest = sessions.select(["videoId", "furthestSeen", "maxPosition"]).group_by("videoId")
    videos_seen = furthest.aggregate([("furthestSeen", "max"), ("maxPosition", "max")])
    estimate = pc.coalesce(videos_seen["furthestSeen_max"], videos_seen["maxPosition_max"])
    of_metadata = _places(sessions["videoId"], videos["videoId"])
    return (
        sessions.append_column("duration", videos["duration"].take(of_metadata))
        .append_column("title", videos["title"].take(of_metadata))
        .append_column(
            "estimatedDuration",
            estimate.take(_places(sessions["videoId"], videos_seen["videoId"])),
        )
    )


def _places(numbered: Any, texts: Any) -> Any:
    """Where in `texts` each text of a column is; null where it is not."""
    column = numbered.combine_chunks()
    return pc.index_in(column.dictionary, texts.cast(pa.string())).take(column.indices)


def _no_videos() -> pa.Table:
    return VIDEO_METADATA.arrow_schema.empty_table()
