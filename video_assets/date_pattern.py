"""The `{date}` of a path: which part of it names a day, and how."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

DATE = re.compile(r"\{date(?::([^{}]+))?\}")
_ISO = "%Y-%m-%d"
_CODE = re.compile(r"%-?[A-Za-z%]")
_WITHIN_A_DAY = frozenset("HIMSfpXcsTRrZz")
_DIGITS = {"Y": r"\d{4}", "m": r"\d{1,2}", "d": r"\d{1,2}", "j": r"\d{1,3}", "y": r"\d{2}"}
_SOME_DAY, _MANY_DAYS = date(2024, 1, 1), 800


def path_of_day(path: str, day: date) -> str:
    """The path with the day in place of each `{date}`."""
    return DATE.sub(lambda found: day.strftime(found[1] or _ISO), path)


def pattern_problem(path: str) -> str | None:
    """Why no single day can fill the `{date}` of a path, and which pattern works; None: one can."""
    found = DATE.search(path)
    if found is None:
        return None
    codes = list(_codes(path))
    if _WITHIN_A_DAY & set(codes):
        return (
            f"asks for a time within the day, which no day fills; use {_without_times(path)!r}: "
            "a day then has all files below"
        )
    days = (_SOME_DAY + timedelta(days=n) for n in range(_MANY_DAYS))
    if len({path_of_day(path, day) for day in days}) < _MANY_DAYS:
        works = path[: found.start()] + "{date:%Y/%m/%d}" + path[found.end() :]
        if len(DATE.findall(path)) > 1:
            works = "…{date:%Y}/{date:%m}/{date:%d}…"
        return f"names no single day; name year, month and day, such as {works!r}"
    return None


def _codes(path: str) -> Iterator[str]:
    for found in DATE.finditer(path):
        yield from (code[-1] for code in _CODE.findall(found[1] or _ISO))


def _without_times(path: str) -> str:
    """The path with `*` for what tells times, and the `{date}` that are left."""

    def shorter(found: re.Match[str]) -> str:
        text = found[1] or _ISO
        time = next((c for c in _CODE.finditer(text) if c[0][-1] in _WITHIN_A_DAY), None)
        if time is None:
            return found[0]
        head = text[: time.start()]
        kept = head.rstrip("/_.T-")
        return (f"{{date:{kept}}}{head[len(kept) :]}" if kept else "") + "*"

    return re.sub(r"(?:\*[/_.T-]?)+\*", "*", DATE.sub(shorter, path))


def day_groups(format_: str | None, taken: dict[str, str]) -> str:
    """A regular expression of what a `{date}` matches, with a group for each code.

    Args:
        format_: its strftime format.
        taken: the codes by group, to which those of this one are added.
    """
    expression, at = "", 0
    text = format_ or _ISO
    for code in _CODE.finditer(text):
        group = f"date{len(taken)}"
        taken[group] = code[0].replace("-", "")
        expression += re.escape(text[at : code.start()])
        expression += f"(?P<{group}>{_DIGITS.get(code[0][-1], '[^/]+?')})"
        at = code.end()
    return expression + re.escape(text[at:])


def day_of(found: re.Match[str], taken: dict[str, str]) -> date | None:
    """The day that a match of such expressions names; None where it names none."""
    values = {code: found[group] for group, code in taken.items()}
    try:
        return datetime.strptime(  # noqa: DTZ007 (a date has no zone)
            " ".join(values.values()), " ".join(values)
        ).date()
    except ValueError:
        return None
