"""Dagster's records, packed where they are long: JSON in which the same names come again and again.

Of the 800 KB that a daily run records, 150 KB stay. Everything that reads or writes the databases
of events opens them here, and sees the records as Dagster wrote them; so do databases from before,
which hold them as they are.
"""

import base64
import sqlite3
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

# Records begin with a brace: neither a name nor a key of the databases is packed.
_RECORD = "{"
_SHORTEST = 300
_MARK = "packed1:"
# Packed texts refer to it for ever: another one needs another mark, beside this one.
_WORDS = Path(__file__).with_name("record_words.txt").read_bytes()
_FORMAT = -zlib.MAX_WBITS


# The same record goes into the databases of its run, of all runs, and of a check's results.
@lru_cache(maxsize=1)
def packed(text: str) -> str:
    """A record as it is stored; other texts, and short ones, as they are."""
    if not text.startswith(_RECORD) or len(text) < _SHORTEST:
        return text
    pack = zlib.compressobj(wbits=_FORMAT, zdict=_WORDS)
    return _MARK + base64.b85encode(pack.compress(text.encode()) + pack.flush()).decode()


def unpacked(stored: bytes) -> str:
    """A text as it was before it was stored."""
    text = stored.decode()
    if not text.startswith(_MARK):
        return text
    unpack = zlib.decompressobj(wbits=_FORMAT, zdict=_WORDS)
    return unpack.decompress(base64.b85decode(text.removeprefix(_MARK))).decode()


def read_packed(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Let a connection read texts as they were before they were stored."""
    connection.text_factory = unpacked
    return connection


def pack_records(engine: Engine) -> Engine:
    """Let an engine pack what it stores, and read texts as they were."""
    event.listen(engine, "connect", lambda connection, _: read_packed(connection))
    event.listen(engine, "before_cursor_execute", _with_packed_records, retval=True)
    return engine


def _with_packed_records(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: Any
) -> tuple[str, Any]:
    if not statement.startswith(("INSERT", "UPDATE")):
        return statement, parameters
    if many:
        return statement, [_packed_row(row) for row in parameters]
    return statement, _packed_row(parameters)


def _packed_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(packed(value) if isinstance(value, str) else value for value in row)
