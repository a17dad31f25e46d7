"""`make demo`, as a person runs it: in a folder of its own, with nothing set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import forked

from video_assets.demo import main
from video_assets.settings import PREFIX

SECONDS = 240
SCREEN = 48

pytestmark = pytest.mark.processes


def environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, "DAGSTER_HOME": str(folder / "home"), "COLUMNS": "120"}


def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "video_assets.demo"],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.timeout(SECONDS)
def test_the_demo_ends_with_the_worked_example(tmp_path: Path) -> None:
    shown = demo(tmp_path)
    assert shown.returncode == 0, shown.stderr[-2000:]
    lines = shown.stdout.splitlines()
    assert len(lines) <= SCREEN
    rows = [[cell.strip() for cell in line.split("│")] for line in lines]
    values = {row[at]: row[at + 1] for row in rows if len(row) == 6 for at in (1, 3)}
    expected = {
        "watch time (s)": "130",
        "unique (s)": "120",
        "furthest (s)": "120",
        "watched %": "43.33",
        "completion %": "40",
        "unique %": "40",
        "sessions": "1",
        "completions": "0",
        "skips ahead": "0",
        "skips back": "1",
        "score": "17.17",
        "tier": "Low",
        "flag": "ok",
    }
    assert expected.items() <= values.items()
    assert "Traceback" not in shown.stdout + shown.stderr


def test_the_demo_leaves_ones_own_sources_alone(tmp_path: Path) -> None:
    own = {"VIDEO_ASSETS_EVENTS": "my/events"}
    shown = forked.run(main, environment=environment(tmp_path) | own, folder=tmp_path)
    assert shown.returncode == 2
    assert "VIDEO_ASSETS_EVENTS is set" in " ".join(shown.stdout.split())
    assert not (tmp_path / "data").exists()
