"""The application transactions that a table's log notes, all in one pass."""

import io
from collections.abc import Mapping

import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from resources.delta.changes import log_entry, log_file

_NEWEST_CHECKPOINT = "_last_checkpoint"
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
    pointer = orjson.loads(log_file(location, _NEWEST_CHECKPOINT) or b"{}")
    checkpoint = pointer.get("version")
    if any(pointer.get(name) for name in _OTHER_CHECKPOINTS) or (checkpoint or 0) > log.version():
        return None
    noted: dict[str, int] = {}
    if checkpoint is not None:
        contents = log_file(location, f"{checkpoint:020}.checkpoint.parquet")
        if not contents:
            return None
        noted.update(_in_checkpoint(contents))
    since = 0 if checkpoint is None else checkpoint + 1
    for version in range(since, log.version() + 1):
        entry = log_entry(location, version)
        if not entry:
            return None
        noted.update(_in_entry(entry))
    return noted


def _in_checkpoint(contents: bytes) -> dict[str, int]:
    column = pq.read_table(io.BytesIO(contents), columns=["txn"])["txn"].combine_chunks()
    noted = column.drop_null()
    ids, versions = (pc.struct_field(noted, name) for name in ("appId", "version"))
    return dict(zip(ids.to_pylist(), versions.to_pylist(), strict=True))


def _in_entry(entry: bytes) -> dict[str, int]:
    actions = (orjson.loads(line) for line in entry.splitlines() if line)
    said = (action["txn"] for action in actions if "txn" in action)
    return {transaction["appId"]: transaction["version"] for transaction in said}
