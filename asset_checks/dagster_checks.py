"""Rules as Dagster asset checks: one step a table, which says what is wrong and in which rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice
from typing import Any

import dagster as dg

from asset_checks.evaluate import DAYS_LISTED, SAMPLE_ROWS, find
from asset_checks.rules import CheckInput, Evidence, Finding, Rule, WrittenRows, in_order
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.catalog import DAYS, PARTITION_TAG, PROBLEM, RANGE_TAGS, asset_key, partitions_of
from video_assets.days import DayRange
from video_assets.settings import Settings
from video_assets.settings.checks import CheckThresholds

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


def checks_of(table: Table, rules: Sequence[Rule]) -> dg.AssetChecksDefinition:
    """All checks of one table as one step; any selection of them may run."""
    by_name = {rule.name: rule for rule in rules}

    @dg.multi_asset_check(
        name=f"check_{table.name}",
        specs=[_spec(rule) for rule in rules],
        description=f"Reads {table.name} as it is stored, and says which rows break which rule.",
        can_subset=True,
        compute_kind="pyspark",
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> Iterator[dg.AssetCheckResult]:
        selected = {key.name for key in context.selected_asset_check_keys}
        chosen = [rule for name, rule in by_name.items() if name in selected]
        given = _input_of(context, table, spark, settings)
        for rule, finding in find(chosen, given):
            yield result(rule, finding, given)

    return check


def result(rule: Rule, finding: Finding, given: CheckInput) -> dg.AssetCheckResult:
    """What a person needs: the problem in one sentence, how many rows, which ones, which days."""
    passed = finding.rows == 0
    problem = None if passed else _problem(rule, finding)
    return dg.AssetCheckResult(
        asset_key=asset_key(rule.table),
        check_name=rule.name,
        passed=passed,
        severity=rule.severity,
        description=problem or finding.note or None,
        metadata={
            **({PROBLEM: problem, REMEDY: rule.remedy} if problem else {}),
            ROWS: finding.rows,
            **({} if finding.checked is None else {CHECKED_ROWS: finding.checked}),
            CHECKED: describe(given.days),
            **({DAYS: _listed(finding.days)} if finding.days else {}),
            **finding.measured,
            **{name: given.tolerated(name) for name in rule.thresholds},
            **({NOTE: finding.note} if finding.note else {}),
            **({SAMPLE: _as_table(finding.sample)} if finding.sample else {}),
        },
    )


def days_of_run(tags: Mapping[str, str], table: Table, start: date) -> DayRange | None:
    """The partitions of a table that a run is for; None: the run or the table has none.

    A check has no partitions of its own in Dagster, so that the run's tags have to tell.

    Args:
        tags: of the run.
        table: whose partitions they are.
        start: first partition of all.
    """
    keys = [tags[name] for name in RANGE_TAGS if name in tags] or [tags.get(PARTITION_TAG, "")]
    if table.partition_by is None or not keys[0]:
        return None
    partitions = partitions_of(table, start)
    first, last = (partitions.time_window_for_partition_key(key) for key in (keys[0], keys[-1]))
    return DayRange(first.start.date(), last.end.date())


def describe(days: DayRange | None) -> str:
    """What was checked, in words."""
    if days is None:
        return _WHOLE_TABLE
    return str(days.first) if days.first == days.last else f"{days.first} to {days.last}"


def _spec(rule: Rule) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        rule.name,
        asset=asset_key(rule.table),
        description=rule.description,
        additional_deps=[asset_key(table) for table in rule.compared_with],
        blocking=rule.blocking,
    )


def _input_of(
    context: dg.AssetCheckExecutionContext, table: Table, spark: SparkEngine, settings: Settings
) -> CheckInput:
    return CheckInput(
        stored=Warehouse(settings.warehouse, lambda: spark.spark_session).snapshot(),
        settings=settings,
        thresholds=thresholds_of(settings),
        table=table,
        days=days_of_run(context.run.tags, table, settings.start_date),
        now=datetime.now(UTC),
        newest_write=partial(_newest_write, context, table, settings.start_date),
    )


def thresholds_of(settings: Settings) -> CheckThresholds:
    """The thresholds of the checks alone."""
    return CheckThresholds(**settings.model_dump(include=set(CheckThresholds.model_fields)))


def _newest_write(
    context: dg.AssetCheckExecutionContext, table: Table, start: date
) -> WrittenRows | None:
    days = days_of_run(context.run.tags, table, start)
    partitions = [str(days.first)] if days else None
    wanted = dg.AssetRecordsFilter(asset_key(table), asset_partitions=partitions)
    records = context.instance.fetch_materializations(wanted, limit=1).records
    materialized = records[0].asset_materialization if records else None
    run = context.instance.get_run_by_id(records[0].run_id) if records else None
    written = days_of_run(run.tags, table, start) if run else None
    if materialized is None or written is None:
        return None
    values = {name: entry.value for name, entry in materialized.metadata.items()}
    return WrittenRows(written, {n: v for n, v in values.items() if isinstance(v, int | float)})


def _problem(rule: Rule, finding: Finding) -> str:
    of_all = "" if finding.checked is None else f" of {finding.checked:,}"
    return f"{rule.table.name}: {rule.problem} ({finding.rows:,}{of_all})"


def _listed(days: Sequence[date]) -> str:
    ordered = list(in_order(days))
    more = " and more" if len(ordered) > DAYS_LISTED else ""
    return ", ".join(ordered[:DAYS_LISTED]) + more


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
