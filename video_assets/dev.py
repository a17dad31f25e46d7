"""`make dev`: the Dagster UI and its daemon, and a note that says where to look first."""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from resources.delta.stage import table_location
from resources.file_access import open_new_files_to
from resources.runs.home import HomeError, prepared_home, require_unserved
from resources.storage import provider
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.report.addresses import report_location
from video_assets.settings import DOTENV, Settings, SettingsError, environment_name, load_settings

DG = Path(sys.executable).with_name("dg")
PORT = 3000
_LAST_PORT = 65_535
_ANY_USER_S_PORT = "127.0.0.1"
_SECONDS_BETWEEN_LOOKS = 0.5


class PortTakenError(RuntimeError):
    """Another program listens where the UI would."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the UI until it is stopped; the exit code is 2 where it cannot begin."""
    parser = argparse.ArgumentParser(prog="python -m video_assets.dev", description=__doc__)
    parser.add_argument("--port", type=_port, default=PORT, help="of the UI")
    port: int = parser.parse_args(arguments).port
    try:
        settings = load_settings()
        open_new_files_to(settings.file_access)
        home = prepared_home()
        require_unserved(home, settings.warehouse)
        require_free(port)
    except (SettingsError, HomeError, PortTakenError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    return _serve(settings, port)


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{port} is no port: choose one from 1 to {_LAST_PORT}")
    return port


def require_free(port: int) -> None:
    """Look whether the UI can listen there.

    Raises:
        PortTakenError: another program does.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_ANY_USER_S_PORT, port))
        except OSError:
            raise PortTakenError(
                f"port {port} is taken by another program: choose another one, such as "
                f"`make dev PORT={port + 1}`"
            ) from None


def first_look(settings: Settings, url: str) -> str:
    """What a person who starts the UI wants to know."""
    return (
        f"\nDagster is at {url}; Ctrl-C stops it.\n"
        f"  First    {_first_click(settings)}\n"
        f"  Report   {_report(settings)}\n"
        f"  Tables   {settings.warehouse}/video/<table>, as Delta; `make sql` asks them\n"
        f"  Settings the environment, {_dotenv()}\n"
    )


def _first_click(settings: Settings) -> str:
    asset = f"video/{ENGAGEMENT.name}"
    if _is_missing(table_location(settings.warehouse, ENGAGEMENT)):
        return 'no table yet: `make demo` fills them, or see "Your own events" in README.md'
    return f"Catalog, {asset}: its rows and pictures; its tab Checks says what is odd"


def _report(settings: Settings) -> str:
    report = report_location(settings.warehouse)
    return f"comes with the first run of report: {report}" if _is_missing(report) else report


def _is_missing(location: str) -> bool:
    return provider(location) == "local" and not Path(location).exists()


def _dotenv() -> str:
    path = Path(DOTENV).absolute()
    return f"and {path}" if path.is_file() else f"and {path}, which is not there"


def _serve(settings: Settings, port: int) -> int:
    url = f"http://localhost:{port}"
    environment = {environment_name("ui_url"): url, **os.environ} if port != PORT else os.environ
    quietly = ("--log-level", "warning", "--port", str(port))
    command = [str(DG), "dev", "-m", "video_assets.definitions", *quietly]
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603
        try:
            while process.poll() is None and not _answers(url):
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            if process.poll() is None:
                sys.stdout.write(first_look(settings, url))
                sys.stdout.flush()
            return process.wait()
        except KeyboardInterrupt:
            return process.wait()


def _answers(url: str) -> bool:
    with suppress(URLError, OSError), urlopen(f"{url}/server_info", timeout=5):  # noqa: S310
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
