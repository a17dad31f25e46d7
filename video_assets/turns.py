"""Who may compute: an engine inside this process starts all of its tasks at once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TURNS = threading.BoundedSemaphore(len(os.sched_getaffinity(0)))


@contextmanager
def turn() -> Iterator[None]:
    """Wait until a core is free: more tasks at a time would only need more memory.

    Take no turn within a turn.
    """
    with _TURNS:
        yield
