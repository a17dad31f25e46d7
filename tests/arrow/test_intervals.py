import numpy as np
import pyarrow as pa
import pytest

from resources.delta.table import INTERVALS
from video_assets.arrow.intervals import (
    Intervals,
    from_lists,
    merge,
    to_lists,
    total_length,
)

Stretch = tuple[int, float, float]


def intervals(*stretches: Stretch) -> Intervals:
    columns = zip(*stretches, strict=True) if stretches else ([], [], [])
    owner, start, end = columns
    return Intervals(np.array(owner, np.int64), np.array(start, float), np.array(end, float))


def stretches(merged: Intervals) -> list[Stretch]:
    columns = (merged.owner.tolist(), merged.start.tolist(), merged.end.tolist())
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize(
    ("given", "union"),
    [
        pytest.param([(0, 0, 30), (0, 30, 60)], [(0, 0, 60)], id="touching"),
        pytest.param([(0, 0, 30), (0, 20, 60)], [(0, 0, 60)], id="overlapping"),
        pytest.param([(0, 0, 60), (0, 10, 20), (0, 30, 40)], [(0, 0, 60)], id="contained"),
        pytest.param([(0, 5, 9), (0, 0, 5)], [(0, 0, 9)], id="out of order"),
        pytest.param([(0, 1, 2), (0, 1, 2)], [(0, 1, 2)], id="watched twice"),
        pytest.param([(0, 0, 1), (0, 2, 3)], [(0, 0, 1), (0, 2, 3)], id="apart"),
        pytest.param(
            [(1, 5, 9), (0, 0, 100), (1, 20, 30)],
            [(0, 0, 100), (1, 5, 9), (1, 20, 30)],
            id="another owner's long stretch does not swallow",
        ),
        pytest.param(
            [(0, 0, 50), (0, 1, 2), (0, 3, 4), (0, 5, 6), (0, 7, 8), (0, 49, 51), (0, 52, 53)],
            [(0, 0, 51), (0, 52, 53)],
            id="a stretch reaches over many others",
        ),
        pytest.param([], [], id="none"),
    ],
)
def test_merging_gives_each_owners_union(given: list[Stretch], union: list[Stretch]) -> None:
    assert stretches(merge(intervals(*given))) == union


def test_merging_keeps_every_bit_of_the_positions_of_late_owners() -> None:
    last_bit = 0.1 + 2**-56
    merged = merge(intervals((10**9, 0.05, 0.1), (10**9, last_bit, 0.2)))
    assert stretches(merged) == [(10**9, 0.05, 0.1), (10**9, last_bit, 0.2)]


def test_an_owner_without_stretches_has_length_zero() -> None:
    lengths = total_length(intervals((1, 0, 2.5), (1, 4, 5)), owners=3)
    assert lengths.tolist() == [0.0, 3.5, 0.0]


def test_lists_have_the_declared_type_and_one_entry_an_owner() -> None:
    lists = to_lists(intervals((1, 0, 2), (1, 4, 5)), owners=3)
    assert lists.type == INTERVALS
    assert lists.to_pylist() == [[], [{"start": 0, "end": 2}, {"start": 4, "end": 5}], []]


def as_lists(*lists: list[tuple[float, float]] | None, type_: pa.DataType = INTERVALS) -> pa.Array:
    return pa.array(
        [None if one is None else [{"start": s, "end": e} for s, e in one] for one in lists], type_
    )


NULLABLE_STRUCT = pa.struct([("start", pa.float64()), ("end", pa.float64())])


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param(as_lists([(0, 1), (2, 3)], [], [(4, 5)]), id="one array"),
        pytest.param(as_lists([(8, 9)], [(0, 1), (2, 3)], [], [(4, 5)], [(6, 7)])[1:4], id="slice"),
        pytest.param(as_lists([(0, 1), (2, 3)], None, [(4, 5)]), id="null list"),
        pytest.param(
            as_lists([(0, 1), (2, 3)], [], [(4, 5)], type_=pa.list_(NULLABLE_STRUCT)), id="nullable"
        ),
        pytest.param(
            as_lists([(0, 1), (2, 3)], [], [(4, 5)], type_=pa.large_list(NULLABLE_STRUCT)),
            id="large list",
        ),
        pytest.param(
            pa.chunked_array(
                [as_lists([(9, 9)], [(0, 1), (2, 3)])[1:], as_lists([], [(4, 5)], [(6, 7)])[:2]]
            ),
            id="sliced chunks",
        ),
    ],
)
def test_lists_are_read_however_arrow_stores_them(lists: pa.Array | pa.ChunkedArray) -> None:
    column = lists if isinstance(lists, pa.ChunkedArray) else pa.chunked_array([lists])
    read = from_lists(column, np.array([7, 8, 9]))
    assert stretches(read) == [(7, 0, 1), (7, 2, 3), (9, 4, 5)]


def test_a_column_without_chunks_holds_no_stretches() -> None:
    assert len(from_lists(pa.chunked_array([], INTERVALS), np.empty(0, np.int64))) == 0
