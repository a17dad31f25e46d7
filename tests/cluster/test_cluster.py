"""Apache Spark on more than one machine, as far as one machine can show it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from support.clusters import WEEK, Engines, when_a_file_is_written
from support.pipeline import TABLES, Row, Run, pipeline

from resources.local_cluster import LocalCluster
from resources.spark import SparkEngine
from video_assets.schemas import RAW_EVENTS

ONLY_FOR_DAGSTER = {"dagster", "deltalake", "grpc", "pydantic_settings", "tenacity"}
FIRST, SECOND, THIRD, *_, LAST = WEEK


def error_of(run: Run) -> str:
    """What the first failed step says; steps after it that need the server fail as well."""
    failure = run.result.get_step_failure_events()[0].step_failure_data
    assert failure.error is not None
    assert failure.error.cause is not None
    return failure.error.cause.message


def test_the_whole_graph_over_a_week_gives_the_tables_of_the_embedded_engine(
    engines: Engines, by_embedded: dict[str, list[Row]], tmp_path: Path
) -> None:
    with pipeline(tmp_path, **engines.cluster) as assets:
        assets.run(FIRST, LAST)
        assert assets.results() == by_embedded


def test_workers_run_our_code_as_it_is_here_and_load_little_else(
    cluster: LocalCluster, engines: Engines, tmp_path: Path
) -> None:
    def loaded(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            modules = {name: str(getattr(m, "__file__", "")) for name, m in sys.modules.items()}
            installed = {n.partition(".")[0] for n, f in modules.items() if "site-packages" in f}
            row = {"origin": [modules["video_assets"]], "names": [sorted(installed)]}
            yield pa.RecordBatch.from_pydict(row)

    with pipeline(tmp_path, **engines.cluster) as assets:
        assets.run(FIRST)
    spark = SparkEngine(engine="spark", spark_remote=cluster.url).spark_session
    found = spark.range(2).repartition(2).mapInArrow(loaded, "origin string, names array<string>")
    for origin, names in found.collect():
        assert "video_assets.zip" in origin
        assert not ONLY_FOR_DAGSTER & set(names)


def test_there_are_as_many_tasks_as_the_workers_have_cores(cluster: LocalCluster) -> None:
    assert SparkEngine(engine="spark", spark_remote=cluster.url).cores == 2


def test_tables_of_one_engine_are_continued_by_the_other(
    engines: Engines, by_embedded: dict[str, list[Row]], tmp_path: Path
) -> None:
    with pipeline(tmp_path, **engines.embedded) as embedded:
        on_cluster = embedded.with_settings(**engines.cluster)
        embedded.run(FIRST, SECOND)
        on_cluster.run(THIRD, WEEK[4])
        embedded.run(WEEK[5], LAST)
        assert embedded.results() == by_embedded


def test_a_worker_that_is_killed_changes_nothing_in_the_result(
    cluster: LocalCluster, engines: Engines, by_embedded: dict[str, list[Row]], tmp_path: Path
) -> None:
    with pipeline(tmp_path, **engines.cluster) as assets:
        with when_a_file_is_written(assets.folder(RAW_EVENTS), cluster.workers[0].kill):
            assets.run(FIRST, LAST)
        assert not cluster.workers.pop(0).is_alive
        cluster.start_worker("replacement")
        assert assets.results() == by_embedded


# PySpark says it by a warning, and then by the error.
@pytest.mark.filterwarnings(r"ignore:\[RETRIES_EXCEEDED\]:UserWarning")
def test_a_connect_server_that_is_killed_leaves_every_table_whole(
    cluster: LocalCluster, engines: Engines, by_embedded: dict[str, list[Row]], tmp_path: Path
) -> None:
    with pipeline(tmp_path, **engines.cluster) as assets:
        assets.run(FIRST, tables=TABLES)
        before = assets.results()
        with when_a_file_is_written(assets.folder(RAW_EVENTS), cluster.connect_server.kill):
            failed = assets.attempt(SECOND, LAST)
        assert not failed.succeeded
        assert "nothing was committed: the Spark Connect server does not answer" in error_of(failed)
        assert assets.results() == before
        cluster.start_connect_server()
        assets.run(SECOND, LAST)
        assert assets.results() == by_embedded
