"""A day of which most rows are refused, or whose rows lie elsewhere, replaces nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable
from video_assets.day_counters import (
    conflicting_by_day,
    refused_by_day,
    valid_by_day,
    without_days,
)
from video_assets.days_found import UNITS, DaysFound, DaysOfSource
from video_assets.sources.listing import is_template
from video_assets.sources.tagged import OUTSIDE_FILE_DAY
from video_assets.staged_days import FailedDay, StagedDays
from video_assets.vocabulary import CONFLICTS

# Reasons of rows whose times may be in another unit than the settings say.
_OF_TIMES = {"missing_timestamp", "unreadable_timestamp", OUTSIDE_FILE_DAY}
_OF_DATES = "unreadable_date"
_FAR_BEFORE_START = timedelta(days=3653)
_REASONS_NAMED = 3


@dataclass(frozen=True)
class Tolerance:
    """Which days replace nothing.

    Attributes:
        refused_share: the share of a day's rows that may be refused; 1 tolerates everything.
        start: the first partition.
    """

    refused_share: float
    start: date


def without_refused_days(
    staged: StagedDays, valid: str, rejected: str, source: DaysOfSource, tolerance: Tolerance
) -> StagedDays:
    """Take the days that replace nothing from what was staged; their refused rows stay.

    Args:
        staged: what a run staged of a source.
        valid: the table of valid rows, whose tasks counted them by day.
        rejected: the table of refused rows, whose counters are their reasons.
        source: where they came from; asked where the run's days have no valid row.
        tolerance: of refusals.
    """
    table = staged.tables[valid]
    reasons = staged.tables[rejected].counters
    refused = _refused_days(table, reasons, source, tolerance)
    whole = replace(
        table,
        counters=without_days(table.counters),
        by_day=_with_conflicts(table.by_day, conflicting_by_day(table.counters)),
    )
    return replace(staged, tables={**staged.tables, valid: whole}).without(refused, but_in=rejected)


def _with_conflicts(
    reported: Mapping[date, Mapping[str, float]], conflicts: Mapping[date, int]
) -> Mapping[date, Mapping[str, float]]:
    if not conflicts:
        return reported
    return {day: {**of, CONFLICTS: conflicts.get(day, 0)} for day, of in reported.items()}


def _refused_days(
    table: StagedTable, reasons: Mapping[str, int], source: DaysOfSource, tolerance: Tolerance
) -> dict[date, FailedDay]:
    if not table.replaced:
        return {}
    shares = _shares_of_refused(table, tolerance.refused_share)
    if shares:
        why = f"most rows were refused, {_most_frequent(reasons)}"
        if _OF_TIMES & reasons.keys():
            why = f"{why}. {_hint_of_unit(source.found(), source, tolerance.start)}"
        return {day: FailedDay(why, f"{share:.0%}") for day, share in shares.items()}
    if tolerance.refused_share >= 1 or any(valid_by_day(table.counters).values()):
        return {}
    nothing = _why_nothing(reasons, source, tolerance)
    return dict.fromkeys(table.replaced, FailedDay(nothing)) if nothing else {}


def _shares_of_refused(table: StagedTable, tolerated: float) -> Mapping[date, float]:
    valid, refused = valid_by_day(table.counters), refused_by_day(table.counters)
    shares = {day: rows / (rows + valid.get(day, 0)) for day, rows in refused.items()}
    replaced = table.replaced or Days()
    return {day: shares[day] for day in sorted(shares.keys() & replaced) if shares[day] > tolerated}


def _why_nothing(
    reasons: Mapping[str, int], source: DaysOfSource, tolerance: Tolerance
) -> str | None:
    """Why the days of a run have no row, where that is not because nothing happened on them."""
    if is_template(source.layout.config.uri):
        return None
    found = source.found()
    if _OF_DATES in reasons:
        hint = _hint_of_format(source)
    else:
        hint = _hint_of_unit(found, source, tolerance.start)
    if found.share_undated > tolerance.refused_share:
        return f"most rows were refused, {_most_frequent(reasons)}. {hint}"
    if found.rows and not found.overlap(tolerance.start - _FAR_BEFORE_START, _tomorrow()):
        return f"no row, although the source has rows. {hint}"
    return None


def _hint_of_unit(found: DaysFound, source: DaysOfSource, start: date) -> str:
    setting = f"{source.layout.kind.setting}_TIMESTAMP_UNIT"
    unit = source.layout.config.timestamp_unit
    said = f"The source's times are of {found}" if found.rows else "No time of the source fits"
    said += f", read as {UNITS[unit]} ({setting}={unit})" if unit else ""
    likely = source.likely_unit(start, _tomorrow())
    if likely is None:
        return f"{said}."
    other, days = likely
    return f"{said}; as {UNITS[other]} they would be of {days}: set {setting}={other}."


def _hint_of_format(source: DaysOfSource) -> str:
    setting = f"{source.layout.kind.setting}_DATE_FORMAT"
    written = source.layout.config.date_format
    if written is None:
        return f"Dates are read as ISO 8601 (2025-01-31): set {setting}, such as %d.%m.%Y."
    return f"Dates are read by {setting}={written}: set it to how they are written."


def _tomorrow() -> date:
    return datetime.now(UTC).date() + timedelta(days=1)


def _most_frequent(reasons: Mapping[str, int]) -> str:
    counted = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} ({rows:,})" for reason, rows in counted[:_REASONS_NAMED])
