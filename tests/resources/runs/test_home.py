"""A Dagster home belongs to one warehouse."""

import logging
from pathlib import Path

import pytest

from video_assets.definitions import defs


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
