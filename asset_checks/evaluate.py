"""From rules to findings: one pass for all row rules, and a closer look only where one fails."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from asset_checks.rules import CheckInput, Finding, FrameRule, MeasuredRule, RowRule, Rule

SAMPLE_ROWS = 10
DAYS_LISTED = 31

_TOTAL = "all rows"
_BROKEN = "is broken"
_UNORDERED = ("array", "struct", "map")


def find(rules: Sequence[Rule], given: CheckInput) -> Iterator[tuple[Rule, Finding]]:
    """What each rule that applies finds in the rows of the run, or in the whole table."""
    applying = [rule for rule in rules if rule.applies(given)]
    row_rules = [rule for rule in applying if isinstance(rule, RowRule)]
    counts = _counts(row_rules, given) if row_rules else {}
    for rule in applying:
        yield rule, _finding(rule, given, counts)


def _finding(rule: Rule, given: CheckInput, counts: Mapping[str, int]) -> Finding:
    if isinstance(rule, RowRule):
        return _of_rows(rule, given, counts[rule.name], counts[_TOTAL])
    if isinstance(rule, FrameRule):
        return _of_frame(rule, given)
    if isinstance(rule, MeasuredRule):
        return rule.measure(given)
    raise TypeError(f"check {rule.name}: {type(rule).__name__} is no kind of rule")


def _counts(rules: Sequence[RowRule], given: CheckInput) -> dict[str, int]:
    broken = (F.count_if(rule.broken(given)).alias(rule.name) for rule in rules)
    rows = given.rows().agg(F.count(F.lit(1)).alias(_TOTAL), *broken).collect()
    return rows[0].asDict()


def _of_rows(rule: RowRule, given: CheckInput, broken: int, total: int) -> Finding:
    share = {"share": round(broken / total, 6)} if rule.tolerated_share and total else {}
    tolerated = given.tolerated(rule.tolerated_share) * total if rule.tolerated_share else 0
    if broken <= tolerated:
        return Finding(checked=total, measured=share)
    return Finding(
        rows=broken,
        checked=total,
        sample=_broken_rows(rule, given),
        days=_broken_days(rule, given),
        measured=share,
    )


def _broken_rows(rule: RowRule, given: CheckInput) -> list[dict[str, Any]]:
    """Sorted to the front, not filtered: Sail cannot filter a Delta table by a lambda."""
    shown = dict.fromkeys((*rule.table.key, *rule.shows))
    rows = given.rows().select(*shown, _is_broken(rule, given).alias(_BROKEN))
    first = _first(rows, SAMPLE_ROWS, F.col(_BROKEN).desc())
    broken = (row.asDict(recursive=True) for row in first if row[_BROKEN])
    return [{name: row[name] for name in shown} for row in broken]


def _broken_days(rule: RowRule, given: CheckInput) -> list[date]:
    if rule.table.partition_by is None:
        return []
    by_day = given.rows().groupBy(rule.table.partition_by)
    broken = by_day.agg(F.max(_is_broken(rule, given)).alias(_BROKEN)).where(F.col(_BROKEN))
    return days_in(broken, rule.table.partition_by)


def _is_broken(rule: RowRule, given: CheckInput) -> Column:
    return F.coalesce(rule.broken(given), F.lit(False))  # noqa: FBT003 (Spark's signature)


def _of_frame(rule: FrameRule, given: CheckInput) -> Finding:
    violations = rule.violations(given)
    broken = violations.count()
    if not broken:
        return Finding()
    days = days_in(violations, rule.day_column) if rule.day_column else ()
    return Finding(rows=broken, sample=sample(violations), days=days)


def sample(violations: DataFrame) -> list[dict[str, Any]]:
    """The first rows by their first columns, the same ones each time."""
    return [row.asDict(recursive=True) for row in _first(violations, SAMPLE_ROWS)]


def _first(frame: DataFrame, rows: int, *order: Column) -> list[Row]:
    columns = [F.col(name) for name, kind in frame.dtypes if not kind.startswith(_UNORDERED)]
    return frame.orderBy(*order, *columns).limit(rows).collect()


def days_in(violations: DataFrame, column: str) -> list[date]:
    """One more than are listed, so that the reader is told that there are more."""
    days = violations.select(F.col(column).alias("day")).distinct()
    return [row["day"] for row in _first(days, DAYS_LISTED + 1)]
