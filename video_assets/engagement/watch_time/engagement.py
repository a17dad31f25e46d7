"""Rule 10: engagement rows, one for each user and video."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resources.delta.table import TIMESTAMP
from video_assets.arrow.columns import (
    Bools,
    Codes,
    Floats,
    Ints,
    booleans,
    first_of_each,
    floats,
    group_codes,
    grouped_order,
    integers,
    microseconds,
    strings,
    to_table,
    with_numbered_texts,
)
from video_assets.arrow.intervals import Intervals, from_lists, merge, total_length
from video_assets.engagement.durations import is_usable_duration
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.engagement.watch_time.credit import credited_seconds
from video_assets.engagement.watch_time.scoring import (
    Measures,
    data_quality_flag,
    engagement_score,
    engagement_tier,
)
from video_assets.player_events import dimensions
from video_assets.rules import WatchTimeRules


@np.errstate(over="ignore")
def engagement_rows(sessions: pa.Table, rules: WatchTimeRules, processed_at: datetime) -> pa.Table:
    """Sum up users' session rows of a video (rules 7, 8 and 10 to 13 of the watch-time rules).

    The rows are the same, bit by bit, in whatever order the session rows come. Percentages and
    the score are rounded to 2 decimals by `np.round` (halves go to the even neighbour); score,
    tier and flag follow from the row's own columns. A percentage of a duration of next to nothing
    may be infinite.

    Args:
        sessions: all session rows of some users, in any order, with the columns of `sessions` and
            `duration` (double: seconds, from the metadata, null if unknown), `title` (string),
            `estimatedDuration` (double: seconds, how far anyone watched the video).
        rules: the thresholds and weights.
        processed_at: when the rows are computed; without a time zone, UTC.

    Returns:
        A table with the schema of `aggregated_user_video_engagement`, in no particular order.

    Raises:
        KeyError: a column is missing.
        ValueError: an id is null.
    """
    if sessions.num_rows == 0:
        return ENGAGEMENT.arrow_schema.empty_table()
    sessions = with_numbered_texts(sessions)
    is_estimated, duration = _duration(sessions)
    credit = credited_seconds(sessions, duration, rules)
    by_viewer = _ByUserAndVideo.of(sessions, credit)
    measures = _measures(sessions, by_viewer, duration, credit)
    score = engagement_score(measures, rules)
    return to_table(
        {
            "userId": strings(sessions, "userId", by_viewer.one_row),
            "videoId": strings(sessions, "videoId", by_viewer.one_row),
            "videoTitle": strings(sessions, "title", by_viewer.one_row),
            "isDurationEstimated": is_estimated[by_viewer.one_row],
            **_measure_columns(measures),
            **_session_columns(sessions, by_viewer, measures),
            "engagementScore": score,
            "engagementTier": engagement_tier(score, rules),
            "dataQualityFlag": data_quality_flag(measures, rules),
            "processedAt": pa.repeat(pa.scalar(processed_at, TIMESTAMP), len(score)),
            "creditedWatchTime": by_viewer.total(credit),
            "hasReachedEnd": _has_reached_end(sessions, by_viewer, measures, rules),
            "firstDimensions": _first_dimensions(sessions, by_viewer),
        },
        ENGAGEMENT.arrow_schema,
    )


@dataclass(frozen=True)
class _ByUserAndVideo:
    """Session rows sorted by user and video, so that a measure is summed up in one go.

    Attributes:
        viewer: number of each session row's user and video: the result row that it goes into.
        order: where to find the session rows, sorted by viewer and time.
        first: where each viewer's rows begin in that order.
    """

    viewer: Codes
    order: Ints
    first: Ints

    @classmethod
    def of(cls, sessions: pa.Table, credit: Floats) -> "_ByUserAndVideo":
        """Sort in an order that the data alone decide, because rounding makes sums depend on it.

        Rows that start at once and agree in all that is summed as floats may come in any order.
        """
        viewer = group_codes(sessions, "userId", "videoId")
        order = grouped_order(
            viewer,
            microseconds(sessions, "firstEventTime"),
            floats(sessions, "watchTime"),
            floats(sessions, "elapsedSeconds"),
            credit,
        )
        return cls(viewer, order, np.flatnonzero(first_of_each(viewer[order])))

    def __len__(self) -> int:
        """How many result rows there are."""
        return len(self.first)

    @property
    def one_row(self) -> Ints:
        """A session row of each viewer, to read what all of them agree in."""
        return self.order[self.first]

    def total(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The sum of each viewer's values."""
        return np.add.reduceat(values[self.order], self.first)

    def largest(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The largest of each viewer's values."""
        return np.maximum.reduceat(values[self.order], self.first)

    def smallest(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The smallest of each viewer's values."""
        return np.minimum.reduceat(values[self.order], self.first)


def _measures(
    sessions: pa.Table, by_viewer: _ByUserAndVideo, duration: Floats, credit: Floats
) -> Measures:
    watch_time = by_viewer.total(floats(sessions, "watchTime")) + by_viewer.total(credit)
    begun = ~booleans(sessions, "isContinuation")
    return Measures(
        duration=duration[by_viewer.one_row],
        watch_time=watch_time,
        # Never more than the watch time, not even by the rounding of a sum.
        unique_seconds=np.minimum(_unique_seconds(sessions, by_viewer, credit), watch_time),
        max_position=by_viewer.largest(floats(sessions, "maxPosition")),
        sessions=np.maximum(by_viewer.total(begun.astype(np.int64)), 1),
        completions=by_viewer.total(integers(sessions, "endedCount")),
        forward_skips=by_viewer.total(integers(sessions, "forwardSkips")),
        backward_skips=by_viewer.total(integers(sessions, "backwardSkips")),
    )


def _unique_seconds(sessions: pa.Table, by_viewer: _ByUserAndVideo, credit: Floats) -> Floats:
    """Rule 8, over all sessions and days; a credited stretch of video counts as watched."""
    watched = from_lists(sessions["watchedIntervals"], by_viewer.viewer)
    earning = np.flatnonzero(credit)
    start = floats(sessions, "unterminatedPosition")[earning]
    credited = Intervals(by_viewer.viewer[earning], start, start + credit[earning])
    return total_length(merge(watched.followed_by(credited)), len(by_viewer))


def _has_reached_end(
    sessions: pa.Table, by_viewer: _ByUserAndVideo, measures: Measures, rules: WatchTimeRules
) -> Bools:
    """Rule 13: an ending, or a watched segment that ends close to the video's end."""
    watched = from_lists(sessions["watchedIntervals"], by_viewer.viewer)
    close = rules.reached_end * measures.duration
    reached: Bools = measures.completions > 0
    reached[watched.owner[watched.end >= close[watched.owner]]] = True
    return reached


def _first_dimensions(sessions: pa.Table, by_viewer: _ByUserAndVideo) -> Any:
    """Those of the first session; of several that begin at once the first in the alphabet."""
    if not dimensions.are_known(sessions):
        return pa.nulls(len(by_viewer), pa.string())
    begins = microseconds(sessions, "firstEventTime")
    order = grouped_order(by_viewer.viewer, begins, dimensions.ranks(sessions[dimensions.COLUMN]))
    first = order[first_of_each(by_viewer.viewer[order])]
    return strings(sessions, dimensions.COLUMN, first)


def _measure_columns(measures: Measures) -> dict[str, npt.NDArray[Any]]:
    return {
        "videoDuration": measures.duration,
        "totalWatchTime": measures.watch_time,
        "totalUniqueSecondsWatched": measures.unique_seconds,
        "maxPositionReached": measures.max_position,
        "watchPercentage": measures.watch_percentage,
        "completionPercentage": measures.completion_percentage,
        "uniqueWatchPercentage": measures.unique_percentage,
        "sessionCount": measures.sessions,
        "isReplay": measures.sessions > 1,
        "avgWatchTimePerSession": measures.watch_time / measures.sessions,
        "totalForwardSkips": measures.forward_skips,
        "totalBackwardSkips": measures.backward_skips,
        "completionCount": measures.completions,
        "isCompletedAtLeastOnce": measures.completions > 0,
    }


def _session_columns(
    sessions: pa.Table, by_viewer: _ByUserAndVideo, measures: Measures
) -> dict[str, Any]:
    elapsed = by_viewer.total(floats(sessions, "elapsedSeconds"))
    pauses = by_viewer.total(integers(sessions, "pauseCount"))
    first = by_viewer.smallest(microseconds(sessions, "firstEventTime"))
    last = by_viewer.largest(microseconds(sessions, "lastEventTime"))
    return {
        "avgSessionDuration": elapsed / measures.sessions,
        "avgPausesPerSession": pauses / measures.sessions,
        "firstWatchDate": pa.array(first).cast(TIMESTAMP),
        "lastWatchDate": pa.array(last).cast(TIMESTAMP),
    }


def _duration(sessions: pa.Table) -> tuple[Bools, Floats]:
    known = floats(sessions, "duration")
    is_estimated = ~is_usable_duration(known)
    return is_estimated, np.where(is_estimated, floats(sessions, "estimatedDuration"), known)
