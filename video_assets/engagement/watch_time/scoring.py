"""Rules 11 to 13: score, tier and quality flag, from an engagement row's own columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from video_assets.arrow.columns import ArrowArray, Bools, Floats, Ints
from video_assets.engagement.tables import OK
from video_assets.rules import WatchTimeRules

_SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True)
class Measures:
    """The columns of engagement rows that score, tier and flag follow from.

    Attributes:
        duration: videoDuration in seconds, 0 if nothing is known about it.
        watch_time: totalWatchTime in seconds.
        unique_seconds: totalUniqueSecondsWatched in seconds.
        max_position: maxPositionReached in seconds.
        sessions: sessionCount, at least 1.
        completions: completionCount.
        forward_skips: totalForwardSkips.
        backward_skips: totalBackwardSkips.
    """

    duration: Floats
    watch_time: Floats
    unique_seconds: Floats
    max_position: Floats
    sessions: Ints
    completions: Ints
    forward_skips: Ints
    backward_skips: Ints

    @property
    def watch_percentage(self) -> Floats:
        """The watch time in percent of the duration, rounded to 2 decimals."""
        return _percentage(self.watch_time, self.duration)

    @property
    def completion_percentage(self) -> Floats:
        """The furthest position in percent of the duration, rounded to 2 decimals."""
        return _percentage(self.max_position, self.duration)

    @property
    def unique_percentage(self) -> Floats:
        """The unique seconds in percent of the duration, rounded to 2 decimals."""
        return _percentage(self.unique_seconds, self.duration)


def engagement_score(measures: Measures, rules: WatchTimeRules) -> Floats:
    """Weighted sum of the measures, in points (rule 11 of the watch-time rules).

    Returns:
        Points, rounded to 2 decimals by `np.round` (halves go to the even neighbour).
    """
    skips = measures.forward_skips + measures.backward_skips
    points: Floats = (
        rules.score_weight_watch_minutes * measures.watch_time / _SECONDS_PER_MINUTE
        + rules.score_weight_completions * measures.completions
        + rules.score_weight_sessions * measures.sessions
        + rules.score_weight_skips * skips
        + rules.score_weight_unique_percentage * measures.unique_percentage
    )
    return np.round(points, 2)


def engagement_tier(score: Floats, rules: WatchTimeRules) -> ArrowArray:
    """High, Medium, Low or Minimal (rule 12 of the watch-time rules)."""
    return _first_that_holds(
        {
            "High": score >= rules.tier_high,
            "Medium": score >= rules.tier_medium,
            "Low": score >= rules.tier_low,
        },
        otherwise="Minimal",
    )


def data_quality_flag(measures: Measures, rules: WatchTimeRules) -> ArrowArray:
    """The first quality rule that a row breaks, or ok (rule 13 of the watch-time rules)."""
    watched, completed = measures.watch_time, measures.completions > 0
    plausible = rules.duration_tolerance * measures.duration
    insufficient = measures.watch_percentage < rules.sufficient_watch_percentage
    return _first_that_holds(
        {
            "position_exceeds_duration": measures.max_position > plausible,
            "excessive_watch_time": watched > plausible * measures.sessions,
            "completed_without_sufficient_watch": completed & insufficient,
            "no_valid_segments": watched == 0,
            "very_short_watch": watched < rules.very_short_watch,
        },
        otherwise=OK,
    )


def _percentage(part: Floats, whole: Floats) -> Floats:
    percentage: Floats = np.zeros_like(part)
    np.divide(100.0 * part, whole, out=percentage, where=whole > 0)
    return np.round(percentage, 2)


def _first_that_holds(conditions: Mapping[str, Bools], otherwise: str) -> ArrowArray:
    labels = pa.array([*conditions, otherwise])
    always = np.ones_like(next(iter(conditions.values())))
    first: Ints = np.argmax([*conditions.values(), always], axis=0)
    return labels.take(pa.array(first, pa.int64()))
