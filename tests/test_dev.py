"""`make dev`: what it says at the start, and why it does not start."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.runs.home import HomeError, held_by_daemon, require_unserved
from video_assets.dev import PortTakenError, first_look, main, require_free
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.settings import Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_named_with_another_one(taken_port: int) -> None:
    with pytest.raises(PortTakenError, match=f"port {taken_port} .* PORT={taken_port + 1}`"):
        require_free(taken_port)


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_number_that_is_no_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", port])
    assert f"{port} is no port: choose one from 1 to 65535" in capsys.readouterr().err


def test_a_home_with_a_daemon_is_not_served_again(home: Path) -> None:
    require_unserved(home, "warehouse")
    daemon = held_by_daemon(home)
    with pytest.raises(HomeError, match=f"runs with the home {home} already"):
        require_unserved(home, "warehouse")
    daemon.release()
    require_unserved(home, "warehouse")


def test_a_home_with_the_history_of_another_warehouse_is_not_served(home: Path) -> None:
    require_unserved(home, "demo")
    with pytest.raises(HomeError, match=r"has the history of the warehouse .*demo"):
        require_unserved(home, "own")


def test_without_tables_the_note_says_how_to_fill_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    note = first_look(Settings(warehouse=str(tmp_path)), "http://localhost:3001")
    assert "Dagster is at http://localhost:3001" in note
    assert "no table yet: `make demo` fills them" in note
    assert "Report   comes with the first run" in note
    assert f"the environment, and {tmp_path}/.env, which is not there" in note


def test_with_tables_the_note_says_what_to_click_and_where_the_report_is(tmp_path: Path) -> None:
    (tmp_path / "video" / ENGAGEMENT.name).mkdir(parents=True)
    report = tmp_path / "report/index.html"
    report.parent.mkdir()
    report.touch()
    note = first_look(Settings(warehouse=str(tmp_path)), "http://localhost:3000")
    assert f"First    Catalog, video/{ENGAGEMENT.name}" in note
    assert f"Report   {report}\n" in note
