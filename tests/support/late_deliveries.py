"""Days of player events that arrive late, split, repeated, corrected and vanish again."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from support.source_files import EVENT, write

Row = dict[str, Any]
SUFFIXES = (".json", ".csv", ".parquet")
LATEST = 9
_VERSION = tuple[str, int]


@dataclass
class Sender:
    """Whoever delivers: a plan of files, and the folder as it is at some moment.

    Attributes:
        folder: where files appear.
        first: the first day of events.
        days: how many days of events there are.
        chance: of the plan.
        users: who watches on each day.
    """

    folder: Path
    first: date
    days: int
    chance: Random
    users: int = 3
    _files: dict[str, list[Row]] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=dict)
    _plan: dict[date, list[tuple[str, list[Row]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the plan: parts of a day come 0 to 9 days late, some twice, some corrected."""
        for number in range(self.days):
            day = self.first + timedelta(days=number)
            rows = list(self._events_of(day))
            cut = self.chance.randrange(len(rows)) if self.chance.random() < 0.5 else len(rows)
            for part, some in enumerate((rows[:cut], rows[cut:])):
                name = f"{day}-{part}{self.chance.choice(SUFFIXES)}"
                came = self._plans(day, self._late(), name, some)
                if self.chance.random() < 0.15:
                    self._plans(came, self._late(), f"again-{name}", some)
                if self.chance.random() < 0.15:
                    self._plans(came, 1 + self._late(), name, some[1:])
                if self.chance.random() < 0.07:
                    self._plans(came, 1 + self._late(), name, [])

    @property
    def last(self) -> date:
        """The day on which the last file came."""
        return max(self._plan)

    def deliver(self, day: date) -> bool:
        """What comes on a day; whether something does."""
        now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC).timestamp()
        for name, rows in self._plan.get(day, ()):
            path = self.folder / name
            if not rows:
                path.unlink(missing_ok=True)
                self._files.pop(name, None)
                continue
            write(path, rows)
            os.utime(path, (now, now))
            self._files[name] = rows
            self._versions[name] = self._versions.get(name, 0) + 1
        return bool(self._plan.get(day))

    def files_by_day(self) -> Mapping[date, frozenset[_VERSION]]:
        """Which versions of which files have events of each day now."""
        found: dict[date, set[_VERSION]] = {}
        for name, rows in self._files.items():
            for row in rows:
                found.setdefault(_day_of(row), set()).add((name, self._versions[name]))
        return {day: frozenset(versions) for day, versions in found.items()}

    def rows_by_file(self) -> dict[str, int]:
        """How many rows each file has now."""
        return {name: len(rows) for name, rows in self._files.items()}

    def _late(self) -> int:
        return self.chance.randint(0, LATEST) if self.chance.random() < 0.4 else 0

    def _plans(self, since: date, late: int, name: str, rows: list[Row]) -> date:
        day = since + timedelta(days=1 + late)
        if rows or name in {n for files in self._plan.values() for n, _ in files}:
            self._plan.setdefault(day, []).append((name, rows))
        return day

    def _events_of(self, day: date) -> Iterator[Row]:
        """Plays and pauses, some of them in the night after; and what no table wants."""
        start = datetime(day.year, day.month, day.day, 22, tzinfo=UTC)
        for user in range(self.users):
            for number in range(4):
                at = start + timedelta(minutes=self.chance.randint(0, 119))
                name = "video_play" if number % 2 == 0 else "video_pause"
                yield EVENT | {
                    "timestamp": at.isoformat(),
                    "userId": f"user{user}",
                    "sessionId": f"{day}-{user}",
                    "eventName": name,
                    "currentTime": float(self.chance.randint(0, 300)),
                }
        if self.chance.random() < 0.3:
            yield EVENT | {"timestamp": start.isoformat(), "userId": None}
        yield EVENT | {"timestamp": (start + timedelta(hours=3)).isoformat(), "userId": "late"}


def _day_of(row: Row) -> date:
    return datetime.fromisoformat(row["timestamp"]).astimezone(UTC).date()


@dataclass
class Truth:
    """Which days truly changed since they were computed, told by the files alone.

    Attributes:
        computed: the files of each day when it was computed last.
        changes: how often a day truly changed.
    """

    computed: dict[date, frozenset[_VERSION]] = field(default_factory=dict)
    changes: int = 0

    def note(self, files: Mapping[date, frozenset[_VERSION]], first: date, today: date) -> None:
        """Count the days whose files came or changed since the look before."""
        for day in {*files, *self.computed}:
            now, before = files.get(day, frozenset()), self.computed.get(day, frozenset())
            names = {name for versions in files.values() for name, _ in versions}
            replaced = any(name in names for name, _ in before - now)
            if first <= day < today and (now - before or replaced):
                self.changes += 1
                self.computed[day] = now
