"""Rows of people who were erased: told by keyed hashes of their ids, while a source is read."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNQUOTED = re.compile(r'[^\s,;|"\'{}\[\]:]+')


@dataclass(frozen=True)
class ErasedUsers:
    """Whom no run may bring back.

    Attributes:
        key: of the hashes; empty when nobody was erased.
        hashes: of their ids, as `hash_of` makes them.
    """

    key: bytes = b""
    hashes: frozenset[str] = frozenset()

    def without_events(self, events: pa.Table) -> pa.Table:
        """The events of the others, by their column `userId`."""
        if not self.hashes:
            return events
        users = pc.unique(events["userId"]).to_pylist()
        erased = [user for user in users if self._holds(user)]
        if not erased:
            return events
        return events.filter(pc.invert(pc.is_in(events["userId"], pa.array(erased, pa.string()))))

    def without_texts(self, rejected: pa.Table) -> pa.Table:
        """The refused rows none of whose values, as they stand in `rowText`, is such an id."""
        if not self.hashes:
            return rejected
        texts = rejected["rowText"].to_pylist()
        kept = [not any(map(self._holds, _values(text or ""))) for text in texts]
        return rejected.filter(pa.array(kept, pa.bool_()))

    def holds(self, ids: "pa.ChunkedArray[Any]") -> npt.NDArray[np.bool_]:
        """Which of some ids are of such people."""
        if not self.hashes:
            return np.zeros(len(ids), np.bool_)
        erased = {user for user in pc.unique(ids).to_pylist() if self._holds(user)}
        return np.array([user in erased for user in ids.to_pylist()], np.bool_)

    def with_hashes(self, rows: pa.Table, column: str) -> pa.Table:
        """The rows with the hash of such an id in its place, so that it is still told apart."""
        if not self.hashes:
            return rows
        erased = {u for u in pc.unique(rows[column]).to_pylist() if self._holds(u)}
        hidden = {user: self._hash(str(user)) for user in erased}
        ids = [hidden.get(user, user) for user in rows[column].to_pylist()]
        place = rows.schema.get_field_index(column)
        return rows.set_column(place, column, pa.array(ids, pa.string()))

    def _holds(self, user: str | None) -> bool:
        return user is not None and self._hash(user) in self.hashes

    def _hash(self, user: str) -> str:
        """The hash of an id; that of a hash, which aliases of an erased user name, is itself."""
        return user if user in self.hashes else hash_of(user, self.key)


NOBODY = ErasedUsers()


def hash_of(user: str, key: bytes) -> str:
    """What `erased_users` keeps of an id: without the key nobody can try ids against it."""
    return hmac.new(key, user.encode(), hashlib.sha256).hexdigest()


def _values(text: str) -> Iterator[str]:
    for quoted in _QUOTED.findall(text):
        yield quoted[1:-1]
        yield _unescaped(quoted)
    yield from _UNQUOTED.findall(text)


def _unescaped(quoted: str) -> str:
    try:
        value: Any = orjson.loads(quoted)
    except orjson.JSONDecodeError:
        return ""
    return str(value)
