"""How files are cut into units of work, and units gathered into tasks of similar size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from video_assets.sizes import SMALLEST_TASK_BYTES, TASKS_WANTED, UNIT_BYTES
from video_assets.sources.listing import Listing, SourceFile

_COMPRESSION_FACTOR = 8


@dataclass(frozen=True)
class Unit:
    """A part of a file that one task reads on its own.

    Attributes:
        file: the file.
        file_index: its place in the order of delivery.
        start: first byte of the unit.
        end: byte after the last one; rows that begin before it belong to the unit.
    """

    file: SourceFile
    file_index: int
    start: int
    end: int

    @property
    def weight(self) -> int:
        """About how many bytes there are to parse."""
        return (self.end - self.start) * (_COMPRESSION_FACTOR if self.file.is_packed else 1)


def cut_into_units(listing: Listing, unit_bytes: int = UNIT_BYTES) -> list[Unit]:
    """Cut Parquet and plain JSON lines at byte ranges; other files stay whole.

    CSV is not cut, because only its beginning tells whether a line break lies inside quotes.

    Args:
        listing: the files to read.
        unit_bytes: the most bytes of a unit, and of a JSON file that stays whole.
    """
    return [
        unit
        for index, file in enumerate(listing.files)
        for unit in _units_of_file(file, index, unit_bytes)
    ]


def _units_of_file(file: SourceFile, index: int, unit_bytes: int) -> Iterator[Unit]:
    step = _step(file, unit_bytes)
    for start in range(0, max(file.size, 1), step):
        yield Unit(file, index, start, min(start + step, file.size))


def _step(file: SourceFile, unit_bytes: int) -> int:
    if file.format == "parquet":
        return _share(file.size, unit_bytes // 16, unit_bytes)
    # Only the first unit of a file of lines knows their numbers, so small files stay whole.
    if file.format == "json" and not (file.is_packed or file.is_array) and file.size > unit_bytes:
        return _share(file.size, unit_bytes // 4, unit_bytes)
    return max(file.size, 1)


def _share(total: int, least: int, most: int) -> int:
    """The size of a part, where there should be enough parts for many tasks."""
    return min(most, max(least, total // TASKS_WANTED, 1))


def gather_into_tasks(
    units: Iterable[Unit], unit_bytes: int = UNIT_BYTES, most: int | None = None
) -> list[tuple[Unit, ...]]:
    """Gather units into tasks: enough of them to share, few enough to be cheap.

    Args:
        units: the units of a listing.
        unit_bytes: the most bytes that a task of several units should have.
        most: how many tasks there may be, however many bytes they have then: an engine that runs
            all of its tasks at once needs memory for each.

    Returns:
        Units in order; where there are at most so many tasks, dealt out.
    """
    pending = list(units)
    total = sum(unit.weight for unit in pending)
    target = _share(total, SMALLEST_TASK_BYTES, unit_bytes)
    if most and -(-total // target) > most:
        return _dealt_out(pending, most)
    tasks: list[list[Unit]] = []
    filled = 0
    for unit in pending:
        if not tasks or filled + unit.weight > target:
            tasks.append([])
            filled = 0
        tasks[-1].append(unit)
        filled += unit.weight
    return [tuple(task) for task in tasks]


def _dealt_out(units: Iterable[Unit], tasks: int) -> list[tuple[Unit, ...]]:
    """Neighbouring files to different tasks, and so with the units that are alike in each file.

    A run often needs rows of neighbouring files alone, and a file's rows may be in one of its
    units: a row group is read where its middle lies.
    """
    hands: list[list[Unit]] = [[] for _ in range(tasks)]
    for file, of_file in groupby(units, key=lambda unit: unit.file_index):
        for place, unit in enumerate(of_file, file):
            hands[place % tasks].append(unit)
    return [tuple(hand) for hand in hands if hand]
