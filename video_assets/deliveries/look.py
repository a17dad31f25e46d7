"""Looks into files that nobody read yet: of which days they have rows, and how many.

Of a Delta table a new version has what the one before it had, apart from the days of the data files
that came or went: those alone are computed again.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from pyspark.sql import SparkSession

from resources.delta.changes import changed_files, commit_digest
from resources.delta.commit import open_table
from resources.storage import find
from video_assets.days import DayRange
from video_assets.deliveries.account import Account, Key, key_of
from video_assets.deliveries.delivery import Delivery, Source
from video_assets.deliveries.stored_account import Change, change_account
from video_assets.delta_clones import with_files_of_clone
from video_assets.ingestion import clear_source_errors
from video_assets.sizes import PORTIONS_FOR_A_LOOK, Portion
from video_assets.sources.errors import SourceError
from video_assets.sources.estimated_rows import rows_of_source
from video_assets.sources.frames import count_days
from video_assets.sources.listing import FoundFile, Listing, SourceFile, with_formats

_LOG = logging.getLogger(__name__)

RowsByDay = Mapping[date, int]


def delivery_of(source: Source, run: DayRange, session: SparkSession, portion: Portion) -> Delivery:
    """What a run reads of a source; see `Delivery`.

    The engine alone reads a Delta table, and reads of it what is needed: a version that is not
    known is looked into before. So are files of lines that together have far more rows than a step
    may hold, because only their days tell how to read them bit by bit.

    Args:
        source: the source.
        run: the days.
        session: a Spark Connect session.
        portion: what a step holds at once.

    Raises:
        SourceError: there is nothing to read.
    """
    delivery = Delivery(source, run)
    unknown = _to_look_into(delivery, portion)
    if not unknown:
        return delivery
    return Delivery(source, run, looked(session, source, unknown))


def _to_look_into(delivery: Delivery, portion: Portion) -> list[FoundFile]:
    table, layout = delivery.listing.delta, delivery.source.layout
    if table is not None:
        return [] if table.days_known else list(delivery.found)
    lines = [f for f in delivery.listing.files if f.days is None and not f.has_statistics]
    if not lines or delivery.source.is_template or delivery.run.last == delivery.run.first:
        return []
    in_lists = layout.config.explode is not None
    rows = rows_of_source(delivery.listing, portion.bytes_per_row, in_lists=in_lists)
    if rows < PORTIONS_FOR_A_LOOK * portion.rows:
        return []
    _LOG.info("looking for the days of %d files: about %d rows are read in parts", len(lines), rows)
    unknown = {file.uri for file in lines}
    return [file for file in delivery.found if file.stored.location in unknown]


def look_into(session: SparkSession, source: Source, found: Sequence[FoundFile]) -> Account:
    """Account for the files that are not known yet, all their rows waiting.

    A file that cannot be read stays unknown, and is named in the log.

    Args:
        session: a Spark Connect session.
        source: the source.
        found: files of it.

    Returns:
        The account, as it is stored now.

    """
    change = looked(session, source, found)
    return change_account(source.warehouse, source.name, source.read_as, change)


def looked(session: SparkSession, source: Source, found: Sequence[FoundFile]) -> Change:
    """The same as a change of the account, to be stored by the caller."""
    before = source.account()
    unknown = [file for file in found if not before.known_file(file)]
    rows = _rows_of(session, source, unknown)
    kept = {
        key_of(file): _unchanged_days(session, source, file, before)
        for file in unknown
        if file.stored.is_folder
    }
    now = datetime.now(UTC)

    def change(account: Account) -> Account:
        changed = account.seen(found, now).counted(rows)
        for key, (earlier, days) in ((k, v) for k, v in kept.items() if v):
            changed = changed.inherited(key, earlier, days)
        return changed

    return change


def _rows_of(
    session: SparkSession, source: Source, unknown: Sequence[FoundFile]
) -> dict[Key, RowsByDay]:
    empty = {key_of(file): dict[date, int]() for file in unknown if not file.stored.size}
    return {**empty, **_readable(session, source, [f for f in unknown if f.stored.size])}


def _readable(
    session: SparkSession, source: Source, files: Sequence[FoundFile]
) -> dict[Key, RowsByDay]:
    """The rows of those files that can be read; the others stay unknown, and are named."""
    if not files:
        return {}
    try:
        return _counted(session, source, files)
    except SourceError as error:
        if len(files) == 1:
            _LOG.warning("%s", error)
            return {}
    half = len(files) // 2
    return {
        **_readable(session, source, files[:half]),
        **_readable(session, source, files[half:]),
    }


def _counted(
    session: SparkSession, source: Source, files: Sequence[FoundFile]
) -> dict[Key, RowsByDay]:
    with clear_source_errors():
        listing = with_files_of_clone(with_formats(source.layout.config, files).whole())
        tally = count_days(session, source.layout, listing)
    by_file: dict[int, dict[date, int]] = defaultdict(dict)
    for cell, rows in tally.items():
        by_file[cell.file][cell.day] = rows
    place = {file.uri: place for place, file in enumerate(listing.files)}
    return {key_of(file): by_file[place[file.stored.location]] for file in files}


def _unchanged_days(
    session: SparkSession, source: Source, table: FoundFile, account: Account
) -> tuple[Key, frozenset[date]] | None:
    """The version of a Delta table before this one, and its days of which no row changed since."""
    location = table.stored.location
    earlier = [
        key
        for key, version in account.versions.items()
        if key.path == location and version.fates and version.read_as == account.read_as
    ]
    if not earlier:
        return None
    newest = max(earlier, key=lambda key: int(key.version))
    since = int(newest.version)
    log = open_table(location)
    changed = changed_files(location, log, since, commit_digest(location, since))
    if changed is None or log.version() != int(table.version):
        return None
    try:
        files = tuple(map(_data_file, changed.locations))
        listing = Listing(tuple(file for file in files if file is not None))
        if len(listing.files) < len(files):
            return None
        touched = count_days(session, source.layout, listing) if listing.files else {}
    except SourceError:
        return None  # the files lack the column, which is a partition or has another name
    return newest, frozenset(account.versions[newest].fates) - {cell.day for cell in touched}


def _data_file(location: str) -> SourceFile | None:
    stored = find(location)
    return SourceFile(location, stored.size, "parquet") if stored else None
