"""A run of which some days fail: the others are written, and Dagster knows which is which."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import dagster as dg

from resources.delta.step_outputs import Written, materialized
from resources.delta.table import Table
from resources.runs.passing_faults import passes
from video_assets.catalog import asset_key, days_of
from video_assets.staged_days import FailedDay, StagedDays, named_days

FAILED_DAYS = "failed_days"


@dataclass(frozen=True)
class Advice:
    """What a message about failed days says besides them.

    Attributes:
        table: the table whose days failed.
        remedy: what a person does about it.
        again: the table from which the days are then computed again.
    """

    table: Table
    remedy: str
    again: Table


def written(
    context: dg.AssetExecutionContext,
    staged: StagedDays,
    metadata: Mapping[str, Mapping[str, Any]],
    advice: Advice,
) -> Iterator[Written]:
    """The outputs of a step; where days failed, the other days as materialized partitions.

    Dagster takes an output for all partitions of a run. So a step of which a day failed commits
    the others by itself, and fails without an output: what depends on it does not run on days that
    are not there.

    Args:
        context: of the step.
        staged: by the outputs' names.
        metadata: of the outputs.
        advice: what the message says besides the failed days.

    Raises:
        dagster.Failure: names the days that failed, and why; never tried again.
        Exception: a fault that may pass kept a day from being read; nothing is written.
    """
    for why in staged.failed.values():
        if why.cause and passes(why.cause):
            staged.discard()
            raise why.cause
    if not staged.failed:
        for name, table in staged.tables.items():
            yield dg.Output(table, output_name=name, metadata=metadata.get(name))
        staged.note()
        return
    for table in staged.tables.values():
        if table.replaced:
            written_days = [str(day) for day in days_of(context).days if day in table.replaced]
            # Counters are of all rows that were read, also of those of the failed days.
            uncounted = replace(table, counters={})
            yield from materialized(uncounted, written_days, context.run.run_id, {})
    staged.note()
    raise _failure(context, staged.failed, advice)


def _failure(
    context: dg.AssetExecutionContext, failed: Mapping[date, FailedDay], advice: Advice
) -> dg.Failure:
    run = days_of(context)
    again_from = asset_key(advice.again).to_user_string()
    days = sorted(failed)
    others = len(run.days) - len(days)
    rest = f" The other {others} days are written." if others else ""
    return dg.Failure(
        f"{len(days)} of {len(run.days)} days of {advice.table.name} stay as they were: "
        f"{named_days(failed)}.{rest} To do: {advice.remedy} Then: dagster asset materialize -m "
        f"video_assets.definitions --select 'key:\"{again_from}\"+' --partition-range "
        f"{days[0]}...{days[-1]}",
        metadata={FAILED_DAYS: ", ".join(map(str, days))},
        allow_retries=False,
    )
