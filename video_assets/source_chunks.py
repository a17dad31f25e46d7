"""Many rows of a source are read in chunks of days, because a step holds the rows of a chunk."""

import logging
from bisect import bisect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.schema_check import Days, days_between
from resources.delta.stage import StagedTable
from resources.runs.passing_faults import passes
from video_assets.chunks import StagedChunks, chunks_of_days, equal_parts, one_by_one
from video_assets.days import UNDATED, DayRange
from video_assets.ingestion import (
    clear_source_errors,
    replaced_days,
    what_is_read,
)
from video_assets.sizes import MOST_READS, Portion
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.estimated_rows import rows_of_source
from video_assets.sources.listing import Listing, SourceFile, is_template
from video_assets.sources.times import Window

# So many files that cannot be read, and none that can, are no matter of single files.
_HOPELESS_FILES = 5


@dataclass(frozen=True)
class SourceChunk:
    """Some days of a run.

    Attributes:
        source: what is read.
        days: the days.
        listing: the files that may have rows of them.
        rows: about how many rows they have.
        window: what to read of the files. Undated rows belong to the chunk that reads the rows
            around them, where statistics or the known days of their file tell it, else to the first
            one of the run.
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

    def without(self, files: Collection[str]) -> "SourceChunk":
        """The same without some files."""
        kept = tuple(file for file in self.listing.files if file.uri not in files)
        return replace(self, listing=replace(self.listing, files=kept))

    def __str__(self) -> str:
        """The days, for the log."""
        return str(self.days)


def source_chunks(
    source: SourceConfig, listing: Listing, run: DayRange, log: logging.Logger, portion: Portion
) -> Iterator[SourceChunk]:
    """The chunks of days in which a run reads a source, one after the other.

    A file of lines of which nobody knows the days is read by each chunk. Where most are such, there
    is one chunk.

    Args:
        source: what is read.
        listing: its files.
        run: the days.
        log: where files and progress are named.
        portion: about how many rows a chunk may have.
    """
    log.info(what_is_read(listing))
    rows = rows_of_source(listing, portion.bytes_per_row, in_lists=source.explode is not None)
    parts = _parts(source, listing, chunks_of_days(run, rows, portion.rows))
    whole = Window(run.first, run.end)
    windows = [
        Window(days.first, days.end, with_undated=days.first == run.first, part_of=whole)
        for days in parts
    ]
    chunks = [
        SourceChunk(source, days, _files_of(window, listing), rows // len(parts), window)
        for days, window in zip(parts, windows, strict=True)
    ]
    with_days = [chunk for chunk in chunks if chunk.replaced[0]]
    yield from one_by_one(with_days, log)


def _parts(source: SourceConfig, listing: Listing, parts: list[DayRange]) -> list[DayRange]:
    """These parts of a run, or as few as files of lines need not be read too often for."""
    if is_template(source.uri):
        return parts
    run = DayRange(parts[0].first, parts[-1].end)
    days = days_between(run.first, run.end)
    lines = [
        (file.size, None if file.days is None else file.days & days)
        for file in listing.files
        if not file.has_statistics
    ]
    most = sum(size * (1 if days is None else MOST_READS) for size, days in lines)
    while len(parts) > 1 and _bytes_read(lines, parts) > most:
        parts = equal_parts(run, len(parts) // 2)
    return parts


def _bytes_read(lines: Iterable[tuple[int, Days | None]], parts: Sequence[DayRange]) -> int:
    """How many bytes are read of files of these sizes, with rows of these days, or of any."""
    later = [part.first for part in parts[1:]]
    return sum(
        size * (len(parts) if days is None else max(1, len({bisect(later, day) for day in days})))
        for size, days in lines
    )


def stage_readable(
    chunks: Iterable[SourceChunk],
    listing: Listing,
    stage_chunk: Callable[[SourceChunk], Mapping[str, StagedTable]],
    staged: StagedChunks,
    read: Callable[[SourceChunk], DataFrame],
) -> dict[str, SourceError]:
    """Stage all rows of a run but those of files that cannot be read.

    Args:
        chunks: of the run.
        listing: its files.
        stage_chunk: stages one of them.
        staged: where they are added.
        read: all rows of a chunk, lazily; tells which files are the cause of an error.

    Returns:
        What is wrong with each such file.

    Raises:
        SourceError: no file can be read, a server does not answer, or no file is the cause.
    """
    unreadable = dict(listing.unreadable)
    for error in filter(passes, unreadable.values()):
        raise error
    for chunk in chunks:
        readable = chunk.without(unreadable)
        try:
            with clear_source_errors():
                staged.add(stage_chunk(readable))
        except SourceError as first:
            found = _unreadable_files(readable, first, read)
            unreadable |= found
            with clear_source_errors():
                staged.add(stage_chunk(readable.without(found)))
    if unreadable and len(unreadable) == len(listing.files) + len(listing.unreadable):
        raise next(iter(unreadable.values()))
    return unreadable


def _unreadable_files(
    chunk: SourceChunk, first: SourceError, read: Callable[[SourceChunk], DataFrame]
) -> dict[str, SourceError]:
    """The files of a chunk that cannot be read, by reading halves of halves.

    Raises:
        SourceError: none is, so many are that the source is what is wrong, or a server is away.
    """
    found: dict[str, SourceError] = {}
    is_any_readable = False
    waiting = _halves(chunk.listing.files)
    while waiting:
        files = waiting.pop()
        part = replace(chunk, listing=replace(chunk.listing, files=files, unread=1))
        error = first if len(chunk.listing.files) == 1 else _error_of(read, part)
        if error is None:
            is_any_readable = True
        elif passes(error):
            raise error
        elif len(files) > 1:
            waiting += _halves(files)
        else:
            found[files[0].uri] = error
        if len(found) >= _HOPELESS_FILES and not is_any_readable:
            raise first
    if not found:
        raise first
    return found


def _error_of(read: Callable[[SourceChunk], DataFrame], chunk: SourceChunk) -> SourceError | None:
    try:
        with clear_source_errors():
            read(chunk).agg(F.count(F.col("reason"))).collect()
    except SourceError as error:
        return error
    return None


def _halves(files: tuple[SourceFile, ...]) -> list[tuple[SourceFile, ...]]:
    """Two halves, the second one first; of one file, itself."""
    half = len(files) // 2
    return [part for part in (files[half:], files[:half]) if part]


def _files_of(window: Window, listing: Listing) -> Listing:
    files = (file for file in listing.files if _may_bring(file, window))
    return replace(listing, files=tuple(files))


def _may_bring(file: SourceFile, window: Window) -> bool:
    if file.day is not None:
        early = timedelta(days=file.arrival_days)
        return window.first_day <= file.day < window.end_day + early
    if file.days is None or file.has_statistics:
        return True
    if any(window.first_day <= day < window.end_day for day in file.days):
        return True
    return UNDATED in file.days and window.of_file(file.days).with_undated
