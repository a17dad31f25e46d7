"""What a run reads of a source: the files that have rows of its days, or may have; and its account.

The rows are committed first, the account is written second. A run that is killed in between leaves
days of which the table notes another commit than the account: they are stale, and computed again.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from resources.delta.schema_check import Days, days_between
from resources.delta.stage import StagedTable
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.days import UNDATED, DayRange
from video_assets.deliveries.account import Account, Computed, FileCounts, Key, key_of
from video_assets.deliveries.stale import StoredDays
from video_assets.deliveries.stored_account import (
    Change,
    StoredAccount,
    change_account,
    stored_account,
    unchanged,
)
from video_assets.delta_clones import with_files_of_clone
from video_assets.sources.errors import SourceError
from video_assets.sources.fates import Fate, Tally, tally_of, without_tally
from video_assets.sources.fields import Layout
from video_assets.sources.listing import (
    Found,
    FoundFile,
    Listing,
    SourceFile,
    find_all,
    find_source,
    is_template,
    last_date_in,
    missing_days,
    with_formats,
)

# The names of the sources in the account.

PLAYER_EVENTS, DAILY_VIEWS, VIDEO_METADATA = "player_events", "daily_views", "video_metadata"
USER_ALIASES = "user_aliases"


@dataclass(frozen=True)
class Source:
    """A source and where its account is.

    Attributes:
        name: its name in the account.
        layout: where it is, and how it is read.
        warehouse: root of the tables.
        table: the table of its valid rows.
        rejected: that of the refused ones; None: they are in no table.
    """

    name: str
    layout: Layout
    warehouse: str
    table: Table
    rejected: Table | None = None

    @property
    def read_as(self) -> str:
        """Fingerprint of the settings that tell a row's day."""
        layout = self.layout.with_day_column_alone()
        config, zone = layout.config, layout.kind.day_zone
        notation = (config.timestamp_unit, config.time_zone, config.date_format, zone)
        text = (config.format, config.csv, config.zip_member)
        told_by = (layout.columns, notation, text, self.is_template, config.arrival_days)
        return hashlib.sha256(repr(told_by).encode()).hexdigest()[:16]

    @property
    def is_template(self) -> bool:
        """Whether its path holds `{date}`."""
        return is_template(self.layout.config.uri)

    @property
    def is_of_events(self) -> bool:
        """Whether it is the source of the player events, whose old days may be dropped."""
        return self.name == PLAYER_EVENTS

    @property
    def is_daily(self) -> bool:
        """Whether its rows belong to days."""
        return self.table.partition_by is not None

    def stored_days(self) -> StoredDays:
        """What the tables say of their days, as they are now."""
        tables = Warehouse(self.warehouse).snapshot()

        def commit_of(day: date) -> int | None:
            if not self.is_daily:
                return tables.replacement(self.table)
            dated = self.table if day != UNDATED else self.rejected
            return tables.replacement(dated, day) if dated else None

        def with_rows() -> set[date]:
            stored = (self.table, self.rejected) if self.rejected else (self.table,)
            dated = (table for table in stored if self.is_daily)
            return {day for table in dated for day in tables.rows_per_day(table)}

        def is_unfinished(day: date) -> bool:
            return tables.is_unfinished(self.table, day)

        return StoredDays(commit_of, with_rows, is_unfinished)

    def every_file(self) -> list[FoundFile]:
        """All files that are there, those of all days; none where nothing was delivered yet.

        Raises:
            SourceError: the source cannot be listed.
        """
        return find_all(self.layout.config)

    def account(self) -> Account:
        """The account as it is stored."""
        return self.stored_account().account

    def stored_account(self) -> StoredAccount:
        """The same, with what tells whether it is still that."""
        return stored_account(self.warehouse, self.name, self.read_as)

    def listing(self, found: Found, account: Account, days: Days) -> Listing:
        """Those files that have rows of some days, or of which nobody knows what they have."""
        needed = [file for file in found.files if account.may_have_rows_of(file, days)]
        known = {
            file.stored.location: frozenset(version.rows or ())
            for file in needed
            if (version := account.known_file(file))
        }
        unread = len(found.files) - len(needed)
        listing = with_files_of_clone(
            with_formats(self.layout.config, needed, found.missing, unread)
        )
        files = (
            replace(file, days_known=file.uri in known, days=known.get(file.uri))
            for file in listing.files
        )
        return replace(listing, files=tuple(files))


class Delivery:
    """What a run reads of a source, and what it meets there."""

    def __init__(
        self, source: Source, run: DayRange, look: Change = unchanged, *, reads_all: bool = False
    ) -> None:
        """Find the files of the days of a run.

        Args:
            source: the source.
            run: the days.
            look: what a look into its files brought to the account, to be stored with the rest.
            reads_all: read also the files that have no row of these days.

        Raises:
            SourceError: there is nothing to read; see `find_source`.
        """
        config, kind = source.layout.config, source.layout.kind
        self.source, self.run = source, run
        found = find_source(config, kind, run.first, run.end, days_may_be_missing=True)
        if found.missing and not found.files:
            raise SourceError(missing_days(found.missing, kind))
        self.found = found.files
        self._look = look
        self._stored = source.stored_account()
        self._account = look(self._stored.account)
        self._days = days_between(run.first, run.end)
        self._inside: dict[Key, Counter[tuple[date, Fate]]] = {}
        self._outside: dict[Key, Counter[date]] = {}
        self._complete: dict[Key, bool] = {}
        self._found = {file.stored.location: file for file in self.found}
        self._adds = False
        account = Account({}, source.read_as) if reads_all else self._account
        self.listing = source.listing(found, account, self.days)

    def earlier(self, days: DayRange) -> Listing:
        """The files that may have rows of days before the run; those that are there."""
        config, kind = self.source.layout.config, self.source.layout.kind
        found = find_source(config, kind, days.first, days.end, days_may_be_missing=True)
        wanted = days_between(days.first, days.end)
        return self.source.listing(found, self._account, wanted)

    @property
    def account(self) -> Account:
        """The account as it was when the files were found."""
        return self._account

    @property
    def days(self) -> Days:
        """The days that the run replaces; 1970-01-01 among them where rows may have no day."""
        return self._days | (Days() if self.source.is_template else Days({UNDATED}))

    def add_only(self, files: Sequence[FoundFile]) -> None:
        """Read some of the files alone, whose rows are added to those of the others."""
        self._adds = True
        self.listing = self.source.listing(Found(tuple(files)), self._account, self.days)

    def days_of(self, location: str) -> frozenset[date]:
        """The days that a file may have rows of, as far as anything but its content tells.

        These are, in this order: the days that its path stands for, those that it was known to have
        rows of, or, where it has rows without a day alone, the date in its name; and those that
        have rows of an earlier version of it.
        """
        found = self._found[location]
        known = self._account.known_file(found)
        if found.day:
            late = self.source.layout.config.arrival_days
            told = {found.day - timedelta(days=days) for days in range(late + 1)}
        else:
            told = set(known.rows or ()) if known else set()
            in_name = last_date_in(location.rpartition("/")[2])
            if in_name and told <= {UNDATED}:
                told.add(in_name)
        versions = self._account.versions.items()
        earlier = {day for key, v in versions if key.path == location for day in v.fates}
        return frozenset(told | earlier)

    def leave_out(self, location: str) -> None:
        """Account for a file as not read, whatever was read of it."""
        for met in (self._inside, self._outside, self._complete):
            met.pop(key_of(self._found[location]), None)

    def met(
        self, listing: Listing, days: Days, staged: Mapping[str, StagedTable]
    ) -> dict[str, StagedTable]:
        """Take in what the tasks of a chunk counted.

        Args:
            listing: the files that the chunk read.
            days: its days; 1970-01-01 among them where it has the rows without a day.
            staged: the tables that it staged.

        Returns:
            The tables without these counters.
        """
        tally = {c: n for table in staged.values() for c, n in tally_of(table.counters).items()}
        self._add(listing, days, tally)
        return {
            name: replace(table, counters=without_tally(table.counters))
            for name, table in staged.items()
        }

    def _add(self, listing: Listing, days: Days, tally: Tally) -> None:
        keys = [key_of(self._found[file.uri]) for file in listing.files]
        first = {key for key in keys if key not in self._inside}
        for key, file in zip(keys, listing.files, strict=True):
            self._inside.setdefault(key, Counter())
            self._complete.setdefault(key, _is_read_whole(file))
        for cell, rows in tally.items():
            key = keys[cell.file]
            if cell.day in days:
                self._inside[key][cell.day, cell.fate] += rows
            elif key in first:  # each chunk meets the rows of all other days again
                self._outside.setdefault(key, Counter())[cell.day] += rows

    def note(self, replaced: Days, followers: frozenset[date] = frozenset()) -> None:
        """Write the account, once the rows are committed.

        Args:
            replaced: the days whose rows the run replaced; 1970-01-01 where those without a day.
            followers: other days that go by them, and are stale where they changed.
        """
        stored = self.source.stored_days()
        run = Computed(
            at=datetime.now(UTC),
            days=replaced,
            read={key: self._counts(key, replaced) for key in self._inside},
            commits={day: stored.commit_of(day) or 0 for day in replaced},
            followers=followers - replaced,
            adds=self._adds,
        )
        source = self.source
        change_account(
            source.warehouse,
            source.name,
            source.read_as,
            lambda account: self._look(account).computed(run, self.found),
            self._stored,
        )

    def _counts(self, key: Key, replaced: Days) -> FileCounts:
        fates: dict[date, dict[Fate, int]] = {}
        others = Counter(
            {d: n for d, n in self._outside.get(key, {}).items() if d not in self._days}
        )
        for (day, fate), rows in self._inside[key].items():
            if day in replaced:
                fates.setdefault(day, {})[fate] = rows
            else:
                others[day] += rows
        return FileCounts(fates, others, self._complete[key])


def _is_read_whole(file: SourceFile) -> bool:
    """Whether a reader meets all rows of a file, or counts those that it skips."""
    if file.format == "delta":
        return False
    return file.format != "parquet" or file.day is not None or not file.days_known
