"""What became of the rows of each file, by day: counted in the tasks, added up in the driver.

Tasks report whole numbers under a name, so a count travels as the counter `fate:3:20100:valid`:
the file's place in the order of delivery, the day (days since 1970), and the fate.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa

from resources.epoch import EPOCH_DAY, day_number, day_of
from video_assets.arrow.types import ArrowArray, Integers

# The column that says from which file a row came: its place in the order of delivery.
FILE = "file"
_PREFIX = "fate:"
_DENSE = 4


class Fate(StrEnum):
    """What became of a row; `waiting` are also the rows of days that a run does not compute."""

    VALID = "valid"
    REPEATED = "repeated"
    REJECTED = "rejected"
    IGNORED = "ignored"
    ERASED = "erased"
    WAITING = "waiting"


@dataclass(frozen=True)
class Cell:
    """What is counted together.

    Attributes:
        file: place of the file in the order of delivery.
        day: the rows' day; 1970-01-01 where they have none.
        fate: what became of the rows.
    """

    file: int
    day: date
    fate: Fate


Tally = Mapping[Cell, int]


def as_counters(tally: Tally) -> dict[str, int]:
    """The counts as a task reports them; none of 0."""
    return {
        f"{_PREFIX}{cell.file}:{day_number(cell.day)}:{cell.fate}": rows
        for cell, rows in tally.items()
        if rows
    }


def tally_of(counters: Mapping[str, int]) -> dict[Cell, int]:
    """The counts among the counters of tasks."""
    return {_cell(name): rows for name, rows in counters.items() if name.startswith(_PREFIX)}


def without_tally(counters: Mapping[str, int]) -> dict[str, int]:
    """The other counters of tasks."""
    return {name: rows for name, rows in counters.items() if not name.startswith(_PREFIX)}


def _cell(name: str) -> Cell:
    file, day, fate = name.removeprefix(_PREFIX).split(":")
    return Cell(int(file), day_of(int(day)), Fate(fate))


def count_by_day(days: Integers) -> dict[int, int]:
    """How many rows each day (days since 1970) has; or each value of other whole numbers."""
    if not len(days):
        return {}
    first = int(days.min())
    if int(days.max()) - first < _DENSE * len(days):
        counts = np.bincount(days - first)
        there = np.flatnonzero(counts)
        return dict(zip((there + first).tolist(), counts[there].tolist(), strict=True))
    distinct, counts = np.unique(days, return_counts=True)
    return dict(zip(distinct.tolist(), counts.tolist(), strict=True))


def count_rows(fate: Fate, rows: pa.Table, day_column: str) -> Counter[Cell]:
    """Rows of one fate, by their file and day; a row without a day is of 1970-01-01."""
    file = rows[FILE].to_numpy().astype(np.int64)
    dates: Any = rows[day_column]
    day = dates.cast(pa.int32()).fill_null(0).to_numpy().astype(np.int64)
    if not len(day):
        return Counter()
    first = int(day.min())
    days = int(day.max()) - first + 1
    counted = count_by_day(file * days + (day - first))
    return Counter(
        {Cell(key // days, day_of(key % days + first), fate): n for key, n in counted.items()}
    )


def add_up(fate: Fate, rows: pa.Table, day_column: str, counts: ArrowArray) -> Counter[Cell]:
    """Rows by file and day, where each row stands for as many as `counts` says; null: for none."""
    columns: list[Any] = [rows[FILE], rows[day_column], counts]
    table = pa.table(columns, names=[FILE, "day", "rows"])
    summed = table.group_by([FILE, "day"], use_threads=False).aggregate([("rows", "sum")])
    found: list[Any] = [summed[name].to_pylist() for name in (FILE, "day", "rows_sum")]
    return Counter(
        {
            Cell(int(file), day or EPOCH_DAY, fate): int(count)
            for file, day, count in zip(*found, strict=True)
            if count
        }
    )


def less(more: Counter[Cell], fewer: Tally, fate: Fate) -> Counter[Cell]:
    """What is left of counts when others are taken off, as rows of another fate.

    Args:
        more: rows of any one fate.
        fewer: some of them, of any fate.
        fate: what became of those that are left.
    """
    left: Counter[Cell] = Counter({Cell(c.file, c.day, fate): rows for c, rows in more.items()})
    for cell, rows in fewer.items():
        left[Cell(cell.file, cell.day, fate)] -= rows
    return +left
