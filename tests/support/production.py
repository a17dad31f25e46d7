"""Code location, webserver and daemon as docs/deployment/ runs them, each with its own folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
from support.postgres import Postgres
from support.webhook import free_port

ROOT = Path(__file__).parents[2]
FILES = ROOT / "docs" / "deployment"
MODULE = "video_assets.definitions"
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 (what the image's command has, and tests replace)
START_SECONDS = 180
# At the path of all homes each process sees its own files, as containers of one image do.
IN_ITS_OWN_FOLDER = 'mount --bind "$1" "$2" && cd "$2" && shift 2 && exec "$@"'

LOCATION = """
query { workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
  ... on PythonError { message }
  ... on RepositoryLocation { repositories { assetNodes { assetKey { path } } } } } } } } }
"""
LAUNCH = """
mutation ($backfill: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $backfill) {
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""


def command_of_the_image() -> list[str]:
    """What the container starts when nobody says otherwise: the code location."""
    [said] = _instructions("CMD")
    command: list[str] = json.loads(said)
    return command


def environment_of_the_image() -> dict[str, str]:
    return dict(said.split("=", 1) for line in _instructions("ENV") for said in line.split())


def _instructions(name: str) -> list[str]:
    lines = (FILES / "Containerfile").read_text().splitlines()
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


@dataclass
class Production:
    """The three processes beside a Postgres; whoever starts one stops it with the others."""

    folder: Path
    postgres: Postgres
    settings: Mapping[str, str]
    _port: int = field(default_factory=free_port)
    _processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.postgres.address}:{self._port}"

    def start_code_location(self, module: str = MODULE) -> None:
        """A release of the code; another one after `stop` is an upgrade."""
        ours = {f"VIDEO_ASSETS_{name}": value for name, value in self.settings.items()}
        replaced = {EVERY_ADDRESS: self.postgres.address, MODULE: module}
        command = [replaced.get(word, word) for word in command_of_the_image()]
        self._start("code", command, ours)

    def start_webserver(self) -> None:
        address = ("-h", self.postgres.address, "-p", str(self._port))
        self._start("web", ["dagster-webserver", *address, "-w", "workspace.yaml"])

    def start_daemon(self) -> None:
        self._start("daemon", ["dagster-daemon", "run", "-w", "workspace.yaml"])

    def kill(self, name: str) -> None:
        """Without a last word, as a container dies, with all that it started."""
        process = self._processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_everything(self) -> None:
        for name in list(self._processes):
            self.kill(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def wait_for_assets(self, *expected: dg.AssetKey) -> None:
        """Wait until the webserver shows the code location with these assets."""
        end = time.monotonic() + START_SECONDS
        while not set(expected) <= self._assets():
            assert time.monotonic() < end, self.log("code")[-3_000:] + self.log("web")[-3_000:]
            time.sleep(0.5)

    def _assets(self) -> set[dg.AssetKey]:
        with suppress(httpx.HTTPError):
            [entry] = self._ask(LOCATION)["workspaceOrError"]["locationEntries"]
            repositories = (entry["locationOrLoadError"] or {}).get("repositories", [])
            return {
                dg.AssetKey(node["assetKey"]["path"])
                for repository in repositories
                for node in repository["assetNodes"]
            }
        return set()

    def launch_backfill(self, assets: Sequence[dg.AssetKey], days: Sequence[str]) -> str:
        """As the page does it; returns the backfill's id."""
        selection = [{"path": asset.path} for asset in assets]
        wanted = {"assetSelection": selection, "partitionNames": days}
        launched = self._ask(LAUNCH, backfill=wanted)["launchPartitionBackfill"]
        return str(launched["backfillId"])

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        asked = {"query": query, "variables": variables}
        answer = httpx.post(f"{self.url}/graphql", json=asked, timeout=60).json()
        if "errors" in answer:
            raise RuntimeError(str(answer["errors"]))
        data: dict[str, Any] = answer["data"]
        return data

    @contextmanager
    def history(self) -> Iterator[dg.DagsterInstance]:
        """The instance, as another process sees it that shares nothing but Postgres."""
        home = self._files("history")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.postgres.environment.items():
                patch.setenv(name, value)
            with dg.DagsterInstance.from_config(str(home)) as instance:
                yield instance

    def _files(self, name: str) -> Path:
        """The folder that a container would have for itself."""
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir()
            for file in ("dagster.yaml", "workspace.yaml"):
                shutil.copy(FILES / file, folder)
        return folder

    def _start(
        self, name: str, command: Sequence[str], settings: Mapping[str, str] | None = None
    ) -> None:
        own, home = self._files(name), self._files("home")
        foreign = ("VIDEO_ASSETS_", "DAGSTER_", "PYTEST_", "PYTHONPATH")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        program, *arguments = command
        alone = ["unshare", "--mount", "sh", "-c", IN_ITS_OWN_FOLDER, "sh", str(own), str(home)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*alone, str(Path(sys.executable).with_name(program)), *arguments],
                env={
                    **inherited,
                    **environment_of_the_image(),
                    **self.postgres.environment,
                    **(settings or {}),
                    "CODE_LOCATION_HOST": self.postgres.address,
                    "DAGSTER_HOME": str(home),
                    "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own, so that nothing it starts survives.
                start_new_session=True,
            )


def require_folders_of_their_own() -> None:
    """Skip the test where processes cannot see different things at one path."""
    tried = ["unshare", "--mount", "true"]
    if not shutil.which("unshare") or subprocess.run(tried, check=False).returncode:
        pytest.skip("only root of a Linux machine can give each process a folder of its own")
