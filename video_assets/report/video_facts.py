"""What the page of one video knows, without Spark or Dagster."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from video_assets.arrow.types import Floats, Integers
from video_assets.report.facts import Chapter, Stretch, Video


@dataclass(frozen=True)
class Buckets:
    """The position curve of a video: an element a bucket, from its beginning to its end.

    Attributes:
        start: first position, in seconds.
        end: position after the last.
        started: views that begin; None where older rows do not tell, and so is `stopped`.
        relative: `relativeRetention`, NaN where it is unknown.
        hotspot: rank among the moments that are watched again; 0 for all others.
    """

    start: Floats
    end: Floats
    viewers: Integers
    rewatches: Integers
    exits: Integers
    started: Integers | None
    stopped: Integers | None
    relative: Floats
    hotspot: Integers

    def __len__(self) -> int:
        """How many buckets there are."""
        return len(self.start)

    def stretches(self, most: int) -> tuple[Stretch, ...]:
        """The curve in at most so many pieces: the largest of each count, and all exits."""
        if not len(self):
            return ()
        first = np.arange(0, len(self), -(-len(self) // most))
        last = np.append(first[1:], len(self)) - 1
        columns = (
            self.start[first],
            self.end[last],
            np.maximum.reduceat(self.viewers, first),
            np.maximum.reduceat(self.rewatches, first),
            np.add.reduceat(self.exits, first),
        )
        return tuple(Stretch(*row) for row in zip(*(c.tolist() for c in columns), strict=True))


@dataclass(frozen=True)
class FirstDays:
    """What a video had in its first days, beside the median of others and itself.

    Attributes:
        days: so many, all of them over.
        group: channel or course of those it is compared with; None: all videos.
        videos: so many are compared.
    """

    days: int
    viewers: int
    hours: float
    group: str | None
    videos: int
    median_viewers: float
    median_hours: float


@dataclass(frozen=True)
class VideoDay:
    """A day on which anyone opened the video.

    Attributes:
        plays: None where older rows do not tell.
        is_unfinished: the numbers are those so far.
    """

    day: date
    viewers: int
    plays: int | None
    hours: float
    is_unfinished: bool = False


@dataclass(frozen=True)
class VideoDetail:
    """Everything on the page of a video.

    Attributes:
        group: its channel or course, where one is known.
        buckets: those before its end.
        idle: viewers who opened it and watched nothing.
        first_days: of the lengths that are over.
        days: the newest on which anyone opened it, ascending.
        views: the platform's, by day, ascending; empty where it is none of theirs.
        chapters: in their order; empty where none are known.
    """

    video: Video
    group: str | None
    buckets: Buckets
    bucket_seconds: int
    idle: int
    first_days: tuple[FirstDays, ...]
    days: tuple[VideoDay, ...]
    views: tuple[tuple[date, int], ...]
    chapters: tuple[Chapter, ...] = ()
