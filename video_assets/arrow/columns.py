"""Arrow columns as numpy arrays, and the one sort that all of the watch-time rules share."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from resources.delta.table import TIMESTAMP

Bools: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
SortBits: TypeAlias = npt.NDArray[np.uint64]
ArrowArray: TypeAlias = "pa.Array[Any]"
ArrowColumn: TypeAlias = "pa.ChunkedArray[Any]"

MICROS_PER_SECOND = 1_000_000
MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND

_KEY_BITS = 64
_LARGEST_CODE = np.iinfo(np.int64).max


def to_table(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """A table of numpy arrays and Arrow columns, in the order and types of the schema."""
    return pa.table(dict(columns), schema=schema)


def floats(table: pa.Table, name: str) -> Floats:
    """The numbers of a column; NaN where it is null."""
    return table[name].cast(pa.float64()).to_numpy()


def integers(table: pa.Table, name: str) -> Ints:
    """The numbers of a column without nulls; dates are days since 1970-01-01."""
    column = table[name]
    plain = column.cast(pa.int32()) if pa.types.is_date32(column.type) else column
    return plain.cast(pa.int64()).to_numpy()


def booleans(table: pa.Table, name: str) -> Bools:
    """The truth values of a column without nulls."""
    return table[name].to_numpy()


def microseconds(table: pa.Table, name: str) -> Ints:
    """The times of a column without nulls, in microseconds since 1970-01-01 UTC."""
    return table[name].cast(TIMESTAMP).cast(pa.int64()).to_numpy()


def strings(table: pa.Table, name: str, rows: Ints) -> ArrowColumn:
    """The texts of a column at some rows, null where the column is."""
    return table[name].take(rows).cast(pa.string())


def with_plain_texts(table: pa.Table) -> pa.Table:
    """The same rows, with texts that are views or in dictionaries written out.

    Arrow can neither take nor filter views, and dictionaries may differ from chunk to chunk.
    """
    for index, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type) or pa.types.is_string_view(column.type):
            table = table.set_column(index, column.name, table[column.name].cast(pa.string()))
    return table


def with_numbered_texts(table: pa.Table) -> pa.Table:
    """The same rows, with texts as Arrow can take, filter and number them: plain or numbered.

    Dictionaries stay when one numbers the whole column and repeats no text; the texts of others,
    and views, are written out.
    """
    table = table.unify_dictionaries()
    for index, column in enumerate(table.schema):
        if pa.types.is_string_view(column.type) or _repeats_texts(table[column.name]):
            table = table.set_column(index, column.name, table[column.name].cast(pa.string()))
    return table


def _repeats_texts(column: ArrowColumn) -> bool:
    if not pa.types.is_dictionary(column.type) or not column.num_chunks:
        return False
    first: Any = column.chunk(0)
    texts = first.dictionary
    return bool(texts.null_count) or len(pc.unique(texts)) < len(texts)


def encode(table: pa.Table, name: str) -> tuple[Codes, ArrowArray]:
    """Number the distinct texts of a column (of texts as `with_numbered_texts` gives them).

    Returns:
        The number of each row's text, and the distinct texts in the order of their numbers.

    Raises:
        ValueError: the column holds a null.
    """
    column = table[name]
    if column.null_count:
        raise ValueError(
            f"column {name} holds {column.null_count} nulls; "
            "pass only rows that raw_events or sessions accept"
        )
    chunks: list[Any] = column.dictionary_encode().chunks
    if not chunks:
        return np.empty(0, np.int32), pa.array([], pa.string())
    return np.concatenate([chunk.indices.to_numpy() for chunk in chunks]), chunks[-1].dictionary


def group_codes(table: pa.Table, *names: str) -> Codes:
    """Number the distinct combinations of text columns: 0, 1, 2, ... without holes.

    Args:
        table: rows in any order.
        names: columns that make up the group.

    Returns:
        The number of each row's group. Which group has which number depends on the order of the
        rows, so it may group and separate rows but never decide between them.

    Raises:
        ValueError: a column holds a null.
    """
    combined = np.zeros(table.num_rows, np.int64)
    span = 1
    for name in names:
        codes, distinct = encode(table, name)
        if span * len(distinct) > _LARGEST_CODE:
            combined = _dense(combined).astype(np.int64)
            span = table.num_rows
        combined *= len(distinct)
        combined += codes
        span *= len(distinct)
    return _dense(combined)


def _dense(codes: Ints) -> Codes:
    return pa.array(codes).dictionary_encode().indices.to_numpy()


def first_of_each(values: npt.NDArray[Any]) -> Bools:
    """True at the first of each run of equal values."""
    first = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first


def grouped_order(
    group: npt.NDArray[np.integer[Any]],
    values: Ints | Floats,
    *tie_breakers: npt.NDArray[Any],
) -> Ints:
    """Where to find the rows in the order of group, value and tie breakers.

    One 64-bit key holds the group and as many leading bits of the value as fit: sorting it is
    several times faster than `np.lexsort`, which then only orders the rows whose keys are equal.

    Args:
        group: the rows' groups, numbered from 0.
        values: what to sort by within the group; floats must be finite and >= 0.
        tie_breakers: what to sort by where group and value are equal, the most important first.

    Returns:
        Indices of rows, as `np.argsort` gives them.
    """
    if len(group) == 0:
        return np.empty(0, np.int64)
    key = _packed_key(group, values)
    order = np.argsort(key)
    key = key[order]
    tied = _equal_to_a_neighbour(key)
    if len(tied):
        rows = order[tied]
        exact = [keys[rows] for keys in (*reversed(tie_breakers), values)]
        order[tied] = rows[np.lexsort((*exact, key[tied]))]
    return order


def _packed_key(group: npt.NDArray[np.integer[Any]], values: Ints | Floats) -> SortBits:
    bits = _sort_bits(values)
    value_width = int(bits.max()).bit_length()
    free_width = _KEY_BITS - int(group.max()).bit_length()
    bits >>= np.uint64(max(0, value_width - free_width))
    bits |= group.astype(np.uint64) << np.uint64(min(value_width, free_width))
    return bits


def _sort_bits(values: Ints | Floats) -> SortBits:
    """Unsigned integers in the order of the values.

    Floats >= 0 have the order of their bit patterns (IEEE 754). Unsigned subtraction of the
    minimum keeps the order of signed integers too, whatever their span.
    """
    bits: SortBits = np.ascontiguousarray(values).view(np.uint64)
    smallest: np.uint64 = values.min().view(np.uint64)
    return bits - smallest


def _equal_to_a_neighbour(ascending: SortBits) -> Ints:
    equal = np.zeros(len(ascending) + 1, np.bool_)
    np.equal(ascending[1:], ascending[:-1], out=equal[1:-1])
    return np.flatnonzero(equal[1:] | equal[:-1])
