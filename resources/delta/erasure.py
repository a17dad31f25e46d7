"""Removes rows from every version of a table, and looks for what is left, byte by byte."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.delta.commit import open_table
from resources.delta.maintenance import tidy
from resources.delta.table import Table
from resources.storage import delete_keys, object_store

_NOTHING_STAYS = timedelta(0)
_AT_ONCE = 200
SHORTEST_UNLIKELY = 6
_NO_ID = "\0no id\0"
# What an id ends at: `ann` is not in `anna`, and not in `ann-2`.
_WORD = "A-Za-z0-9_-"


def text_pattern(ids: Sequence[str]) -> str:
    """A regular expression that finds any of the ids as a whole word, also escaped as in JSON."""
    spellings = sorted({spelling for user in ids for spelling in _spellings(user)})
    return "|".join(map(re.escape, spellings))


def whole_words(ids: Sequence[str]) -> "re.Pattern[str]":
    """The same, compiled, where a word ends before and after the id."""
    return re.compile(f"(?<![{_WORD}])(?:{text_pattern(ids)})(?![{_WORD}])")


def delete_where_equal(location: str, column: str, values: Sequence[str]) -> int:
    """Delete the rows of a table that have one of the values in a column; returns how many."""
    deleted = 0
    for start in range(0, len(values), _AT_ONCE):
        listed = ", ".join(map(_quoted, values[start : start + _AT_ONCE]))
        metrics = open_table(location).delete(f'"{column}" IN ({listed})')
        deleted += int(metrics["num_deleted_rows"])
    return deleted


def replace_equal(location: str, column: str, replacements: Mapping[str, str]) -> None:
    """Put other values into a column, each for one that is there."""
    for value, other in replacements.items():
        open_table(location).update(
            updates={column: _quoted(other)}, predicate=f'"{column}" = {_quoted(value)}'
        )


def delete_where_text_holds(location: str, expression: str, ids: Sequence[str]) -> int:
    """Delete the rows whose text holds one of the ids as a whole word; returns how many.

    Args:
        location: folder of the table.
        expression: SQL of the text, of columns of the table.
        ids: what to look for.
    """
    deleted = 0
    for start in range(0, len(ids), _AT_ONCE):
        words = text_pattern(ids[start : start + _AT_ONCE])
        pattern = _quoted(f"(^|[^{_WORD}])({words})($|[^{_WORD}])")
        metrics = open_table(location).delete(f"regexp_like({expression}, {pattern})")
        deleted += int(metrics["num_deleted_rows"])
    return deleted


def forget_past(location: str, table: Table) -> None:
    """Delete every older version: its files, its log entries with their statistics and predicates.

    No other run may use the table meanwhile. May be killed at any moment, and run again.
    """
    tidy(location, table, _NOTHING_STAYS)
    _commit_nothing(location)
    newest = open_table(location)
    newest.create_checkpoint()
    delete_keys(location, list(_log_before(location, newest.version())))


def _commit_nothing(location: str) -> None:
    """Make the newest log entry, which stays, one that names no file and nobody."""
    newest = open_table(location)
    newest.create_write_transaction(
        [], "append", newest.schema(), partition_by=newest.metadata().partition_columns
    )


def occurrences(root: str, ids: Sequence[str]) -> Iterator[str]:
    """Files below a folder that hold one of the ids.

    A Parquet file is searched by its decoded columns and its statistics, and, as every file, by
    its bytes: there for ids that are long enough not to stand in compressed bytes by chance. Of
    checkpoints the table's declaration is left out: an id may be a word of a column's comment.
    """
    words = whole_words(ids)
    unlikely = whole_words([user for user in ids if len(user) >= SHORTEST_UNLIKELY] or [_NO_ID])
    store = object_store(root)
    for page in obstore.list(store):
        for entry in page:
            content = pa.py_buffer(obstore.get(store, entry["path"]).bytes())
            is_parquet = entry["path"].endswith(".parquet")
            text = content.to_pybytes().decode("utf-8", "replace")
            if (unlikely if is_parquet else words).search(text) or (
                is_parquet and _in_parquet(content, words, _declaration(entry["path"]))
            ):
                yield entry["path"]


def _declaration(path: str) -> frozenset[str]:
    return frozenset({"metaData"}) if path.endswith(".checkpoint.parquet") else frozenset()


def _in_parquet(content: pa.Buffer, words: "re.Pattern[str]", leaving_out: frozenset[str]) -> bool:
    file = pq.ParquetFile(pa.BufferReader(content))
    if any(map(words.search, _statistics(file.metadata, leaving_out))):
        return True
    columns = [name for name in file.schema_arrow.names if name not in leaving_out]
    return any(
        words.search(str(text))
        for batch in file.iter_batches(batch_size=8_192, columns=columns, use_threads=False)
        for texts in map(_distinct_texts, batch.columns)
        for text in texts
    )


def _statistics(metadata: pq.FileMetaData, leaving_out: frozenset[str]) -> Iterator[str]:
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            is_left_out = column.path_in_schema.split(".")[0] in leaving_out
            found = column.statistics
            if not is_left_out and found is not None and found.has_min_max:
                yield f"{found.min} {found.max}"


def _distinct_texts(values: "pa.Array[Any]") -> list[object]:
    if pa.types.is_string(values.type):
        return list(pc.unique(values).to_pylist())
    if pa.types.is_nested(values.type):
        return [item for item in values.to_pylist() if item is not None]
    return []


def _log_before(location: str, version: int) -> Iterator[str]:
    for page in obstore.list(object_store(location), "_delta_log"):
        for entry in page:
            number = PurePosixPath(entry["path"]).name.split(".")[0]
            if number.isdigit() and int(number) < version:
                yield entry["path"]


def _spellings(user: str) -> Iterator[str]:
    """The id, and as JSON writes it, once and within a JSON text of a JSON text."""
    spelling = user
    for _ in range(3):
        yield spelling
        spelling = _escaped(spelling)
    yield user.encode("unicode_escape").decode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
