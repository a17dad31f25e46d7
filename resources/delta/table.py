"""How a table is declared: its columns with meaning and unit, its grain, key and partition."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")
INTERVALS = pa.list_(
    pa.field(
        "element",
        pa.struct(
            [
                pa.field("start", pa.float64(), nullable=False),
                pa.field("end", pa.float64(), nullable=False),
            ]
        ),
        nullable=False,
    )
)


# Columns of upstream tables: of each its table's name and its own.
Origin = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Column:
    """One column: its name, Arrow type, meaning, unit, and what it is computed from."""

    name: str
    type: pa.DataType
    description: str
    unit: str = ""
    nullable: bool = True
    origin: Origin = ()

    @property
    def type_name(self) -> str:
        """The type as people of SQL and Spark name it."""
        return _type_name(self.type)

    @property
    def comment(self) -> str:
        """The description with its unit, as shown to readers of the table."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


_TYPE_NAMES = {
    pa.string(): "string",
    pa.float64(): "double",
    pa.int64(): "long",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    TIMESTAMP: "timestamp",
}


def _type_name(type_: pa.DataType) -> str:
    if isinstance(type_, pa.ListType):
        return f"array<{_type_name(type_.value_type)}>"
    if isinstance(type_, pa.StructType):
        fields = (f"{field.name}: {_type_name(field.type)}" for field in type_)
        return f"struct<{', '.join(fields)}>"
    return _TYPE_NAMES[type_]


@dataclass(frozen=True)
class Table:
    """One Delta table: what a row is, its columns, its key and its partitions.

    Attributes:
        name: its folder's name.
        grain: what a row is.
        columns: in the order of the table.
        key: columns whose values together are those of one row only.
        partition_by: date column that the table is partitioned by; None: not partitioned.
        partition_unit: what one partition spans; of a month the date is the first day.
        schema: the folder above, and the first part of its asset's key; empty for rows that are
            never stored.
        hardly_repeated: texts that few rows of a partition share, beside a key of one column:
            a dictionary of them in a data file would only cost.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: str | None = None
    partition_unit: Literal["day", "month"] = "day"
    schema: str = ""
    hardly_repeated: tuple[str, ...] = ()
    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the columns, and refuse a key or partition column that is not declared."""
        by_name = {column.name: column for column in self.columns}
        object.__setattr__(self, "_by_name", MappingProxyType(by_name))
        partition = (self.partition_by,) if self.partition_by else ()
        undeclared = [name for name in (*self.key, *partition) if name not in by_name]
        if undeclared:
            raise ValueError(f"table {self.name}: columns {undeclared} are not declared")

    @property
    def asset(self) -> str:
        """Its asset's key, as people write it."""
        return f"{self.schema}/{self.name}"

    def __getitem__(self, name: str) -> Column:
        """The column of that name."""
        return self._by_name[name]

    def origin(self, *names: str) -> Origin:
        """These columns, as the origin of a column of another table."""
        return tuple((self.name, self[name].name) for name in names)

    def copied(self, *names: str) -> tuple[Column, ...]:
        """These columns as another table declares them that copies their values."""
        return tuple(replace(self[name], origin=self.origin(name)) for name in names)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in the order of the table."""
        return tuple(self._by_name)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns that never hold a null."""
        return tuple(column.name for column in self.columns if not column.nullable)

    def fields(self, *names: str) -> list["pa.Field[Any]"]:
        """These columns as fields of an Arrow schema."""
        schema = self.arrow_schema
        return [schema.field(name) for name in names]

    @property
    def arrow_schema(self) -> pa.Schema:
        """The table's columns as an Arrow schema, comments in the fields' metadata."""
        return pa.schema(
            [
                pa.field(c.name, c.type, c.nullable, metadata={"comment": c.comment})
                for c in self.columns
            ]
        )


def required(
    name: str, type_: pa.DataType, description: str, unit: str = "", *, origin: Origin = ()
) -> Column:
    """A column that never holds a null."""
    return Column(name, type_, description, unit, nullable=False, origin=origin)
