"""Many rows of a source are read in chunks of days, because a step holds the rows of a chunk."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable
from video_assets.chunks import StagedChunks, chunks_of_days, one_by_one
from video_assets.days import DayRange
from video_assets.ingestion import (
    clear_source_errors,
    replaced_days,
    rows_of_source,
    what_is_read,
)
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.listing import Listing, SourceFile, is_template
from video_assets.sources.times import Window
from video_assets.staged_days import FailedDay

# So many days that cannot be read, and none that can, are no matter of single days.
_HOPELESS_DAYS = 5


@dataclass(frozen=True)
class SourceChunk:
    """Some days of a run.

    Attributes:
        source: what is read.
        days: the days.
        listing: the files that may have rows of them.
        rows: about how many rows they have.
        window: what to read of the files; of a run, the first chunk has the undated rows.
    """

    source: SourceConfig
    days: DayRange
    listing: Listing
    rows: int
    window: Window

    @property
    def replaced(self) -> tuple[Days, Days]:
        """The days to replace: of the valid rows, and of the rejected ones."""
        valid, rejected = replaced_days(self.source, self.days)
        return valid - self.listing.missing.keys(), rejected - self.listing.missing.keys()

    @property
    def parts(self) -> "list[SourceChunk]":
        """Two halves of a chunk of which several days have files; of another one, nothing."""
        days = self.days_of_files
        if len(days) <= 1:
            return []
        between = days[len(days) // 2]
        halves = DayRange(self.days.first, between), DayRange(between, self.days.end)
        return [self._of(half) for half in halves]

    @property
    def days_of_files(self) -> list[date]:
        """The days that `{date}` files may bring rows of, ascending."""
        dated = [file for file in self.listing.files if file.day]
        return [
            day for day in self.days.days if any(_may_bring(f, DayRange.single(day)) for f in dated)
        ]

    def _of(self, days: DayRange) -> "SourceChunk":
        return replace(
            self,
            days=days,
            listing=_files_of(days, self.listing),
            rows=self.rows // 2,
            window=replace(self.window, first_day=days.first, end_day=days.end),
        )

    def __str__(self) -> str:
        """The days, for the log."""
        return str(self.days)


def source_chunks(
    source: SourceConfig,
    listing: Listing,
    run: DayRange,
    log: logging.Logger,
    rows_at_once: int | None = None,
) -> Iterator[SourceChunk]:
    """The chunks of days in which a run reads a source, one after the other.

    Files of lines are read at once: each chunk would have to read all of them.

    Args:
        source: what is read.
        listing: its files.
        run: the days.
        log: where files and progress are named.
        rows_at_once: about how many rows a chunk may have; see `chunks_of_days`.
    """
    log.info(what_is_read(listing))
    rows = rows_of_source(listing)
    parts = chunks_of_days(run, rows, rows_at_once) if _tells_days(source, listing) else [run]
    chunks = [
        SourceChunk(
            source,
            days,
            _files_of(days, listing),
            rows // len(parts),
            Window(days.first, days.end, with_undated=days.first == run.first),
        )
        for days in parts
    ]
    with_days = [chunk for chunk in chunks if chunk.replaced[0]]
    yield from one_by_one(with_days, log)


def stage_readable(
    chunks: Iterable[SourceChunk],
    stage_chunk: Callable[[SourceChunk], Mapping[str, StagedTable]],
    staged: StagedChunks,
) -> dict[date, FailedDay]:
    """Stage chunks; where each day has files of its own, all days that can be read.

    Args:
        chunks: of a run.
        stage_chunk: stages one of them.
        staged: where they are added.

    Returns:
        Why days cannot be read.

    Raises:
        SourceError: no day can be read, or the source's files belong to no single day.
    """
    failed: dict[date, FailedDay] = {}
    first_error: SourceError | None = None
    for chunk in chunks:
        waiting = [chunk]
        while waiting:
            part = waiting.pop()
            try:
                with clear_source_errors():
                    staged.add(stage_chunk(part))
            except SourceError as error:
                if not is_template(part.source.uri):
                    raise
                first_error = first_error or error
                waiting += reversed(part.parts)
                if not part.parts:
                    failed[part.days_of_files[0]] = FailedDay(str(error), cause=error)
                if len(failed) >= _HOPELESS_DAYS and not staged:
                    raise
    if first_error and not staged:
        raise first_error
    return failed


def _tells_days(source: SourceConfig, listing: Listing) -> bool:
    """Whether a chunk of days need not read the rows of all others: by path or statistics."""
    return is_template(source.uri) or all(
        file.format in ("parquet", "delta") for file in listing.files
    )


def _files_of(days: DayRange, listing: Listing) -> Listing:
    return replace(listing, files=tuple(f for f in listing.files if _may_bring(f, days)))


def _may_bring(file: SourceFile, days: DayRange) -> bool:
    if file.day is None:
        return True
    return days.first <= file.day <= days.last + timedelta(days=file.arrival_days)
