"""Phase one of a write: the engine's tasks write the data files, and nobody sees them yet.

Only one small row a file comes back to the driver. Phase two, in `commit.py`, makes the files of
one table visible at once.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field, replace
from datetime import date
from functools import partial
from itertools import chain
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
import pyarrow as pa
from obstore.exceptions import BaseError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from resources.delta.data_files import DEFAULT_LIMITS, DataFile, Limits, Target, TaskFiles
from resources.delta.errors import RefusedRowsError, SchemaMismatchError, StagingError
from resources.delta.schema_check import Days, require_schema
from resources.delta.small_files import MERGE_DDL, Merge, planned_merges, rows_of_merges
from resources.delta.table import Table
from resources.engine.compute_slots import turn
from resources.engine.errors import engine_message
from resources.engine.worker_pool import computed_apart
from resources.storage import (
    LocationError,
    delete_keys,
    join,
    list_keys,
    object_store,
    plain_location,
    provider,
)

_TRACEBACK = "Traceback (most recent call last):"
EMISSION_BYTES = 32 * 1024 * 1024
_PERCENT_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_REFUSALS = {error.__name__: error for error in (RefusedRowsError, SchemaMismatchError)}
_REPORT_DDL = (
    "tableName string, path string, size long, rowCount long, day date, modified long, "
    "stats string, counters string, refusal string, message string"
)
_ARROW = {"string": pa.string(), "long": pa.int64(), "date": pa.date32()}
_REPORT = pa.schema(
    [pa.field(name, _ARROW[type_]) for name, type_ in map(str.split, _REPORT_DDL.split(","))]
)


@dataclass(frozen=True)
class Emission:
    """Rows that a task hands to a table, and what it counted on the way."""

    table: str
    rows: pa.Table
    counters: Mapping[str, int] = field(default_factory=dict)


Route = Callable[[Iterator[pa.RecordBatch]], Iterator[Emission]]


class StoredDay(NamedTuple):
    """A day to which a commit adds rows.

    Attributes:
        replaced: the number under which the newest commit that replaced the day or added to it
            noted it; another one means that another run came between.
        rows: rows that it has.
    """

    replaced: int
    rows: int


@dataclass(frozen=True)
class StagedTable:
    """Files that wait for one commit.

    Attributes:
        table: the declared table.
        location: its folder.
        files: complete, and invisible to readers.
        counters: sums over all tasks.
        by_day: numbers of single days, where they are known.
        replaced: the days whose rows the commit replaces, also those without a file; None: all
            rows of the table.
        origin: what the rows were computed from; kept in the Delta history for the next run.
        unfinished: those of the replaced days that will get more rows.
        beside: those of the replaced days that keep their rows, to which these are added: all of
            them or none.
        left: days of the run that stay as they are, which is no failure.
    """

    table: Table
    location: str
    files: tuple[DataFile, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    by_day: Mapping[date, Mapping[str, float]] = field(default_factory=dict)
    replaced: Days | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    unfinished: Days = field(default_factory=Days)
    beside: Mapping[date, StoredDay] = field(default_factory=dict)
    left: Days = field(default_factory=Days)

    @property
    def rows(self) -> int:
        """Rows of the replaced days once they are committed."""
        return self.added_rows + sum(stored.rows for stored in self.beside.values())

    @property
    def added_rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def file_locations(self) -> list[str]:
        """The files, for a reader that may see them before the commit: the step that wrote them."""
        return [join(plain_location(self.location), file.key) for file in self.files]

    def rows_per_day(self) -> dict[date, int]:
        """Rows of every replaced day, ascending; days without a row count 0."""
        rows = dict.fromkeys(sorted(self.replaced or ()), 0)
        rows |= {day: stored.rows for day, stored in self.beside.items()}
        for file in self.files:
            if file.day is not None:
                rows[file.day] = rows.get(file.day, 0) + file.rows
        return rows

    def merged_with(self, other: "StagedTable") -> "StagedTable":
        """Both, for one commit: a long range is staged in chunks and becomes visible at once.

        Each chunk has days of its own.

        Raises:
            ValueError: the other is of another table.
        """
        if (self.table.name, self.location) != (other.table.name, other.location):
            raise ValueError(
                f"cannot merge {other.table.name} at {other.location} into {self.table.name} at "
                f"{self.location}: merge what was staged for one table"
            )
        whole = self.replaced is None or other.replaced is None
        return replace(
            self,
            files=self.files + other.files,
            counters=_summed([self.counters, other.counters]),
            by_day={**self.by_day, **other.by_day},
            replaced=None if whole else (self.replaced or Days()) | (other.replaced or Days()),
            unfinished=self.unfinished | other.unfinished,
            beside={**self.beside, **other.beside},
            left=self.left | other.left,
        )

    def marked(self, unfinished: Days) -> "StagedTable":
        """The same, where some of its days will get more rows."""
        return replace(self, unfinished=unfinished & (self.replaced or Days()))

    def discard(self) -> None:
        """Delete the files; only right when they were never committed."""
        delete_keys(self.location, [file.key for file in self.files])


def table_location(warehouse: str, table: Table) -> str:
    """The folder of a table: `<warehouse>/<schema>/<table>`.

    Raises:
        LocationError: a folder's name holds a percent escape.
    """
    location = join(warehouse, table.schema, table.name)
    if provider(location) == "local" and (escape := _PERCENT_ESCAPE.search(location)):
        raise LocationError(
            f"{location}: delta-rs reads {escape[0]} in a path as an escaped character and finds "
            "no table there. Rename the folder; a percent sign that no two hex digits follow, "
            "spaces and other letters are fine."
        )
    return location


def target(warehouse: str, table: Table, days: Days | None = None, *, sort: bool = False) -> Target:
    """Where staged rows of a table go.

    Args:
        warehouse: path or URI below which the tables lie.
        table: declared table.
        days: the days that the commit will replace and that rows may have; None replaces all
            rows of the table.
        sort: by the table's key within a file; else rows stay as they come.

    Raises:
        ValueError: days of a table without partitions.
        LocationError: the table's folder cannot be one.
    """
    if table.partition_by is None and days is not None:
        raise ValueError(f"table {table.name} is not partitioned: its days must be None")
    return Target(table, table_location(warehouse, table), days, sort)


def stage(
    frame: DataFrame,
    route: Route,
    *targets: Target,
    limits: Limits = DEFAULT_LIMITS,
    apart: bool = False,
) -> dict[str, StagedTable]:
    """Write the rows that `route` makes of a frame as data files of the target tables.

    Each task of the engine runs `route` over its own batches and writes what it emits. Memory of a
    task: what `route` holds, plus what `Limits` says. The driver receives one row a file.

    Args:
        frame: input; repartition it so that what belongs together is in one task.
        route: picklable; consumes the batches of one task and yields rows for any target, in any
            order of days. Days keep the order in which their rows were emitted.
        targets: the tables that it emits rows for, each once.
        limits: memory of a task and size of files.
        apart: compute and write in processes where the engine has some; for routes that take all
            rows of a task before they emit any, because these are gathered first.

    Returns:
        By the tables' names, what waits for `commit`; a table without rows has no files.

    Raises:
        RefusedRowsError: a row has a null in a required column, or another day.
        SchemaMismatchError: emitted columns are not those of the table.
        StagingError: the engine or `route` failed. In all three cases nothing was committed.
    """
    by_name = {target.table.name: target for target in targets}
    return _stage(frame, by_name, route, limits, apart=apart)


def stage_nothing(*targets: Target) -> dict[str, StagedTable]:
    """The same where there is no row: the commit empties the days, no task runs."""
    return {
        target.table.name: StagedTable(target.table, target.location, replaced=target.days)
        for target in targets
    }


def stage_frame(  # noqa: PLR0913 (one write, described in full)
    df: DataFrame,
    warehouse: str,
    table: Table,
    days: Days | None = None,
    *,
    sort: bool = True,
    limits: Limits = DEFAULT_LIMITS,
) -> StagedTable:
    """Write all rows of `df` as data files of one table.

    Args:
        df: the table's columns by name; other columns, types and order of columns: see
            `contract.conformed`.
        warehouse: path or URI below which the tables lie.
        table: declared table.
        days: days that the commit will replace; None replaces all rows of the table.
        sort: by the table's key within a file; else rows stay as they come.
        limits: memory of a task and size of files.

    Raises:
        RefusedRowsError: a row has a null in a required column, or another day.
        SchemaMismatchError: the columns are not those of the table.
        StagingError: the engine failed.
    """
    into = target(warehouse, table, days, sort=sort)
    require_schema(_arrow_schema(df, table), table)
    return stage(df, partial(_all_rows, name=table.name), into, limits=limits)[table.name]


def _stage(
    df: DataFrame, targets: Mapping[str, Target], route: Route, limits: Limits, *, apart: bool
) -> dict[str, StagedTable]:
    _make_folders(targets)
    staged = _written(df, targets, route, limits, apart=apart)
    merges = {name: planned_merges(name, written.files, limits) for name, written in staged.items()}
    if not any(merges.values()):
        return staged
    try:
        merged = _merged(df.sparkSession, list(chain(*merges.values())), targets, limits)
    except BaseException:
        for written in staged.values():
            written.discard()
        raise
    return {n: _exchanged(written, merges[n], merged[n]) for n, written in staged.items()}


def _merged(
    session: SparkSession, merges: Sequence[Merge], targets: Mapping[str, Target], limits: Limits
) -> dict[str, StagedTable]:
    rows = session.createDataFrame([astuple(merge) for merge in merges], MERGE_DDL)
    as_many_as_wrote_them = max(len(merge.keys) for merge in merges)
    by_day = rows.repartition(as_many_as_wrote_them, "day")
    a_day_at_a_time = replace(limits, buffered_bytes=0, unfinished_bytes=0)
    return _written(by_day, targets, partial(_rows_again, targets=targets), a_day_at_a_time)


def _rows_again(
    batches: Iterator[pa.RecordBatch], targets: Mapping[str, Target]
) -> Iterator[Emission]:
    return (Emission(name, rows) for name, rows in rows_of_merges(batches, targets))


def _exchanged(written: StagedTable, merges: Iterable[Merge], merged: StagedTable) -> StagedTable:
    gone = {key for merge in merges for key in merge.keys}
    with suppress(BaseError, OSError):  # nobody sees them; what stays, VACUUM removes
        delete_keys(written.location, gone)
    left = tuple(file for file in written.files if file.key not in gone)
    return replace(written, files=left + merged.files)


def _written(
    df: DataFrame,
    targets: Mapping[str, Target],
    route: Route,
    limits: Limits,
    *,
    apart: bool = False,
) -> dict[str, StagedTable]:
    run = uuid4().hex
    task = partial(_write_task, targets=targets, route=route, run=run, limits=limits)
    kernel = partial(computed_apart, kernel=task) if apart else task
    try:
        report = df.mapInArrow(kernel, _REPORT_DDL).toArrow().to_pylist()
        _raise_refusal(report)
    except (PySparkException, StagingError) as error:
        _delete_files_of(run, targets)
        if isinstance(error, StagingError):
            raise
        raise _failed(targets, error) from error
    except BaseException:
        _delete_files_of(run, targets)
        raise
    return {name: _staged(name, target, report) for name, target in targets.items()}


def _write_task(
    batches: Iterable[pa.RecordBatch],
    targets: Mapping[str, Target],
    route: Route,
    run: str,
    limits: Limits,
) -> Iterator[pa.RecordBatch]:
    """One task: a refusal is reported as a row, so that the engine does not try it again."""
    files = TaskFiles(targets, run, limits)
    counters: dict[str, Counter[str]] = {name: Counter() for name in targets}
    try:
        for emission in route(iter(batches)):
            _require_target(emission.table, targets)
            with turn():
                files.add(emission.table, emission.rows)
            counters[emission.table].update(emission.counters)
        with turn():
            rows = [_file_row(name, file) for name, file in files.finish()]
    except (RefusedRowsError, SchemaMismatchError) as refusal:
        files.discard()
        rows = [{"refusal": type(refusal).__name__, "message": str(refusal)}]
    except BaseException as error:  # noqa: BLE001 (it is raised again)
        files.discard()
        # Engines cut a long traceback at its end, where the message stands.
        raise error.with_traceback(None) from None
    rows += [_counter_row(name, counted) for name, counted in counters.items() if counted]
    yield pa.RecordBatch.from_pylist(rows, schema=_REPORT)


def _all_rows(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[Emission]:
    """Batches as they come, several together: splitting by day costs as much for one as for all."""
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        waiting.append(batch)
        size += batch.nbytes
        if size > EMISSION_BYTES:
            yield Emission(name, pa.Table.from_batches(waiting))
            waiting, size = [], 0
    if waiting:
        yield Emission(name, pa.Table.from_batches(waiting))


def _file_row(name: str, file: DataFile) -> dict[str, Any]:
    return {
        "tableName": name,
        "path": file.path,
        "size": file.size,
        "rowCount": file.rows,
        "day": file.day,
        "modified": file.modified,
        "stats": file.stats,
    }


def _counter_row(name: str, counters: Mapping[str, int]) -> dict[str, Any]:
    return {"tableName": name, "counters": orjson.dumps(dict(counters)).decode()}


def _staged(name: str, target: Target, report: list[dict[str, Any]]) -> StagedTable:
    mine = [row for row in report if row["tableName"] == name]
    files = (
        DataFile(
            path=row["path"],
            size=row["size"],
            rows=row["rowCount"],
            day=row["day"],
            modified=row["modified"],
            stats=row["stats"],
        )
        for row in mine
        if row["path"]
    )
    return StagedTable(
        table=target.table,
        location=target.location,
        files=tuple(sorted(files, key=lambda file: file.path)),
        counters=_summed(orjson.loads(row["counters"]) for row in mine if row["counters"]),
        replaced=target.days,
    )


def _summed(counters: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counted in counters:
        total.update(counted)
    return dict(total)


def _raise_refusal(report: list[dict[str, Any]]) -> None:
    for row in report:
        if row["refusal"]:
            raise _REFUSALS[row["refusal"]](row["message"])


def _require_target(name: str, targets: Mapping[str, Target]) -> None:
    if name not in targets:
        raise StagingError(f"rows were emitted for {name!r}; the targets are {sorted(targets)}")


def _arrow_schema(df: DataFrame, table: Table) -> pa.Schema:
    try:
        return to_arrow_schema(df.schema, timezone="UTC")
    except PySparkException as error:
        raise StagingError(
            f"table {table.name}: the engine cannot resolve the frame: {_cause(error)}"
        ) from error


def _make_folders(targets: Mapping[str, Target]) -> None:
    """Find out before a task does that a folder cannot be made: its error is a sentence here."""
    for target in targets.values():
        try:
            object_store(target.location, create=True)
        except OSError as error:
            name = target.table.name
            raise StagingError(f"{target.location}, for {name}: {error}") from error


def _failed(targets: Mapping[str, Target], error: PySparkException) -> StagingError:
    where = ", ".join(f"{t.table.name} ({t.location})" for t in targets.values())
    return StagingError(f"writing {where} failed, nothing was committed: {_cause(error)}")


def _cause(error: PySparkException) -> str:
    """The exception line of a worker's traceback, else the engine's message."""
    lines = str(error).strip().splitlines()
    begin = next((n for n, line in enumerate(lines) if _TRACEBACK in line), None)
    if begin is None:
        return engine_message(error)
    after = (line for line in lines[begin + 1 :] if line and not line.startswith(" "))
    return next(after, lines[-1])


def _delete_files_of(run: str, targets: Mapping[str, Target]) -> None:
    """Best effort: what a crashed task leaves, and what stays here, VACUUM removes."""
    with suppress(BaseError, OSError):
        for target in targets.values():
            for folder in _folders(target):
                keys = list_keys(target.location, folder)
                left = [key for key in keys if f"part-{run}-" in key]
                delete_keys(target.location, left)


def _folders(target: Target) -> Iterator[str | None]:
    if target.days is None:
        yield None  # the whole table
    for day in sorted(target.days or ()):
        yield f"{target.table.partition_by}={day}"
