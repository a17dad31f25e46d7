"""What is wrong with a source as a whole, said once and clearly, also from inside an engine."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from resources.storage import StorageError

_START = "[[source error: "
_END = " :source error]]"
_MARKED = re.compile(re.escape(_START) + r"(.*?)" + re.escape(_END), re.DOTALL)


class SourceError(ValueError):
    """A source cannot be read; the message names the file, the column and the remedy."""


@contextmanager
def readable_storage() -> Iterator[None]:
    """Let what cannot be read be an error of the source.

    Raises:
        SourceError: the storage's own message.
    """
    try:
        yield
    except StorageError as error:
        raise SourceError(str(error)) from error


@contextmanager
def marked_for_the_driver() -> Iterator[None]:
    """Mark a `SourceError` raised inside a task, so that the driver finds it again.

    Raises:
        SourceError: the same message between marks.
    """
    try:
        yield
    except (SourceError, StorageError) as error:
        # Engines cut a message at its first line break.
        raise SourceError(f"{_START}{' '.join(str(error).split())}{_END}") from error


def reraise_source_error(error: BaseException) -> None:
    """Raise the `SourceError` that a task raised, if an engine's exception carries one.

    Engines wrap a task's exception in pages of stack traces; call this in the `except` of the
    action and re-raise the original when it returns.

    Args:
        error: the exception that an action on the DataFrame raised.

    Raises:
        SourceError: the task's own message, without the engine's wrapping.
    """
    found = _MARKED.search(str(error))
    if found:
        raise SourceError(found.group(1)) from None
