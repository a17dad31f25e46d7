import sqlite3
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import dagster as dg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from support.alert_desk import Desk


@event.listens_for(Engine, "connect")
def _waits_for_no_disk(connection: sqlite3.Connection, _: object) -> None:
    """Let the system write Dagster's history when it likes: no test outlives a power cut."""
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(scope="session")
def new_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an instance that nothing happened on; making them takes a second."""
    folder = tmp_path_factory.mktemp("instance")
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        instance.event_log_storage.get_maximum_record_id()
        instance.get_runs(limit=1)
    return folder


@pytest.fixture
def desk(tmp_path: Path, new_instance: Path) -> Iterator[Desk]:
    copytree(new_instance, tmp_path / "dagster")
    desk = Desk(tmp_path)
    yield desk
    desk.closing.close()
