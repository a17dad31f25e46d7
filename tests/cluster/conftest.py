"""A real cluster of processes on the loopback interface, and a week of data."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from sysconfig import get_paths

import pytest
from support.clusters import WEEK, Engines
from support.samples import Sample, make_sample
from support.world import Row, world

from resources.engine.local_cluster import (
    ClusterNotToBeHadError,
    ClusterSize,
    LocalCluster,
    local_cluster,
)
from resources.engine.session import EngineError, SparkEngine

ONLY_FOR_DAGSTER = ("dagster", "deltalake", "pandas", "pydantic_settings")
# Processes that live for minutes: a second compiler would cost more than it brings.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SMALL = {
    "spark.driver.extraJavaOptions": _SHORT_LIVED,
    "spark.executor.extraJavaOptions": _SHORT_LIVED,
    "spark.sql.shuffle.partitions": "4",
    # A lost worker's files are asked for three times: by default 15 s, here 1.5 s.
    "spark.shuffle.io.retryWait": "500ms",
}


@pytest.fixture(scope="module")
def worker_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with what workers need, but without our packages and what only Dagster's side needs.

    `-S` skips editable installs.
    """
    folder = tmp_path_factory.mktemp("python")
    for name in ONLY_FOR_DAGSTER:
        (folder / f"{name}.py").write_text(f"raise ModuleNotFoundError({name!r})\n")
    script = folder / "python"
    paths = f"{folder}:$PYTHONPATH:{get_paths()['purelib']}"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{paths}" exec "{sys.executable}" -S "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.fixture(scope="module", autouse=True)
def _little_patience() -> Iterator[None]:
    """Take a dead server for dead after about 5 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resources.engine.session._RETRIES", 4)
        yield


@pytest.fixture(scope="module")
def cluster(worker_python: str) -> Iterator[LocalCluster]:
    try:
        with local_cluster(ClusterSize(), SMALL, worker_python) as running:
            yield running
            # A test may have left no server to say goodbye to.
            with warnings.catch_warnings(), suppress(EngineError):
                warnings.simplefilter("ignore")
                SparkEngine(engine="spark", spark_remote=running.url).spark_session.stop()
    except ClusterNotToBeHadError as error:
        pytest.skip(f"no cluster: {error}")


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("week")
    return make_sample(folder, events=14_000, days=len(WEEK), users=100, videos=10)


@pytest.fixture
def engines(cluster: LocalCluster, week: Sample) -> Engines:
    return Engines(cluster.url, week.folder)


@pytest.fixture(scope="module")
def by_embedded(week: Sample, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """The week's tables as the embedded engine computes them."""
    with world(tmp_path_factory.mktemp("embedded"), **Engines("", week.folder).embedded) as assets:
        assets.compute(WEEK[0], WEEK[-1])
        return assets.event_results()
