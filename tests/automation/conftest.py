import sqlite3
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import dagster as dg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine
from support.alert_desk import Desk


@event.listens_for(Engine, "connect")
def _waits_for_no_disk(connection: sqlite3.Connection, _: object) -> None:
    """Let the system write Dagster's history when it likes: no test outlives a power cut."""
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(scope="session", autouse=True)
def _migrations_are_read_once() -> Iterator[None]:
    """Dagster reads all of its migrations twice for each run, which takes a tenth of a second."""
    read, known = ScriptDirectory.from_config, dict[str | None, ScriptDirectory]()

    def from_config(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        return known.get(place) or known.setdefault(place, read(config))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", from_config)
        yield


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
