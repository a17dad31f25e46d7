"""Why Dagster refuses the partitions that a command names, in a sentence that says what to do."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from video_assets.daily_views.tables import MONTHLY_VIEWS
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY

_OPTION = re.compile(r"--partition(?:-range)?(?:=(?P<value>.*))?")
_UNLIKE = ("no PartitionsDefinition shared", "must share the same PartitionsDefinition")
_UNNAMED = "no '--partition' option"
_UNKNOWN = "partition key `"


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
    return message


def named_partitions(arguments: list[str]) -> list[str]:
    """The partitions that the options of a command name."""
    for option, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if found := _OPTION.fullmatch(option):
            value = following if found["value"] is None else found["value"]
            return value.split("...")
    return []


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
