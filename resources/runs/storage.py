"""Dagster's history in SQLite, set up once however many services start at the same moment."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from filelock import FileLock
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from resources.runs.limits import FULL_DISK, SystemLimitError

_LEAST_BYTES = 1 << 20


class SharedSqliteStorage(DagsterSqliteStorage):
    """One process at a time opens the databases: two that create them together break them."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Self:
        """Open the databases below the folder; create them when they are not there."""
        folder = Path(base_dir)
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "opening.lock"):
            return cls(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:
        """As `dagster.yaml` names it."""
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
