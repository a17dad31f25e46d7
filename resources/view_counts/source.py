"""What the platform asks of a source of lifetime view counts, whatever answers it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

ViewCounts = Mapping[str, int | None]
Fetch = Callable[[Sequence[str]], ViewCounts]


class ViewCountSourceError(RuntimeError):
    """The source gave no usable answer, and asking again as it is will not help.

    Attributes:
        status: HTTP status of the answer, None when there was none.
        reason: the source's own name for the refusal, empty when it gave none.
    """

    def __init__(self, message: str, *, status: int | None = None, reason: str = "") -> None:
        """Say what went wrong and what to do."""
        super().__init__(message)
        self.status = status
        self.reason = reason


class QuotaExceededError(ViewCountSourceError):
    """The source answers no more calls until its quota is renewed."""


class InvalidApiKeyError(ViewCountSourceError):
    """The API key is missing, malformed, or refused by the source."""


class ViewCountSource(ABC):
    """Answers how often videos were watched since they were uploaded.

    A source travels to the engine's tasks, so it must be picklable and keep no connection:
    connections live in a `session`.

    Attributes:
        batch_size: most ids that one call may ask for.
    """

    batch_size: int

    @abstractmethod
    def fetch(self, video_ids: Sequence[str]) -> ViewCounts:
        """Lifetime view counts of at most `batch_size` videos, in one call.

        Args:
            video_ids: ids to ask for.

        Returns:
            Views by id; None when the owner hides the count. Ids that the source does not know
            (deleted, private) are absent.

        Raises:
            ValueError: there are more ids than `batch_size`.
            ViewCountSourceError: the source gave no usable answer.
        """

    @contextmanager
    def session(self) -> Iterator[Fetch]:
        """Yields a `fetch` for many calls one after the other, over one connection if it can."""
        yield self.fetch


def refuse_large_batch(video_ids: Sequence[str], batch_size: int) -> None:
    """Raise ValueError when one call would ask for more ids than a batch holds."""
    if len(video_ids) > batch_size:
        raise ValueError(
            f"one call asks for {len(video_ids)} videos, but a batch holds at most {batch_size}: "
            "cut the ids into batches"
        )
