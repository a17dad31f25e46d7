"""What a table was computed from, and which files of that origin changed since, by the log."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from resources.delta.commit import ORIGIN, open_table
from resources.storage import find, join, plain_location, read_objects

_COMMITS_LOOKED_BACK = 100
_KEEP_ALL_ROWS = {"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES"}


@dataclass(frozen=True)
class ChangedFiles:
    """Data files whose rows are not the same in two versions of a table.

    Attributes:
        locations: where they are; those that are gone from the table are still there.
        rows: rows in all of them.
    """

    locations: tuple[str, ...]
    rows: int


def origin_of(table: DeltaTable) -> Mapping[str, str] | None:
    """What the newest commit of rows was computed from, as its `StagedTable` said.

    None: it did not say, others changed rows since, or it was too long ago.
    """
    for entry in table.history(_COMMITS_LOOKED_BACK):
        if ORIGIN in entry:
            origin: dict[str, str] = json.loads(entry[ORIGIN])
            return origin or None
        if entry.get("operation") not in _KEEP_ALL_ROWS:
            return None
    return None


def origin_at(location: str, version: int, transaction: str) -> Mapping[str, str]:
    """What a commit was computed from, as its `StagedTable` said.

    Empty where it said nothing, the log has dropped it, or it is not the commit that noted the
    transaction under the number of its version.
    """
    entry = list(actions_of(log_entry(location, version)))
    noted = {
        (action["txn"]["appId"], action["txn"]["version"]) for action in entry if "txn" in action
    }
    if (transaction, version) not in noted:
        return {}
    said = (action["commitInfo"] for action in entry if "commitInfo" in action)
    origin: dict[str, str] = json.loads(next(said).get(ORIGIN, "{}"))
    return origin


def commit_digest(location: str, version: int) -> str:
    """What tells one commit from any other of that number; empty when the log has dropped it.

    A folder put back from a backup reaches the same numbers again by other commits.
    """
    entry = log_entry(location, version)
    return hashlib.sha256(entry).hexdigest()[:16] if entry else ""


def changed_files(location: str, newer: DeltaTable, since: int, digest: str) -> ChangedFiles | None:
    """The files whose rows came, went or were marked as deleted since an older version.

    Commits that only rearrange rows, such as joining small files, change nothing. Where a commit
    marks some rows of a file as deleted, all rows of the file count as changed.

    None: the older version cannot be told any more, is another commit than it was, or `VACUUM`
    deleted a file that is needed.

    Args:
        location: folder of the table.
        newer: the newer version.
        since: number of the older version.
        digest: `commit_digest` of the older version when it was the newest.
    """
    if newer.version() < since or commit_digest(location, since) != digest:
        return None
    if newer.version() == since:
        return ChangedFiles((), 0)
    entries = [log_entry(location, version) for version in range(since + 1, newer.version() + 1)]
    if not all(entries):
        return None
    try:
        rows = _rows_by_key(open_table(location, since))
    except DeltaError:
        return None
    changed: set[str] = set()
    for action, change in _file_actions(entries):
        key = unquote(change["path"])
        if action == "add":
            rows[key] = _rows_of(change)
        if change.get("dataChange", True):
            changed.add(key)
    if not _are_there(location, changed - _rows_by_key(newer).keys()):
        return None
    root = plain_location(location)
    return ChangedFiles(
        tuple(join(root, key) for key in sorted(changed)), sum(rows.get(k, 0) for k in changed)
    )


def log_entry(location: str, version: int) -> bytes:
    """The actions of a commit, a line each; empty when the log has dropped it."""
    return log_file(location, f"{version:020}.json")


def actions_of(entry: bytes) -> Iterator[dict[str, Any]]:
    """The actions of a commit, each by its kind."""
    return (orjson.loads(line) for line in entry.splitlines() if line)


def log_file(location: str, name: str) -> bytes:
    """A file of the log; empty when it is not there."""
    try:
        [contents] = read_objects(location, [f"_delta_log/{name}"])
    except FileNotFoundError:
        return b""
    return contents.to_pybytes()


def _file_actions(entries: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    for said in (said for entry in entries for said in actions_of(entry)):
        for action, change in said.items():
            if action in ("add", "remove"):
                yield action, change


def _rows_of(added: Mapping[str, Any]) -> int:
    return int(orjson.loads(added.get("stats") or "{}").get("numRecords") or 0)


def _rows_by_key(table: DeltaTable) -> dict[str, int]:
    files = pa.table(table.get_add_actions(flatten=True))
    paths: list[Any] = files["path"].to_pylist()
    rows: list[Any] = files["num_records"].to_pylist()
    return {unquote(path): count or 0 for path, count in zip(paths, rows, strict=True)}


def _are_there(location: str, keys: Iterable[str]) -> bool:
    return all(find(join(location, key)) for key in keys)
