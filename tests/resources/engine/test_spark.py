from pathlib import Path
from zipfile import ZipFile

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value
from support.engine import only_spark

from resources.engine.local_server import DELTA_SETTINGS, delta_config
from resources.engine.session import EngineError, SparkEngine
from resources.engine.worker_code import write_archive
from video_assets.settings.engine import EngineSettings


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


# PySpark says it by a warning, and then by the error.
@pytest.mark.filterwarnings(r"ignore:\[RETRIES_EXCEEDED\]:UserWarning")
@pytest.mark.parametrize(
    "remote",
    [
        "sc://127.0.0.1:9/;token=s3cr3t-one;use_ssl=true",
        "sc://127.0.0.1:9/;token=s3cr3t=one",
        "sc://127.0.0.1:9/path;token=s3cr3t-one",
        "sc://me:s3cr3t-one@127.0.0.1:9",
    ],
)
def test_no_secret_reaches_dagsters_records_or_an_error(
    remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.engine.session._RETRIES", 1)
    config = {"spark.hadoop.fs.s3a.secret.key": "s3cr3t-two", "spark.x": "s3cr3t-three"}
    settings = EngineSettings(engine="spark", spark_remote=remote, spark_config=config)

    @dg.asset
    def counted(spark: SparkEngine) -> None:
        spark.spark_session.range(1).count()

    resources = {"spark": SparkEngine.from_settings(settings)}
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        ran = dg.materialize(
            [counted], instance=instance, resources=resources, raise_on_error=False
        )
        messages = [e.step_failure_data.error.to_string() for e in ran.get_step_failure_events()]
        (kept,) = instance.get_runs()
        # Its bytes on disk are compressed.
        job = serialize_value(instance.get_job_snapshot(kept.job_snapshot_id))
    assert "No Spark session from sc://" in messages[0]
    assert "spark.hadoop.fs.s3a.secret.key" in job
    repository = dg.Definitions([counted], resources=resources).get_repository_def()
    shown = serialize_value(RepositorySnap.from_def(repository))
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "s3cr3t" not in f"{messages}{job}{shown}"
    assert b"s3cr3t" not in files


@only_spark("the embedded engine takes any setting")
def test_a_second_local_spark_with_other_settings_is_refused() -> None:
    engine = SparkEngine(engine="spark", spark_remote="local[1]")
    with pytest.raises(EngineError, match="start a new process"):
        _ = engine.spark_session
