"""Who may compute: an engine inside this process starts all of its tasks at once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def available_cores() -> int:
    """Cores that this process may use; systems without affinity let it use all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_TURNS = threading.BoundedSemaphore(available_cores())


@contextmanager
def turn() -> Iterator[None]:
    """Wait until a core is free: more tasks at a time would only need more memory.

    Take no turn within a turn.
    """
    with _TURNS:
        yield
