"""The container's file makes an image in which every process of docs/deployment.md begins."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("podman", "docker")
TAG = "video_assets:tried"
BUILD_SECONDS = 1_500

pytestmark = [pytest.mark.processes, pytest.mark.at_length, pytest.mark.timeout(2 * BUILD_SECONDS)]


def answering_tool() -> str:
    """A container tool whose engine answers; skips the test where there is none."""
    for tool in filter(shutil.which, TOOLS):
        if subprocess.run([tool, "info"], capture_output=True, check=False).returncode == 0:
            return tool
    pytest.skip(f"no container tool answers: none of {', '.join(TOOLS)}")


def test_the_image_builds_and_has_every_program_and_the_definitions() -> None:
    tool = answering_tool()
    file = ROOT / "docs" / "deployment" / "Containerfile"
    built = subprocess.run(
        [tool, "build", "-f", file, "-t", TAG, ROOT],
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-5_000:]
    for command in (
        ("dagster-webserver", "--version"),
        ("dagster-daemon", "--version"),
        ("dagster", "definitions", "validate", "-m", "video_assets.definitions"),
    ):
        started = [tool, "run", "--rm", "--entrypoint", "", TAG, *command]
        done = subprocess.run(started, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr[-5_000:]
