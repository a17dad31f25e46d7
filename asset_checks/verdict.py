"""What a check says of what it found: the problem in a sentence, how many rows, which, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any, TypedDict

import dagster as dg

from asset_checks.evaluate import SAMPLE_ROWS
from asset_checks.rules import SHARE, CheckInput, Evidence, Finding, Rule
from video_assets.catalog import DAYS, PROBLEM, asset_key
from video_assets.days import DayRange, listed

REMEDY = "remedy"
ROWS = "rows"
CHECKED_ROWS = "checked_rows"
CHECKED = "checked"
SAMPLE = "sample"
NOTE = "note"

_WHOLE_TABLE = "the whole table"
_CELL_CHARACTERS = 200
# Without the last digits, which are noise of adding: 74.092, not 74.09200000000001.
_SIGNIFICANT_DIGITS = 12


class Told(TypedDict):
    """What Dagster's result and its evaluation of a check have in common."""

    asset_key: dg.AssetKey
    check_name: str
    passed: bool
    severity: dg.AssetCheckSeverity
    description: str | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What Dagster shows of one evaluation of a check.

    Attributes:
        passed: whether the rule holds.
        description: the problem, or why there was little to look at.
        metadata: numbers, thresholds, and rows that break the rule.
    """

    passed: bool
    description: str | None
    metadata: Mapping[str, Any]

    def of(self, rule: Rule) -> Told:
        """As the fields that Dagster's result and evaluation of a check share."""
        return Told(
            asset_key=asset_key(rule.table),
            check_name=rule.name,
            passed=self.passed,
            severity=rule.severity,
            description=self.description,
            metadata=self.metadata,
        )


def verdict(rule: Rule, finding: Finding, given: CheckInput) -> Verdict:
    """What a person needs: the problem in one sentence, how many rows, which ones, which days."""
    passed = finding.rows == 0
    problem = None if passed else _problem(rule, finding)
    metadata = {
        **({PROBLEM: problem, REMEDY: rule.remedy} if problem else {}),
        **_counted(finding),
        CHECKED: describe(given.days),
        **({DAYS: listed(finding.days)} if finding.days else {}),
        **finding.measured,
        **{name: given.tolerated(name) for name in rule.thresholds},
        **({NOTE: finding.note} if finding.note else {}),
        **({SAMPLE: _as_table(finding.sample)} if finding.sample else {}),
    }
    return Verdict(passed, problem or finding.note or None, metadata)


def verdict_of_day(rule: Rule, finding: Finding, given: CheckInput, day: date) -> Verdict:
    """The same of one of the days that were looked at; of a good day its numbers alone."""
    of_day = finding.of_day(day)
    if of_day is finding:
        return verdict(rule, finding, given)
    alone = replace(given, days=DayRange.single(day))
    if of_day.rows:
        sample = [row for row in finding.sample if _is_of(row, rule, day)]
        return verdict(rule, replace(of_day, sample=sample), alone)
    metadata = {**_counted(of_day), CHECKED: describe(alone.days), **of_day.measured}
    return Verdict(passed=True, description=of_day.note or None, metadata=metadata)


def describe(days: DayRange | None) -> str:
    """What was checked, in words."""
    if days is None:
        return _WHOLE_TABLE
    return str(days.first) if days.first == days.last else f"{days.first} to {days.last}"


def _counted(finding: Finding) -> dict[str, int]:
    checked = {} if finding.checked is None else {CHECKED_ROWS: finding.checked}
    return {ROWS: finding.rows, **checked}


def _is_of(row: Evidence, rule: Rule, day: date) -> bool:
    """Whether a sampled row is of a day: what was found by day names it first."""
    named = (rule.table.partition_by, getattr(rule, "day_column", None), "day")
    return any(row.get(column) == day for column in named if column)


def _problem(rule: Rule, finding: Finding) -> str:
    checked = _checked_where_it_fails(finding)
    of_all = "" if checked is None else f" of {checked:,}"
    return f"{rule.table.name}: {rule.problem} ({finding.rows:,}{of_all})"


def _checked_where_it_fails(finding: Finding) -> int | None:
    """Of a share those of the failing days: 1 of 12 rows is much, 1 of a range's 3,000 is not."""
    failing = [found for found in finding.by_day.values() if found.rows]
    if not failing or any(SHARE not in found.measured for found in failing):
        return finding.checked
    return sum(found.checked or 0 for found in failing)


def _as_table(sample: Sequence[Evidence]) -> dg.TableMetadataValue:
    shown = islice(sample, SAMPLE_ROWS)
    return dg.MetadataValue.table(
        [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in shown]
    )


def _cell(value: Any) -> str | int | float | bool | None:
    """A value that the UI can show; JSON knows no NaN."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and abs(value) < float("inf"):
        return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
    text = str(value)
    return text if len(text) <= _CELL_CHARACTERS else f"{text[: _CELL_CHARACTERS - 1]}…"
