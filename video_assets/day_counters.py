"""Counters of single days, which tasks hand to the run.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

_VALID_ON, _REFUSED_ON = "valid rows of ", "refused rows of "
_CONFLICTING_ON = "conflicting rows of "


def counted_by_day(
    valid: Mapping[date, int],
    refused: Mapping[date, int],
    conflicting: Mapping[date, int] = MappingProxyType({}),
) -> dict[str, int]:
    """Valid and refused rows of each day, and those that contradict others, as counters."""
    return {
        **{f"{_VALID_ON}{day}": rows for day, rows in valid.items()},
        **{f"{_REFUSED_ON}{day}": rows for day, rows in refused.items()},
        **{f"{_CONFLICTING_ON}{day}": rows for day, rows in conflicting.items()},
    }


def valid_by_day(counters: Mapping[str, int]) -> dict[date, int]:
    """Valid rows of each day that has any."""
    return _by_day(counters, _VALID_ON)


def refused_by_day(counters: Mapping[str, int]) -> dict[date, int]:
    """Refused rows of each day that has any."""
    return _by_day(counters, _REFUSED_ON)


def conflicting_by_day(counters: Mapping[str, int]) -> dict[date, int]:
    """Rows of each day that contradict the one that holds; of days where rows are compared."""
    return _by_day(counters, _CONFLICTING_ON)


def without_days(counters: Mapping[str, int]) -> dict[str, int]:
    """The counters of the whole run alone."""
    of_days = (_VALID_ON, _REFUSED_ON, _CONFLICTING_ON)
    return {name: rows for name, rows in counters.items() if not name.startswith(of_days)}


def _by_day(counters: Mapping[str, int], prefix: str) -> dict[date, int]:
    return {
        date.fromisoformat(name.removeprefix(prefix)): rows
        for name, rows in counters.items()
        if name.startswith(prefix)
    }
