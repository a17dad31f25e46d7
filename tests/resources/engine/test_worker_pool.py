"""Tasks of the embedded engine in processes of their own: the same rows, and told ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from support.engine import only_embedded
from support.restless import bits, delivered_events, restless_events
from support.world import world

from resources.delta.errors import StagingError
from resources.delta.stage import Emission, stage, target
from resources.engine.session import SparkEngine
from resources.engine.worker_pool import Kernel, WorkerError, WorkerPool, use_workers
from video_assets.arrow import kernels
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.sources.errors import SourceError

DAYS = tuple(date(2025, 3, day) for day in (1, 2, 3))
ONE_TO_THREE = pa.record_batch({"n": [1, 2, 3]})
STARTER = """
import sys, time
import pyarrow as pa
from resources.engine.worker_pool import WorkerPool

pool = WorkerPool(1)
list(pool.run(lambda batches: batches, [pa.record_batch({"n": [1]})]))
print(pool._free.get().process.pid, flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.processes


def with_process(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows doubled, and who did it."""
    for batch in batches:
        doubled = [2 * n for n in batch["n"].to_pylist()]
        yield pa.record_batch({"n": doubled, "process": [os.getpid()] * len(doubled)})


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with closing(WorkerPool(1)) as pool:
        yield pool


def computed(pool: WorkerPool, kernel: Kernel = with_process) -> list[dict[str, int]]:
    rows: list[dict[str, int]] = [
        row for batch in pool.run(kernel, [ONE_TO_THREE] * 2) for row in batch.to_pylist()
    ]
    return rows


@only_embedded("tasks of Apache Spark are in processes already")
def test_processes_give_the_rows_that_threads_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "ROWS_FOR_PROCESSES", 1)
    rows, found = restless_events(5, DAYS), []
    begun = set(psutil.Process().children())
    try:
        for count in (0, 2):
            settings = delivered_events(tmp_path / str(count), rows, DAYS[0])
            warehouse = tmp_path / str(count) / "warehouse"
            with world(warehouse, worker_processes=count, **settings) as events:
                events.compute(DAYS[0], DAYS[-1])
                found.append(bits(events))
            assert len(set(psutil.Process().children()) - begun) == count
    finally:
        use_workers(0)
    assert found[0] == found[1]
    assert found[0]["sessions"]


@only_embedded("tasks of Apache Spark are in processes already")
def test_a_process_that_is_killed_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    def killed(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
        rows = VIDEO_METADATA.arrow_schema.empty_table()
        list(batches)
        yield Emission(VIDEO_METADATA.name, rows)
        os.kill(os.getpid(), signal.SIGKILL)

    frame = SparkEngine(engine="sail", worker_processes=1).spark_session.range(10)
    try:
        with pytest.raises(StagingError, match=r"nothing was committed: .*killed by signal 9"):
            stage(frame, killed, target(str(tmp_path), VIDEO_METADATA), apart=True)
    finally:
        use_workers(0)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_process_computes_one_task_after_the_other(pool: WorkerPool) -> None:
    first, second = computed(pool), computed(pool)
    assert [row["n"] for row in first] == [2, 4, 6] * 2
    assert {row["process"] for row in first + second} == {first[0]["process"]}
    assert first[0]["process"] != os.getpid()


def fail_with(error: Callable[[], Exception]) -> Kernel:
    def kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield next(batches)
        raise error()

    return kernel


class UntravelledError(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (lambda: SourceError("events.csv: no userId"), SourceError),
        (lambda: FileNotFoundError("events.csv"), FileNotFoundError),
        (lambda: UntravelledError("events.csv", "more"), WorkerError),
    ],
)
def test_what_fails_in_a_process_is_raised_by_the_task(
    pool: WorkerPool, error: Callable[[], Exception], raised: type[Exception]
) -> None:
    with pytest.raises(raised, match=r"events\.csv"):
        computed(pool, fail_with(error))
    assert computed(pool)


def test_a_killed_process_is_told_with_a_remedy_and_replaced(pool: WorkerPool) -> None:
    def killed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield next(batches)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(WorkerError, match=r"killed by signal 9.*VIDEO_ASSETS_WORKER_PROCESSES"):
        computed(pool, killed)
    assert computed(pool)


def test_a_task_that_is_left_early_leaves_no_rows_to_the_next(pool: WorkerPool) -> None:
    rows = pool.run(with_process, [ONE_TO_THREE] * 2)
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert [row["n"] for row in computed(pool)] == [2, 4, 6] * 2


def test_a_changed_environment_reaches_the_next_task(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        list(batches)
        yield pa.record_batch({"region": [os.environ.get("AWS_REGION", "none")]})

    monkeypatch.delenv("AWS_REGION", raising=False)
    assert list(computed(pool, told)) == [{"region": "none"}]
    monkeypatch.setenv("AWS_REGION", "eu-central-2")
    assert list(computed(pool, told)) == [{"region": "eu-central-2"}]


def test_processes_end_with_the_one_that_started_them() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE) as starter:
        assert starter.stdout
        worker = psutil.Process(int(starter.stdout.readline()))
        starter.kill()
    wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def wait_until(happened: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.1)
