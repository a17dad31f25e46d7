"""Dagster's history in SQLite: set up once, its databases kept open, and served by one daemon."""

import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import dagster as dg
import sqlalchemy as db
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules.schema import AssetDaemonAssetEvaluationsTable as Evaluations
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from dagster._time import datetime_from_timestamp
from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from resources.runs.home import HomeError, held_by_daemon, require_no_daemon
from resources.runs.limits import FULL_DISK, SystemLimitError
from resources.runs.liveness import hold
from resources.runs.packing import pack_records

if TYPE_CHECKING:  # the package of the daemon takes long to import
    from dagster._daemon.types import DaemonHeartbeat

_LEAST_BYTES = 1 << 20
_BUSY_SECONDS = 30
EVALUATIONS_KEPT = 10
# Dagster sets the one in `dagster dev`, before it opens the home; its children inherit both.
_DEV, _DEV_OF = "DAGSTER_IS_DEV_CLI", "DAGSTER_DEV_OF_HOME"
_BECOMING_DAEMON = threading.Lock()
# Warns at the first start of a home that there was none before.
_RETRIES = logging.getLogger("dagster.daemon.EventLogConsumerDaemon")
_FIRST_START = "No cursor for event type"
# A run writes into its own database and into the one of all runs.
_OPEN_DATABASES = 2


class OpenEventLogs(SqliteEventLogStorage):
    """Keeps the last databases open, and packs what it stores in them.

    Dagster opens and closes two databases and compiles all statements anew for every event, which
    was four fifths of the time of a run over 400 days.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """As Dagster's own."""
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        """The database of a run, or of all runs; the one that waited longest is closed for it."""
        engine = self._engines.pop(shard, None)
        if engine and not Path(self.path_for_shard(shard)).exists():
            engine.dispose()
            engine = None
        while len(self._engines) >= _OPEN_DATABASES:
            self._engines.pop(next(iter(self._engines))).dispose()
        self._engines[shard] = engine or pack_records(_opened(self.conn_string_for_shard(shard)))
        return self._engines[shard]

    def store_event(self, event: EventLogEntry) -> None:
        """As Dagster's own; the process that begins a run holds its lock before it says so.

        The executor comes a moment later: a process killed in between would leave a run that
        seems to go on for ever. A run has failed before its failure can be read: the daemon that
        starts failed runs again takes each failure once, and drops that of a run which goes on.
        """
        if event.dagster_event_type is DagsterEventType.RUN_START:
            hold(self._instance, event.run_id)
        if event.dagster_event_type is DagsterEventType.RUN_FAILURE:
            failure, when = event.get_dagster_event(), datetime_from_timestamp(event.timestamp)
            self._instance.run_storage.handle_run_event(event.run_id, failure, when)
        super().store_event(event)

    def dispose(self) -> None:
        """Close all databases."""
        super().dispose()
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()


class RunsOfOneDaemon(SqliteRunStorage):
    """Lets one process at a time be the daemon of a Dagster home, and watches runs from the start.

    A run without an origin can be started by nobody but the process that creates it: a command.
    """

    _daemon: FileLock | None = None

    @cached_property
    def _engine(self) -> Engine:
        return _opened(self._conn_string)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """As Dagster's own, with a database that stays open."""
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close the database."""
        super().dispose()
        self._engine.dispose()

    def add_run(self, dagster_run: dg.DagsterRun) -> dg.DagsterRun:
        """As Dagster's own; a command that is killed before its run starts is found dead."""
        if dagster_run.remote_job_origin is None:
            hold(self._instance, dagster_run.run_id)
        return super().add_run(dagster_run)

    def add_daemon_heartbeat(self, daemon_heartbeat: "DaemonHeartbeat") -> None:
        """As Dagster's own; the first of a process, before it does anything, makes it the daemon.

        Each part of a daemon begins with one, in a thread of its own: an error would be noted, and
        the part would go on.
        """
        with _BECOMING_DAEMON:
            if self._daemon is None:
                self._daemon = self._hold_home()
                _RETRIES.addFilter(_is_no_first_start)
        super().add_daemon_heartbeat(daemon_heartbeat)

    def _hold_home(self) -> FileLock:
        try:
            return held_by_daemon(Path(self._instance.root_directory))
        except HomeError as error:
            error.show()
            os._exit(error.exit_code)


def _is_no_first_start(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_FIRST_START)


class FewEvaluations(SqliteScheduleStorage):
    """Keeps of each asset's condition the last evaluations, and the last that asked for a run.

    All of a look take a megabyte or more, twice a minute while anything changes; Dagster keeps
    those of 30 days.
    """

    def purge_asset_evaluations(self, before: float) -> None:
        """As Dagster's own, and what is more than that; called at the end of each look."""
        super().purge_asset_evaluations(before)
        newest_first = Evaluations.c.id.desc()
        of_asset = Evaluations.c.asset_key
        asked = Evaluations.c.num_requested > 0
        numbered = db.select(
            Evaluations.c.id,
            asked.label("asked"),
            _numbered(of_asset, order=newest_first).label("number"),
            _numbered(of_asset, asked, order=newest_first).label("number_of_kind"),
        ).subquery()
        is_kept = (numbered.c.number <= EVALUATIONS_KEPT) | (
            numbered.c.asked & (numbered.c.number_of_kind <= EVALUATIONS_KEPT)
        )
        kept = db.select(numbered.c.id).where(is_kept)
        with self.connect() as connection:
            connection.execute(Evaluations.delete().where(Evaluations.c.id.not_in(kept)))


def _numbered(*parts: Any, order: Any) -> Any:
    return db.func.row_number().over(partition_by=parts, order_by=order)


def _opened(database: str) -> Engine:
    """A database that stays open.

    Nobody waits for the disk with each record, 366 times in a small day's run, but only where its
    log is copied into the database. Records of a process that dies stay; the last ones before a
    power failure may be missing, as if the run had been killed a moment earlier.
    """
    engine = create_engine(database, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(
        engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL")
    )
    return engine


class SharedSqliteStorage(DagsterSqliteStorage):
    """One process at a time opens the databases: two that create them together break them."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """As Dagster's own, which opens its own kinds of the same databases first."""
        self.base_dir = base_dir
        self._inst_data = inst_data
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]
        folder = Path(base_dir) / "history" / "runs"
        self._run_storage = RunsOfOneDaemon.from_local(str(folder.parent))
        self._event_log_storage = OpenEventLogs(str(folder))
        self._schedule_storage = FewEvaluations.from_local(str(Path(base_dir) / "schedules"))

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Self:
        """Open the databases below the folder; create them when they are not there."""
        folder = Path(base_dir)
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "opening.lock"):
            return cls(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:
        """As `dagster.yaml` names it.

        Raises:
            HomeError: this process is a second `dagster dev` of the home.
        """
        if _DEV in os.environ and os.environ.get(_DEV_OF) != config_value["base_dir"]:
            require_no_daemon(Path(config_value["base_dir"]))
            os.environ[_DEV_OF] = config_value["base_dir"]
        return cls.from_local(config_value["base_dir"], inst_data)


@event.listens_for(Engine, "handle_error")
def _say_that_the_disk_is_full(context: ExceptionContext) -> None:
    """SQLite calls it an I/O error, as often as not."""
    database = context.engine.url.database if context.engine else None
    if database is None or not isinstance(context.original_exception, sqlite3.OperationalError):
        return
    folder = Path(database).parent
    if folder.is_dir() and shutil.disk_usage(folder).free < _LEAST_BYTES:
        raise SystemLimitError(f"{folder}: {context.original_exception}. {FULL_DISK}")
