"""`make dev` as an operator starts it, on a free port and with files of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from support.webhook import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 120
STOP_SECONDS = 5


@dataclass(frozen=True)
class Ui:
    """A Dagster UI that answers; its folder holds the log `dagster_dev.log`."""

    url: str
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "dagster_dev.log").read_text("utf-8", "replace")


@contextmanager
def dagster_dev(
    folder: Path,
    settings: Mapping[str, str],
    code: Path = ROOT,
    stopped_by: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGKILL),
) -> Iterator[Ui]:
    """Webserver, daemon and code location; all their processes are gone after the block.

    Args:
        folder: where it is started, with Dagster's `home` in it.
        settings: without their prefix.
        code: whose packages are used.
        stopped_by: what they are sent in turn.
    """
    port = free_port()
    home = folder / "home"
    with (folder / "dagster_dev.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "video_assets.dev", "--port", str(port)],
            cwd=folder,
            env={**_environment(home, settings), "PYTHONPATH": str(code)},
            stdout=log,
            stderr=subprocess.STDOUT,
            # A group of its own, so that nothing it starts survives.
            start_new_session=True,
        )
        ui = Ui(f"http://127.0.0.1:{port}", folder)
        try:
            _wait_until_it_answers(ui, process)
            yield ui
        finally:
            _stop(process, stopped_by)


def _environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("VIDEO_ASSETS_")}
    ours = {f"VIDEO_ASSETS_{name}": value for name, value in settings.items()}
    return {**inherited, **ours, "DAGSTER_HOME": str(home)}


def _wait_until_it_answers(ui: Ui, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"make dev ended with {process.returncode}:\n{ui.log}")
        with suppress(URLError, OSError), urlopen(f"{ui.url}/server_info", timeout=5):
            return
        time.sleep(0.2)
    raise TimeoutError(f"make dev does not answer after {START_SECONDS} s:\n{ui.log}")


def _stop(process: "subprocess.Popen[bytes]", signals: Sequence[signal.Signals]) -> None:
    for sent in signals:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
