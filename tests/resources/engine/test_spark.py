from pathlib import Path
from zipfile import ZipFile

import pytest
from support.engine import only_spark

from resources.engine.local_server import DELTA_SETTINGS, delta_config
from resources.engine.session import EngineError, SparkEngine
from resources.engine.worker_code import write_archive


def test_delta_comes_by_its_artifact_unless_jars_are_named() -> None:
    fetched = delta_config({})
    assert fetched["spark.jars.packages"].startswith("io.delta:delta-spark_")
    local = delta_config({"spark.jars": "/jars/delta.jar"})
    assert local == {**DELTA_SETTINGS, "spark.jars": "/jars/delta.jar"}


def test_a_setting_of_a_person_goes_over_the_default() -> None:
    assert delta_config({"spark.sql.extensions": "mine"})["spark.sql.extensions"] == "mine"


def test_the_archive_for_workers_holds_modules_by_their_import_path(tmp_path: Path) -> None:
    write_archive(tmp_path / "code.zip")
    names = ZipFile(tmp_path / "code.zip").namelist()
    assert {"video_assets/tables.py", "resources/delta/stage.py"} <= set(names)
    assert all(name.endswith(".py") for name in names)


# PySpark says it by a warning, and then by the error.
@pytest.mark.filterwarnings(r"ignore:\[RETRIES_EXCEEDED\]:UserWarning")
def test_a_server_that_does_not_answer_is_an_error_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resources.engine.session._RETRIES", 1)
    engine = SparkEngine(engine="spark", spark_remote="sc://127.0.0.1:9/;user_id=me")
    with pytest.raises(EngineError, match=r"sc://127.0.0.1:9: .*VIDEO_ASSETS_SPARK_REMOTE") as told:
        _ = engine.spark_session
    assert "user_id" not in str(told.value)


@only_spark("the embedded engine takes any setting")
def test_a_second_local_spark_with_other_settings_is_refused() -> None:
    engine = SparkEngine(engine="spark", spark_remote="local[1]")
    with pytest.raises(EngineError, match="start a new process"):
        _ = engine.spark_session
