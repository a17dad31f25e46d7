"""What a run staged of its days, and which of them failed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable
from video_assets.days import UNDATED

DAYS_NAMED = 5
PROBLEMS_NAMED = 5


@dataclass(frozen=True)
class FailedDay:
    """Why a day of a run cannot be computed.

    Attributes:
        problem: what is wrong; days with the same problem are named together.
        detail: what differs from day to day.
        cause: the error of the source, where there was one.
    """

    problem: str
    detail: str = ""
    cause: Exception | None = None


@dataclass(frozen=True)
class StagedDays:
    """Files that wait for a commit, and the days of the run that have none.

    Attributes:
        tables: what was staged, by the tables' names; the valid rows first.
        failed: why days could not be computed.
        account: accounts for the files that were read, where some days were replaced.
        unread: what is wrong with files of which nothing tells the days.
    """

    tables: Mapping[str, StagedTable]
    failed: Mapping[date, FailedDay] = field(default_factory=dict)
    account: Callable[[Days], None] | None = None
    unread: Sequence[Exception] = ()

    def without(self, refused: Mapping[date, FailedDay], *, but_in: str = "") -> "StagedDays":
        """The same without some days of all tables but one; their files are deleted.

        Rows without a day are of no day of the run, so that they are left out without a word.
        """
        if not refused:
            return self
        days = Days(refused)
        tables = {
            name: table if name == but_in else restricted(table, days)
            for name, table in self.tables.items()
        }
        replaced = set().union(*(table.replaced or () for table in self.tables.values()))
        named = {d: why for d, why in refused.items() if d in replaced and d != UNDATED}
        return replace(self, tables=tables, failed={**self.failed, **named})

    def marked(self, unfinished: Days) -> "StagedDays":
        """The same, where some of the days will get more rows."""
        marked = {name: table.marked(unfinished) for name, table in self.tables.items()}
        return replace(self, tables=marked)

    def leaving(self, days: Days) -> "StagedDays":
        """The same, where these days stay as they are without a failure, beside others."""
        left = days & self.failed.keys() if self.tables else Days()
        tables = {name: replace(table, left=left) for name, table in self.tables.items()}
        failed = {day: why for day, why in self.failed.items() if day not in left}
        return replace(self, tables=tables, failed=failed)

    def note(self) -> None:
        """Account for the files that were read, once the tables are committed."""
        if self.account is None:
            return
        valid, *others = self.tables.values()
        undated = Days(day for table in others for day in table.replaced or () if day == UNDATED)
        self.account(Days({UNDATED}) if valid.replaced is None else valid.replaced | undated)

    def discard(self) -> None:
        """Delete all files; only right when they were never committed."""
        for table in self.tables.values():
            table.discard()


def named_days(failed: Mapping[date, FailedDay]) -> str:
    """Problems and the days that have them, for a message."""
    by_problem: dict[str, list[str]] = {}
    for day, why in sorted(failed.items()):
        detail = f" ({why.detail})" if why.detail else ""
        by_problem.setdefault(why.problem.rstrip("."), []).append(f"{day}{detail}")
    parts = [
        f"{_first(days, DAYS_NAMED, 'days')}: {problem}" for problem, days in by_problem.items()
    ]
    return named_problems(parts)


def named_problems(problems: Iterable[object]) -> str:
    """The first of some problems, for a message."""
    texts = [str(problem).rstrip(".") for problem in problems]
    return _first(texts, PROBLEMS_NAMED, "problems", "; ")


def _first(texts: Sequence[str], most: int, what: str, between: str = ", ") -> str:
    more = len(texts) - most
    rest = f" and {more} more {what}" if more > 0 else ""
    return f"{between.join(texts[:most])}{rest}"


def restricted(staged: StagedTable, refused: Days) -> StagedTable:
    """A table without some of its days; their files are deleted."""
    gone = tuple(file for file in staged.files if file.day in refused)
    replace(staged, files=gone).discard()
    return replace(
        staged,
        files=tuple(file for file in staged.files if file.day not in refused),
        replaced=(staged.replaced or Days()) - refused,
        beside={day: stored for day, stored in staged.beside.items() if day not in refused},
    )
