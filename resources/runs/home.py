"""A Dagster home: its settings, which warehouse its history is of, and who serves it."""

import os
import shutil
from pathlib import Path

import click
from filelock import FileLock, Timeout

from resources.storage import normalized

INSTANCE_FILE = Path(__file__).with_name("dagster.yaml")
_FILE = ".video_assets_warehouse"
_DAEMON = "daemon.lock"


class HomeError(click.ClickException):
    """A Dagster home cannot be used as it is; the message says what to do, and ends a command."""


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


def require_unserved(home: Path, warehouse: str) -> None:
    """Look whether Dagster may be started on a home.

    Args:
        home: the folder.
        warehouse: path or URI of the warehouse that is used now.

    Raises:
        HomeError: a daemon serves it, or its history is of another warehouse.
    """
    if other := note_warehouse(warehouse):
        raise HomeError(of_another_warehouse(other, warehouse))
    require_no_daemon(home)


def require_no_daemon(home: Path) -> None:
    """Look whether a daemon serves the home.

    Raises:
        HomeError: one does.
    """
    held_by_daemon(home).release()


def held_by_daemon(home: Path) -> FileLock:
    """Hold the home for this process, its only daemon: the kernel lets go of it with the process.

    Returns:
        the lock, which must be kept.

    Raises:
        HomeError: another process holds it: two daemons would start everything twice.
    """
    lock = FileLock(home / _DAEMON)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise HomeError(
            f"Dagster runs with the home {home} already, and two daemons would start everything "
            "twice: use the one that runs, or set DAGSTER_HOME to another folder"
        ) from None
    return lock
