"""From rules to findings: one pass for all row rules, and a closer look only where one fails."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from asset_checks.rules import CheckInput, Finding, FrameRule, MeasuredRule, RowRule, Rule, of_days

SAMPLE_ROWS = 10

CountsByDay = Mapping[date | None, Mapping[str, Any]]

_DAY = "day of the rows"
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


def _finding(rule: Rule, given: CheckInput, counts: CountsByDay) -> Finding:
    if isinstance(rule, RowRule):
        return _of_rows(rule, given, counts)
    if isinstance(rule, FrameRule):
        return _of_frame(rule, given)
    if isinstance(rule, MeasuredRule):
        return rule.measure(given)
    raise TypeError(f"check {rule.name}: {type(rule).__name__} is no kind of rule")


def _counts(rules: Sequence[RowRule], given: CheckInput) -> CountsByDay:
    """Rows, and those that break each rule, by day: one pass over the rows."""
    day = F.col(given.table.partition_by) if given.table.partition_by else F.lit(None)
    broken = (F.count_if(rule.broken(given)).alias(rule.name) for rule in rules)
    counted = given.rows().groupBy(day.cast("date").alias(_DAY))
    rows = counted.agg(F.count(F.lit(1)).alias(_TOTAL), *broken).collect()
    return {row[_DAY]: row.asDict() for row in rows}


def _of_rows(rule: RowRule, given: CheckInput, counts: CountsByDay) -> Finding:
    by_day = {
        day: Finding(rows=count[rule.name], checked=count[_TOTAL])
        for day, count in counts.items()
        if day is not None
    }
    broken = sum(count[rule.name] for count in counts.values())
    total = sum(count[_TOTAL] for count in counts.values())
    share = {"share": round(broken / total, 6)} if rule.tolerated_share and total else {}
    tolerated = given.tolerated(rule.tolerated_share) * total if rule.tolerated_share else 0
    if broken <= tolerated:
        return Finding(checked=total, by_day=by_day, measured=share)
    return Finding(
        rows=broken,
        checked=total,
        sample=_broken_rows(rule, given),
        days=sorted(day for day, found in by_day.items() if found.rows),
        by_day=by_day,
        measured=share,
    )


def _broken_rows(rule: RowRule, given: CheckInput) -> list[dict[str, Any]]:
    """Sorted to the front, not filtered: Sail cannot filter a Delta table by a lambda."""
    partition = (rule.table.partition_by,) if rule.table.partition_by else ()
    shown = dict.fromkeys((*rule.table.key, *rule.shows, *partition))
    rows = given.rows().select(*shown, _is_broken(rule, given).alias(_BROKEN))
    first = _first(rows, SAMPLE_ROWS, F.col(_BROKEN).desc())
    broken = (row.asDict(recursive=True) for row in first if row[_BROKEN])
    return [{name: row[name] for name in shown} for row in broken]


def _is_broken(rule: RowRule, given: CheckInput) -> Column:
    return F.coalesce(rule.broken(given), F.lit(False))  # noqa: FBT003 (Spark's signature)


def _of_frame(rule: FrameRule, given: CheckInput) -> Finding:
    violations = rule.violations(given)
    if rule.day_column is None:
        broken = violations.count()
        return Finding(rows=broken, sample=sample(violations) if broken else ())
    by_day = rows_by_day(violations, rule.day_column)
    found = {day: Finding(rows=rows) for day, rows in by_day.items()}
    return of_days(found, sample(violations)) if found else Finding()


def sample(violations: DataFrame) -> list[dict[str, Any]]:
    """The first rows by their first columns, the same ones each time."""
    return [row.asDict(recursive=True) for row in _first(violations, SAMPLE_ROWS)]


def _first(frame: DataFrame, rows: int, *order: Column) -> list[Row]:
    columns = [F.col(name) for name, kind in frame.dtypes if not kind.startswith(_UNORDERED)]
    return frame.orderBy(*order, *columns).limit(rows).collect()


def rows_by_day(rows: DataFrame, column: str) -> dict[date, int]:
    """How many rows each day has."""
    counted = rows.groupBy(F.col(column).alias(_DAY)).agg(F.count(F.lit(1)).alias(_TOTAL))
    return {row[_DAY]: row[_TOTAL] for row in counted.collect()}
