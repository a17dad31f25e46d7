"""Numbers, times and days as people read them."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

_EVERYDAY = 10
_NEARLY_ALL = 90
_ALL = 100
_SMALLEST_SHOWN = 0.1
_MINUTE = 60
_HOUR = 3600
_MAX_NAME = 120
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]+"
)
_NARROW_SPACE = "\u202f"
MINUS = "\u2212"
UNKNOWN = "unknown"

Number = TypeVar("Number", int, float)


def count(number: int, singular: str = "", plural: str = "") -> str:
    """A number with separators, and the noun that it counts: `1,118 viewers`."""
    noun = singular if number == 1 else plural or f"{singular}s"
    return f"{number:,} {noun}" if singular else f"{number:,}"


def percent(value: float) -> str:
    """A percentage: one decimal where whole numbers would hide what matters."""
    if not math.isfinite(value):
        return UNKNOWN
    if 0 < value < _SMALLEST_SHOWN:
        return f"under {_SMALLEST_SHOWN}{_NARROW_SPACE}%"
    # 99.96 % is not all of it.
    shown = min(value, 99.9) if value < _ALL else value
    is_fine = shown < _EVERYDAY or _NEARLY_ALL < shown < _ALL
    text = f"{shown:,.{1 if is_fine else 0}f}".removesuffix(".0")
    return f"{text}{_NARROW_SPACE}%"


def or_unknown(value: Number | None, shown: Callable[[Number], str]) -> str:
    """A number as people read it, or that nothing tells it."""
    return UNKNOWN if value is None else shown(value)


def change(now: float, before: float) -> str:
    """How much more or less there is than before, in percent of what was before."""
    if not before:
        return "new" if now else "unchanged"
    difference = 100 * (now - before) / before
    if abs(difference) < _SMALLEST_SHOWN:
        return "unchanged"
    return f"{'+' if difference > 0 else MINUS}{percent(abs(difference))}"


def hours(value: float) -> str:
    """Hours, or minutes where there is less than an hour."""
    if value < 1:
        return f"{value * _MINUTE:.0f}{_NARROW_SPACE}min"
    digits = 0 if value >= _EVERYDAY * _EVERYDAY else 1
    return f"{value:,.{digits}f}{_NARROW_SPACE}h"


def clock(seconds: float) -> str:
    """A position in a video: `8:53`, or `1:07:09` from an hour on."""
    whole = int(seconds)
    minutes = f"{whole % _HOUR // _MINUTE}:{whole % _MINUTE:02d}"
    return f"{whole // _HOUR}:{minutes.zfill(5)}" if whole >= _HOUR else minutes


def short_day(day: date) -> str:
    """A day without its year: `7 Jan`."""
    return f"{day.day} {day:%b}"


def full_day(day: date) -> str:
    """A day: `7 Jan 2025`."""
    return f"{short_day(day)} {day.year}"


def moment(time: datetime) -> str:
    """A UTC time to the minute."""
    return f"{full_day(time.date())}, {time:%H:%M} UTC"


def name(text: str) -> str:
    """A title or id without what changes how the text around it looks; long ones are cut."""
    readable = _UNPRINTABLE.sub(" ", text).strip() or "(no name)"
    return readable if len(readable) <= _MAX_NAME else f"{readable[: _MAX_NAME - 1]}…"


def title_or_id(title: str | None, video_id: str) -> str:
    """What a video is called: its title, fit for reading; its id where it has none."""
    return name((title or "").strip() or video_id)


def quoted(text: str) -> str:
    """A title within a sentence."""
    return f"“{text}”"


def listed(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
