"""What the C library keeps for threads that come and go."""

import ctypes
from typing import Any

# glibc's malloc.h.
_M_ARENA_MAX = -8


def limit_arenas(count: int) -> None:
    """Let all threads of this process share so many heaps.

    glibc gives each new thread a heap of its own, up to eight times the cores, and what a thread
    frees stays there for itself. The embedded engine runs tasks in dozens of threads, of which as
    many compute as there are cores: each would keep what its last task needed. To be called before
    there are many threads. Other C libraries have no such heaps: there it does nothing.

    Args:
        count: heaps, at least 1.
    """
    library: Any = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_M_ARENA_MAX, count)
