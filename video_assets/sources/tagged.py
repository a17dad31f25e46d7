"""Tagged rows: valid rows, rejected rows and the count of both in one table, told by a tag.

A row with a null `reason` and a null `sourceRows` is valid. A row with a `reason` is rejected. A
row with `sourceRows` counts the rows of a file and day: those in the run's scope, how many of them
are in no table (ignored because of their name, or waiting for the rest of their file), and those of
days that are not the run's. Each row says which file it is of.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from resources.epoch import day_number
from video_assets.arrow.types import ArrowArray, Integers, Mask, compute
from video_assets.sources.chunks import Chunk
from video_assets.sources.fates import FILE, Cell, Fate, add_up, count_by_day
from video_assets.sources.times import Window

UNPARSEABLE = "unparseable_row"
OUTSIDE_FILE_DAY = "outside_file_day"
COUNTED_DAY = "countedDay"
_COUNTS = ("sourceRows", "ignoredRows", "waitingRows", "otherRows")
SOURCE_ROWS, IGNORED_ROWS, WAITING_ROWS, OTHER_DAYS = _COUNTS
COUNTERS = (FILE, COUNTED_DAY, *_COUNTS)
_NO_DAY = 0


@dataclass(frozen=True)
class Scope:
    """Which rows of a file are the run's.

    A row of a `{date}` file belongs to its own day where that is one that the file may bring, else
    to the file's day, on which it is refused.

    Attributes:
        window: the days of the run.
        file_day: the day of a `{date}` file.
        source: what to name as the origin of a rejected row.
        file: place of the file in the order of delivery.
        arrival_days: how many days before its own a `{date}` file brings rows of.
    """

    window: Window
    file_day: date | None
    source: str
    file: int = 0
    arrival_days: int = 0

    def of(self, chunk: Chunk) -> "Scope":
        """Which rows of a chunk are the run's."""
        if chunk.with_undated is None:
            return self
        return replace(self, window=replace(self.window, with_undated=chunk.with_undated))

    @property
    def undated(self) -> int:
        """The day, since 1970, of rows without a readable one."""
        return day_number(self.file_day) if self.file_day else _NO_DAY

    @property
    def holds_undated(self) -> bool:
        """Whether rows without a readable day are the run's."""
        if self.file_day is None:
            return self.window.with_undated
        return self.window.first_day <= self.file_day < self.window.end_day

    @property
    def leaves_undated(self) -> bool:
        """Whether rows without a readable day are those of another part of the run."""
        return self.window.part_of is not None and not self.holds_undated

    def days_of(self, days: Integers, readable: Mask) -> Integers:
        """The day to which each row belongs."""
        fits = readable & ~self.is_on_another_day(days, readable)
        return days if fits.all() else np.where(fits, days, self.undated)

    def holds(self, days: Integers, readable: Mask) -> Mask:
        """Which rows are the run's, by the days of `days_of`."""
        first, end = map(day_number, (self.window.first_day, self.window.end_day))
        inside: Mask = (days >= first) & (days < end)
        return inside if self.file_day else np.where(readable, inside, self.holds_undated)

    def is_on_another_day(self, days: Integers, readable: Mask) -> Mask:
        """Which rows contradict the day of their file."""
        if self.file_day is None:
            return np.zeros(len(days), dtype=bool)
        last = day_number(self.file_day)
        return readable & ((days > last) | (days < last - self.arrival_days))


@dataclass(frozen=True)
class Verdict:
    """What validation found on the rows of a chunk.

    Attributes:
        values: the columns of valid rows, for every row (rejected rows hold anything).
        reasons: reasons and the rows that each applies to; the first that applies counts.
        days: days since 1970, 0 where unreadable.
        has_day: which days are readable.
        ignored: rows that nobody wants, whatever is wrong with them; None where there are none.
    """

    values: Mapping[str, ArrowArray]
    reasons: Sequence[tuple[str, Mask]]
    days: Integers
    has_day: Mask
    ignored: Mask | None = None

    def wanted(self, rows: Mask) -> Mask:
        """Those of some rows that are not ignored."""
        return rows if self.ignored is None else rows & ~self.ignored


class FateCounts:
    """Rows that the readers met in one file, by day, and those of them that are in no table."""

    def __init__(self, scope: Scope) -> None:
        """Begin with no row."""
        self._scope = scope
        self._counts: dict[str, Counter[int]] = {name: Counter() for name in _COUNTS}

    def add(self, chunk: Chunk, verdict: Verdict) -> None:
        """Count the rows of a chunk."""
        scope = self._scope.of(chunk)
        days = scope.days_of(verdict.days, verdict.has_day)
        in_scope = scope.holds(days, verdict.has_day)
        self._add(SOURCE_ROWS, days[in_scope])
        if not in_scope.all():
            is_counted = verdict.has_day if scope.leaves_undated else True
            self.add_others(days[~in_scope & is_counted])
        if verdict.ignored is not None:
            self._add(IGNORED_ROWS, days[in_scope & verdict.ignored])
        undated = len(chunk.broken) + chunk.waiting_rows + chunk.unwanted_rows
        if undated and scope.holds_undated:
            self._counts[SOURCE_ROWS][scope.undated] += undated
            self._counts[WAITING_ROWS][scope.undated] += chunk.waiting_rows
            self._counts[IGNORED_ROWS][scope.undated] += chunk.unwanted_rows
        elif undated and not scope.leaves_undated:
            self._counts[OTHER_DAYS][scope.undated] += undated

    def add_others(self, days: Integers) -> None:
        """Count rows of days that are not the run's."""
        self._add(OTHER_DAYS, days)

    def by_day(self) -> Mapping[str, list[int]]:
        """The counts as columns."""
        days = sorted({day for counts in self._counts.values() for day in counts})
        columns = {name: [counts[day] for day in days] for name, counts in self._counts.items()}
        return {COUNTED_DAY: days, **columns}

    def _add(self, name: str, days: Integers) -> None:
        self._counts[name].update(count_by_day(days))


@dataclass(frozen=True)
class TaggedSchema:
    """The schema of tagged rows, and the name of its day column."""

    arrow: pa.Schema
    day_column: str

    def batches(self, chunk: Chunk, verdict: Verdict, scope: Scope) -> Iterator[pa.RecordBatch]:
        """A chunk's valid and rejected rows that are in scope."""
        own_days = scope.days_of(verdict.days, verdict.has_day)
        in_scope = verdict.wanted(scope.holds(own_days, verdict.has_day))
        wrong_day = scope.is_on_another_day(verdict.days, verdict.has_day)
        reasons = [*verdict.reasons, (OUTSIDE_FILE_DAY, wrong_day)]
        first_reason = np.select(
            [rows for _, rows in reasons], np.arange(1, len(reasons) + 1).tolist(), 0
        )
        yield from self._valid(verdict, in_scope & (first_reason == 0), scope)
        names = np.array(["", *(name for name, _ in reasons)], dtype=object)
        rejected = np.flatnonzero(in_scope & (first_reason > 0))
        numbers = [None] * len(rejected) if chunk.numbers is None else chunk.numbers[rejected]
        texts = chunk.texts_of(rejected)
        reason = names[first_reason[rejected]]
        yield from self._rejected(reason, texts, numbers, own_days[rejected], scope)

    def broken(self, chunk: Chunk, scope: Scope) -> Iterator[pa.RecordBatch]:
        """A chunk's rows of which nothing could be read."""
        count = len(chunk.broken) if scope.holds_undated else 0
        days = np.full(count, scope.undated, np.int64)
        texts = [row.text for row in chunk.broken[:count]]
        numbers = [row.number for row in chunk.broken[:count]]
        yield from self._rejected([UNPARSEABLE] * count, texts, numbers, days, scope)

    def counter(self, counts: FateCounts, scope: Scope) -> Iterator[pa.RecordBatch]:
        """A row for each day that counts the rows of the source."""
        columns = {name: np.array(values, np.int64) for name, values in counts.by_day().items()}
        days = columns.pop(COUNTED_DAY)
        if len(days):
            numbers = {name: pa.array(values) for name, values in columns.items()}
            yield self._batch({**numbers, COUNTED_DAY: day_array(days)}, len(days), scope)

    def _valid(self, verdict: Verdict, rows: Mask, scope: Scope) -> Iterator[pa.RecordBatch]:
        count = int(np.count_nonzero(rows))
        if not count:
            return
        if count == len(rows):
            yield self._batch(verdict.values, count, scope)
            return
        wanted = pa.array(rows)
        values = {name: column.filter(wanted) for name, column in verdict.values.items()}
        yield self._batch(values, count, scope)

    def _rejected(
        self,
        reasons: Iterable[str],
        texts: Sequence[str],
        numbers: Iterable[int | None],
        days: Integers,
        scope: Scope,
    ) -> Iterator[pa.RecordBatch]:
        if not texts:
            return
        columns = {
            "reason": pa.array(list(reasons), pa.string()),
            "rowText": pa.array(texts, pa.string()),
            "source": pa.array([scope.source] * len(texts), pa.string()),
            "sourceRow": pa.array(list(numbers), pa.int64()),
            self.day_column: day_array(days),
        }
        yield self._batch(columns, len(texts), scope)

    def _batch(self, columns: Mapping[str, ArrowArray], count: int, scope: Scope) -> pa.RecordBatch:
        columns = {**columns, FILE: pa.array(np.full(count, scope.file, np.int32))}
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(count, field.type)
            for field in self.arrow
        ]
        return pa.RecordBatch.from_arrays(arrays, names=self.arrow.names)


def counted_rows(counters: pa.Table) -> Counter[Cell]:
    """The rows of a source that are in no table, by file and day, as counter rows say.

    Args:
        counters: counter rows alone.
    """
    waiting = compute.add(counters[WAITING_ROWS], counters[OTHER_DAYS])
    ignored = add_up(Fate.IGNORED, counters, COUNTED_DAY, counters[IGNORED_ROWS])
    return ignored + add_up(Fate.WAITING, counters, COUNTED_DAY, waiting)


def day_array(days: Integers, has_day: Mask | None = None) -> ArrowArray:
    """Days since 1970 as dates; null where there is none."""
    return pa.array(days.astype(np.int32), pa.date32(), mask=None if has_day is None else ~has_day)


def tagged_schema(
    valid: Iterable["pa.Field[Any]"],
    rejected: Iterable["pa.Field[Any]"],
    more: Iterable["pa.Field[Any]"] = (),
) -> pa.Schema:
    """All columns of valid and rejected rows, each once and nullable, the file, and the counts."""
    fields = {field.name: field.type for field in (*valid, *rejected, *more)}
    fields |= {FILE: pa.int32(), COUNTED_DAY: pa.date32()}
    return pa.schema([*fields.items(), *((name, pa.int64()) for name in _COUNTS)])
