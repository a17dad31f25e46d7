"""Many rows of a source are read in chunks of days, because a step holds the rows of a chunk."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from resources.delta.stage import StagedTable
from video_assets.chunks import Staged, chunks_of_days, stage_in_parts
from video_assets.days import DayRange
from video_assets.ingestion import clear_source_errors, rows_of_source, what_is_read
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


def stage_source(  # noqa: PLR0913 (one read of a source, described in full)
    source: SourceConfig,
    listing: Listing,
    run: DayRange,
    stage_chunk: Callable[[SourceChunk], Staged],
    log: logging.Logger,
    *,
    rows_at_once: int | None = None,
) -> dict[str, StagedTable]:
    """Stage all rows of a run for one commit; many rows in chunks of days.

    Files of lines are read at once: each chunk would have to read all of them.

    Args:
        source: what is read.
        listing: its files.
        run: the days.
        stage_chunk: stages some days.
        log: where files and progress are told.
        rows_at_once: about how many rows a chunk may have; see `chunks_of_days`.

    Raises:
        SourceError: the source cannot be read.
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
    named = {f"{c.days.first} to {c.days.last}": partial(stage_chunk, c) for c in chunks}
    with clear_source_errors():
        return stage_in_parts(named, log)


def _tells_days(source: SourceConfig, listing: Listing) -> bool:
    """Whether a chunk of days need not read the rows of all others: by path or statistics."""
    return is_template(source.uri) or all(
        file.format in ("parquet", "delta") for file in listing.files
    )


def _files_of(days: DayRange, listing: Listing) -> Listing:
    return Listing(tuple(f for f in listing.files if f.day is None or f.day in days.days))
