"""A Dagster home: its settings, which warehouse its history is of, and who serves it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from resources.storage import normalized

INSTANCE_FILE = Path(__file__).with_name("dagster.yaml")
_FILE = ".video_assets_warehouse"
_SERVED = "served.lock"


class HomeError(RuntimeError):
    """A Dagster home cannot be used as it is; the message says what to do."""


def prepared_home() -> Path:
    """The folder of DAGSTER_HOME, else `.dagster_home` here, with this project's settings."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(Path(".dagster_home").absolute())))
    home.mkdir(parents=True, exist_ok=True)
    if not (home / INSTANCE_FILE.name).exists():
        shutil.copy(INSTANCE_FILE, home)
    return home


def note_warehouse(warehouse: str) -> str | None:
    """Note which warehouse this Dagster home's history is of, once.

    Args:
        warehouse: path or URI of the warehouse that is used now.

    Returns:
        the noted warehouse where it is another one; None where there is no home.
    """
    home = os.environ.get("DAGSTER_HOME")
    if not home or not Path(home).is_dir():
        return None
    note, now = Path(home) / _FILE, normalized(warehouse)
    try:
        with note.open("x", encoding="utf-8") as file:
            file.write(now)
    except FileExistsError:
        known = note.read_text("utf-8")
        return None if known == now else known
    return None


def of_another_warehouse(other: str, warehouse: str) -> str:
    """What is wrong with a home that has the history of another warehouse, and what to do."""
    home = os.environ["DAGSTER_HOME"]
    return (
        f"The Dagster home {home} has the history of the warehouse {other}, but "
        f"VIDEO_ASSETS_WAREHOUSE is {warehouse}: pages and automation would take one for the "
        "other. Set DAGSTER_HOME to another folder, one for each warehouse; where this warehouse "
        f"was only moved, delete {Path(home) / _FILE}."
    )


@contextmanager
def serving(home: Path, warehouse: str) -> Iterator[None]:
    """Hold the home: two daemons on one would start everything twice.

    Raises:
        HomeError: somebody holds it, or its history is of another warehouse.
    """
    if other := note_warehouse(warehouse):
        raise HomeError(of_another_warehouse(other, warehouse))
    try:
        with FileLock(home / _SERVED, timeout=0):
            yield
    except Timeout:
        raise HomeError(
            f"Dagster runs with the home {home} already, and two daemons would start everything "
            "twice: use the one that runs, or set DAGSTER_HOME to another folder"
        ) from None
