"""The declared table as a gate: what is written has its columns, its types, its keys, its days."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from resources.delta.errors import RefusedRowsError, SchemaMismatchError
from resources.delta.table import Column, Table

Days = frozenset[date]
_DAYS_IN_MESSAGE = 5


def days_between(start: date, end: date) -> Days:
    """The days of the half-open window `start <= day < end`."""
    return frozenset(start + timedelta(days=n) for n in range((end - start).days))


def conformed(rows: pa.Table, table: Table) -> pa.Table:
    """The rows with exactly the declared columns, order and types, but for numbered texts.

    Columns are taken by name; every representation of a string, list or UTC time is the same type.
    Texts in dictionaries stay there: `as_declared` writes them out, which takes several times the
    memory.

    Raises:
        SchemaMismatchError: a column is missing, undeclared or of another type.
        RefusedRowsError: a list or struct holds a null that its type does not allow.
    """
    require_schema(rows.schema, table)
    selected = rows.select(list(table.column_names))
    arrays = [
        values
        if pa.types.is_dictionary(values.type)
        else _without_nulls_inside(values, column, table).cast(column.type)
        for values, column in zip(selected.columns, table.columns, strict=True)
    ]
    return pa.table(arrays, names=list(table.column_names))


def as_declared(rows: pa.Table, table: Table) -> pa.Table:
    """Rows of `conformed`, with or without the partition column, in exactly the declared types."""
    return rows.cast(pa.schema(table.fields(*rows.column_names)))


def require_schema(found: pa.Schema, table: Table, remedy: str = "") -> None:
    """Compare names and types; order and nullability do not matter.

    Raises:
        SchemaMismatchError: they differ; the message names each column.
    """
    differences = schema_differences(found, table)
    if differences:
        raise SchemaMismatchError(
            f"table {table.name}: {'; '.join(differences)}. "
            + (remedy or "Select and cast the columns of its declaration (tables.py of its group).")
        )


def schema_differences(found: pa.Schema, table: Table) -> list[str]:
    """What differs from the declared columns, one sentence a column; empty when nothing does."""
    missing = [name for name in table.column_names if name not in found.names]
    undeclared = [name for name in found.names if name not in table.column_names]
    repeated = sorted({name for name in found.names if found.names.count(name) > 1})
    retyped = [
        f"column {c.name} is {found.field(c.name).type}, declared is {c.type}"
        for c in table.columns
        if c.name not in (*missing, *repeated) and not _same_type(found.field(c.name).type, c.type)
    ]
    return [
        *(f"column {name} is missing" for name in missing),
        *(f"column {name} is not declared" for name in undeclared),
        *(f"column {name} is there more than once" for name in repeated),
        *retyped,
    ]


def addable_columns(found: Iterable[str], table: Table) -> list[Column]:
    """Declared columns that an older table lacks and can get: nullable, so its rows hold null."""
    there = set(found)
    return [c for c in table.columns if c.nullable and c.name not in there]


def stored_schema(declared: pa.Schema) -> pa.Schema:
    """The columns as a Delta log declares them: required only where every writer's files agree.

    Spark writes times as INT96, which the embedded engine does not read into a required column, and
    refuses every change of a table whose lists or structs hold required values. That ours are never
    null is checked before they are staged.
    """
    fields = [declared.field(place) for place in range(len(declared))]
    return pa.schema([_as_stored(field) for field in fields])


def _as_stored(field: "pa.Field[Any]") -> "pa.Field[Any]":
    differs = pa.types.is_timestamp(field.type) or pa.types.is_nested(field.type)
    return _nullable(field) if differs else field


def _nullable_inside(type_: Any) -> Any:
    if pa.types.is_list(type_):
        return pa.list_(_nullable(type_.value_field))
    if pa.types.is_struct(type_):
        return pa.struct([_nullable(type_.field(place)) for place in range(type_.num_fields)])
    return type_


def _nullable(field: "pa.Field[Any]") -> "pa.Field[Any]":
    return field.with_type(_nullable_inside(field.type)).with_nullable(True)  # noqa: FBT003 (Arrow's signature)


def _same_type(found: Any, declared: Any) -> bool:
    if pa.types.is_dictionary(found):
        return _same_type(found.value_type, declared)
    if pa.types.is_string(declared):
        return bool(
            pa.types.is_string(found)
            or pa.types.is_large_string(found)
            or pa.types.is_string_view(found)
        )
    if pa.types.is_timestamp(declared):
        return pa.types.is_timestamp(found) and found.unit == declared.unit and bool(found.tz)
    if pa.types.is_list(declared):
        is_list = pa.types.is_list(found) or pa.types.is_large_list(found)
        return is_list and _same_type(found.value_type, declared.value_type)
    if pa.types.is_struct(declared):
        return _same_struct(found, declared)
    return bool(found == declared)


def _same_struct(found: Any, declared: Any) -> bool:
    if not pa.types.is_struct(found) or found.num_fields != declared.num_fields:
        return False
    pairs = [(found.field(i), declared.field(i)) for i in range(declared.num_fields)]
    return all(f.name == d.name and _same_type(f.type, d.type) for f, d in pairs)


def require_keys(rows: pa.Table, table: Table) -> None:
    """No null in a required column.

    Raises:
        RefusedRowsError: names the column, how many rows, and the key of the first.
    """
    for column in table.columns:
        values = rows[column.name]
        if not column.nullable and values.null_count:
            first = rows.filter(pc.is_null(values)).slice(0, 1)
            raise RefusedRowsError(
                f"table {table.name}: the required column {column.name} is null in "
                f"{values.null_count} row(s), the first with {_key(first, table)}. "
                "Reject such rows before they are staged."
            )


def _without_nulls_inside(values: Any, column: Column, table: Table) -> Any:
    if any(_holds_forbidden_null(chunk, column.type) for chunk in values.chunks):
        raise RefusedRowsError(
            f"table {table.name}: a value of column {column.name} holds a null inside, "
            f"which {column.type} does not allow. Drop such elements before they are staged."
        )
    return values


def _holds_forbidden_null(values: Any, declared: Any) -> bool:
    if pa.types.is_list(declared):
        elements = values.flatten()
        forbidden = not declared.value_field.nullable and elements.null_count > 0
        return forbidden or _holds_forbidden_null(elements, declared.value_type)
    if pa.types.is_struct(declared):
        present = values.drop_null()
        return any(
            (not declared.field(i).nullable and present.field(i).null_count > 0)
            or _holds_forbidden_null(present.field(i), declared.field(i).type)
            for i in range(declared.num_fields)
        )
    return False


def day_numbers(rows: pa.Table, column: str) -> NDArray[np.int32]:
    """Days since 1970-01-01 of a date column without nulls."""
    days = rows[column].cast(pa.int32())
    return np.concatenate([chunk.to_numpy() for chunk in days.chunks] or [np.empty(0, np.int32)])


def require_days(found: Iterable[date], table: Table, allowed: Days) -> None:
    """Only days that this run replaces.

    Raises:
        RefusedRowsError: names the days that are not.
    """
    outside = sorted(set(found) - allowed)
    if outside:
        raise RefusedRowsError(
            f"table {table.name}: rows of {table.partition_by} {describe_days(outside)} lie "
            f"outside the days of this run ({describe_days(allowed)}). Filter them, or run those "
            "days too."
        )


def describe_days(days: Iterable[date]) -> str:
    """Days for a message: all when few, else the first and last and how many."""
    ordered = sorted(days)
    if len(ordered) <= _DAYS_IN_MESSAGE:
        return ", ".join(map(str, ordered)) or "none"
    return f"{ordered[0]} to {ordered[-1]}, {len(ordered)} days"


def _key(row: pa.Table, table: Table) -> str:
    values = row.select(list(table.key)).to_pylist()[0]
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
