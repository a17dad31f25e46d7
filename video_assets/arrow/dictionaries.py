"""Texts in dictionaries: each distinct text once, and its number in each row."""

from typing import Any

import numpy as np
import pyarrow as pa

NUMBERED_TEXT = pa.dictionary(pa.int32(), pa.string())
# From so many unused texts on, numbering anew is faster than going through all of them.
_TEXTS_PER_ROW = 4


def numbered(column: Any) -> Any:
    """A column of texts of any type as numbered texts; any other as it is."""
    type_ = column.type
    if pa.types.is_dictionary(type_):
        return column if type_ == NUMBERED_TEXT else column.cast(NUMBERED_TEXT)
    is_text = pa.types.is_string(type_) or pa.types.is_large_string(type_)
    if not (is_text or pa.types.is_string_view(type_)):
        return column
    return column.cast(pa.string()).dictionary_encode()


def compact(column: Any) -> Any:
    """An array without those texts of its dictionary that no row has."""
    if not isinstance(column, pa.DictionaryArray) or not len(column.dictionary):
        return column
    if len(column.dictionary) > _TEXTS_PER_ROW * len(column):
        return column.dictionary_decode().dictionary_encode()
    codes = column.indices.fill_null(0).to_numpy()
    used = np.zeros(len(column.dictionary), np.bool_)
    used[codes] = True
    if used.all():
        return column
    renumbered = (np.cumsum(used, dtype=np.int32) - np.int32(1))[codes]
    absent = column.indices.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    return pa.DictionaryArray.from_arrays(
        pa.array(renumbered, pa.int32(), mask=absent), column.dictionary.filter(pa.array(used))
    )
