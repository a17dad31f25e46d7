"""A long range is computed in chunks of days, and becomes visible at once."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from functools import reduce
from types import TracebackType
from typing import Self, TypeVar

from resources.delta.stage import StagedTable
from video_assets.days import DayRange
from video_assets.sizes import ROWS_AT_ONCE

Chunk = TypeVar("Chunk")


def chunks_of_days(run: DayRange, rows: int, rows_at_once: int | None = None) -> list[DayRange]:
    """Parts of a range that hold about so many rows, each at least a day.

    The engine keeps what it shares out in memory, so this bounds the memory of a step.

    Args:
        run: the range.
        rows: rows of its days, as far as known.
        rows_at_once: rows of a part; None takes `ROWS_AT_ONCE`.
    """
    return equal_parts(run, -(-rows // (rows_at_once or ROWS_AT_ONCE)))


def equal_parts(run: DayRange, parts: int) -> list[DayRange]:
    """So many parts of a range, at least one, each of them at least a day."""
    days = (run.end - run.first).days
    parts = min(days, max(1, parts))
    edges = [run.first + timedelta(days=days * part // parts) for part in range(parts + 1)]
    return [DayRange(*edges[part : part + 2]) for part in range(parts)]


def one_by_one(chunks: Sequence[Chunk], log: logging.Logger) -> Iterator[Chunk]:
    """The chunks, each named in the log when its turn comes, where there are several."""
    for number, chunk in enumerate(chunks, 1):
        if len(chunks) > 1:
            log.info("chunk %d of %d: %s", number, len(chunks), chunk)
        yield chunk


class StagedChunks:
    """What the chunks of a run staged, for one commit; after an error its files are deleted."""

    def __init__(self) -> None:
        """Begin without a chunk."""
        self._chunks: list[Mapping[str, StagedTable]] = []

    def __enter__(self) -> Self:
        """Collect what `add` receives."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Delete the files of all chunks where one failed."""
        if kind is not None:
            discard(staged for chunk in self._chunks for staged in chunk.values())

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._chunks)

    def add(self, staged: Mapping[str, StagedTable]) -> None:
        """Another chunk, by the tables' names."""
        self._chunks.append(staged)

    def merged(self) -> dict[str, StagedTable]:
        """All chunks as one, by the tables' names."""
        return {name: merged([chunk[name] for chunk in self._chunks]) for name in self._chunks[0]}


def stage_side_by_side(*parts: Callable[[], StagedTable]) -> StagedTable:
    """Stage parts of a table at the same time: where one waits, another computes.

    Raises:
        Exception: what a part raises; the files of the others are deleted.
    """
    pool = ThreadPoolExecutor(len(parts))
    futures = [pool.submit(part) for part in parts]
    try:
        wait(futures)
    finally:
        # An interrupt waits for nobody: what the others write, no commit names.
        pool.shutdown(wait=False, cancel_futures=True)
    errors = [error for future in futures if (error := future.exception())]
    if errors:
        discard(future.result() for future in futures if not future.exception())
        raise errors[0]
    return merged([future.result() for future in futures])


def merged(parts: Sequence[StagedTable]) -> StagedTable:
    """Parts of one table as one, for one commit."""
    return reduce(StagedTable.merged_with, parts)


def discard(parts: Iterator[StagedTable]) -> None:
    """Delete the files of parts that no commit will name."""
    for staged in parts:
        staged.discard()
