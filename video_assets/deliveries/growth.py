"""More files of a day that was computed: which are new, and what became of the others' rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from resources.delta.schema_check import Days
from video_assets.deliveries.account import Account, FileVersion, key_of
from video_assets.deliveries.stale import StoredDays
from video_assets.sources.fates import Fate
from video_assets.sources.listing import FoundFile


@dataclass(frozen=True)
class Growth:
    """Files that came for days that are otherwise as their files have them.

    Attributes:
        came: the files; at least one.
        there: the versions of which the days have the rows.
    """

    came: tuple[FoundFile, ...]
    there: tuple[FileVersion, ...]

    def rows(self, day: date) -> int:
        """Rows of a day in the files whose rows are there, whatever became of them."""
        return sum((version.rows or {}).get(day, 0) for version in self.there)

    def rows_of(self, fate: Fate, day: date) -> int:
        """Of these, those of a fate that a run decides."""
        of_day = (version.fates[day].rows for version in self.there if day in version.fates)
        return sum(rows.get(fate, 0) for rows in of_day)


def growth_of(
    account: Account, found: Collection[FoundFile], days: Days, stored: StoredDays
) -> Growth | None:
    """The files whose rows some days lack; None where more is wrong with them, or nothing.

    Args:
        account: of the source.
        found: the files of the days that are there.
        days: the days.
        stored: what the tables say of them.
    """
    keys = {key_of(file) for file in found}
    gone = (version for key, version in account.versions.items() if key not in keys)
    if any(not days.isdisjoint(version.fates) for version in gone):
        return None
    came: list[FoundFile] = []
    there: list[FileVersion] = []
    for file in found:
        seen = account.versions.get(key_of(file))
        known = account.known_file(file)
        if seen is None or days.isdisjoint(seen.fates):
            if known is None or not days.isdisjoint(known.rows or ()):
                came.append(file)
        elif known is None or not _is_computed(known, days, stored):
            return None
        else:
            there.append(known)
    return Growth(tuple(came), tuple(there)) if came and there else None


def _is_computed(version: FileVersion, days: Days, stored: StoredDays) -> bool:
    """Whether the tables have the rows of all of these days, by their newest commits."""
    concerned = days.intersection(version.rows or ())
    return all(
        day in version.fates and version.fates[day].commit == stored.commit_of(day)
        for day in concerned
    )
