"""What the Dagster UI shows of a write: counts, days, and the first rows."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
from dagster import (
    AssetKey,
    MetadataValue,
    TableColumn,
    TableColumnDep,
    TableColumnLineage,
    TableMetadataValue,
    TableRecord,
    TableSchema,
)

from resources.delta.commit import CommittedTable
from resources.delta.stage import StagedTable
from resources.delta.table import Table
from resources.storage import StoredFile, StoredObject, join

PREVIEW_ROWS = 10
DAY_LINES = 31
_CELL_CHARACTERS = 60
# On a day of a run that nobody asked for, and that the run did not touch.
LEFT_AS_IT_WAS = "left_as_it_was"


# Ends the names of numbers that a partition has from a run over several: they are of all of them.
OF_RUN = "_of_run"


def output_metadata(
    staged: StagedTable, committed: CommittedTable, *, of_range: bool
) -> dict[str, Any]:
    """Counters of the tasks, counts of the commit, rows of each day, a preview, and the lineage.

    The counters keep their names, unless one has a name that is used here.

    Args:
        staged: what was written.
        committed: what became of it.
        of_range: Dagster shows it on each of several partitions, and keeps as many copies: only
            short numbers then; `partition_metadata` has the rest.
    """
    numbers = {
        **staged.counters,
        "rows_written": committed.rows,
        "files": committed.files,
        "size_bytes": committed.size,
    }
    return {
        **(named_of_run(numbers) if of_range else numbers),
        "dagster/uri": committed.location,
        "delta_version": committed.version,
        **_table_rows(committed),
        **({} if of_range else {**_preview_metadata(staged), **_told_once(committed)}),
    }


def _told_once(committed: CommittedTable) -> dict[str, Any]:
    lineage = column_lineage(committed.table, committed.table.schema)
    return {**_days_metadata(committed), **lineage}


def named_of_run(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata under names that say that it is of all partitions of the run."""
    return {f"{name}{OF_RUN}": value for name, value in metadata.items()}


def written_line(staged: StagedTable, committed: CommittedTable) -> str:
    """What was written, for the log: `raw_events: 1,702 rows of 2025-01-31 written`."""
    days = sorted(committed.rows_per_day)
    if not days:
        span = ""
    elif len(days) == 1:
        span = f" of {days[0]}"
    else:
        span = f" of {len(days)} days from {days[0]} to {days[-1]}"
    counted = [f"{name} {count:,}" for name, count in sorted(staged.counters.items()) if count]
    counts = f" ({', '.join(counted)})" if counted else ""
    if staged.beside:
        there = committed.rows - staged.added_rows
        what = f"{staged.added_rows:,} rows{span} added to {there:,}"
    else:
        what = f"{committed.rows:,} rows{span} written"
    return f"{committed.table.name}: {what}{counts}"


def column_lineage(table: Table, schema: str) -> dict[str, TableColumnLineage]:
    """Metadata that draws where each column comes from; empty for a table read from a source.

    Args:
        table: declared table.
        schema: first part of the keys of the tables' assets.
    """
    deps = {
        column.name: [
            TableColumnDep(AssetKey([schema, above]), name) for above, name in column.origin
        ]
        for column in table.columns
        if column.origin
    }
    return {"dagster/column_lineage": TableColumnLineage(deps)} if deps else {}


def partition_metadata(
    staged: StagedTable, committed: CommittedTable, partition_keys: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Numbers of each partition, which a range would otherwise report as those of all of it.

    What describes the whole run is with its newest partition, where the table's page looks first.

    Args:
        staged: what was written.
        committed: what became of it.
        partition_keys: of the run, ascending.
    """
    if len(partition_keys) == 1:
        return {partition_keys[0]: _counted(committed, date.fromisoformat(partition_keys[0]))}
    # The newest day alone: each costs a file to open, and room in Dagster's records.
    previewed = max((file.day for file in staged.files if file.day), default=None)
    of_each = {key: _of_range(staged, committed, key, previewed) for key in partition_keys}
    of_each |= {str(day): {LEFT_AS_IT_WAS: True} for day in staged.left}
    return {**of_each, **{k: of_each[k] | _told_once(committed) for k in partition_keys[-1:]}}


def _of_range(
    staged: StagedTable, committed: CommittedTable, partition_key: str, previewed: date | None
) -> dict[str, Any]:
    day = date.fromisoformat(partition_key)
    counted = _counted(committed, day)
    return {
        **counted,
        "rows_written": counted["dagster/row_count"],
        **staged.by_day.get(day, {}),
        **(_preview_metadata(staged, day) if day == previewed else {}),
    }


def _counted(committed: CommittedTable, day: date) -> dict[str, Any]:
    rows = committed.rows_per_day.get(day, 0)
    unfinished = {"is_unfinished": True} if day in committed.unfinished else {}
    return {"dagster/row_count": rows, "dagster/partition_row_count": rows, **unfinished}


def _preview_metadata(staged: StagedTable, day: date | None = None) -> dict[str, Any]:
    return {"preview": as_table(preview(staged, day))}


def _table_rows(committed: CommittedTable) -> Mapping[str, int]:
    return {} if committed.table.partition_by else {"dagster/row_count": committed.rows}


def preview(staged: StagedTable, day: date | None = None) -> pa.Table:
    """The first rows of the first file, of a day if one is named; reads one batch of it."""
    columns = list(staged.table.column_names)
    first = next((file for file in staged.files if day in (None, file.day)), None)
    if first is None:
        return staged.table.arrow_schema.empty_table()
    stored = StoredObject(join(staged.location, first.key), first.size)
    with pq.ParquetFile(cast("BinaryIO", StoredFile(stored))) as file:
        rows = pa.Table.from_batches([next(file.iter_batches(batch_size=PREVIEW_ROWS))])
    if staged.table.partition_by:
        days = pa.repeat(pa.scalar(first.day, pa.date32()), rows.num_rows)
        rows = rows.append_column(staged.table.partition_by, days)
    return rows.select(columns)


def as_table(rows: pa.Table) -> TableMetadataValue:
    """The rows as Dagster's own table, which shows values as text; long values cut."""
    records = [
        TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows.to_pylist()
    ]
    columns = [TableColumn(field.name, str(field.type)) for field in rows.schema]
    return MetadataValue.table(records, TableSchema(columns))


def _cell(value: object) -> str:
    text = " ".join(_text(value).split())
    return text if len(text) <= _CELL_CHARACTERS else f"{text[: _CELL_CHARACTERS - 1]}…"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)


def _days_metadata(committed: CommittedTable) -> Mapping[str, Any]:
    monthly = committed.table.partition_unit == "month"
    days = sorted(committed.rows_per_day.items(), reverse=True)
    # A month replaces all of its days, but only its first one can hold rows.
    days = [(day, rows) for day, rows in days if day.day == 1 or not monthly]
    if len(days) <= 1:
        return {}
    shown = days if len(days) <= DAY_LINES else days[: DAY_LINES - 1]
    records = [TableRecord({"day": str(day), "rows": rows}) for day, rows in shown]
    rest = days[len(shown) :]
    if rest:
        earlier = f"{len(rest)} earlier days"
        records.append(TableRecord({"day": earlier, "rows": sum(rows for _, rows in rest)}))
    return {"rows_per_day": MetadataValue.table(records)}
