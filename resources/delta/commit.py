"""Phase two of a write: one Delta commit replaces the days of a run by the staged files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from resources.delta.compatibility import require_writable
from resources.delta.data_files import DataFile
from resources.delta.errors import (
    CommitConflictError,
    SchemaMismatchError,
    UnsupportedTableError,
)
from resources.delta.schema_check import (
    Days,
    addable_columns,
    describe_days,
    schema_differences,
    stored_schema,
)
from resources.delta.stage import StagedTable
from resources.delta.table import Table
from resources.storage import normalized, provider, storage_options

ATTEMPTS = 12
ORIGIN = "origin"
# Prefix of the application transactions by which a commit notes each day that it replaces.
REPLACED = "replace:"
# The same for those of them that will get more rows: under the same number, they are unfinished.
UNFINISHED = "unfinished:"
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 10.0
WHOLE_TABLE = "all"
_RECENT_VERSIONS = 20


@dataclass(frozen=True)
class CommittedTable:
    """What a commit made visible.

    Attributes:
        table: the declared table.
        location: its folder.
        version: Delta version that this commit made.
        rows: rows written; of days to which rows were added, all that they have.
        size: bytes written.
        files: files written.
        rows_per_day: rows of every replaced day, ascending; empty when the table has no days.
        unfinished: those of these days that will get more rows.
    """

    table: Table
    location: str
    version: int
    rows: int
    size: int
    files: int
    rows_per_day: Mapping[date, int]
    unfinished: Days = field(default_factory=Days)


def commit(staged: StagedTable, *, run_id: str = "", attempts: int = ATTEMPTS) -> CommittedTable:
    """Make the staged files visible, in place of all rows of the replaced days.

    Creates the table when it is not there. Committing the same files again changes nothing.
    Writers of other days do not disturb each other; of two writers of one day, the later commit
    wins as a whole.

    Args:
        staged: result of phase one.
        run_id: kept in the Delta history.
        attempts: how often a conflict with other writers is retried, with growing random waits.

    Raises:
        SchemaMismatchError: the existing table is not the declared one.
        CommitConflictError: the attempts are used up.
        UnsupportedTableError: another tool set what this commit would violate. In all cases the
            old rows stay, and the staged files are deleted.
    """
    commit_id = uuid4().hex
    info = {
        "commitId": commit_id,
        "runId": run_id,
        "counters": json.dumps(dict(staged.counters), sort_keys=True),
        ORIGIN: json.dumps(dict(staged.origin), sort_keys=True),
    }
    try:
        _commit_with_retries(staged, info, attempts)
    except (SchemaMismatchError, CommitConflictError, UnsupportedTableError):
        staged.discard()
        raise
    return CommittedTable(
        table=staged.table,
        location=staged.location,
        version=_version_of(commit_id, open_table(staged.location)),
        rows=staged.rows,
        size=staged.size,
        files=len(staged.files),
        rows_per_day=staged.rows_per_day(),
        unfinished=staged.unfinished,
    )


def open_table(location: str, version: int | None = None) -> DeltaTable:
    """The Delta table in that folder, at a version or, without one, as it is now.

    Raises:
        deltalake.exceptions.TableNotFoundError: there is none.
    """
    return DeltaTable(
        normalized(location), version=version, storage_options=storage_options(location)
    )


def arrow_schema(existing: DeltaTable) -> pa.Schema:
    """The columns of the table that is there."""
    return pa.schema(cast("Any", existing.schema().to_arrow()))


def ensure_table(location: str, table: Table) -> DeltaTable:
    """The table, created from its declaration when it is not there.

    Raises:
        SchemaMismatchError: the one that is there has other columns, types or partitions.
    """
    try:
        existing = open_table(location)
    except TableNotFoundError:
        existing = _create(location, table)
    _require_declared(existing, location, table)
    return existing


def _create(location: str, table: Table) -> DeltaTable:
    if provider(location) == "local":
        Path(normalized(location)).mkdir(parents=True, exist_ok=True)
    return DeltaTable.create(
        normalized(location),
        schema=Schema.from_arrow(stored_schema(table.arrow_schema)),
        mode="ignore",  # another run may create it at the same moment
        partition_by=_partitioning(table),
        name=table.name,
        description=table.grain,
        storage_options=storage_options(location),
    )


def _with_added_columns(existing: DeltaTable, table: Table) -> pa.Schema:
    """The table's columns, and behind them nullable ones that its declaration added since."""
    found = arrow_schema(existing)
    added = addable_columns(found.names, table)
    return stored_schema(pa.schema([*found, *table.fields(*(column.name for column in added))]))


def _require_declared(existing: DeltaTable, location: str, table: Table) -> None:
    differences: list[str] = []
    if schema_differences(_with_added_columns(existing, table), table):
        differences = schema_differences(arrow_schema(existing), table)
    found = existing.metadata().partition_columns
    if found != _partitioning(table):
        differences.append(f"partitioned by {found}, declared is {_partitioning(table)}")
    if differences:
        raise SchemaMismatchError(
            f"table {table.name} at {location} is not the declared one: {'; '.join(differences)}. "
            "Nothing was written. Move the folder away and materialize the table again, or alter "
            "the table to what its declaration (tables.py of its group) says."
        )


def _partitioning(table: Table) -> list[str]:
    return [table.partition_by] if table.partition_by else []


def _commit_with_retries(staged: StagedTable, info: dict[str, str], attempts: int) -> None:
    retrying = Retrying(
        retry=retry_if_exception_type(CommitFailedError),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),
        stop=stop_after_attempt(attempts),
    )
    try:
        retrying(_commit_once, staged, info)
    except RetryError as error:
        cause = error.last_attempt.exception()
        days = "all rows" if staged.replaced is None else describe_days(staged.replaced)
        raise CommitConflictError(
            f"table {staged.table.name} at {staged.location}: other writers changed {days} during "
            f"each of {attempts} attempts, the old rows stay. Run it again when they are done, or "
            f"limit them by a Dagster pool. Last conflict: {cause}"
        ) from cause


def _commit_once(staged: StagedTable, info: dict[str, str]) -> None:
    """Commit onto the newest version; a commit that landed unnoticed is not made twice."""
    existing = ensure_table(staged.location, staged.table)
    require_writable(existing, staged.location)
    if _is_committed(existing, staged):
        return
    _require_same_days(existing, staged)
    existing.create_write_transaction(
        [_add_action(file, staged.table) for file in staged.files],
        mode="append" if staged.beside else "overwrite",
        schema=Schema.from_arrow(_with_added_columns(existing, staged.table)),
        partition_by=_partitioning(staged.table),
        partition_filters=None if staged.beside else _replaced_partitions(staged),
        commit_properties=CommitProperties(
            custom_metadata=info,
            app_transactions=[
                Transaction(noted, existing.version() + 1) for noted in _noted(staged)
            ],
        ),
    )


def _require_same_days(existing: DeltaTable, staged: StagedTable) -> None:
    """Rows are added to what the step saw: another run may have brought the same ones since."""
    for day, stored in staged.beside.items():
        if existing.transaction_version(f"{REPLACED}{day}") != stored.replaced:
            raise CommitConflictError(
                f"table {staged.table.name} at {staged.location}: another run wrote {day} while "
                "rows of it were read, nothing was added. The next run reads them again."
            )


def _version_of(commit_id: str, existing: DeltaTable) -> int:
    """The version that the commit made; the newest, when it was made before or long ago."""
    recent = existing.history(_RECENT_VERSIONS)
    made = (entry["version"] for entry in recent if entry.get("commitId") == commit_id)
    return int(next(made, existing.version()))


def _is_committed(existing: DeltaTable, staged: StagedTable) -> bool:
    if not staged.files:
        return False
    active = set(pa.table(existing.get_add_actions()).column("path").to_pylist())
    return all(file.path in active for file in staged.files)


def _add_action(file: DataFile, table: Table) -> AddAction:
    partition = {table.partition_by: str(file.day)} if table.partition_by else {}
    return AddAction(
        path=file.path,
        size=file.size,
        partition_values=partition,
        modification_time=file.modified,
        data_change=True,
        stats=file.stats,
    )


def _replaced_partitions(staged: StagedTable) -> list[tuple[str, str, Any]] | None:
    if staged.replaced is None or staged.table.partition_by is None:
        return None
    return [(staged.table.partition_by, "in", [str(day) for day in sorted(staged.replaced)])]


def _noted(staged: StagedTable) -> Iterator[str]:
    yield from (f"{REPLACED}{part}" for part in _parts(staged))
    yield from (f"{UNFINISHED}{day}" for day in sorted(staged.unfinished))


def _parts(staged: StagedTable) -> Iterator[str]:
    """What two writers must not replace at once.

    Delta itself lets two first writers of one day both land, which would double its rows.
    """
    days = staged.replaced
    if days is None:
        yield WHOLE_TABLE
        days = Days(file.day for file in staged.files if file.day)
    yield from map(str, sorted(days))
