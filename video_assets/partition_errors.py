"""What is wrong with what a command asks for, in a sentence that says what to do."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from video_assets.daily_views.tables import MONTHLY_VIEWS
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY

_LAUNCH = (["launch"], ["asset", "materialize"], ["job", "execute"])
_OPTION = re.compile(r"--partition(?:-range)?(?:=(?P<value>.*))?")
_SELECTION = re.compile(r"--(?:assets|select)(?:=(?P<value>.*))?")
_UNLIKE = ("no PartitionsDefinition shared", "must share the same PartitionsDefinition")
_UNNAMED = "no '--partition' option"
_UNKNOWN = "partition key `"
_WITHOUT_DAYS = "none of the assets are partitioned"
_INVALID = "Invalid selection string: "


class CommandError(ValueError):
    """A command asks for what is not there; the message says what is."""


@dataclass(frozen=True)
class KnownDays:
    """The days that daily assets have.

    Attributes:
        first: START_DATE.
        today: the current UTC day.
        include_today: whether it is a partition too.
    """

    first: date
    today: date
    include_today: bool

    @classmethod
    def now(cls, first: date, *, include_today: bool) -> "KnownDays":
        """As of the current UTC day."""
        return cls(first, datetime.now(UTC).date(), include_today)

    @property
    def last(self) -> date:
        """The newest partition."""
        return self.today if self.include_today else self.today - timedelta(days=1)

    def __str__(self) -> str:
        """Both ends, and the setting of the first."""
        if self.last < self.first:
            return f"none is over yet since {self.first} (VIDEO_ASSETS_START_DATE)"
        return f"{self.first} (VIDEO_ASSETS_START_DATE) to {self.last}"


def explain(message: str, arguments: list[str], days: KnownDays) -> str:
    """What is wrong with a command's partitions.

    Args:
        message: what Dagster says.
        arguments: of the command.
        days: that daily assets have.
    """
    if any(part in message for part in _UNLIKE):
        return _of_several_kinds(days)
    if _UNNAMED in message:
        return f"Name the days, as --partition DAY or --partition-range DAY...DAY: {days}."
    if _UNKNOWN in message:
        return _unknown(named_partitions(arguments), days)
    if _WITHOUT_DAYS in message:
        return "The selected assets have no days: leave the option --partition out."
    if message.startswith(_INVALID):
        return f"{message.removeprefix(_INVALID)!r} is no selection of assets. {_SELECTIONS}"
    return message


_SELECTIONS = (
    "Name an asset as 'key:\"video/raw_events\"', a group as 'group:engagement', and several of "
    "them with `or` in between."
)


def launches(arguments: list[str]) -> bool:
    """Whether a command starts a run of assets or of a job."""
    return any(arguments[: len(launch)] == launch for launch in _LAUNCH)


def refuse_what_selects_nothing(arguments: list[str], selects_any: Callable[[str], bool]) -> None:
    """Look at a command before Dagster does, which takes an empty selection for all assets.

    Args:
        arguments: of the command.
        selects_any: whether a selection names any asset.

    Raises:
        CommandError: it selects no asset, or a range that ends before it begins.
    """
    if not launches(arguments):
        return
    for selection in _values(_SELECTION, arguments):
        if not selects_any(selection):
            raise CommandError(f"no asset is selected by {selection}. {_SELECTIONS}")
    first, *last = named_partitions(arguments) or [""]
    if last and first > last[-1]:
        raise CommandError(f"the range {first}...{last[-1]} goes backwards: name the earlier first")


def named_partitions(arguments: list[str]) -> list[str]:
    """The partitions that the options of a command name."""
    for value in _values(_OPTION, arguments):
        return value.split("...")
    return []


def _values(option: re.Pattern[str], arguments: list[str]) -> Iterator[str]:
    """What is given for an option, after `=` or as the next argument."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if found := option.fullmatch(argument):
            yield following if found["value"] is None else found["value"]


def _of_several_kinds(days: KnownDays) -> str:
    monthly, *until_today = (
        f"video/{table.name}"
        for table in (MONTHLY_VIEWS, LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY)
    )
    return (
        "The selected assets have partitions of several kinds: run one command for each kind. "
        f"{monthly} has months, named by their first day; {' and '.join(until_today)} have days "
        f"up to today, {days.today}; the other assets with days: {days}."
    )


def _unknown(named: list[str], days: KnownDays) -> str:
    reasons = [why for name in named if (why := _why_unknown(name, days))]
    if not reasons:
        month = f"a month of video/{MONTHLY_VIEWS.name} is named by its first day"
        reasons = [f"{' and '.join(named)}: {month}, such as {days.first.replace(day=1)}"]
    return f"{'; '.join(reasons)}. Days that are there: {days}."


def _why_unknown(name: str, days: KnownDays) -> str | None:
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return f"{name!r} is no day; write it as {days.first}"
    if day < days.first:
        return (
            f"{day} lies before VIDEO_ASSETS_START_DATE ({days.first}); set that to the first "
            "day of your data"
        )
    if day > days.today:
        return f"{day} lies in the future"
    if day > days.last:
        return f"{day} is not over yet; with VIDEO_ASSETS_INCLUDE_TODAY=true it is a day too"
    return None
