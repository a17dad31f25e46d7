"""Processes that compute for the embedded engine, whose tasks are threads of one interpreter.

A task hands its function and its rows to a process and gives out what comes back, batch by batch:
one side speaks at a time, so that no full pipe can hold both up. A process ends with the one that
started it, because its connection does.
"""

import atexit
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock
from typing import Any

import pyarrow as pa
from pyspark import cloudpickle

Batches = Iterable[pa.RecordBatch]
Kernel = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

# What the two say to each other, each with some bytes.
_TASK, _WANTED, _ROWS, _DONE, _FAILED = "task", "wanted", "rows", "done", "failed"
_SERVE = "import sys; from resources.engine.worker_pool import serve; serve(int(sys.argv[1]))"
_SECONDS_TO_END = 5


class WorkerError(RuntimeError):
    """A process that computed is gone, or failed with an error that cannot travel."""


def computed_apart(batches: Batches, kernel: Kernel) -> Iterator[pa.RecordBatch]:
    """What `kernel` makes of the batches, in a process where there are some, else right here.

    All batches are taken before the process is, because a task may have to wait for another task,
    which waits for a process. On a cluster tasks are processes already.

    Args:
        batches: of one task.
        kernel: picklable.

    Raises:
        WorkerError: the process is gone, most likely because memory was short.
    """
    if _pool is None:
        return kernel(iter(batches))
    return _pool.run(kernel, list(batches))


def use_workers(count: int) -> None:
    """From now on compute in so many processes; they start when they are needed. 0: in none."""
    global _pool  # noqa: PLW0603 (as the embedded engine, there is one a process)
    with _changing:
        if count != (_pool.count if _pool else 0):
            if _pool:
                _pool.close()
            _pool = WorkerPool(count) if count else None


class _GoneError(BaseException):
    """Nobody is at the other end; no `Exception`, because a function shall not handle it."""


@dataclass(frozen=True)
class _Line:
    """One end of the connection between a task and its process."""

    connection: "Connection[Any, Any]"

    def say(self, word: str, content: "pa.Buffer | bytes" = b"") -> None:
        try:
            self.connection.send_bytes(word.encode())
            self.connection.send_bytes(content)
        except OSError:
            raise _GoneError from None

    def hear(self) -> tuple[str, bytes]:
        try:
            return self.connection.recv_bytes().decode(), self.connection.recv_bytes()
        except (EOFError, OSError):
            raise _GoneError from None


class WorkerPool:
    """A number of processes, each of which computes one task at a time."""

    def __init__(self, count: int) -> None:
        """Start none yet."""
        self.count = count
        self._free: SimpleQueue[_Worker | None] = SimpleQueue()
        for _ in range(count):
            self._free.put(None)

    def run(self, kernel: Kernel, batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Compute in the first process that is free; the list is emptied on the way."""
        worker = self._free.get()
        try:
            if worker and not worker.is_as_started():
                worker.stop()
                worker = None
            worker = worker or _Worker.started()
            yield from worker.run(kernel, batches)
        except BaseException:
            if worker:
                worker.stop()
            worker = None
            raise
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """End the processes that are free; each of the others ends with its task."""
        for _ in range(self._free.qsize()):
            if worker := self._free.get():
                worker.stop()
            self._free.put(None)


@dataclass(frozen=True)
class _Worker:
    process: "subprocess.Popen[bytes]"
    connection: "Connection[Any, Any]"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @classmethod
    def started(cls) -> "_Worker":
        ours, theirs = Pipe()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with theirs:
            process = subprocess.Popen(  # noqa: S603 (this module)
                [sys.executable, "-c", _SERVE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment,
                # An interrupt is for this process, which tells the others by closing.
                start_new_session=True,
            )
        return cls(process, ours)

    def is_as_started(self) -> bool:
        """Whether it lives, and the environment, in which credentials are, is still the same."""
        return self.process.poll() is None and self.environment == os.environ

    def run(self, kernel: Kernel, batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        line = _Line(self.connection)
        batches.reverse()
        try:
            line.say(_TASK, _pickled(kernel))
            while (heard := line.hear())[0] != _DONE:
                word, content = heard
                if word == _FAILED:
                    raise _error_of(content)
                if word == _ROWS:
                    yield _batch(content)
                elif batches:
                    line.say(_ROWS, _content(batches.pop()))
                else:
                    line.say(_DONE)
        except _GoneError:
            raise WorkerError(self._told_end()) from None

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()

    def _told_end(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_SECONDS_TO_END)
        code = self.process.returncode
        how = f"was killed by signal {-code}" if code and code < 0 else f"ended with {code}"
        return (
            f"a process that computed for the engine {how}; nothing was committed. Where memory "
            "was short, set VIDEO_ASSETS_WORKER_PROCESSES to fewer, or to 0 for none."
        )


_changing = Lock()
_pool: WorkerPool | None = None
atexit.register(use_workers, 0)


def serve(descriptor: int) -> None:
    """Be a process of the pool, until the one that started it has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pa.set_cpu_count(1)
    line = _Line(Connection(descriptor))
    with suppress(_GoneError):
        while True:
            _, kernel = line.hear()
            _compute(kernel, line)
            pa.default_memory_pool().release_unused()


def _compute(kernel: bytes, line: _Line) -> None:
    try:
        for batch in cloudpickle.loads(kernel)(_asked_for(line)):
            line.say(_ROWS, _content(batch))
    except Exception as error:  # noqa: BLE001 (it is raised where the task is)
        line.say(_FAILED, _content_of_error(error))
    else:
        line.say(_DONE)


def _asked_for(line: _Line) -> Iterator[pa.RecordBatch]:
    while True:
        line.say(_WANTED)
        word, content = line.hear()
        if word == _DONE:
            return
        yield _batch(content)


def _content(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue()


def _batch(content: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(content).read_next_batch()


def _content_of_error(error: Exception) -> bytes:
    try:
        content = _pickled(error.with_traceback(None))
        cloudpickle.loads(content)
    except Exception:  # noqa: BLE001 (whatever an error's class does)
        told = WorkerError("".join(traceback.format_exception_only(error)).strip())
        content = _pickled(told)
    return content


def _pickled(value: object) -> bytes:
    content: bytes = cloudpickle.dumps(value)  # type: ignore[no-untyped-call]
    return content


def _error_of(content: bytes) -> Exception:
    error: Exception = cloudpickle.loads(content)
    return error
