"""A run of which some days fail: the others are written, and Dagster knows which is which."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg

from resources.delta.step_outputs import Written, materialized
from resources.delta.table import Table
from resources.runs.passing_faults import passes
from video_assets.catalog import accounting, asset_key, days_of, reasons, rejected_share_plot
from video_assets.staged_days import StagedDays, named_days, named_problems

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


def rows_written(
    context: dg.AssetExecutionContext, staged: StagedDays, valid: str, rejected: str, advice: Advice
) -> Iterator[Written]:
    """The outputs of a step that reads a source, with an account of its rows.

    Args:
        context: of the step.
        staged: by the outputs' names.
        valid: the output of valid rows.
        rejected: the output of refused rows.
        advice: what the message says besides the failed days.

    Raises:
        dagster.Failure: as `written`.
    """
    kept, refused = staged.tables[valid], staged.tables[rejected]
    days = days_of(context).days
    of_range = len(days) > 1
    metadata = {
        valid: accounting(kept, refused, of_range=of_range),
        rejected: reasons(refused, of_range=of_range),
    }
    key = asset_key(kept.table)
    if of_range and key in context.selected_asset_keys:
        # One copy, not one a day.
        plot = rejected_share_plot(kept, refused)
        context.add_asset_metadata(plot, key, partition_key=str(days[-1]))
    yield from written(context, staged, metadata, advice)


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
    if not staged.failed and not staged.unread:
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
    raise _failure(context, staged, advice)


def _failure(context: dg.AssetExecutionContext, staged: StagedDays, advice: Advice) -> dg.Failure:
    run = days_of(context)
    again_from = asset_key(advice.again).to_user_string()
    days = sorted(staged.failed)
    first, last = (days[0], days[-1]) if days else (run.first, run.last)
    return dg.Failure(
        f"{_what_failed(staged, len(run.days), advice.table)} To do: {advice.remedy} Then: dg "
        f"launch --assets 'key:\"{again_from}\"+' --partition-range {first}...{last}",
        metadata={FAILED_DAYS: ", ".join(map(str, days))},
        allow_retries=False,
    )


def _what_failed(staged: StagedDays, days: int, table: Table) -> str:
    said = []
    written = days - len(staged.failed)
    if staged.failed:
        left = f"{len(staged.failed)} of {days} days of {table.name} stay as they were"
        said.append(f"{left}: {named_days(staged.failed)}.")
    if staged.unread:
        files = f"files that cannot be read: {named_problems(staged.unread)}"
        said.append(f"{written} of {days} days of {table.name} are written without {files}.")
    elif written:
        said.append(f"The other {written} days are written.")
    return " ".join(said)
