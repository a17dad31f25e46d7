"""Rows of people who were erased: told by keyed hashes of their ids, while a source is read."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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

    def _holds(self, user: str | None) -> bool:
        return user is not None and hash_of(user, self.key) in self.hashes


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
