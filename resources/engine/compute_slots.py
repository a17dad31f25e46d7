"""Who may compute: an engine inside this process starts all of its tasks at once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CORES_WORTH_PROCESSES = 4
_FEWEST_READERS = 16
_READERS_PER_CORE = 2


def available_cores() -> int:
    """Cores that this process may use; systems without affinity let it use all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_processes() -> int:
    """How many processes compute where no setting says it: one a core, from four cores on.

    With fewer, what the interpreter's lock costs is less than what handing rows on does.
    """
    cores = available_cores()
    return cores if cores >= _CORES_WORTH_PROCESSES else 0


_TURNS = threading.BoundedSemaphore(available_cores())


_READERS = threading.BoundedSemaphore(max(_FEWEST_READERS, _READERS_PER_CORE * available_cores()))


@contextmanager
def reader_turn() -> Iterator[None]:
    """Wait until few enough read: a reader needs up to 50 MB, and waits for disks and networks.

    Yield nothing to an engine within it, which may wait for the rows of other readers.
    """
    with _READERS:
        yield


@contextmanager
def turn() -> Iterator[None]:
    """Wait until a core is free: more tasks at a time would only need more memory.

    Take no turn within a turn.
    """
    with _TURNS:
        yield
