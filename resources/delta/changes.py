"""What a table was computed from, and which files of that origin came or went since."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from resources.delta.commit import ORIGIN, open_table
from resources.storage import find, join, plain_location

_COMMITS_LOOKED_BACK = 100
_KEEP_ALL_ROWS = {"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES"}


@dataclass(frozen=True)
class ChangedFiles:
    """Data files that only one of two versions of a table holds.

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


def changed_files(location: str, newer: DeltaTable, since: int) -> ChangedFiles | None:
    """The files that came or went between an older version of a table and a newer one.

    None: the older version cannot be told any more, or `VACUUM` deleted a file that it had.

    Args:
        location: folder of the table.
        newer: the newer version.
        since: number of the older version.
    """
    try:
        before = _rows_by_key(open_table(location, since))
    except DeltaError:
        return None
    after = _rows_by_key(newer)
    gone = {key: rows for key, rows in before.items() if key not in after}
    if not _are_there(location, gone):
        return None
    changed = gone | {key: rows for key, rows in after.items() if key not in before}
    root = plain_location(location)
    return ChangedFiles(tuple(join(root, key) for key in sorted(changed)), sum(changed.values()))


def _rows_by_key(table: DeltaTable) -> Mapping[str, int]:
    files = pa.table(table.get_add_actions(flatten=True))
    paths: list[Any] = files["path"].to_pylist()
    rows: list[Any] = files["num_records"].to_pylist()
    return {unquote(path): count or 0 for path, count in zip(paths, rows, strict=True)}


def _are_there(location: str, keys: Iterable[str]) -> bool:
    return all(find(join(location, key)) for key in keys)
