"""From rules to findings: one pass for all row rules, and a closer look only where one fails."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from asset_checks.rules import CheckInput, Finding, FrameRule, MeasuredRule, RowRule, Rule

SAMPLE_ROWS = 10
DAYS_LISTED = 31

_TOTAL = "all rows"


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
    violations = given.rows().where(rule.broken(given))
    day = rule.table.partition_by
    return Finding(
        rows=broken,
        checked=total,
        sample=sample(violations.select(*dict.fromkeys((*rule.table.key, *rule.shows)))),
        days=_days(violations, day) if day else (),
        measured=share,
    )


def _of_frame(rule: FrameRule, given: CheckInput) -> Finding:
    violations = rule.violations(given)
    broken = violations.count()
    if not broken:
        return Finding()
    days = _days(violations, rule.day_column) if rule.day_column else ()
    return Finding(rows=broken, sample=sample(violations), days=days)


def sample(violations: DataFrame) -> list[dict[str, Any]]:
    """The first rows by their first columns, the same ones each time."""
    return [row.asDict(recursive=True) for row in _first(violations, SAMPLE_ROWS)]


def _first(frame: DataFrame, rows: int) -> list[Any]:
    order = [F.col(name) for name, kind in frame.dtypes if not kind.startswith(("array", "struct"))]
    return frame.orderBy(*order).limit(rows).collect()


def _days(violations: DataFrame, column: str) -> list[date]:
    """One more than are listed, so that the reader is told that there are more."""
    days = violations.select(F.col(column).alias("day")).distinct()
    return [row["day"] for row in _first(days, DAYS_LISTED + 1)]
