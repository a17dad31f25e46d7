"""Where in a video viewers watch, watch again and leave, counted in buckets of positions.

Counts of tasks add up, provided that no two tasks share a viewer of a video: `bucket_counts` runs
over the events of each task, `curve_rows` over all counts of a video.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resources.delta.table import Table, required
from video_assets.analytics.peaks import peaks
from video_assets.analytics.tables import VIDEO_POSITION_CURVE
from video_assets.arrow.columns import (
    ArrowArray,
    Bools,
    Floats,
    Ints,
    encode,
    first_of_each,
    floats,
    group_codes,
    grouped_order,
    integers,
    microseconds,
    to_table,
    with_plain_texts,
)
from video_assets.arrow.intervals import Intervals, merge
from video_assets.engagement.watch_time.sessions import watched_segments
from video_assets.rules import WatchTimeRules

# A key holds the video's number above this many bits, and the bucket in them.
_BUCKET_BITS = 32
_BUCKETS = 2**31
_LONGEST_FILLED_GAP = 86_400

Numbers: TypeAlias = npt.NDArray[np.integer[Any]]

BUCKET_COUNTS = Table(
    name="bucket_counts",
    grain="one bucket of a video, as far as some viewers are concerned",
    key=("videoId", "bucket"),
    columns=(
        required("videoId", pa.string(), "video"),
        required("bucket", pa.int64(), "number of the bucket, from 0"),
        required("starters", pa.int64(), "in bucket 0: users with any event; else 0"),
        required("viewers", pa.int64(), "users who watched any of the bucket"),
        required("views", pa.int64(), "times that any of it was watched"),
        required("exits", pa.int64(), "users who stopped here for good"),
        required("started", pa.int64(), "views that begin in it"),
        required("stopped", pa.int64(), "views that end in it"),
        required("excludedViews", pa.int64(), "views by who is in no other number"),
    ),
)
_MEASURES = ("starters", "viewers", "views", "exits", "started", "stopped", "excludedViews")
COMPARED = ("positionPercent", "relativeRetention")

CURVE = Table(
    name="curve",
    grain="one bucket of a video, not yet compared with other videos; never stored",
    key=VIDEO_POSITION_CURVE.key,
    columns=tuple(c for c in VIDEO_POSITION_CURVE.columns if c.name not in COMPARED),
)


def bucket_counts(events: pa.Table, rules: WatchTimeRules, width: int) -> pa.Table:
    """Count by video and bucket what the viewers among these events did.

    * A viewer of a bucket watched some of it: a watched segment (rule 5) overlaps it.
    * A view is a segment that overlaps the bucket. A segment that carries on from the one before
      it, with no skip between them (rule 6), does not count again in that one's buckets: a pause,
      a repeated play or a return to the same place is no second view.
    * A view starts in the bucket where such a segment does not carry on, and stops where no other
      one carries on from it.
    * A viewer exits in the bucket where the segment ends that they watched last in time.

    Plays without an end (rule 7) are no segments, also where they are credited. Positions behind
    the 2^31st bucket are no positions of a video, and left out.

    Args:
        events: all events of some users with some videos, with the columns of `raw_events`
            (eventDate is not needed), in any order.
        rules: the thresholds.
        width: width of a bucket, in whole seconds of video.

    Returns:
        Rows of `BUCKET_COUNTS`; a video and bucket may come twice, and rows of other users' events
        are to be added.
    """
    events = with_plain_texts(events)
    segments = watched_segments(events, rules, date.min, date.max)
    within = segments["end"].to_numpy() <= float(_BUCKETS) * width
    segments = segments.filter(pa.array(within))
    rows = [_starters(events)]
    if segments.num_rows:
        watched = _Watched.of(segments, width)
        rows.append(_counts(segments, watched, rules))
    return pa.concat_tables(rows)


def excluded_counts(events: pa.Table, rules: WatchTimeRules, width: int) -> pa.Table:
    """The same of viewers who are left out: their views, and nothing else."""
    counts = bucket_counts(events, rules, width)
    nothing = np.zeros(counts.num_rows, np.int64)
    columns: dict[str, Any] = dict.fromkeys(_MEASURES, nothing)
    columns |= {name: counts[name] for name in BUCKET_COUNTS.key}
    columns["excludedViews"] = counts["views"]
    return to_table(columns, BUCKET_COUNTS.arrow_schema)


def curve_rows(counts: pa.Table, width: int) -> pa.Table:
    """Add up the counts of each video, and fill in the buckets that nobody watched.

    Buckets are filled in up to the last that anyone watched; a gap of more than a day of video is
    left open, because such positions are mistakes of a player.

    Args:
        counts: all rows of `BUCKET_COUNTS` of some videos, in any order.
        width: width of a bucket, in seconds of video.

    Returns:
        Rows of `CURVE`, sorted by bucket within each video.
    """
    if counts.num_rows == 0:
        return CURVE.arrow_schema.empty_table()
    video, names = encode(with_plain_texts(counts), "videoId")
    key = _keys(video, integers(counts, "bucket"))
    order = np.argsort(key)
    first = np.flatnonzero(first_of_each(key[order]))
    total = {m: np.add.reduceat(integers(counts, m)[order], first) for m in _MEASURES}
    return _filled(key[order][first], total, names, width)


def _filled(key: Ints, total: Mapping[str, Ints], names: ArrowArray, width: int) -> pa.Table:
    """The curves of videos whose buckets are given by ascending keys, from bucket 0 on."""
    video = key >> _BUCKET_BITS
    gap = np.diff(key, append=key[-1] + 1)
    gap[np.flatnonzero(first_of_each(video))[1:] - 1] = 1
    row, since = _expanded(np.where(gap <= max(_LONGEST_FILLED_GAP // width, 1), gap, 1))
    counted = {measure: np.where(since == 0, total[measure][row], 0) for measure in _MEASURES}
    of_video = np.flatnonzero(first_of_each(video))
    started = total["starters"][of_video][np.cumsum(first_of_each(video)) - 1][row]
    bucket = (key[row] & (2**_BUCKET_BITS - 1)) + since
    rewatches = counted["views"] - counted["viewers"]
    return to_table(
        {
            "videoId": names.take(pa.array(video[row])),
            "bucketStart": bucket.astype(np.float64) * width,
            "bucketEnd": (bucket + 1).astype(np.float64) * width,
            "viewers": counted["viewers"],
            "views": counted["views"],
            "rewatches": rewatches,
            # Of a video that only viewers opened who are left out, nobody started.
            "audienceRetention": np.round(100 * counted["viewers"] / np.maximum(started, 1), 2),
            "exits": counted["exits"],
            "started": counted["started"],
            "stopped": counted["stopped"],
            "hotspotRank": _hotspot_ranks(rewatches, np.flatnonzero(first_of_each(video[row]))),
            "excludedViews": counted["excludedViews"],
        },
        CURVE.arrow_schema,
    )


def _hotspot_ranks(rewatches: Ints, first_of_video: Ints) -> ArrowArray:
    """The rank of each peak of watching again among those of its video."""
    rank = np.zeros(len(rewatches), np.int64)
    for curve in np.split(np.arange(len(rewatches)), first_of_video[1:]):
        tops = curve[peaks(rewatches[curve])]
        rank[tops[np.argsort(-rewatches[tops], kind="stable")]] = np.arange(1, len(tops) + 1)
    return pa.array(rank, mask=rank == 0)


def _starters(events: pa.Table) -> pa.Table:
    viewers = events.group_by(["videoId", "userId"]).aggregate([])
    videos = viewers.group_by("videoId").aggregate([("userId", "count")])
    nothing = np.zeros(videos.num_rows, np.int64)
    columns: dict[str, Any] = dict.fromkeys(BUCKET_COUNTS.column_names, nothing)
    columns["videoId"] = videos["videoId"].cast(pa.string())
    columns["starters"] = videos["userId_count"]
    return to_table(columns, BUCKET_COUNTS.arrow_schema)


@dataclass(frozen=True)
class _Watched:
    """Watched segments, sorted by viewer and then by the time at which they ended.

    Attributes:
        video: number of the segment's video.
        viewer: number of its user and video.
        start: where it begins, in seconds of video.
        end: where it ends.
        first: first bucket that it overlaps.
        last: last bucket that it overlaps by more than 0 seconds.
    """

    video: Numbers
    viewer: Numbers
    start: Floats
    end: Floats
    first: Ints
    last: Ints

    @classmethod
    def of(cls, segments: pa.Table, width: int) -> "_Watched":
        """Sort the segments; of those that end at once, the furthest comes last."""
        viewer = group_codes(segments, "userId", "videoId")
        start, end = floats(segments, "start"), floats(segments, "end")
        order = grouped_order(viewer, microseconds(segments, "endTime"), end, start)
        start, end = start[order], end[order]
        return cls(
            video=encode(segments, "videoId")[0][order],
            viewer=viewer[order],
            start=start,
            end=end,
            first=np.floor(start / width).astype(np.int64),
            last=np.ceil(end / width).astype(np.int64) - 1,
        )


@dataclass(frozen=True)
class _Ranges:
    """Runs of buckets of a video, `first <= bucket < end`."""

    video: Numbers
    first: Ints
    end: Ints


def _counts(segments: pa.Table, watched: _Watched, rules: WatchTimeRules) -> pa.Table:
    key, counted = _depths(
        {
            "viewers": _viewers(watched),
            "views": _views(watched, rules),
            "exits": _exits(watched),
            "started": _started(watched, rules),
            "stopped": _stopped(watched, rules),
        }
    )
    names = encode(segments, "videoId")[1]
    columns = {
        "videoId": names.take(pa.array(key >> _BUCKET_BITS)),
        "bucket": key & (2**_BUCKET_BITS - 1),
        "starters": np.zeros(len(key), np.int64),
        **counted,
        "excludedViews": np.zeros(len(key), np.int64),
    }
    return to_table(columns, BUCKET_COUNTS.arrow_schema)


def _viewers(watched: _Watched) -> _Ranges:
    """Each viewer's buckets once, however often they were watched."""
    video_of_viewer = np.zeros(int(watched.viewer.max()) + 1, np.int64)
    video_of_viewer[watched.viewer] = watched.video
    buckets = Intervals(
        watched.viewer, watched.first.astype(np.float64), watched.last.astype(np.float64) + 1
    )
    merged = merge(buckets)
    first, end = merged.start.astype(np.int64), merged.end.astype(np.int64)
    return _Ranges(video_of_viewer[merged.owner], first, end)


def _views(watched: _Watched, rules: WatchTimeRules) -> _Ranges:
    """Each segment's buckets, but for those that it shares with the one it carries on from."""
    carries_on = _carries_on(watched, rules)
    before_first, before_last = np.roll(watched.first, 1), np.roll(watched.last, 1)
    behind = np.where(carries_on, np.maximum(watched.first, before_last + 1), watched.first)
    # What carries on a little further back may begin a bucket earlier.
    ahead = np.where(carries_on, np.minimum(watched.last + 1, before_first), watched.first)
    first = np.concatenate([behind, watched.first])
    end = np.concatenate([watched.last + 1, ahead])
    new = first < end
    return _Ranges(np.concatenate([watched.video, watched.video])[new], first[new], end[new])


def _started(watched: _Watched, rules: WatchTimeRules) -> _Ranges:
    begins = ~_carries_on(watched, rules)
    first = watched.first[begins]
    return _Ranges(watched.video[begins], first, first + 1)


def _stopped(watched: _Watched, rules: WatchTimeRules) -> _Ranges:
    """Where nothing carries on from a segment; the very first one carries on from nothing."""
    ends = ~np.roll(_carries_on(watched, rules), -1)
    last = watched.last[ends]
    return _Ranges(watched.video[ends], last, last + 1)


def _carries_on(watched: _Watched, rules: WatchTimeRules) -> Bools:
    jump = watched.start - np.roll(watched.end, 1)
    same_viewer = ~first_of_each(watched.viewer)
    return same_viewer & (jump <= rules.forward_skip) & (jump >= -rules.backward_skip)


def _exits(watched: _Watched) -> _Ranges:
    final = np.roll(first_of_each(watched.viewer), -1)
    last = watched.last[final]
    return _Ranges(watched.video[final], last, last + 1)


def _depths(measures: Mapping[str, _Ranges]) -> tuple[Ints, dict[str, Ints]]:
    """How many ranges of each measure cover each bucket that any range covers.

    A sweep over the ends of the ranges: what it holds in memory grows with the ranges and with
    the buckets that come out, and neither with the seconds watched nor with the positions.

    Returns:
        The keys of the buckets, ascending, and for each measure its count in each of them.
    """
    begins = {name: np.sort(_keys(r.video, r.first)) for name, r in measures.items()}
    ends = {name: np.sort(_keys(r.video, r.end)) for name, r in measures.items()}
    keys = np.sort(np.concatenate([*begins.values(), *ends.values()]))
    borders = keys[first_of_each(keys)]
    depth = {name: _up_to(borders, begins[name]) - _up_to(borders, ends[name]) for name in measures}
    covered = np.any([counts > 0 for counts in depth.values()], axis=0)
    buckets = np.where(covered, np.diff(borders, append=borders[-1]), 0)
    run, since = _expanded(buckets)
    return borders[run] + since, {name: counts[run] for name, counts in depth.items()}


def _up_to(borders: Ints, ascending: Ints) -> Ints:
    """How many of the keys are at or before each border."""
    return np.searchsorted(ascending, borders, side="right")


def _expanded(times: Ints) -> tuple[Ints, Ints]:
    """Each index as often as told, and the number 0, 1, ... of its repetition."""
    index = np.repeat(np.arange(len(times)), times)
    return index, np.arange(len(index)) - (np.cumsum(times) - times)[index]


def _keys(video: Numbers, bucket: Ints) -> Ints:
    return (video.astype(np.int64) << _BUCKET_BITS) | bucket
