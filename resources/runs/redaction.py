"""Takes words out of Dagster's history: run configuration, events, samples, logs."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from resources.runs.packing import read_packed

_INSTEAD = "erased"
_WAIT_SECONDS = 60.0
# Dagster finds its records by these: a person's id that is also the name of a step stays one.
_STRUCTURE = re.compile(r"(__\w+__|\w*_(type|key|id|name|value)|name|status|event_type_value)$")


def redact_home(home: Path, words: "re.Pattern[str]") -> int:
    """Replace the words in every database and file of a Dagster home; returns how many records.

    Databases are rewritten, so that no free page holds what was there. May be killed, and run
    again.
    """
    redacted = 0
    for path in sorted(home.rglob("*")):
        if path.suffix == ".db":
            redacted += _redact_database(path, words)
        elif path.is_file() and not path.name.endswith((".db-wal", ".db-shm", ".lock")):
            redacted += _redact_file(path, words)
    return redacted


def files_with(home: Path, words: "re.Pattern[str]") -> Iterator[str]:
    """Files of a Dagster home that hold one of the words; of databases, in their texts."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and _holds(path, words):
            yield str(path.relative_to(home))


def _holds(path: Path, words: "re.Pattern[str]") -> bool:
    if path.suffix != ".db":
        return bool(words.search(path.read_bytes().decode("utf-8", "replace")))
    with closing(_opened(path)) as connection:
        return any(
            words.search(text)
            for table in _tables(connection)
            for column in _columns(connection, table)
            for _, text in _texts(connection, table, column)
        )


def _redact_file(path: Path, words: "re.Pattern[str]") -> int:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    if not words.search(text):
        return 0
    path.write_bytes(words.sub(_INSTEAD, text).encode("utf-8", "surrogateescape"))
    return 1


def _redact_database(path: Path, words: "re.Pattern[str]") -> int:
    with closing(_opened(path)) as connection:
        redacted = sum(_redact_table(connection, name, words) for name in _tables(connection))
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return redacted


def _opened(path: Path) -> sqlite3.Connection:
    return read_packed(sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None))


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in found if not name.startswith("sqlite_")]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


def _texts(connection: sqlite3.Connection, table: str, column: str) -> Iterator[tuple[int, str]]:
    yield from connection.execute(
        f'SELECT rowid, "{column}" FROM "{table}" WHERE typeof("{column}") = \'text\''  # noqa: S608 (names of the database itself)
    )


def _redact_table(connection: sqlite3.Connection, table: str, words: "re.Pattern[str]") -> int:
    redacted = 0
    for column in _columns(connection, table):
        found = [
            (row, text) for row, text in _texts(connection, table, column) if words.search(text)
        ]
        connection.executemany(
            f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?',  # noqa: S608 (as above)
            [(_redacted(text, words), row) for row, text in found],
        )
        redacted += len(found)
    return redacted


def _redacted(text: str, words: "re.Pattern[str]") -> str:
    try:
        record = json.loads(text)
    except ValueError:
        return words.sub(_INSTEAD, text)
    return json.dumps(_without(record, words))


def _without(value: Any, words: "re.Pattern[str]") -> Any:
    if isinstance(value, dict):
        return {
            words.sub(_INSTEAD, key): item
            if isinstance(item, str) and _STRUCTURE.match(key)
            else _without(item, words)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without(item, words) for item in value]
    return words.sub(_INSTEAD, value) if isinstance(value, str) else value
