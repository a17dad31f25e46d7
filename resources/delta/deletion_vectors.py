"""Rows that another tool marked as deleted, in files that still hold them."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable


def allows_deletion_vectors(table: DeltaTable) -> bool:
    """Whether files of the table may have them."""
    return "deletionVectors" in (table.protocol().reader_features or ())


def rows_marked_deleted(table: DeltaTable) -> Mapping[str, int]:
    """How many rows of a file are deleted, by `file_name`; other files have all their rows."""
    if not allows_deletion_vectors(table):
        return {}
    deleted = (_deleted(pa.record_batch(batch)) for batch in table.deletion_vectors())
    return dict(chain.from_iterable(deleted))


def is_deletion_vector(key: str) -> bool:
    """Whether a file of the table's folder holds deletion vectors, by its name."""
    return file_name(key).startswith("deletion_vector_")


def file_name(path: str) -> str:
    """The last part of a path or URI of the log, which no two data files have in common."""
    return unquote(path).rpartition("/")[2]


def _deleted(marked: pa.RecordBatch) -> Iterator[tuple[str, int]]:
    for uri, kept in zip(marked["filepath"], marked["selection_vector"], strict=True):
        is_kept: Any = kept.values
        yield file_name(uri.as_py()), len(is_kept) - (pc.sum(is_kept).as_py() or 0)
