"""Which days have to be computed again: the account of a source held against its files.

Nothing is opened: the account says what each known version has, the listing which are there, and
the table's log which days were computed by which commit.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from video_assets.days import UNDATED, DayRange
from video_assets.deliveries.account import (
    ALIASES_CHANGED,
    PREDECESSOR_CHANGED,
    Account,
    FileVersion,
    Key,
    key_of,
)
from video_assets.sources.listing import FoundFile


@dataclass(frozen=True)
class StoredDays:
    """What the tables of a source say of their days.

    Attributes:
        commit_of: the number under which the newest commit of a day is noted; None: there is none.
        with_rows: gives the days that have rows; 1970-01-01 where there are rows without a day.
        is_unfinished: whether a day was computed before its deliveries had ended.
    """

    commit_of: Callable[[date], int | None]
    with_rows: Callable[[], Collection[date]]
    is_unfinished: Callable[[date], bool]


class Reason(StrEnum):
    """Why a day that was computed is stale."""

    CAME = "came"
    CHANGED = "changed"
    VANISHED = "vanished"
    UNFINISHED = "unfinished"
    EARLIER_DAY = "an earlier day changed"
    ALIASES = "users' aliases changed"
    ENDED = "its deliveries have ended"


_MARKED = {PREDECESSOR_CHANGED: Reason.EARLIER_DAY, ALIASES_CHANGED: Reason.ALIASES}


@dataclass(frozen=True)
class Pending:
    """What stands between a day and its files.

    Attributes:
        files: the versions that came, by why the day is stale.
        was_computed: whether the table has the day; else it merely waits.
    """

    files: Mapping[Key, Reason]
    was_computed: bool

    @property
    def paths(self) -> set[str]:
        """The files, whichever version."""
        return {key.path for key in self.files}

    @property
    def reasons(self) -> Sequence[str]:
        """Why, each once."""
        return sorted(set(self.files.values()))

    @property
    def is_stale(self) -> bool:
        """Whether the table has the day, and not as its files have it."""
        return self.was_computed and self.reasons != [Reason.ENDED]

    @property
    def needs_a_run(self) -> bool:
        """Whether computing it again would bring rows; a file that vanished brings none."""
        return _brings_rows(self.files)


@dataclass(frozen=True)
class Comparison:
    """A source's account held against its files.

    Attributes:
        unknown: files that nobody looked into yet.
        pending: the days that are not as their files have them.
        outside: waiting rows of days that no partition can hold, by day.
        growing: files that are left for the next look, because they may not be whole yet.
    """

    unknown: tuple[FoundFile, ...]
    pending: Mapping[date, Pending]
    outside: Mapping[date, int]
    growing: tuple[FoundFile, ...] = ()

    @property
    def stale(self) -> dict[date, Pending]:
        """The days that were computed before their files came, changed or vanished."""
        return {day: pending for day, pending in self.pending.items() if pending.is_stale}

    @property
    def to_run(self) -> list[date]:
        """The days that a run would bring up to date, ascending."""
        return [day for day, pending in sorted(self.pending.items()) if pending.needs_a_run]


def compare(  # noqa: PLR0913 (two lists, and how to read them)
    account: Account,
    found: Iterable[FoundFile],
    stored: StoredDays,
    partitions: DayRange | None,
    growing: Iterable[FoundFile] = (),
    *,
    start: date,
    delivered: date,
    early_days: int = 1,
    days_by_path: bool = False,
) -> Comparison:
    """Hold an account against the files that are there.

    Args:
        account: of the source.
        found: all of its files.
        stored: what its tables say.
        partitions: the days that are to be there now; None: the table has no days, and all rows
            count as those of 1970-01-01.
        growing: those of the files that may not be whole yet.
        start: the first partition of all; rows of those between it and `partitions` wait without
            a word, because theirs were dropped.
        delivered: the newest day that gets no more deliveries, unless they are late.
        early_days: how many days after the partitions and the day that follows them have rows that
            merely come early.
        days_by_path: whether a file's path alone tells the day of its rows.
    """
    waits = {key_of(file) for file in growing}
    there = {key_of(file): file for file in found}
    known = {
        key: version
        for key, file in there.items()
        if (version := account.known_file(file)) and key not in waits
    }
    gone = {key: version for key, version in account.versions.items() if key not in there}
    computed_before = {(key.path, day) for key, v in gone.items() for day in v.fates}
    days = _Days(stored, partitions, start, early_days, computed_before)
    for key, version in known.items():
        days.add_present(key, version)
    paths, left = {key.path for key in there}, {key.path for key in waits}
    for key, version in gone.items():
        if key.path not in left:
            days.add_gone(key, version, Reason.CHANGED if key.path in paths else Reason.VANISHED)
    days.add_unaccounted(account.versions.values())
    days.add_ended(delivered)
    unknown = {key: f for key, f in there.items() if key not in known and key not in waits}
    computed = (day for version in account.versions.values() for day in version.fates)
    days.let_one_stand_for_the_undated(computed)
    if days_by_path:
        unknown = {key: f for key, f in unknown.items() if not days.add_by_path(key, f.day)}
    return Comparison(
        unknown=tuple(unknown.values()),
        pending=days.pending(),
        outside=dict(sorted(days.outside.items())),
        growing=tuple(file for key, file in there.items() if key in waits),
    )


def _brings_rows(files: Mapping[Key, Reason]) -> bool:
    return any(reason is not Reason.VANISHED for reason in files.values())


@dataclass
class _Days:
    """Collects what is pending, asking for the commit of each day once."""

    stored: StoredDays
    partitions: DayRange | None
    start: date
    early_days: int
    computed_before: Collection[tuple[str, date]]
    files: dict[date, dict[Key, Reason]] = field(default_factory=lambda: defaultdict(dict))
    outside: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    _commits: dict[date, int | None] = field(default_factory=dict)

    def add_present(self, key: Key, version: FileVersion) -> None:
        """A version that is there: its days should be computed, and by the newest commit."""
        for day, rows in (version.rows or {}).items():
            fates = version.fates.get(day)
            if not self._is_computed_by_runs(day):
                self._add_outside(day, rows)
            elif fates is None:
                self.files[day][key] = self._reason(key, day)
            elif fates.commit in _MARKED:
                self.files[day][key] = _MARKED[fates.commit]
            elif fates.commit != self._commit(day):
                self.files[day][key] = Reason.UNFINISHED

    def add_gone(self, key: Key, version: FileVersion, reason: Reason) -> None:
        """A version that is gone: the table should not have its rows any more."""
        for day, fates in version.fates.items():
            if self._is_computed_by_runs(day):
                is_noted = fates.commit in (*_MARKED, self._commit(day))
                self.files[day][key] = reason if is_noted else Reason.UNFINISHED

    def add_unaccounted(self, versions: Iterable[FileVersion]) -> None:
        """Days with rows of a run that was killed before it accounted for them."""
        accounted = {day for version in versions for day in version.fates}
        for day in self.stored.with_rows():
            if day not in accounted and self._is_computed_by_runs(day):
                self.files[day][Key("", str(self._commit(day)))] = Reason.UNFINISHED

    def add_ended(self, delivered: date) -> None:
        """Days that were computed as unfinished, and are not any more."""
        for day in self.stored.with_rows():
            is_past = self._is_partition(day) and day <= delivered and day not in self.files
            if is_past and self.stored.is_unfinished(day):
                self.files[day][Key("", str(self._commit(day)))] = Reason.ENDED

    def add_by_path(self, key: Key, day: date | None) -> bool:
        """A version that nobody looked into; whether its path says enough, as today's does."""
        if day is None or self.partitions is None:
            return False
        if self._is_partition(day):
            self.files[day][key] = self._reason(key, day)
        return day >= self.partitions.first and not self._is_outside(day)

    def let_one_stand_for_the_undated(self, computed: Iterable[date]) -> None:
        """Rows without a day belong to every run: where none is needed, the newest day has one."""
        if self.partitions is None:
            return
        undated = self.files.pop(UNDATED, {})
        if undated and self.partitions.days and not any(map(_brings_rows, self.files.values())):
            newest = max(filter(self._is_partition, computed), default=self.partitions.last)
            self.files[newest].update(undated)

    def pending(self) -> dict[date, Pending]:
        """What is pending, by day."""
        return {
            day: Pending(dict(files), self._commit(day) is not None)
            for day, files in sorted(self.files.items())
        }

    def _add_outside(self, day: date, rows: int) -> None:
        if self._is_outside(day):
            self.outside[day] += rows

    def _is_outside(self, day: date) -> bool:
        """Whether no partition can hold a day; rows of today and tomorrow merely come early."""
        if self.partitions is None:
            return False
        return not self.start <= day <= self.partitions.end + timedelta(days=self.early_days)

    def _reason(self, key: Key, day: date) -> Reason:
        return Reason.CHANGED if (key.path, day) in self.computed_before else Reason.CAME

    def _is_computed_by_runs(self, day: date) -> bool:
        return day == UNDATED or self._is_partition(day)

    def _is_partition(self, day: date) -> bool:
        if self.partitions is None:
            return day == UNDATED
        return self.partitions.first <= day < self.partitions.end

    def _commit(self, day: date) -> int | None:
        if day not in self._commits:
            self._commits[day] = self.stored.commit_of(day)
        return self._commits[day]
