"""The application transactions that a table's log notes, all in one pass; its newest checkpoint."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from resources.delta.changes import actions_of, log_entry, log_file
from resources.storage import StoredFile, StoredObject, find, join

_NEWEST_CHECKPOINT = "_last_checkpoint"
_NO_CHECKPOINT = -1
# What the pointer says of a checkpoint that is not one Parquet file by the older rules.
_OTHER_CHECKPOINTS = ("parts", "v2Checkpoint")


def transactions(location: str, log: DeltaTable) -> Mapping[str, int] | None:
    """The newest number of each application transaction, by its id.

    delta-rs goes through the log once for each id that it is asked for.

    Args:
        location: folder of the table.
        log: the version that counts.

    Returns:
        None: the log is kept in a way that delta-rs alone should read, or was cleaned meanwhile.
    """
    pointer = _pointer(location)
    checkpoint = pointer.get("version", _NO_CHECKPOINT)
    if any(pointer.get(name) for name in _OTHER_CHECKPOINTS) or checkpoint > log.version():
        return None
    noted: dict[str, int] = {}
    if checkpoint != _NO_CHECKPOINT:
        file = find(join(location, "_delta_log", f"{checkpoint:020}.checkpoint.parquet"))
        if file is None:
            return None
        noted.update(_in_checkpoint(file))
    for version in range(checkpoint + 1, log.version() + 1):
        entry = log_entry(location, version)
        if not entry:
            return None
        noted.update(_in_entry(entry))
    return noted


def entries_since_checkpoint(location: str, log: DeltaTable) -> int:
    """How many entries of the log a reader opens beside its newest checkpoint.

    Args:
        location: folder of the table.
        log: the version that counts.
    """
    return log.version() - int(_pointer(location).get("version", _NO_CHECKPOINT))


def _pointer(location: str) -> dict[str, Any]:
    """What the log says of its newest checkpoint."""
    said: dict[str, Any] = orjson.loads(log_file(location, _NEWEST_CHECKPOINT) or b"{}")
    return said


def _in_checkpoint(stored: StoredObject) -> dict[str, int]:
    with pq.ParquetFile(cast("BinaryIO", StoredFile(stored))) as file:
        noted = file.read(columns=["txn"])["txn"].combine_chunks().drop_null()
    ids, versions = (pc.struct_field(noted, name) for name in ("appId", "version"))
    return dict(zip(ids.to_pylist(), versions.to_pylist(), strict=True))


def _in_entry(entry: bytes) -> dict[str, int]:
    said = (action["txn"] for action in actions_of(entry) if "txn" in action)
    return {transaction["appId"]: transaction["version"] for transaction in said}
