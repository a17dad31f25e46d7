"""From the tables to the pages of videos; what is on the driver at a time is bounded."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.arrow.columns import floats, integers
from video_assets.arrow.types import Integers
from video_assets.days import SECONDS_PER_HOUR
from video_assets.report.facts import Chapter, Report
from video_assets.report.first_days import LENGTHS, first_days, first_days_of
from video_assets.report.inputs import DAYS_SHOWN, Tables, listed_videos, watched_nothing
from video_assets.report.slices import slices_by
from video_assets.report.video_facts import Buckets, FirstDays, VideoDay, VideoDetail

# Curves of so many videos are on the driver at a time: some hundred buckets each.
_VIDEOS_AT_A_TIME = 500
_WHOLE = 100.0
_DAY = ("date", "viewers", "plays", "watchSeconds", "isUnfinished")
_CURVE = (
    *("bucketStart", "bucketEnd", "viewers", "rewatches", "exits"),
    *("started", "stopped", "relativeRetention", "hotspotRank"),
)


def video_details(
    tables: Tables,
    report: Report,
    bucket_seconds: int,
    chapters: Mapping[str, tuple[Chapter, ...]],
) -> Iterator[VideoDetail]:
    """What the page of each video in the report's list shows, in the order of the list.

    Args:
        tables: what the report was made from.
        report: whose list is meant.
        bucket_seconds: width of a bucket of the position curve.
        chapters: by video.
    """
    firsts = _first_days(tables)
    for first in range(0, len(report.videos), _VIDEOS_AT_A_TIME):
        videos = report.videos[first : first + _VIDEOS_AT_A_TIME]
        ids = [video.video_id for video in videos]
        # Where no length is known and nothing was watched, a bucket has no place in the video.
        of_some_length = [video.video_id for video in videos if video.duration > 0]
        curves = _curves(tables.video_position_curve, of_some_length)
        days = _days(tables.video_daily, ids)
        views = _views(tables.daily_views, ids)
        idle = watched_nothing(tables, ids)
        for video in videos:
            yield VideoDetail(
                video=video,
                group=report.groups.get(video.video_id),
                buckets=curves.get(video.video_id, _NO_BUCKETS),
                bucket_seconds=bucket_seconds,
                idle=idle.get(video.video_id, 0),
                first_days=tuple(firsts.get(video.video_id, ())),
                days=tuple(days.get(video.video_id, ())),
                views=tuple(views.get(video.video_id, ())),
                chapters=chapters.get(video.video_id, ()),
            )


def _first_days(tables: Tables) -> Mapping[str, list[FirstDays]]:
    found: dict[str, list[FirstDays]] = defaultdict(list)
    if tables.video_daily is None:
        return found
    listed = listed_videos(tables.video_performance).select("videoId")
    for days in LENGTHS:
        beside = first_days(tables.video_daily, tables.groups, days)
        for row in beside.join(listed, "videoId", "left_semi").collect():
            found[row["videoId"]].append(first_days_of(row, days))
    return found


def _curves(curve: DataFrame, ids: Sequence[str]) -> dict[str, Buckets]:
    # Positions beyond the end are the players' mistakes.
    is_shown = F.coalesce(F.col("positionPercent"), F.lit(0.0)) < F.lit(_WHOLE)
    rows = curve.where(F.col("videoId").isin(*ids) & is_shown).select("videoId", *_CURVE)
    found = rows.orderBy("videoId", "bucketStart").toArrow()
    return {video: _buckets(own) for (video,), own in slices_by(found, "videoId")}


def _buckets(rows: pa.Table) -> Buckets:
    return Buckets(
        start=floats(rows, "bucketStart"),
        end=floats(rows, "bucketEnd"),
        viewers=integers(rows, "viewers"),
        rewatches=integers(rows, "rewatches"),
        exits=integers(rows, "exits"),
        started=_known(rows, "started"),
        stopped=_known(rows, "stopped"),
        relative=floats(rows, "relativeRetention"),
        hotspot=np.nan_to_num(floats(rows, "hotspotRank")).astype(np.int64),
    )


def _known(rows: pa.Table, name: str) -> Integers | None:
    """A column that older rows lack."""
    return None if rows[name].null_count else integers(rows, name)


_NOTHING = np.array([], np.int64)
_NO_PLACE = np.array([], np.float64)
_NO_BUCKETS = Buckets(
    _NO_PLACE, _NO_PLACE, _NOTHING, _NOTHING, _NOTHING, None, None, _NO_PLACE, _NOTHING
)


def _days(daily: DataFrame | None, ids: Sequence[str]) -> Mapping[str, list[VideoDay]]:
    if daily is None:
        return {}
    rows = _newest(daily, "date").where(F.col("videoId").isin(*ids))
    found: dict[str, list[VideoDay]] = defaultdict(list)
    # A tenth of the time of `collect`.
    for row in rows.select("videoId", *_DAY).toArrow().to_pylist():
        found[row["videoId"]].append(_day(row))
    return {video: sorted(days, key=lambda day: day.day) for video, days in found.items()}


def _day(row: Any) -> VideoDay:
    hours = row["watchSeconds"] / SECONDS_PER_HOUR
    is_unfinished = bool(row["isUnfinished"])
    return VideoDay(row["date"], row["viewers"], row["plays"], hours, is_unfinished)


def _views(views: DataFrame | None, ids: Sequence[str]) -> Mapping[str, list[tuple[date, int]]]:
    if views is None:
        return {}
    is_one = F.col("video_id").isin(*ids) & F.col("viewCount").isNotNull()
    rows = _newest(views, "date").where(is_one).select("video_id", "date", "viewCount")
    found: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for row in rows.collect():
        found[row["video_id"]].append((row["date"], row["viewCount"]))
    return {video: sorted(days) for video, days in found.items()}


def _newest(frame: DataFrame, day: str) -> DataFrame:
    """The rows of the newest days of a table, as many as a chart shows."""
    [row] = frame.agg(F.max(day).alias("newest")).collect()
    if row["newest"] is None:
        return frame
    return frame.where(F.col(day) > F.lit(row["newest"] - timedelta(days=DAYS_SHOWN)))
