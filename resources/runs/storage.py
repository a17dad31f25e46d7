"""Dagster's history in SQLite, set up once however many services start at the same moment."""

from pathlib import Path
from typing import Any, Self

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from filelock import FileLock


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
