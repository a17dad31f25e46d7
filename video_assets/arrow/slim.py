"""Batches of rows in few bytes, for their way from task to task.

What most rows of a source do not have (a seek's target, dimensions), and what many rows in a row
have in common (the day, the file), takes no room: such columns are runs of equal values. Numbers of
texts are as short as the number of texts allows.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from video_assets.arrow.dictionaries import NUMBERED_TEXT, compact
from video_assets.arrow.types import compute

# Below that many rows a run, a run takes more room than its rows.
_ROWS_PER_RUN = 4
_LARGEST_NUMBERS = {pa.int8(): 2**7 - 1, pa.int16(): 2**15 - 1}


def slim(rows: pa.Table) -> pa.RecordBatch:
    """The rows as one batch that `restored` reads; texts are to be numbered ones."""
    columns = [_slim(column.combine_chunks()) for column in rows.columns]
    return pa.RecordBatch.from_arrays(columns, names=rows.column_names)


def restored(rows: pa.Table) -> pa.Table:
    """The rows that `slim` was given, with numbered texts."""
    return pa.table([_restored(column) for column in rows.columns], names=rows.column_names)


def _slim(column: Any) -> Any:
    type_ = column.type
    if pa.types.is_dictionary(type_):
        return _short_numbers(compact(column))
    if column.null_count == len(column):
        return _one_run(column)
    is_day_or_number = pa.types.is_date32(type_) or pa.types.is_int32(type_)
    return _runs(column) if is_day_or_number and not column.null_count else column


def _one_run(nulls: Any) -> Any:
    ends = pa.array([len(nulls)] if len(nulls) else [], pa.int32())
    return pa.RunEndEncodedArray.from_arrays(ends, nulls[:1])


def _runs(column: Any) -> Any:
    values = column.view(pa.int32()).to_numpy()
    ends = np.append(np.flatnonzero(values[1:] != values[:-1]) + 1, [len(values)])
    if len(ends) * _ROWS_PER_RUN > len(values):
        return column
    return pa.RunEndEncodedArray.from_arrays(
        pa.array(ends, pa.int32()), column.take(pa.array(ends - 1))
    )


def _short_numbers(column: Any) -> Any:
    for short, largest in _LARGEST_NUMBERS.items():
        if len(column.dictionary) <= largest:
            return pa.DictionaryArray.from_arrays(column.indices.cast(short), column.dictionary)
    return column


def _restored(column: Any) -> Any:
    type_ = column.type
    if pa.types.is_run_end_encoded(type_):
        chunks = [compute.run_end_decode(chunk) for chunk in column.chunks]
        return pa.chunked_array(chunks, type_.value_type)
    return column.cast(NUMBERED_TEXT) if pa.types.is_dictionary(type_) else column
