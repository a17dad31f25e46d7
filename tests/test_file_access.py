"""Who may read the files of a process, by their modes; the bits of others are asked for."""

import logging
import os
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from pyspark.sql import SparkSession
from support.engine import only_embedded
from support.tables import frame, views

from resources.delta.commit import commit
from resources.delta.stage import stage_frame
from resources.storage import open_sink
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.definitions import defs
from video_assets.settings import READERS_REPORTED, load_settings

REPOSITORY = Path(__file__).parents[1]
ALL, GROUP = 0o077, 0o070


@pytest.fixture(autouse=True)
def others_read_new_files() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def made(folder: Path, spark: SparkSession) -> list[Path]:
    """What a table, a report and a Dagster instance leave on disk."""
    rows = frame(spark, views("v1", 1))
    commit(stage_frame(rows, str(folder / "warehouse"), DAILY_VIDEO_VIEWS, {date(2025, 1, 1)}))
    with open_sink(folder / "warehouse" / "report" / "report.html") as report:
        report.write(b"<html>")
    (folder / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(folder / "home")) as instance:
        assert instance.get_runs() == []
    return list(folder.rglob("*"))


@only_embedded("workers of a Spark that runs already keep the mask that it was started with")
@pytest.mark.parametrize(
    ("access", "refused"), [("", ALL), ("owner", ALL), ("group", 0o027), ("everyone", 0o022)]
)
def test_files_are_for_whom_the_setting_names(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    access: str,
    refused: int,
) -> None:
    if access:
        monkeypatch.setenv("VIDEO_ASSETS_FILE_ACCESS", access)
    defs()
    modes = {path: path.stat().st_mode for path in made(tmp_path / "made", spark)}
    assert len(modes) > 10
    assert [path for path, mode in modes.items() if mode & refused] == []
    if access == "group":
        assert all(mode & 0o040 for mode in modes.values())


@pytest.mark.parametrize(("access", "mode"), [("", 0o700), ("group", 0o750), ("everyone", 0o755)])
def test_make_dev_makes_a_dagster_home_of_that_kind(tmp_path: Path, access: str, mode: int) -> None:
    home = tmp_path / "home"
    environment = {**os.environ, "DAGSTER_HOME": str(home), "VIDEO_ASSETS_FILE_ACCESS": access}
    target = f"{home}/dagster.yaml"
    subprocess.run(["make", "--silent", target], cwd=REPOSITORY, env=environment, check=True)  # noqa: S607 (as people do)
    assert home.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(("mode", "warnings"), [(0o644, 1), (0o600, 0)])
def test_a_dotenv_file_that_others_read_is_reported_once_in_a_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mode: int,
    warnings: int,
) -> None:
    monkeypatch.setenv(READERS_REPORTED, "")
    monkeypatch.delenv(READERS_REPORTED)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("VIDEO_ASSETS_START_DATE=2025-01-01\n")
    (tmp_path / ".env").chmod(mode)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            load_settings()
    assert caplog.text.count("chmod 600 .env") == warnings
    # Processes that this one starts know.
    assert (READERS_REPORTED in os.environ) == bool(warnings)
