"""What a step reports beside the outputs that Dagster takes: tables and days by themselves."""

import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec

import dagster as dg

from resources.delta.commit import commit
from resources.delta.stage import StagedTable
from resources.delta.write_metadata import output_metadata, partition_metadata, written_line

P = ParamSpec("P")
_log = logging.getLogger(__name__)
Written = dg.Output[StagedTable] | dg.AssetMaterialization


def writes_all_outputs(compute: Callable[P, Iterator[Written]]) -> Callable[P, Iterator[Written]]:
    """Commit and report the outputs of a `@dg.multi_asset(can_subset=True)` that were not asked.

    Dagster takes only outputs that a run selects; the tables of one read must agree all the same.
    """

    @functools.wraps(compute)
    def generate(*args: P.args, **kwargs: P.kwargs) -> Iterator[Written]:
        context = dg.AssetExecutionContext.get()
        selected = context.op_execution_context.selected_output_names
        days = context.partition_keys if context.has_partition_key_range else [None]
        for item in compute(*args, **kwargs):
            if isinstance(item, dg.AssetMaterialization) or item.output_name in selected:
                yield item
            else:
                yield from materialized(item.value, days, context.run.run_id, item.metadata)

    return generate


def materialized(
    staged: StagedTable, days: Sequence[str | None], run_id: str, metadata: Mapping[str, Any]
) -> Iterator[dg.AssetMaterialization]:
    """Commit a table, and report it as materialized.

    Args:
        staged: the table.
        days: partitions to report; a single None for a table that has none.
        run_id: of the run that staged it.
        metadata: besides what every write reports.
    """
    committed = commit(staged, run_id=run_id)
    _log.info("%s", written_line(staged, committed))
    key = dg.AssetKey([staged.table.schema, staged.table.name])
    keys = [day for day in days if day]
    of_each = partition_metadata(staged, committed, keys)
    metadata = {**metadata, **output_metadata(staged, committed, of_range=len(days) > 1)}
    for day in days:
        of_day = of_each[day] if day else {}
        yield dg.AssetMaterialization(key, partition=day, metadata={**metadata, **of_day})
