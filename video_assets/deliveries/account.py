"""The account of a source: which versions of its files there were, and where their rows are.

A row of a file has one fate. A run replaces the fates of its days as a whole: those of the files
that it read by what became of their rows, those of files that are gone by none, because their rows
are in no table any more. What has no fate is waiting.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from resources.delta.schema_check import Days
from video_assets.sources.fates import Fate
from video_assets.sources.listing import FoundFile

# Instead of a commit: the day goes by an earlier one that changed since.
PREDECESSOR_CHANGED = -1
# The same: other users have become known for ids of the day.
ALIASES_CHANGED = -2


class Key(NamedTuple):
    """What tells a version of a file from all others of the source."""

    path: str
    version: str


@dataclass(frozen=True)
class DayFates:
    """What became of a file's rows of a day.

    Attributes:
        rows: by fate.
        commit: the number under which the table notes the commit that computed the day.
    """

    rows: Mapping[Fate, int]
    commit: int = 0


@dataclass(frozen=True)
class FileVersion:
    """One version of a file.

    Attributes:
        size: bytes as stored.
        first_seen: when it was first seen, UTC.
        read_as: fingerprint of the settings by which its days were told.
        read: when a run read it last.
        vanished: when it was first missed.
        rows: of each day; None: nobody looked into it yet.
        fates: of the days that were computed.
    """

    size: int
    first_seen: datetime
    read_as: str
    read: datetime | None = None
    vanished: datetime | None = None
    rows: Mapping[date, int] | None = None
    fates: Mapping[date, DayFates] = field(default_factory=dict)

    def rows_of(self, fate: Fate) -> int:
        """Rows of a fate that a run decides."""
        return sum(day.rows.get(fate, 0) for day in self.fates.values())

    @property
    def waiting(self) -> int | None:
        """Rows without such a fate; None: nobody looked into it yet."""
        if self.rows is None:
            return None
        decided = (rows for day in self.fates.values() for rows in day.rows.values())
        return sum(self.rows.values()) - sum(decided)


@dataclass(frozen=True)
class FileCounts:
    """What a run met in a file.

    Attributes:
        fates: rows of the run's days, by day and fate.
        others: rows of other days.
        is_complete: whether these are all rows of the file.
    """

    fates: Mapping[date, Mapping[Fate, int]]
    others: Mapping[date, int] = field(default_factory=dict)
    is_complete: bool = True


@dataclass(frozen=True)
class Computed:
    """What a run did.

    Attributes:
        at: when, UTC.
        days: the days that it replaced; 1970-01-01 where it replaced the rows without a day.
        read: what it met in the files that it read.
        commits: the numbers under which the table notes its commits of the days.
        followers: days that it did not replace and that go by its days.
        adds: whether it added rows to its days: those of other files stay.
    """

    at: datetime
    days: Days
    read: Mapping[Key, FileCounts]
    commits: Mapping[date, int]
    followers: frozenset[date] = frozenset()
    adds: bool = False


@dataclass(frozen=True)
class Account:
    """All versions of the files of one source.

    Attributes:
        versions: by key.
        read_as: fingerprint of the settings that tell a row's day now.
    """

    versions: Mapping[Key, FileVersion]
    read_as: str

    def known(self, key: Key, size: int) -> FileVersion | None:
        """A version of which it is known what rows it has; None where it is not."""
        version = self.versions.get(key)
        if version is None or version.rows is None:
            return None
        return version if (version.read_as, version.size) == (self.read_as, size) else None

    def known_file(self, found: FoundFile) -> FileVersion | None:
        """The version that is there; None where it is not known what rows it has."""
        return self.known(key_of(found), found.stored.size)

    def may_have_rows_of(self, found: FoundFile, days: Days) -> bool:
        """Whether a file has rows of some days, or nobody knows what it has."""
        version = self.known_file(found)
        return version is None or not days.isdisjoint(version.rows or ())

    def seen(self, found: Iterable[FoundFile], at: datetime) -> "Account":
        """With those versions that were not seen before; none that is there has vanished."""
        versions = dict(self.versions)
        for file in found:
            key, size = key_of(file), file.stored.size
            known = versions.get(key)
            if known is None or known.size != size:
                known = FileVersion(size, at, self.read_as)
            versions[key] = replace(known, vanished=None)
        return replace(self, versions=versions)

    def missing(self, found: Iterable[FoundFile], at: datetime) -> "Account":
        """With those versions marked that are not among all files of the source."""
        there = {key_of(file) for file in found}
        versions = {
            key: version if key in there else replace(version, vanished=version.vanished or at)
            for key, version in self.versions.items()
        }
        return replace(self, versions=versions)

    def counted(self, rows: Mapping[Key, Mapping[date, int]]) -> "Account":
        """With the rows of files of which nothing but the times was read.

        A day keeps its fates where it keeps its number of rows: else other settings changed it.
        """
        versions = dict(self.versions)
        for key, by_day in rows.items():
            before = versions[key]
            known = before.rows or {}
            fates = {d: f for d, f in before.fates.items() if known.get(d) == by_day.get(d)}
            versions[key] = replace(before, rows=by_day, fates=fates, read_as=self.read_as)
        return replace(self, versions=versions)

    def inherited(self, key: Key, earlier: Key, days: Days | frozenset[date]) -> "Account":
        """With fates of an earlier version of a Delta table passed on to a newer one.

        Args:
            key: the newer version.
            earlier: the earlier one.
            days: of which no row changed.
        """
        old, new = self.versions.get(earlier), self.versions[key]
        if old is None:
            return self
        passed = {day: fates for day, fates in old.fates.items() if day in days}
        left = {day: fates for day, fates in old.fates.items() if day not in days}
        return replace(
            self,
            versions={
                **self.versions,
                earlier: replace(old, fates=left),
                key: replace(new, fates={**passed, **new.fates}),
            },
        )

    def computed(self, run: Computed, found: Iterable[FoundFile]) -> "Account":
        """After a run.

        Args:
            run: what it did.
            found: the files of its days that were there, read or not.
        """
        seen = self.seen(found, run.at)
        there = {key_of(file) for file in found}
        followers = run.followers if seen.has_changed(run, there) else frozenset[date]()
        versions = {
            key: _after(run, version, run.read.get(key), seen.read_as)
            if key in there
            else _without(run.days, version)
            for key, version in seen.versions.items()
        }
        outdated = {
            key: _outdated(version, followers, PREDECESSOR_CHANGED)
            for key, version in versions.items()
        }
        return replace(seen, versions=outdated)

    def with_changed_aliases(self, days: Collection[date]) -> "Account":
        """With days marked of which ids have other users than when they were computed."""
        versions = {k: _outdated(v, days, ALIASES_CHANGED) for k, v in self.versions.items()}
        return replace(self, versions=versions)

    def has_changed(self, run: Computed, there: Collection[Key]) -> bool:
        """Whether the days of a run have other files than when they were computed before."""
        before = {(key, day) for key, version in self.versions.items() for day in version.fates}
        now = {(key, day) for key, counts in run.read.items() for day in counts.fates}
        return {(key, d) for key, d in before if d in run.days} != {
            (key, d) for key, d in now if d in run.days and key in there
        }


def key_of(found: FoundFile) -> Key:
    """What tells the version of a file that is there from all others of the source."""
    return Key(found.stored.location, found.version)


def _without(days: Days, version: FileVersion) -> FileVersion:
    if days.isdisjoint(version.fates):
        return version
    return replace(version, fates={d: f for d, f in version.fates.items() if d not in days})


def _outdated(version: FileVersion, days: Collection[date], why: int) -> FileVersion:
    if not any(day in days for day in version.fates):
        return version
    fates = {
        day: replace(of_day, commit=why) if day in days else of_day
        for day, of_day in version.fates.items()
    }
    return replace(version, fates=fates)


def _after(
    run: Computed, version: FileVersion, counts: FileCounts | None, read_as: str
) -> FileVersion:
    if counts is None:
        return _noted_again(run, version) if run.adds else version
    met = {day: sum(rows.values()) for day, rows in counts.fates.items()}
    elsewhere = counts.others
    if not counts.is_complete:
        elsewhere = {d: n for d, n in (version.rows or {}).items() if d not in run.days}
    rows = {day: n for day, n in {**elsewhere, **met}.items() if n}
    left = _without(run.days, version).fates
    before = version.rows or {}
    unchanged = {d: f for d, f in left.items() if before.get(d) == rows.get(d)}
    return replace(
        version,
        read=run.at,
        read_as=read_as,
        rows=rows,
        fates={**unchanged, **_fates(run, counts)},
    )


def _noted_again(run: Computed, version: FileVersion) -> FileVersion:
    """A version whose rows are where they were, under the number of the newest commit."""
    fates = {
        day: replace(of_day, commit=run.commits.get(day, 0)) if day in run.days else of_day
        for day, of_day in version.fates.items()
    }
    return replace(version, fates=fates)


def _fates(run: Computed, counts: FileCounts) -> dict[date, DayFates]:
    decided: dict[date, dict[Fate, int]] = {
        day: {fate: n for fate, n in rows.items() if n and fate is not Fate.WAITING}
        for day, rows in counts.fates.items()
        if any(rows.values())
    }
    return {day: DayFates(rows, run.commits.get(day, 0)) for day, rows in decided.items()}
