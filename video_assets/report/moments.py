"""The moments of a video that stand out: watched again, left, skipped over."""

import numpy as np

from video_assets.report.facts import Moment
from video_assets.report.video_facts import Buckets

MOMENTS = 3


def watched_again(buckets: Buckets) -> list[Moment]:
    """The first by `hotspotRank`, with the times that they were watched again."""
    ranked = np.flatnonzero(buckets.hotspot)
    order = ranked[np.argsort(buckets.hotspot[ranked])][:MOMENTS]
    return [_moment(buckets, at, at, buckets.rewatches[at]) for at in order.tolist()]


def left(buckets: Buckets) -> list[Moment]:
    """Where most viewers stop for good, with their number; the last bucket is no such place."""
    exits = buckets.exits[:-1]
    order = np.argsort(-exits, kind="stable")[:MOMENTS]
    return [_moment(buckets, at, at, exits[at]) for at in order.tolist() if exits[at]]


def skipped_over(buckets: Buckets) -> list[Moment]:
    """What viewers passed over who watched something later, with how many these are at least.

    A bucket that is watched by fewer viewers than a later one was passed over by the difference,
    or by more. Neighbouring buckets of that kind are one moment, and count the largest difference.
    """
    later = np.maximum.accumulate(buckets.viewers[::-1])[::-1]
    skipped = later - buckets.viewers
    edges = np.flatnonzero(np.diff(np.concatenate([[False], skipped > 0, [False]]).astype(int)))
    runs = [
        _moment(buckets, first, last - 1, skipped[first:last].max())
        for first, last in edges.reshape(-1, 2).tolist()
    ]
    return sorted(runs, key=lambda run: (-run.number, run.start))[:MOMENTS]


def _moment(buckets: Buckets, first: int, last: int, number: int) -> Moment:
    return Moment(float(buckets.start[first]), float(buckets.end[last]), int(number))
