"""What a player itself says was watched: the `played-segments` of the xAPI video profile.

`0[.]12[,]60[.]72.5` are the stretches from 0 to 12 s and from 60 to 72.5 s, of the session so far.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

import numpy as np
import pyarrow as pa

from video_assets.arrow.intervals import Intervals, merge, total_length
from video_assets.arrow.types import ArrowArray, Floats, TextArray, compute
from video_assets.sources.values import only

COLUMN = "reportedSeconds"
_NUMBER = r"\s*\d+(?:\.\d*)?\s*"
_SEGMENT = rf"{_NUMBER}\[\.\]{_NUMBER}"
_SEGMENTS = rf"^{_SEGMENT}(?:\[,\]{_SEGMENT})*$"


def reported_seconds(segments: TextArray) -> ArrowArray:
    """Seconds of video in the union of the stretches; null where a text does not name them.

    Args:
        segments: texts, plain or in a dictionary.
    """
    if isinstance(segments, pa.DictionaryArray):
        return reported_seconds(segments.dictionary).take(segments.indices)
    readable = only(segments, compute.match_substring_regex(segments, _SEGMENTS))
    stretches = compute.split_pattern(readable, "[,]")
    owner = compute.list_parent_indices(stretches).to_numpy()
    ends = compute.split_pattern(compute.list_flatten(stretches), "[.]")
    start, end = (
        compute.utf8_trim_whitespace(compute.list_element(ends, place))
        .cast(pa.float64())
        .to_numpy()
        for place in (0, 1)
    )
    union = merge(Intervals(owner, start, np.maximum(start, end)))
    return compute.if_else(readable.is_valid(), pa.array(total_length(union, len(segments))), None)


def largest_first(seconds: ArrowArray) -> Floats:
    """A number for each row that is smaller the larger its seconds are; last without any."""
    return -np.asarray(seconds.fill_null(-np.inf).to_numpy())
