"""The values of an event's dimensions as one text, packed while reading and unpacked to count.

| device | country | text |
|---|---|---|
| `phone` | `CH` | `{"country":"CH","device":"phone"}` |
| `phone` | none | `{"device":"phone"}` |
| none | none | null |

There are few different texts, so they travel as numbers of a dictionary, however many dimensions
there are.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from video_assets.arrow.dictionaries import numbered
from video_assets.arrow.types import ArrowArray, Integers, TextArray

COLUMN = "dimensions"
_NOTHING = "{}"


@dataclass(frozen=True)
class Values:
    """The values of one dimension.

    Attributes:
        codes: place of each row's value among the texts; -1 where a row has none.
        texts: the different values.
    """

    codes: Integers
    texts: Sequence[str]

    @classmethod
    def of(cls, column: ArrowArray) -> "Values":
        """The texts of an Arrow column, plain or in a dictionary."""
        array = _numbered(column)
        return cls(_codes(array), array.dictionary.to_pylist())

    def at(self, rows: Integers) -> "Values":
        """The values at some rows; none where the row is -1."""
        return Values(np.where(rows < 0, -1, self.codes[rows]), self.texts)


def packed(dimensions: Mapping[str, Values], rows: int) -> TextArray:
    """One text a row; null where a row has no value of any dimension.

    Args:
        dimensions: by name.
        rows: how many.
    """
    combined = np.zeros(rows, np.int64)
    for values in dimensions.values():
        both = combined * (len(values.texts) + 1) + values.codes + 1
        # Numbered from 0 again, so that many dimensions do not overflow.
        combined = _codes(pa.array(both).dictionary_encode())
    row_of = np.zeros(combined.max(initial=-1) + 1, np.int64)
    row_of[combined] = np.arange(rows)
    texts = [_text(dimensions, row) for row in row_of.tolist()]
    is_empty = np.array([text == _NOTHING for text in texts], bool)[combined]
    indices: ArrowArray = pa.array(combined.astype(np.int32), mask=is_empty)
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))


def unpacked(column: ArrowArray) -> dict[str, Values]:
    """The values of each dimension that any row has one of, by its name in alphabetical order."""
    array = _numbered(column)
    parsed: list[dict[str, str]] = [orjson.loads(text) for text in array.dictionary.to_pylist()]
    text_of_row = _codes(array)
    return {
        name: Values.of(pa.array([each.get(name) for each in parsed], pa.string())).at(text_of_row)
        for name in sorted({name for each in parsed for name in each})
    }


def are_known(rows: pa.Table) -> bool:
    """Whether any of some rows has a value of any dimension."""
    return COLUMN in rows.column_names and rows[COLUMN].null_count < rows.num_rows


def ranks(column: ArrowArray) -> Integers:
    """The place of each row's text in the alphabet; rows without one come last."""
    values = Values.of(column)
    order = np.argsort(np.array([*values.texts, ""], object)[:-1])
    rank = np.empty(len(order) + 1, np.int64)
    rank[order] = np.arange(len(order))
    rank[-1] = len(order)
    return rank[values.codes]


def _text(dimensions: Mapping[str, Values], row: int) -> str:
    known = {
        name: values.texts[values.codes[row]]
        for name, values in dimensions.items()
        if values.codes[row] >= 0
    }
    return orjson.dumps(known, option=orjson.OPT_SORT_KEYS).decode()


def _numbered(column: ArrowArray) -> Any:
    is_chunked = isinstance(column, pa.ChunkedArray)
    return numbered(column.unify_dictionaries().combine_chunks() if is_chunked else column)


def _codes(array: ArrowArray) -> Integers:
    codes: Integers = array.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return codes
