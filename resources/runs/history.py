"""Dagster's history: runs and events of long ago go, what says that a partition is there stays."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks
from dagster._core.storage.event_log.schema import AssetEventTagsTable as Tags
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

_RUNS_AT_ONCE = 500
_MATERIALIZATION = dg.DagsterEventType.ASSET_MATERIALIZATION.value


@dataclass(frozen=True)
class Removed:
    """How many runs and events of the history are gone."""

    runs: int
    events: int


def remove_old_runs(instance: dg.DagsterInstance, older_than: timedelta) -> Removed:
    """Delete finished runs that began before, with their events, logs and check results.

    The newest materialization and the newest results of the checks of each partition stay, so that
    nothing looks missing and no condition asks for it again. May be killed at any moment.

    Args:
        instance: whose history.
        older_than: age of the runs.
    """
    runs = events = 0
    for batch in _old_runs(instance, datetime.now(UTC) - older_than):
        events += _remove_events(instance, batch)
        for run_id in batch:
            _remove_files(instance, run_id)
            instance.run_storage.delete_run(run_id)
        runs += len(batch)
    return Removed(runs, events)


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[list[str]]:
    old = dg.RunsFilter(statuses=FINISHED_STATUSES, created_before=before)
    while batch := [run.run_id for run in instance.get_runs(old, limit=_RUNS_AT_ONCE)]:
        yield batch


def _remove_events(instance: dg.DagsterInstance, runs: list[str]) -> int:
    of_runs = Events.c.run_id.in_(runs)
    newest = (
        db.select(db.func.max(Events.c.id))
        .where(Events.c.dagster_event_type == _MATERIALIZATION)
        .group_by(Events.c.asset_key, Events.c.partition)
    )
    newest_results = db.select(db.func.max(Checks.c.id)).group_by(
        Checks.c.asset_key, Checks.c.check_name, Checks.c.partition
    )
    gone = db.and_(of_runs, Events.c.id.not_in(newest))
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        connection.execute(
            Tags.delete().where(Tags.c.event_id.in_(db.select(Events.c.id).where(gone)))
        )
        connection.execute(
            Checks.delete().where(
                db.and_(Checks.c.run_id.in_(runs), Checks.c.id.not_in(newest_results))
            )
        )
        return int(connection.execute(Events.delete().where(gone)).rowcount)


def _remove_files(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        database = Path(storage.path_for_shard(run_id))
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                database.with_name(database.name + suffix).unlink()
