"""Rules as Dagster asset checks: one step a table, which says what is wrong and in which rows."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial

import dagster as dg

from asset_checks.by_partition import Said, Verdicts
from asset_checks.evaluate import find
from asset_checks.newest_writes import NewestWrites, counts_of_run
from asset_checks.rules import CheckInput, FrameRule, RowRule, Rule, WrittenRows
from asset_checks.verdict import verdict
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.catalog import PARTITION_TAG, RANGE_TAGS, asset_key, partitions_of
from video_assets.days import DayRange
from video_assets.settings import Settings
from video_assets.settings.checks import CheckThresholds

Partitions = dg.PartitionsDefinition[str]


def checks_of(
    table: Table, rules: Sequence[Rule], partitions: Partitions | None
) -> dg.AssetChecksDefinition:
    """All checks of one table as one step; any selection of them may run.

    Args:
        table: that is checked.
        rules: what must hold.
        partitions: of the table's asset, which its checks share.
    """
    by_name = {rule.name: rule for rule in rules}

    @dg.multi_asset_check(
        name=f"check_{table.name}",
        specs=[_spec(rule, partitions) for rule in rules],
        description=f"Reads {table.name} as it is stored, and says which rows break which rule.",
        can_subset=True,
        compute_kind="pyspark",
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> Iterator[Said]:
        selected = {key.name for key in context.selected_asset_check_keys}
        chosen = [rule for name, rule in by_name.items() if name in selected]
        writes = NewestWrites(context.instance, asset_key(table))
        given = _input_of(context, table, spark, settings, writes)
        verdicts = Verdicts(context, partitions, writes) if partitions else None
        if any(isinstance(rule, RowRule | FrameRule) for rule in chosen):
            # PySpark names columns only once there is a session; checks alone come before it.
            _ = spark.spark_session
        for rule, finding in find(chosen, given):
            told = verdict(rule, finding, given)
            if verdicts is None or not rule.is_partitioned:
                yield dg.AssetCheckResult(**told.of(rule))
            else:
                yield from verdicts.of_run(told, rule)
                verdicts.report(rule, finding, given)

    return check


def days_of_run(tags: Mapping[str, str], table: Table, start: date) -> DayRange | None:
    """The partitions of a table that a run is for; None: the run or the table has none.

    Dagster tells a check nothing of a range, so that the run's tags have to.

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


def _spec(rule: Rule, partitions: Partitions | None) -> dg.AssetCheckSpec:
    with warnings.catch_warnings():
        # Dagster calls partitions of checks a preview.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            rule.name,
            asset=asset_key(rule.table),
            description=rule.description,
            additional_deps=[asset_key(table) for table in rule.compared_with],
            blocking=rule.blocking,
            partitions_def=partitions if rule.is_partitioned else None,
        )


def _input_of(
    context: dg.AssetCheckExecutionContext,
    table: Table,
    spark: SparkEngine,
    settings: Settings,
    writes: NewestWrites,
) -> CheckInput:
    return CheckInput(
        stored=Warehouse(settings.warehouse, lambda: spark.spark_session).snapshot(),
        settings=settings,
        thresholds=thresholds_of(settings),
        table=table,
        days=days_of_run(context.run.tags, table, settings.start_date),
        now=datetime.now(UTC),
        newest_write=partial(_newest_write, context, table, settings.start_date),
        counts_by_day=writes.counts,
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
    return WrittenRows(written, counts_of_run(materialized))
