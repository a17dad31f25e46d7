"""A Postgres of a test's own, of the programs that Debian's package installs."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

NAME = "dagster"
PASSWORD = "only for this test"  # noqa: S105 (a database on loopback that is gone after it)
# Postgres refuses to run as root; the package makes a user for it.
UNPRIVILEGED = "postgres"


@dataclass(frozen=True)
class Postgres:
    """A server that answers at port 5432 of its address, with one database."""

    address: str

    @property
    def environment(self) -> dict[str, str]:
        """What docs/deployment/dagster.yaml asks the environment for."""
        return {
            "DAGSTER_POSTGRES_HOST": self.address,
            "DAGSTER_POSTGRES_USER": NAME,
            "DAGSTER_POSTGRES_PASSWORD": PASSWORD,
            "DAGSTER_POSTGRES_DB": NAME,
        }


@contextmanager
def running_postgres(address: str) -> Iterator[Postgres]:
    """A server on an empty database; it and its files are gone after the block.

    Skips the test where Postgres is not installed.
    """
    programs = _programs()
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    # Its user does not get into the folders of tests.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if user:
            shutil.chown(folder, user)
        password, data = folder / "password", folder / "data"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        call = _Caller(user, folder)
        call(programs / "initdb", "-D", data, "-U", NAME, "--auth=scram-sha-256", "--no-sync",
             f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8")  # fmt: skip
        served = f"-c listen_addresses={address} -c unix_socket_directories={folder} -c fsync=off"
        log = folder / "server.log"
        call(programs / "pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", served)
        try:
            call("psql", f"host={address} user={NAME} dbname=postgres password='{PASSWORD}'",
                 "-c", f"CREATE DATABASE {NAME}")  # fmt: skip
            yield Postgres(address)
        finally:
            call(programs / "pg_ctl", "stop", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class _Caller:
    user: str | None
    folder: Path

    def __call__(self, *command: str | Path) -> None:
        # The server inherits what it may write to: a pipe would never end.
        output = self.folder / "output"
        with output.open("wb") as log:
            done = subprocess.run(
                command,
                cwd=self.folder,
                user=self.user,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=60,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{output.read_text('utf-8', 'replace')}")


def _programs() -> Path:
    """The folder of the newest server's programs, which Debian puts on no PATH."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.get_exec_path())]
    folders.sort(key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists():
            _require_a_user()
            return folder
    pytest.skip("Postgres is not installed (Debian's package postgresql)")


def _require_a_user() -> None:
    if os.geteuid() == 0 and UNPRIVILEGED not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip(f"Postgres does not run as root, and there is no user {UNPRIVILEGED}")
