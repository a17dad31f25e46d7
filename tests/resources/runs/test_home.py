"""A Dagster home belongs to one warehouse, and is served by one daemon."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.runs.home import held_by_daemon, prepared_home
from video_assets.definitions import defs

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(sys.executable).parent
CODE = ("-m", "video_assets.definitions")


def warnings_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, at: Path) -> str:
    monkeypatch.setenv("VIDEO_ASSETS_WAREHOUSE", str(at))
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        defs()
    return caplog.text


def test_a_home_that_has_the_history_of_another_warehouse_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    demo, own = tmp_path / "demo", tmp_path / "own"
    assert warnings_of(monkeypatch, caplog, demo) == ""
    assert warnings_of(monkeypatch, caplog, demo) == ""
    warned = warnings_of(monkeypatch, caplog, own)
    assert [part for part in (str(home), str(demo), str(own)) if part not in warned] == []
    assert "Set DAGSTER_HOME to another folder" in warned


def test_without_a_dagster_home_nothing_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert warnings_of(monkeypatch, caplog, tmp_path / "demo") == ""
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def served_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    home = prepared_home()
    daemon = held_by_daemon(home)
    yield home
    daemon.release()


@pytest.mark.processes
@pytest.mark.parametrize(
    "command",
    [("dg", "dev", *CODE), ("dagster", "dev", *CODE), ("dagster-daemon", "run", *CODE)],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_second_daemon_of_a_home_ends_with_a_sentence(
    served_home: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = beside(tmp_path, *command)
    said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 1
    assert [f"runs with the home {served_home} already" in line for line in said] == [True]
    assert "Traceback" not in done.stderr


def beside(folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command of this environment says; one that is not refused would serve for ever."""
    return subprocess.run(
        [PROGRAMS / name, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
