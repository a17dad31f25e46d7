"""Tagged rows: valid rows, rejected rows and the count of both in one table, told by a tag.

A row with a null `reason` and a null `sourceRows` is valid. A row with a `reason` is rejected. A
row with `sourceRows` counts rows of the source that are in the run's scope, and how many of them
are neither: ignored because of their name, or waiting for the rest of their file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from resources.epoch import day_number
from video_assets.arrow.types import ArrowArray, Integers, Mask
from video_assets.sources.chunks import Chunk
from video_assets.sources.times import Window

UNPARSEABLE = "unparseable_row"
OUTSIDE_FILE_DAY = "outside_file_day"
SOURCE_ROWS, IGNORED_ROWS, WAITING_ROWS = COUNTERS = "sourceRows", "ignoredRows", "waitingRows"
_NO_DAY = 0


@dataclass(frozen=True)
class Scope:
    """Which rows of a file are the run's.

    Attributes:
        window: the days of the run.
        file_day: the day of a `{date}` file; then every row of the file is the run's.
        source: what to name as the origin of a rejected row.
    """

    window: Window
    file_day: date | None
    source: str

    @property
    def holds_undated(self) -> bool:
        """Whether rows without a readable day are the run's."""
        return self.file_day is not None or self.window.with_undated

    def holds(self, days: Integers, readable: Mask) -> Mask:
        """Which rows are the run's."""
        if self.file_day is not None:
            return np.ones(len(days), dtype=bool)
        first = day_number(self.window.first_day)
        end = day_number(self.window.end_day)
        return np.where(readable, (days >= first) & (days < end), self.holds_undated)

    def is_on_another_day(self, days: Integers, readable: Mask) -> Mask:
        """Which rows contradict the day of their file."""
        if self.file_day is None:
            return np.zeros(len(days), dtype=bool)
        differs: Mask = days != day_number(self.file_day)
        return readable & differs

    def days_of_rejected(self, days: Integers, readable: Mask) -> Integers:
        """The day under which to keep a rejected row: a run writes no day but its own."""
        if self.file_day is not None:
            return np.full(len(days), day_number(self.file_day), np.int64)
        return np.where(readable, days, _NO_DAY)


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


@dataclass(frozen=True)
class FateCounts:
    """Rows in scope that the readers met, and those of them that are in no table.

    Attributes:
        source: all rows.
        ignored: rows that nobody wants.
        waiting: halves of rows.
    """

    source: int = 0
    ignored: int = 0
    waiting: int = 0

    def __add__(self, other: "FateCounts") -> "FateCounts":
        """Both together."""
        return FateCounts(
            self.source + other.source,
            self.ignored + other.ignored,
            self.waiting + other.waiting,
        )


@dataclass(frozen=True)
class TaggedSchema:
    """The schema of tagged rows, and the name of its day column."""

    arrow: pa.Schema
    day_column: str

    def batches(self, chunk: Chunk, verdict: Verdict, scope: Scope) -> Iterator[pa.RecordBatch]:
        """A chunk's valid and rejected rows that are in scope."""
        in_scope = verdict.wanted(scope.holds(verdict.days, verdict.has_day))
        wrong_day = scope.is_on_another_day(verdict.days, verdict.has_day)
        reasons = [*verdict.reasons, (OUTSIDE_FILE_DAY, wrong_day)]
        first_reason = np.select(
            [rows for _, rows in reasons], np.arange(1, len(reasons) + 1).tolist(), 0
        )
        yield from self._valid(verdict, in_scope & (first_reason == 0))
        names = np.array(["", *(name for name, _ in reasons)], dtype=object)
        rejected = np.flatnonzero(in_scope & (first_reason > 0))
        days = scope.days_of_rejected(verdict.days, verdict.has_day)[rejected]
        numbers = [None] * len(rejected) if chunk.numbers is None else chunk.numbers[rejected]
        texts = chunk.texts_of(rejected)
        yield from self._rejected(names[first_reason[rejected]], texts, numbers, days, scope)

    def broken(self, chunk: Chunk, scope: Scope) -> Iterator[pa.RecordBatch]:
        """A chunk's rows of which nothing could be read."""
        count = len(chunk.broken) if scope.holds_undated else 0
        nothing = np.zeros(count, dtype=bool)
        days = scope.days_of_rejected(np.zeros(count, np.int64), nothing)
        texts = [row.text for row in chunk.broken[:count]]
        numbers = [row.number for row in chunk.broken[:count]]
        yield from self._rejected([UNPARSEABLE] * count, texts, numbers, days, scope)

    def counts(self, chunk: Chunk, verdict: Verdict, scope: Scope) -> FateCounts:
        """The reader's own count of the chunk's rows, without those of other runs."""
        in_scope = scope.holds(verdict.days, verdict.has_day)
        undated = 0 if scope.holds_undated else len(chunk.broken) + chunk.waiting_rows
        return FateCounts(
            source=chunk.source_rows - int(np.count_nonzero(~in_scope)) - undated,
            ignored=int(np.count_nonzero(in_scope & ~verdict.wanted(in_scope))),
            waiting=chunk.waiting_rows if scope.holds_undated else 0,
        )

    def counter(self, counts: FateCounts) -> pa.RecordBatch:
        """The row that counts the source's rows."""
        values = (counts.source, counts.ignored, counts.waiting)
        columns = zip(COUNTERS, values, strict=True)
        return self._batch({name: pa.array([value], pa.int64()) for name, value in columns}, 1)

    def _valid(self, verdict: Verdict, rows: Mask) -> Iterator[pa.RecordBatch]:
        count = int(np.count_nonzero(rows))
        if not count:
            return
        if count == len(rows):
            yield self._batch(verdict.values, count)
            return
        wanted = pa.array(rows)
        values = {name: column.filter(wanted) for name, column in verdict.values.items()}
        yield self._batch(values, count)

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
        yield self._batch(columns, len(texts))

    def _batch(self, columns: Mapping[str, ArrowArray], count: int) -> pa.RecordBatch:
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(count, field.type)
            for field in self.arrow
        ]
        return pa.RecordBatch.from_arrays(arrays, names=self.arrow.names)


def day_array(days: Integers, has_day: Mask | None = None) -> ArrowArray:
    """Days since 1970 as dates; null where there is none."""
    return pa.array(days.astype(np.int32), pa.date32(), mask=None if has_day is None else ~has_day)


def tagged_schema(
    valid: Iterable["pa.Field[Any]"],
    rejected: Iterable["pa.Field[Any]"],
    more: Iterable["pa.Field[Any]"] = (),
) -> pa.Schema:
    """All columns of valid and rejected rows, each once and nullable, and the counts."""
    fields = {field.name: field.type for field in (*valid, *rejected, *more)}
    return pa.schema([*fields.items(), *((name, pa.int64()) for name in COUNTERS)])
