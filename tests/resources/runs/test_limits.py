"""A machine that has no more of something: a real limit of the kernel, and a real full disk."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from resources.runs.limits import SystemLimitError, explaining_limits
from resources.runs.passing_faults import retries_passing_faults
from resources.storage import read_range

DAGSTER = Path(sys.executable).with_name("dagster")
ROOT = Path(__file__).parents[3]
FILLS_THE_DISK = """
import contextlib, os
import dagster as dg
from resources.runs.executor import one_process_executor

@dg.asset
def filling() -> None:
    ballast = open(os.environ["DAGSTER_HOME"] + "/ballast", "wb", buffering=0)
    with ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(1024))

defs = dg.Definitions([filling], executor=one_process_executor)
"""


@contextmanager
def no_more_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, before[1]))
    opened: list[int] = []
    try:
        try:
            while True:
                opened.append(os.dup(0))
        except OSError:
            yield
    finally:
        for number in opened:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    "read",
    [Path.read_bytes, lambda path: read_range(str(path), 0, 1)],
    ids=["Python's files", "files of a library in Rust"],
)
def test_too_few_file_handles_are_named_with_the_remedy(
    tmp_path: Path, read: Callable[[Path], bytes]
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a")
    read(path)

    @dg.asset
    @retries_passing_faults
    def reading() -> None:
        with no_more_files():
            read(path)

    ran = dg.materialize([reading], raise_on_error=False)
    (failure,) = ran.get_step_failure_events()
    told = failure.step_failure_data.error.to_string()
    assert "SystemLimitError" in told
    assert "ulimit -n 65536" in told


def test_other_errors_stay_as_they_are() -> None:
    with pytest.raises(ValueError, match="wrong"), explaining_limits():
        raise ValueError("wrong")


def test_a_limit_is_explained_once() -> None:
    with pytest.raises(SystemLimitError) as told, explaining_limits(), explaining_limits():
        raise OSError(28, "No space left on device")
    assert str(told.value).count("A disk is full") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=True)  # noqa: S607
    yield disk
    subprocess.run(["umount", disk], check=True)  # noqa: S607


@pytest.mark.processes
@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_of_the_dagster_home_is_named_with_the_remedy(
    tmp_path: Path, small_disk: Path
) -> None:
    shutil.copy(ROOT / "resources/runs/dagster.yaml", small_disk)
    module = tmp_path / "filling.py"
    module.write_text(FILLS_THE_DISK)
    command = [DAGSTER, "asset", "materialize", "-f", module, "--select", "filling"]
    environment = {**os.environ, "DAGSTER_HOME": str(small_disk), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    told = f"{ran.stdout}{ran.stderr}"
    assert ran.returncode != 0
    assert f"{small_disk}/" in told
    assert "A disk is full: that of the Dagster home" in told
