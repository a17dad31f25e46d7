"""A table as Dagster knows it: key, partitions, schema, lineage, owner, and what a run tells."""

import inspect
from datetime import date
from typing import Any

import dagster as dg

from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable
from resources.delta.table import Column, Table
from resources.delta.write_metadata import column_lineage, named_of_run
from video_assets.days import DayRange
from video_assets.plots import bars_per_day
from video_assets.vocabulary import (
    DUPLICATES,
    ERASED,
    IGNORED,
    REJECTED_ROWS,
    SHARE_REJECTED,
    SOURCE_ROWS,
    WAITING,
)

OWNERS = ["team:video-analytics"]
KINDS = {"pyspark", "deltalake"}

PLAYER_EVENTS = "player_events"
ENGAGEMENT = "engagement"
DAILY_VIEWS = "daily_views"
LIFETIME_VIEWS = "lifetime_views"
ANALYTICS = "analytics"
DELIVERIES = "deliveries"

# Dagster's tags of a run over one partition, or over a range of them.
PARTITION_TAG = "dagster/partition"
BACKFILL_TAG = "dagster/backfill"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")

# Metadata of a failed check that alerts read: the problem in a sentence, and the days concerned.
PROBLEM = "problem"
DAYS = "days"
# On a verdict of one day: the days that the run looked at, which it also tells together.
TOLD_WITH = "told_with"

A_RANGE_IN_ONE_RUN = dg.BackfillPolicy.single_run()

WIDENED_BY_A_DAY = dg.TimeWindowPartitionMapping(
    start_offset=-1, end_offset=0, allow_nonexistent_upstream_partitions=True
)
DAYS_THAT_ARE_THERE = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
# No partition leads to one of these: what is computed from all rows, and only today.
OF_NO_PARTITION = dg.SpecificPartitionsPartitionMapping([])
DAYS_OF_THE_MONTH = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)


def asset_key(table: Table) -> dg.AssetKey:
    """The asset of a table: `video/<table>`."""
    return dg.AssetKey([table.schema, table.name])


def declared(
    table: Table, group: str, backfill: dg.BackfillPolicy = A_RANGE_IN_ONE_RUN
) -> dict[str, Any]:
    """Arguments of `@dg.asset` that follow from a table's declaration."""
    return {**_described(table, group), "pool": table.name, "backfill_policy": backfill}


def declared_step(table: Table) -> dict[str, Any]:
    """Arguments of `@dg.multi_asset`, of the table by which the step is known.

    A run may name one table of several, all of which are written: see `writes_all_outputs`.
    """
    return {"pool": table.name, "backfill_policy": A_RANGE_IN_ONE_RUN, "can_subset": True}


def declared_output(table: Table, group: str) -> dict[str, Any]:
    """Arguments of `dg.AssetOut` that follow from a table's declaration."""
    return {**_described(table, group), "is_required": False}


def _described(table: Table, group: str) -> dict[str, Any]:
    return {
        "key": asset_key(table),
        "group_name": group,
        "owners": OWNERS,
        "kinds": KINDS,
        "metadata": _definition_metadata(table),
    }


def daily_partitions(start: date, *, include_today: bool = False) -> dg.DailyPartitionsDefinition:
    """UTC days from `start` to yesterday, or to today."""
    if include_today:
        return days_until_today(start)
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC")


def days_until_today(start: date) -> dg.DailyPartitionsDefinition:
    """UTC days from `start` to today: a count asked today belongs to today."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=1)


def monthly_partitions(start: date) -> dg.MonthlyPartitionsDefinition:
    """UTC months from that of `start` to the current one, which is still incomplete."""
    return dg.MonthlyPartitionsDefinition(
        start_date=start.replace(day=1).isoformat(), timezone="UTC", end_offset=1
    )


def partitions_of(
    table: Table, start: date
) -> dg.DailyPartitionsDefinition | dg.MonthlyPartitionsDefinition:
    """The partitions of a table from `start` on, by what one of them spans."""
    return monthly_partitions(start) if table.partition_unit == "month" else daily_partitions(start)


def input_changed(leaving_out: dg.AssetSelection | None = None) -> Any:
    """Whether an input changed after this asset was computed, and no run was asked for since.

    Also where both happened between two looks: Dagster compares the times of two changes where
    each of them is a condition by itself, so `since_last_handled`, of several, would forget one.

    Args:
        leaving_out: inputs whose change does not count.
    """
    condition = dg.AutomationCondition
    updated: Any = condition.any_deps_match(condition.newly_updated())
    asked_for: Any = condition.any_deps_match(condition.will_be_requested())
    if leaving_out is not None:
        updated, asked_for = updated.ignore(leaving_out), asked_for.ignore(leaving_out)
    is_newer = updated.since(condition.newly_updated())
    unasked = updated.since(condition.newly_requested())
    return (is_newer & unasked) | asked_for.since_last_handled()


def being_computed() -> Any:
    """Whether an asset is being computed, or was at the look before.

    A look reads what changed when it begins, and what runs when it comes to an asset: a run that
    ends in between seems to have changed nothing until the next look.
    """
    running = dg.AutomationCondition.in_progress()
    return running | (~running).newly_true()


def moves() -> Any:
    """Whether an asset is being computed, or was just now.

    What follows it waits for the next look: the run that changed it may have gone on to what
    follows, and ended while this look went on.
    """
    return being_computed() | dg.AutomationCondition.newly_updated()


def with_source_code(definition: Any) -> Any:
    """The asset with a link to its function in an editor; a specification stays as it is.

    Dagster's own `with_source_code_references` links to the file of a function's decorator.
    """
    if not isinstance(definition, dg.AssetsDefinition):
        return definition
    function = inspect.unwrap(definition.op.compute_fn.decorated_fn)  # type: ignore[union-attr]
    code = function.__code__
    reference = dg.LocalFileCodeReference(
        file_path=code.co_filename, line_number=code.co_firstlineno
    )
    found = dg.CodeReferencesMetadataValue(code_references=[reference])
    metadata = {"dagster/code_references": found}
    return definition.map_asset_specs(lambda spec: spec.merge_attributes(metadata=metadata))


def days_of(context: dg.AssetExecutionContext) -> DayRange:
    """The partition or the range of partitions that a step materializes.

    Raises:
        Failure: the run names none, as one of a job by the command line may.
    """
    if RANGE_TAGS[0] not in context.run.tags and not context.has_partition_key:
        raise dg.Failure(
            "the run names no day: name one, as --partition DAY, or choose it in the UI",
            allow_retries=False,
        )
    window = context.partition_time_window
    return DayRange(window.start.date(), window.end.date())


def days_that_follow(context: dg.AssetExecutionContext, origin: dg.AssetKey) -> Days:
    """Days of a backfill's run that Dagster added to those that were chosen, by the lineage.

    Args:
        context: of the step.
        origin: an asset of which the backfill computes the chosen days.
    """
    backfill_id = context.run.tags.get(BACKFILL_TAG)
    backfill = context.instance.get_backfill(backfill_id) if backfill_id else None
    data = backfill.asset_backfill_data if backfill else None
    chosen = data.target_subset.partitions_subsets_by_asset_key.get(origin) if data else None
    if chosen is None:
        return Days()
    return Days(day for day in days_of(context).days if str(day) not in chosen)


def accounting(
    valid: StagedTable, rejected: StagedTable, *, of_range: bool = False
) -> dict[str, Any]:
    """Metadata that accounts for every source row, by its fate.

    Args:
        valid: rows of a source.
        rejected: those that were refused.
        of_range: Dagster shows it on each of several partitions.
    """
    source_rows = valid.counters.get(SOURCE_ROWS, 0)
    counted = {
        SOURCE_ROWS: source_rows,
        **{name: valid.counters.get(name, 0) for name in (DUPLICATES, IGNORED, WAITING, ERASED)},
        REJECTED_ROWS: rejected.rows,
        SHARE_REJECTED: round(100 * rejected.rows / max(source_rows, 1), 3),
    }
    return named_of_run(counted) if of_range else counted


def rejected_share_plot(valid: StagedTable, rejected: StagedTable) -> dict[str, Any]:
    """Metadata that shows which days of a range have most rejected rows; none for a single day.

    Repeated rows are not counted: they are known of the run, not of its days.
    """
    kept, refused = valid.rows_per_day(), rejected.rows_per_day()
    rows = {day: kept.get(day, 0) + refused.get(day, 0) for day in kept}
    if len(rows) <= 1:
        return {}
    shares = {day: 100 * refused.get(day, 0) / rows[day] for day in rows if rows[day]}
    plot = bars_per_day(shares, "Rejected rows by day, in percent", "% of valid and rejected")
    return {"rejected_by_day": dg.MetadataValue.md(plot)}


def reasons(rejected: StagedTable, *, of_range: bool = False) -> dict[str, Any]:
    """Metadata that counts the refused rows by reason, most frequent first."""
    counted = sorted(rejected.counters.items(), key=lambda item: (-item[1], item[0]))
    said = {"reasons": dict(counted)}
    return named_of_run(said) if of_range else said


def _definition_metadata(table: Table) -> dict[str, Any]:
    partition = {"partition_expr": table.partition_by} if table.partition_by else {}
    return {
        "dagster/column_schema": _table_schema(table),
        "grain": table.grain,
        "primary_key": ", ".join(table.key),
        **column_lineage(table, table.schema),
        **partition,
    }


def _table_schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema([_table_column(column) for column in table.columns])


def _table_column(column: Column) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        type=column.type_name,
        description=column.comment,
        constraints=dg.TableColumnConstraints(nullable=column.nullable),
    )
