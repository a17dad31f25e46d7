"""Values inside of typed columns, by path: structs, maps, lists, and text that is JSON."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.types as pat

from video_assets.arrow.types import ArrowArray, compute, is_text, plain
from video_assets.sources.json_values import TYPED_VALUES, values_of_json
from video_assets.sources.paths import Path

_KEY, _VALUE = "key", "value"


def values_at(
    columns: Mapping[str, ArrowArray], paths: Sequence[Path], rows: int
) -> dict[Path, ArrowArray]:
    """The values at some paths; null where a row has nothing there.

    Args:
        columns: by name, of any type.
        paths: where the values lie.
        rows: how many rows the columns have.
    """
    values: dict[Path, ArrowArray] = {}
    in_text: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        name = path.column_of(columns)
        if name is None:
            values[path] = pa.nulls(rows, pa.string())
        elif name == path.plain:
            values[path] = columns[name]
        elif len(path.steps) > 1 and is_text(plain(columns[name].type)):
            in_text[name].append(path)
        else:
            values[path] = _inside(columns[name], path.steps[1:])
    for name, inner in in_text.items():
        found = _in_json(columns[name], [Path(path.steps[1:]) for path in inner])
        values |= dict(zip(inner, found, strict=True))
    return values


def fields_of(type_: pa.DataType, steps: Sequence[str]) -> tuple[str, ...]:
    """The steps that lead through structs, which a file can read alone; the rest is inside."""
    if not steps or not pat.is_struct(type_) or type_.get_field_index(steps[0]) < 0:
        return ()
    return (steps[0], *fields_of(type_.field(steps[0]).type, steps[1:]))


def type_at(type_: pa.DataType, steps: Sequence[str]) -> pa.DataType | None:
    """The type at some steps of structs; None where it is known of the values only."""
    if not steps:
        return type_
    if pat.is_struct(type_) and type_.get_field_index(steps[0]) >= 0:
        return type_at(type_.field(steps[0]).type, steps[1:])
    return None


def _inside(array: ArrowArray, steps: Sequence[str]) -> ArrowArray:
    if isinstance(array, pa.DictionaryArray) and steps:
        array = array.dictionary_decode()
    type_ = array.type
    if not steps:
        return _typed_value(array) if pat.is_struct(type_) else array
    if pat.is_list(type_) or pat.is_large_list(type_):
        return _in_list(array, steps)
    if is_text(type_):
        return _in_json(array, [Path(tuple(steps))])[0]
    return _inside(_field(array, steps[0]), steps[1:])


def _field(array: ArrowArray, name: str) -> ArrowArray:
    if pat.is_map(array.type):
        return compute.map_lookup(array, name, "first")
    if pat.is_struct(array.type) and array.type.get_field_index(name) >= 0:
        return compute.struct_field(array, name)
    return pa.nulls(len(array), pa.string())


def _in_list(array: ArrowArray, steps: Sequence[str]) -> ArrowArray:
    element = array.type.value_type
    if steps[0].isdecimal():
        return _inside(_elements(array, int(steps[0])), steps[1:])
    if pat.is_struct(element) and {_KEY, _VALUE} <= {field.name for field in element}:
        flat = array.flatten()
        has_key = compute.equal(compute.struct_field(flat, _KEY), steps[0])
        values = _first_of_each(compute.struct_field(flat, _VALUE), array, has_key)
        return _inside(values, steps[1:])
    values = _inside(array.flatten(), steps)
    return _first_of_each(values, array, values.is_valid())


def _first_of_each(values: ArrowArray, lists: ArrowArray, wanted: ArrowArray) -> ArrowArray:
    """For each list, the first of its values that is wanted; null where none is."""
    chosen = np.flatnonzero(wanted.fill_null(False).to_numpy(zero_copy_only=False))  # noqa: FBT003
    parents = lists.value_parent_indices().to_numpy(zero_copy_only=False)[chosen]
    owners, places = np.unique(parents, return_index=True)
    where = np.full(len(lists), -1, np.int64)
    where[owners] = chosen[places]
    return values.take(pa.array(where, mask=where < 0))


def _elements(lists: ArrowArray, index: int) -> ArrowArray:
    flat = lists.flatten()
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    starts = np.cumsum(lengths) - lengths
    return flat.take(pa.array(starts + index, pa.int64(), mask=lengths <= index))


def _typed_value(array: ArrowArray) -> ArrowArray:
    """The filled one of the fields that BigQuery has for values of several types."""
    names = [field.name for field in array.type if field.name in TYPED_VALUES]
    if not names:
        return array
    return compute.coalesce(*(compute.struct_field(array, n).cast(pa.string()) for n in names))


def _in_json(array: ArrowArray, paths: Sequence[Path]) -> list[ArrowArray]:
    _, found = values_of_json(array.cast(pa.string()), paths)
    return found
