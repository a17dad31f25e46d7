"""Whether a run's process lives: it holds a lock, which the kernel drops with the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from filelock import FileLock, Timeout

_FOLDER = "running"
_held: dict[Path, FileLock] = {}
_PROCESS_GONE = "The process of this run is gone: it was killed, or its machine went down."


@contextmanager
def alive(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold the run's lock, and give back its pool slots however the block ends."""
    hold(instance, run_id)
    try:
        yield
    finally:
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)


def hold(instance: dg.DagsterInstance, run_id: str) -> None:
    """Hold the run's lock until its end is recorded, or this process has gone.

    Dagster records the end after the last step: a process that is killed in between has let go.
    """
    _let_go_of_ended_runs(instance)
    path = _folder(instance) / run_id
    if path in _held:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    lock.acquire()
    _held[path] = lock


def _let_go_of_ended_runs(instance: dg.DagsterInstance) -> None:
    for path in [path for path in _held if path.parent == _folder(instance)]:
        run = instance.get_run_by_id(path.name)
        if run is None or run.is_finished:
            path.unlink(missing_ok=True)
            _held.pop(path).release()


def is_alive(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a process holds the run's lock; right after `free_dead_runs`, which removes others.

    A run of another machine, whose Dagster home is another folder, has no lock here.
    """
    return (_folder(instance) / run_id).exists()


def free_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs of this Dagster home as failed whose process is gone, and free their pool slots.

    Slots of runs that ended, or that nobody knows any more, are freed too. Several processes may
    do this at once.

    Returns:
        ids of the runs.
    """
    dead = [lock.name for lock in _folder(instance).glob("*") if _freed_if_dead(instance, lock)]
    holders = instance.event_log_storage.get_concurrency_run_ids()
    ended = [run_id for run_id in sorted(holders) if _ended(instance, run_id)]
    for run_id in ended:
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return sorted({*dead, *ended})


def _freed_if_dead(instance: dg.DagsterInstance, lock: Path) -> bool:
    try:
        with FileLock(lock, timeout=0):
            _report_end(instance, instance.get_run_by_id(lock.name))
            instance.event_log_storage.free_concurrency_slots_for_run(lock.name)
            lock.unlink(missing_ok=True)
    except Timeout:
        return False
    return True


def _report_end(instance: dg.DagsterInstance, run: dg.DagsterRun | None) -> None:
    if run is None or run.is_finished:
        return
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, _PROCESS_GONE)
        return
    reason = RunFailureReason.UNEXPECTED_TERMINATION
    instance.report_run_failed(run, _PROCESS_GONE, JobFailureData(None, reason))


def _ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or (run.status in FINISHED_STATUSES and not is_alive(instance, run_id))


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / _FOLDER
