"""Processes forked from one that has imported everything, so that none of them waits for it.

They are for tests of what a command does; that it starts at all is told by those that start it as
people do.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

import pytest
from dagster._cli import main as dagster
from dagster_dg_cli.cli import main as dg

ROOT = Path(__file__).parents[2]
# What a test's process has in its environment, and a person's shell has not.
_FOREIGN = ("VIDEO_ASSETS_", "DAGSTER_", "PYTEST_", "SPARK_", "PYTHONPATH")
# Among them what a command imports when it first needs it.
_IMPORTED = (
    *("support.forked", "support.platform", "video_assets.definitions", "resources.runs.storage"),
    *("dagster._core.definitions.antlr_asset_selection.antlr_asset_selection", "dagster._daemon"),
    *("dagster_dg_cli.cli.api.cli_group", "dagster_dg_cli.cli.launch", "dagster_dg_cli.cli.plus"),
    *("dagster_dg_cli.cli.scaffold", "pyspark.worker"),
)
_COMMANDS: Mapping[str, Callable[[], object]] = {"dagster": dagster, "dg": dg}


def environment_of_a_shell(settings: Mapping[str, str], home: Path) -> dict[str, str]:
    """What a person's shell has who set these settings, named without their prefix."""
    return {
        **_inherited(),
        **{f"VIDEO_ASSETS_{name}": value for name, value in settings.items()},
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": str(ROOT),
    }


def start(
    command: str | Callable[..., int | None],
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path = ROOT,
    output: Path,
    errors: Path | None = None,
) -> ForkServerProcess:
    """Start a command, in a process group of its own.

    Args:
        command: `dagster` or `dg`, or a function that a process may import, which returns what it
            ends with.
        arguments: of either.
        environment: all of it.
        folder: where it starts.
        output: file to which it appends what it prints.
        errors: the same for errors; None: the same file.
    """
    process = _server().Process(
        target=_run,
        args=(command, arguments, dict(environment), folder, (output, errors or output)),
    )
    with pytest.MonkeyPatch.context() as patch:
        # Of the process that imports everything, should this be the first start.
        for name in os.environ.keys() - _inherited().keys():
            patch.delenv(name)
        patch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(ROOT / "tests"))))
        process.start()
    return process


def run(
    command: str | Callable[..., int | None],
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path = ROOT,
    seconds: float = 120,
) -> "CompletedProcess[str]":
    """Run a command to its end; what it prints and ends with.

    Raises:
        TimeoutError: it did not end within so many seconds, and was killed.
    """
    with TemporaryDirectory() as name:
        output, errors = Path(name) / "output", Path(name) / "errors"
        process = start(
            command,
            *arguments,
            environment=environment,
            folder=folder,
            output=output,
            errors=errors,
        )
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"{command} does not end: {errors.read_text()[-3_000:]}")
        return CompletedProcess(arguments, process.exitcode, output.read_text(), errors.read_text())


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED))
    return context


def _run(
    command: str | Callable[..., int | None],
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    folder: Path,
    outputs: tuple[Path, Path],
) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    try:
        if isinstance(command, str):
            sys.argv = [command, *arguments]
            _COMMANDS[command]()
        else:
            sys.exit(command(*arguments))
    except Exception:  # noqa: BLE001 (as Python ends a program)
        sys.excepthook(*sys.exc_info())
        sys.exit(1)
