"""Rows that hold a list of rows: a view with its events, an envelope with its statements.

Each element becomes a row. What it lacks is looked up in the row that holds it, and a row without
such a list stays a row of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.types as pat

from video_assets.arrow.types import ArrowArray, Integers, compute, is_text
from video_assets.sources.json_values import lists_of_json, values_of_json, without_other_kinds
from video_assets.sources.nested import values_at
from video_assets.sources.paths import Path


@dataclass(frozen=True)
class Exploded:
    """The rows that lists hold.

    Attributes:
        parents: index of the row that holds each, ascending.
        places: its place in that row's list: 0, 1, 2, ...
        elements: structs or JSON texts; null for a row without a list.
    """

    parents: Integers
    places: Integers
    elements: ArrowArray

    @classmethod
    def of(cls, lists: ArrowArray) -> "Exploded":
        """The elements of lists, or of texts that are JSON lists."""
        if isinstance(lists, pa.DictionaryArray):
            lists = lists.dictionary_decode()
        if is_text(lists.type):
            lists = lists_of_json(lists.cast(pa.string()))
        if not (pat.is_list(lists.type) or pat.is_large_list(lists.type)):
            rows = np.arange(len(lists))
            return cls(rows, rows * 0, pa.nulls(len(lists), pa.string()))
        lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        counts = np.maximum(lengths, 1)
        parents = np.repeat(np.arange(len(lists)), counts)
        places = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
        index = (np.cumsum(lengths) - lengths)[parents] + places
        elements = lists.flatten().take(pa.array(index, mask=lengths[parents] == 0))
        return cls(parents, places, elements)

    def values_at(
        self, paths: Sequence[Path], outer: Mapping[Path, ArrowArray], ids: Collection[Path]
    ) -> dict[Path, ArrowArray]:
        """The values at some paths: those of the element, else those of the row that holds it.

        Args:
            paths: where the values lie.
            outer: the values in the rows with the lists.
            ids: those of the paths at which JSON must have text or whole numbers.
        """
        parents = pa.array(self.parents)
        inner = self._in_elements(paths, ids)
        return {
            path: _first(inner.get(path), outer[path], parents, len(self.parents)) for path in paths
        }

    def text(self, row: int) -> str | None:
        """An element as JSON; None for a row without a list."""
        element = self.elements[row].as_py()
        is_json = element is None or isinstance(element, str)
        return element if is_json else orjson.dumps(element, default=str).decode()

    def _in_elements(self, paths: Sequence[Path], ids: Collection[Path]) -> dict[Path, ArrowArray]:
        type_ = self.elements.type
        if is_text(type_):
            texts = self.elements.cast(pa.string())
            _, values = values_of_json(texts, paths)
            found = dict(zip(paths, values, strict=True))
            return found | {p: without_other_kinds(found[p], texts, p) for p in paths if p in ids}
        if not pat.is_struct(type_):
            return {}
        fields = {f.name: compute.struct_field(self.elements, f.name) for f in type_}
        there = [path for path in paths if path.column_of(fields)]
        return values_at(fields, there, len(self.elements))


def _first(
    inner: ArrowArray | None, outer: ArrowArray, parents: ArrowArray, rows: int
) -> ArrowArray:
    if inner is not None and not inner.null_count:
        return inner
    held = outer.take(parents)
    if inner is None or inner.null_count == rows:
        return held
    if held.null_count == rows:
        return inner
    if isinstance(held, pa.DictionaryArray):
        held = held.dictionary_decode()
    if held.type != inner.type:
        held, inner = held.cast(pa.string()), inner.cast(pa.string())
    return compute.coalesce(inner, held)
