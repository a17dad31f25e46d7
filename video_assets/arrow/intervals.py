"""Stretches of video as sets of intervals: merge, measure, to and from Arrow lists."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from resources.delta.table import INTERVALS
from video_assets.arrow.columns import (
    ArrowArray,
    ArrowColumn,
    Bools,
    Floats,
    Ints,
    first_of_each,
    grouped_order,
)


@dataclass(frozen=True)
class Intervals:
    """Half-open stretches [start, end) of video in seconds, each belonging to an owner.

    Attributes:
        owner: number of the session row, or of the user and video, that watched the stretch.
        start: first position, >= 0.
        end: position after the last one, > start.
    """

    owner: npt.NDArray[np.integer[Any]]
    start: Floats
    end: Floats

    def __len__(self) -> int:
        """How many stretches there are."""
        return len(self.owner)

    def at(self, which: Ints | Bools) -> "Intervals":
        """Some of the stretches, in the order of the indices."""
        return Intervals(self.owner[which], self.start[which], self.end[which])

    def followed_by(self, other: "Intervals") -> "Intervals":
        """The stretches of both."""
        return Intervals(
            np.concatenate([self.owner, other.owner]),
            np.concatenate([self.start, other.start]),
            np.concatenate([self.end, other.end]),
        )


def merge(intervals: Intervals) -> Intervals:
    """The union of each owner's stretches (rule 8 of the watch-time rules).

    Stretches that overlap or touch become one: [0, 30) and [30, 60) are [0, 60).

    Args:
        intervals: stretches in any order.

    Returns:
        Disjoint stretches that do not touch, sorted by owner and start.
    """
    if len(intervals) == 0:
        return intervals
    ascending = _sorted_by_start(intervals)
    reach = _furthest_end_so_far(ascending)
    begins = first_of_each(ascending.owner)
    begins[1:] |= ascending.start[1:] > reach[:-1]
    first = np.flatnonzero(begins)
    return Intervals(
        ascending.owner[first],
        ascending.start[first],
        np.maximum.reduceat(ascending.end, first),
    )


def total_length(intervals: Intervals, owners: int) -> Floats:
    """Seconds of video in the stretches of each of the owners 0, 1, ... owners - 1."""
    return np.bincount(
        intervals.owner, weights=intervals.end - intervals.start, minlength=owners
    ).astype(np.float64)


def to_lists(merged: Intervals, owners: int) -> ArrowArray:
    """One list of (start, end) for each of the owners 0, 1, ... owners - 1.

    Args:
        merged: stretches sorted by owner.
        owners: how many lists to give; an owner without a stretch gets an empty one.
    """
    element = INTERVALS.value_type
    pairs = pa.StructArray.from_arrays(
        [pa.array(merged.start), pa.array(merged.end)], fields=[element.field(0), element.field(1)]
    )
    counts = np.bincount(merged.owner, minlength=owners)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pairs, type=INTERVALS)


def from_lists(lists: ArrowColumn, owner: npt.NDArray[np.integer[Any]]) -> Intervals:
    """The stretches of a column of lists of (start, end).

    Args:
        lists: Arrow lists of structs with the fields start and end, however chunked or sliced.
        owner: the owner of each list.
    """
    column = lists.combine_chunks()
    counts = pc.list_value_length(column).fill_null(0).to_numpy()
    pairs = pc.list_flatten(column)
    return Intervals(
        np.repeat(owner, counts),
        pc.struct_field(pairs, "start").to_numpy(),
        pc.struct_field(pairs, "end").to_numpy(),
    )


def _sorted_by_start(intervals: Intervals) -> Intervals:
    return intervals.at(grouped_order(intervals.owner, intervals.start))


def _furthest_end_so_far(ascending: Intervals) -> Floats:
    """The largest end among an owner's stretches up to each stretch.

    After the pass with step s every stretch knows the largest end of the 2 s stretches up to
    itself, so the passes are few, and no end is ever shifted, which would cost it precision.
    """
    reach = ascending.end.copy()
    step = 1
    while True:
        same_owner = ascending.owner[step:] == ascending.owner[:-step]
        if not same_owner.any():
            return reach
        earlier = np.where(same_owner, reach[:-step], -np.inf)
        np.maximum(reach[step:], earlier, out=reach[step:])
        step *= 2
