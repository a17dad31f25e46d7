"""Moments that stand out of a curve of counts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Heights = NDArray[np.int64]

# A count of chance events varies by its square root; three of these are seldom chance.
_DEVIATIONS = 3.0


def peaks(counts: Sequence[int] | Heights) -> list[int]:
    """Indices of the peaks that stand out of a curve of counts, ascending.

    A peak's prominence is how far it rises above the higher one of the two valleys that part it
    from higher ground, or from the curve's ends (topographic prominence, as in
    `scipy.signal.find_peaks`). It stands out when that is more than three standard deviations of a
    Poisson count of its height. The beginning is no peak: people who start over make it high.
    """
    heights = np.asarray(counts, np.int64)
    rises = np.flatnonzero(np.diff(heights) > 0) + 1
    return [
        top for top in rises.tolist() if _falls_after(heights, top) and _stands_out(heights, top)
    ]


def _falls_after(heights: Heights, index: int) -> bool:
    """Whether the next other height is a lower one; a curve that ends falls."""
    after = heights[index + 1 :]
    different = np.flatnonzero(after != heights[index])
    return not len(different) or bool(after[different[0]] < heights[index])


def _stands_out(heights: Heights, top: int) -> bool:
    height = heights[top]
    valleys = [_valley(heights[:top][::-1], height)]
    if top + 1 < len(heights):
        valleys.append(_valley(heights[top + 1 :], height))
    return bool(height - max(valleys) > _DEVIATIONS * np.sqrt(height))


def _valley(side: Heights, height: np.int64) -> int:
    """The lowest place on the way from a peak to the next higher ground, or to the end."""
    higher = np.flatnonzero(side > height)
    way = side[: higher[0]] if len(higher) else side
    return int(way.min(initial=height))
