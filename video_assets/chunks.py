"""A long range is computed in chunks of days, and becomes visible at once."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from functools import reduce

from resources.delta.stage import StagedTable
from video_assets.days import DayRange
from video_assets.sizes import ROWS_AT_ONCE

Staged = Mapping[str, StagedTable]


def chunks_of_days(run: DayRange, rows: int, rows_at_once: int | None = None) -> list[DayRange]:
    """Parts of a range that hold about so many rows, each at least a day.

    The engine keeps what it shares out in memory, so this bounds the memory of a step.

    Args:
        run: the range.
        rows: rows of its days, as far as known.
        rows_at_once: rows of a part; None takes `ROWS_AT_ONCE`.
    """
    days = (run.end - run.first).days
    parts = min(days, max(1, -(-rows // (rows_at_once or ROWS_AT_ONCE))))
    edges = [run.first + timedelta(days=days * part // parts) for part in range(parts + 1)]
    return [DayRange(*edges[part : part + 2]) for part in range(parts)]


def stage_in_parts(
    parts: Mapping[str, Callable[[], Staged]], log: logging.Logger
) -> dict[str, StagedTable]:
    """Stage the parts one after the other, for one commit; says in the log which one is next.

    Args:
        parts: what stages each part, by what the log calls it.
        log: where progress is told.

    Raises:
        Exception: what a part raises; the files of the parts before it are deleted.
    """
    done: list[Staged] = []
    for number, (name, stage) in enumerate(parts.items(), 1):
        if len(parts) > 1:
            log.info("chunk %d of %d: %s", number, len(parts), name)
        try:
            done.append(stage())
        except BaseException:
            _discard(done)
            raise
    return _merged(done)


def stage_side_by_side(parts: Sequence[Callable[[], Staged]]) -> dict[str, StagedTable]:
    """Stage parts at the same time, for one commit: where one waits, another computes.

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
        _discard([future.result() for future in futures if not future.exception()])
        raise errors[0]
    return _merged([future.result() for future in futures])


def _merged(parts: Sequence[Staged]) -> dict[str, StagedTable]:
    return {
        name: reduce(StagedTable.merged_with, (part[name] for part in parts)) for name in parts[0]
    }


def _discard(parts: Iterable[Staged]) -> None:
    for part in parts:
        for staged in part.values():
            staged.discard()
