"""What a machine has no more of, said with the remedy: file handles and space on a disk."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


class SystemLimitError(RuntimeError):
    """The machine has no more file handles or no more space; the message says what to do."""


# Rust and SQLite tell the number or the sentence, and only in their text.
_NO_HANDLES = ("(os error 24)", "(os error 23)", os.strerror(errno.EMFILE))
_NO_SPACE = ("(os error 28)", os.strerror(errno.ENOSPC), "database or disk is full")
FULL_DISK = (
    "A disk is full: that of the Dagster home (DAGSTER_HOME) or of the tables "
    "(VIDEO_ASSETS_WAREHOUSE). Free some space, then run this again; tables stay as they were."
)


@contextmanager
def explaining_limits() -> Iterator[None]:
    """Say what to do where the machine has no more of something.

    Raises:
        SystemLimitError: that was the cause of an error.
    """
    try:
        yield
    except Exception as error:
        if remedy := _remedy(error):
            raise SystemLimitError(f"{_first_line(error)}. {remedy}") from error
        raise


def _remedy(error: BaseException) -> str:
    chain = list(_chain(error))
    if any(isinstance(cause, SystemLimitError) for cause in chain):
        return ""
    told = "\n".join(map(str, chain))
    if any(sign in told for sign in _NO_HANDLES):
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            f"This process may hold {most} files open: start it with more (`ulimit -n 65536`, "
            "`LimitNOFILE=65536` in a systemd unit), then run this again."
        )
    if any(sign in told for sign in _NO_SPACE):
        return FULL_DISK
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}".rstrip(". ")
