"""Rows of an Arrow table that lie together."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa


def slices_by(rows: pa.Table, *names: str) -> Iterator[tuple[tuple[Any, ...], pa.Table]]:
    """The values of columns and the rows that have them, in the order of the rows.

    Args:
        rows: those with the same values follow each other.
        names: the columns.
    """
    keys = list(zip(*(rows[name].to_pylist() for name in names), strict=True))
    changes = [n for n, key in enumerate(keys) if n == 0 or key != keys[n - 1]]
    for first, end in pairwise([*changes, len(keys)]):
        yield keys[first], rows.slice(first, end - first)
