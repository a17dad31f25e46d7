"""Many rows of a source are read in chunks of days, because a step holds the rows of a chunk."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from video_assets.chunks import chunks_of_days, one_by_one
from video_assets.days import DayRange
from video_assets.ingestion import rows_of_source, what_is_read
from video_assets.sources.config import SourceConfig
from video_assets.sources.listing import Listing, is_template
from video_assets.sources.times import Window


@dataclass(frozen=True)
class SourceChunk:
    """Some days of a run.

    Attributes:
        days: the days.
        listing: the files that may have rows of them.
        rows: about how many rows they have.
        window: what to read of the files; of a run, the first chunk has the undated rows.
    """

    days: DayRange
    listing: Listing
    rows: int
    window: Window

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
            days,
            _files_of(days, listing),
            rows // len(parts),
            Window(days.first, days.end, with_undated=days.first == run.first),
        )
        for days in parts
    ]
    yield from one_by_one(chunks, log)


def _tells_days(source: SourceConfig, listing: Listing) -> bool:
    """Whether a chunk of days need not read the rows of all others: by path or statistics."""
    return is_template(source.uri) or all(
        file.format in ("parquet", "delta") for file in listing.files
    )


def _files_of(days: DayRange, listing: Listing) -> Listing:
    return Listing(tuple(f for f in listing.files if f.day is None or f.day in days.days))
