"""What a check is: a rule, and the rows that break it."""

from abc import ABC
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

import dagster as dg
from pyspark.sql import Column, DataFrame

from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.days import DayRange
from video_assets.settings import Settings
from video_assets.settings.checks import CheckThresholds

WARN = dg.AssetCheckSeverity.WARN
ERROR = dg.AssetCheckSeverity.ERROR
SHARE = "share"

Evidence = Mapping[str, Any]
Found = TypeVar("Found")


@dataclass(frozen=True)
class WrittenRows:
    """What the newest run that wrote a table reported.

    Attributes:
        days: the partitions that it replaced.
        counts: metadata of its materialization that are numbers.
    """

    days: DayRange
    counts: Mapping[str, float]


@dataclass(frozen=True)
class CheckInput:
    """What a rule may look at.

    Attributes:
        stored: the tables.
        settings: all settings.
        thresholds: what is tolerated.
        table: the table that is checked.
        days: the partitions of the run; None: the whole table.
        now: UTC time of the check.
        newest_write: what the newest run that wrote the table reported; None: nothing is known.
        counts_by_day: numbers that were reported of days, as far as they are known.
    """

    stored: Warehouse
    settings: Settings
    thresholds: CheckThresholds
    table: Table
    days: DayRange | None
    now: datetime
    newest_write: Callable[[], WrittenRows | None] = field(default=lambda: None)
    counts_by_day: Callable[[Iterable[date]], Mapping[date, Mapping[str, float]]] = field(
        default=lambda _: {}
    )
    _looks: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, look: Callable[["CheckInput"], Found]) -> Found:
        """What a look finds that several rules share."""
        if look not in self._looks:
            self._looks[look] = look(self)
        found: Found = self._looks[look]
        return found

    def rows(self, table: Table | None = None) -> DataFrame:
        """Rows of the checked table, or of another one, in the partitions of the run."""
        days = (self.days.first, self.days.end) if self.days else ()
        return self.stored.frame(table or self.table, *days)

    def all_rows(self, table: Table | None = None) -> DataFrame:
        """All rows of the checked table, or of another one."""
        return self.stored.frame(table or self.table)

    def checked_days(self) -> Sequence[date]:
        """Each day of the run; of the whole table, each day that has rows."""
        if self.days is not None:
            return self.days.days
        return sorted(self.stored.rows_per_day(self.table))

    def tolerated(self, setting: str) -> float:
        """The value of a threshold."""
        owner = self.thresholds if setting in CheckThresholds.model_fields else self.settings
        return float(getattr(owner, setting))


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Attributes:
        rows: rows (or days) that break the rule; 0: it holds.
        checked: rows (or days) that it looked at; None: not counted.
        sample: up to 10 of those that break it.
        days: the days concerned; of a table with partitions the first day of each of them.
        by_day: what was found on single days, where that is known; the others pass.
        measured: further numbers.
        note: why the rule holds although there was little to look at.
    """

    rows: int = 0
    checked: int | None = None
    sample: Sequence[Evidence] = ()
    days: Sequence[date] = ()
    by_day: Mapping[date, "Finding"] = field(default_factory=dict)
    measured: Mapping[str, float | int | str] = field(default_factory=dict)
    note: str = ""

    def of_day(self, day: date) -> "Finding":
        """What holds for one of the days: a day that is not named passes where others are.

        Rows that belong to no day, and numbers that are known of all days together, concern each
        of them.
        """
        if day in self.by_day:
            return self.by_day[day]
        if self.rows and not self.by_day and day in (self.days or [day]):
            return self
        return Finding(note=self.note)


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """One asset check.

    Attributes:
        name: of the check.
        table: that is checked.
        description: what must hold.
        problem: what is wrong when it does not, continuing the table's name.
        remedy: what a person does about it, short enough for a message.
        severity: WARN, or ERROR when the table is wrong.
        blocking: with ERROR, nothing downstream of the table is computed in the same run.
        compared_with: other tables that it reads.
        thresholds: settings that it uses.
        by_partition: a table with partitions has a verdict for each of them; else one for all.
        applies: whether there is something to say in this run; otherwise no result is recorded.
    """

    name: str
    table: Table
    description: str
    problem: str
    remedy: str
    severity: dg.AssetCheckSeverity = ERROR
    blocking: bool = False
    compared_with: tuple[Table, ...] = ()
    thresholds: tuple[str, ...] = ()
    by_partition: bool = True
    applies: Callable[[CheckInput], bool] = field(default=lambda _: True)

    @property
    def is_partitioned(self) -> bool:
        """Whether each partition of the table has its own verdict."""
        return self.by_partition and self.table.partition_by is not None


@dataclass(frozen=True, kw_only=True)
class RowRule(Rule):
    """A condition on single rows; all row rules of a table share one pass over it.

    Attributes:
        broken: true for a row that breaks the rule.
        shows: columns that a reader needs beside the table's key to see why.
        tolerated_share: setting with the share of rows that may break it; None: no row may.
    """

    broken: Callable[[CheckInput], Column]
    shows: tuple[str, ...]
    tolerated_share: str | None = None


@dataclass(frozen=True, kw_only=True)
class FrameRule(Rule):
    """A condition on more than one row, or on two tables.

    Attributes:
        violations: a row with the evidence for each case that breaks the rule.
        day_column: the day concerned among the columns of that evidence.
    """

    violations: Callable[[CheckInput], DataFrame]
    day_column: str | None = None


@dataclass(frozen=True, kw_only=True)
class MeasuredRule(Rule):
    """A condition on a few numbers, most of them from the Delta log."""

    measure: Callable[[CheckInput], Finding]


def of_days(found: Mapping[date, Finding], sample: Sequence[Evidence] = ()) -> Finding:
    """Findings of single days as one, in which no good day hides a bad one."""
    counted = [one.checked for one in found.values() if one.checked is not None]
    return Finding(
        rows=sum(one.rows for one in found.values()),
        checked=sum(counted) if counted else None,
        sample=sample,
        days=sorted(day for day, one in found.items() if one.rows),
        by_day=found,
    )


def share_of(rows: int, checked: int, tolerated: float, **measured: int) -> Finding:
    """Rows that may be a share of those that were looked at."""
    share = rows / max(checked, 1)
    return Finding(
        rows=rows if share > tolerated else 0,
        checked=checked,
        measured={SHARE: round(share, 6), **measured},
    )
