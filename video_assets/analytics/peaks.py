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
    tops = (i for i in range(1, len(heights)) if _rises_to(heights, i))
    return [top for top in tops if _stands_out(heights, top)]


def _rises_to(heights: Heights, index: int) -> bool:
    """Whether a local maximum begins here: of a plateau only its first place."""
    after = heights[index:]
    different = np.flatnonzero(after != heights[index])
    falls_after = not len(different) or after[different[0]] < heights[index]
    return bool(heights[index - 1] < heights[index] and falls_after)


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
