"""Apache Spark on more than one machine, as far as one machine can show it."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from support.clusters import WEEK, Engines, when_a_file_is_written
from support.world import MISSING, MONTHS, TABLES, VIEWS, Row, Run, months_of, world

from resources.engine.local_cluster import LocalCluster
from resources.engine.session import SparkEngine
from resources.runs import passing_faults
from video_assets.analytics.tables import (
    ANALYTICS_TABLES,
    COMPLETION_FORECAST,
    DAILY_ANALYTICS_TABLES,
)
from video_assets.player_events.tables import RAW_EVENTS

FIRST, SECOND, THIRD, *_, LAST = WEEK
ANALYTICS = (*DAILY_ANALYTICS_TABLES, *ANALYTICS_TABLES)

# A step waits some minutes for a server that is gone, and a loaded machine takes twice the time.
pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]


def error_of(run: Run) -> str:
    """What the first failed step says; steps after it that need the server fail as well."""
    failure = run.result.get_step_failure_events()[0].step_failure_data
    assert failure.error is not None
    assert failure.error.cause is not None
    return failure.error.cause.message


def test_a_week_gives_the_tables_of_the_embedded_engine(
    engines: Engines, by_embedded: dict[str, list[Row]], tmp_path: Path
) -> None:
    with world(tmp_path, **engines.cluster) as assets:
        assets.compute(FIRST, LAST)
        assert assets.event_results() == by_embedded


@pytest.mark.at_length
def test_the_whole_graph_and_its_checks_run_on_a_cluster_as_on_the_embedded_engine(
    engines: Engines, tmp_path: Path
) -> None:
    found = []
    for name, settings in (("embedded", engines.embedded), ("cluster", engines.cluster)):
        with world(tmp_path / name, **settings) as assets:
            assets.run(FIRST, SECOND, tables=(*TABLES, *ANALYTICS, *VIEWS, *MISSING))
            assets.run(*months_of(FIRST, SECOND), tables=MONTHS)
            analytics = {t.name: assets.rows(t, ("processedAt",)) for t in ANALYTICS}
            found.append({**assets.event_results(), **assets.view_results(), **analytics})
    assert found[0] == found[1]
    # Two days are too few to learn from.
    assert [name for name, rows in found[0].items() if not rows] == [COMPLETION_FORECAST.name]


def test_workers_run_our_code_as_it_is_here(cluster: LocalCluster) -> None:
    def origin(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            found = importlib.import_module("video_assets").__file__
            yield pa.RecordBatch.from_pydict({"origin": [found]})

    spark = SparkEngine(engine="spark", spark_remote=cluster.url).spark_session
    rows = spark.range(2).repartition(2).mapInArrow(origin, "origin string").collect()
    assert all("video_assets.zip" in row.origin for row in rows)


def test_there_are_as_many_tasks_as_the_workers_have_cores(cluster: LocalCluster) -> None:
    assert SparkEngine(engine="spark", spark_remote=cluster.url).cores == 2


def test_tables_of_one_engine_are_continued_by_the_other(
    engines: Engines, by_embedded: dict[str, list[Row]], tmp_path: Path
) -> None:
    with world(tmp_path, **engines.embedded) as embedded:
        on_cluster = embedded.with_settings(**engines.cluster)
        embedded.compute(FIRST, SECOND)
        on_cluster.compute(THIRD, WEEK[4])
        embedded.compute(WEEK[5], LAST)
        assert embedded.event_results() == by_embedded


def test_a_worker_that_is_killed_changes_nothing_in_the_result(
    cluster: LocalCluster, engines: Engines, by_embedded: dict[str, list[Row]], tmp_path: Path
) -> None:
    with world(tmp_path, **engines.cluster) as assets:
        with when_a_file_is_written(assets.folder(RAW_EVENTS), cluster.workers[0].kill):
            assets.compute(FIRST, LAST)
        assert not cluster.workers.pop(0).is_alive
        cluster.start_worker("replacement")
        assert assets.event_results() == by_embedded


# PySpark says it by a warning, and then by the error.
@pytest.mark.filterwarnings(r"ignore:\[RETRIES_EXCEEDED\]:UserWarning")
def test_a_connect_server_that_is_killed_leaves_every_table_whole(
    cluster: LocalCluster,
    engines: Engines,
    by_embedded: dict[str, list[Row]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passing_faults, "MAX_RETRIES", 0)  # nobody starts the server again
    with world(tmp_path, **engines.cluster) as assets:
        assets.with_settings(**engines.embedded).compute(FIRST)
        before = assets.event_results()
        with when_a_file_is_written(assets.folder(RAW_EVENTS), cluster.connect_server.kill):
            failed = assets.attempt(SECOND, LAST)
        assert not failed.succeeded
        assert "the Spark Connect server does not answer" in error_of(failed)
        # A commit may have been quicker than the accident.
        for name, rows in assets.event_results().items():
            assert rows in (before[name], by_embedded[name])
        cluster.start_connect_server()
        assets.compute(SECOND, LAST)
        assert assets.event_results() == by_embedded
