"""Tidies a table while others read and write it: small files, log entries, files of the past."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import obstore
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from resources.delta.commit import open_table
from resources.delta.deletion_vectors import file_name, is_deletion_vector, rows_marked_deleted
from resources.delta.table import Table
from resources.delta.transactions import entries_since_checkpoint
from resources.storage import delete_keys, object_store

TARGET_BYTES = 128 * 1024 * 1024
# Joining files reads and writes all their rows again: not for a handful.
_FILES_WORTH_JOINING = 4
# Between two runs of a weekly maintenance, and a day for whoever repairs it.
_BETWEEN_RUNS = timedelta(days=8)
# A reader opens each log entry since the checkpoint; a checkpoint may be longer than a few of them.
_ENTRIES_WORTH_A_CHECKPOINT = 10
_LOG = "_delta_log/"
MAX_STORED_RATIO = 3.0
MAX_FILES_RATIO = 10.0


@dataclass(frozen=True)
class Extent:
    """What a table occupies.

    Attributes:
        live_files: files of its newest version.
        live_bytes: their bytes.
        needed_files: files that so many bytes need, in the partitions that they are in.
        past_files: other files in its folder, of older versions and of runs that go on.
        past_bytes: their bytes.
        log_files: files that say which of them are of which version.
        log_bytes: their bytes.
        overdue_bytes: bytes of data files that no version needs which readers may still open, and
            that a weekly `maintenance` would have deleted.
    """

    live_files: int
    live_bytes: int
    needed_files: int
    past_files: int
    past_bytes: int
    log_files: int
    log_bytes: int
    overdue_bytes: int

    @property
    def stored_bytes(self) -> int:
        """All that lies in its folder."""
        return self.live_bytes + self.past_bytes + self.log_bytes

    @property
    def is_tidy(self) -> bool:
        """Whether the past takes no more than twice the present, and files are not crumbs."""
        return (
            self.live_bytes + self.overdue_bytes <= MAX_STORED_RATIO * self.live_bytes
            and self.live_files <= MAX_FILES_RATIO * self.needed_files
        )


def extent(location: str, retention: timedelta, now: datetime | None = None) -> Extent:
    """What a table occupies, by its log and a listing of its folder.

    Args:
        location: folder of a table that is there.
        retention: how long files that no newest version needs are left for readers.
        now: time to compare with; None: now.

    Raises:
        deltalake.exceptions.TableNotFoundError: there is none.
    """
    table = open_table(location)
    live = dict(_live_files(table))
    per_partition: defaultdict[Any, int] = defaultdict(int)
    for size, partition in live.values():
        per_partition[partition] += size
    overdue_since = (now or datetime.now(UTC)) - retention - _BETWEEN_RUNS
    stored = [entry for page in obstore.list(object_store(location)) for entry in page]
    log = [entry for entry in stored if entry["path"].startswith(_LOG)]
    past = [
        entry
        for entry in stored
        if not entry["path"].startswith(_LOG) and entry["path"] not in live
    ]
    overdue = (
        entry["size"]
        for entry in past
        if entry["path"].endswith(".parquet") and entry["last_modified"] < overdue_since
    )
    return Extent(
        live_files=len(live),
        live_bytes=sum(per_partition.values()),
        needed_files=sum(map(_needed, per_partition.values())),
        past_files=len(past),
        past_bytes=sum(entry["size"] for entry in past),
        log_files=len(log),
        log_bytes=sum(entry["size"] for entry in log),
        overdue_bytes=sum(overdue),
    )


def tidy(location: str, table: Table, retention: timedelta) -> tuple[Extent, Extent]:
    """Join small files, drop log entries and files that nobody needs.

    A log of many entries gets a checkpoint, without which none of them could go.

    Files that hold rows which another tool marked as deleted are written again without them.

    Each partition is joined by a commit of its own, which yields to a run that replaces the
    partition at the same moment. Files of the last `retention` stay: versions that readers have
    open, and what a running step wrote and did not commit yet. May be killed at any moment.

    Args:
        location: folder of a table that is there.
        table: its declaration.
        retention: how long files that no newest version needs are left.

    Returns:
        What it occupied before and what it occupies now.

    Raises:
        deltalake.exceptions.DeltaError: the table or its storage is broken.
    """
    before = extent(location, retention)
    existing = open_table(location)
    marked = rows_marked_deleted(existing)
    for partition in _crumbled(existing):
        with suppress(CommitFailedError):  # a run replaces it: another week
            open_table(location).optimize.compact(
                partition_filters=_only(partition, table),
                target_size=TARGET_BYTES,
                max_concurrent_tasks=1,
            )
    for partition in _with_files(open_table(location), marked) if marked else ():
        with suppress(CommitFailedError):
            open_table(location).optimize.z_order(  # `compact` leaves a single file as it is
                [next(name for name in table.key if name != table.partition_by)],
                partition_filters=_only(partition, table),
                target_size=TARGET_BYTES,
                max_concurrent_tasks=1,
            )
    newest = open_table(location)
    if entries_since_checkpoint(location, newest) >= _ENTRIES_WORTH_A_CHECKPOINT:
        newest.create_checkpoint()
    newest.cleanup_metadata()
    _vacuum(newest, location, retention, keep_deletion_vectors=bool(marked))
    return before, extent(location, retention)


def join_files(location: str, table: Table, partition: str, most: int) -> None:
    """Join the files of a partition where it has more of them; another writer's change goes first.

    Args:
        location: folder of a table that is there.
        table: its declaration.
        partition: value of its partition column.
        most: how many files it may have.
    """
    existing = open_table(location)
    files = [of_file for _, (_, of_file) in _live_files(existing) if of_file == partition]
    if len(files) > most:
        with suppress(CommitFailedError):
            existing.optimize.compact(
                partition_filters=_only(partition, table),
                target_size=TARGET_BYTES,
                max_concurrent_tasks=1,
            )


def _only(partition: str | None, table: Table) -> list[tuple[str, str, Any]] | None:
    return [(table.partition_by or "", "=", partition)] if partition else None


def _vacuum(
    newest: DeltaTable, location: str, retention: timedelta, *, keep_deletion_vectors: bool
) -> None:
    """Delete what nobody needs; deletion vectors a time later, since delta-rs knows no age of them.

    It deletes those that the newest version needs as well, and the table cannot be read any more.
    """
    unneeded = newest.vacuum(
        retention_hours=int(retention / timedelta(hours=1)),
        enforce_retention_duration=False,
        full=True,
        dry_run=True,  # which would else note in the log that it came, also where nothing goes
    )
    keys = map(unquote, unneeded)
    delete_keys(
        location, [key for key in keys if not (keep_deletion_vectors and is_deletion_vector(key))]
    )


def _with_files(existing: DeltaTable, names: Collection[str]) -> list[str | None]:
    """Partitions that hold one of the files, as text."""
    found = {partition for key, (_, partition) in _live_files(existing) if file_name(key) in names}
    return sorted(found, key=str)


def _crumbled(existing: DeltaTable) -> list[str | None]:
    """Partitions of many small files, as text; None stands for a table without partitions."""
    sizes: defaultdict[str | None, list[int]] = defaultdict(list)
    for _, (size, partition) in _live_files(existing):
        sizes[partition].append(size)
    return sorted(
        (
            partition
            for partition, of_partition in sizes.items()
            if len(of_partition) - _needed(sum(of_partition)) >= _FILES_WORTH_JOINING
        ),
        key=str,
    )


def _live_files(existing: DeltaTable) -> Iterator[tuple[str, tuple[int, str | None]]]:
    files = pa.table(existing.get_add_actions(flatten=True))
    partitions = [name for name in files.column_names if name.startswith("partition.")]
    columns = ["path", "size_bytes", *partitions[:1]]
    for path, size, *partition in zip(*(files[name].to_pylist() for name in columns), strict=True):
        yield unquote(path), (size, str(partition[0]) if partition else None)


def _needed(size: int) -> int:
    return max(1, -(-size // TARGET_BYTES))
