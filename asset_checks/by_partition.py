"""A verdict for each day of a run over many: Dagster takes one result of a check from a run.

Dagster plans each partition of such a run, and takes what its own result says for none of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import dagster as dg

# Dagster offers no public name of the states by which it finds evaluations.
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus as Status,
)

from asset_checks.newest_writes import LookedAt, NewestWrites
from asset_checks.rules import CheckInput, Finding, Rule
from asset_checks.verdict import Verdict, describe, verdict_of_day
from video_assets.catalog import RANGE_TAGS, TOLD_WITH, asset_key

# An event takes 20 to 50 ms on SQLite, and a table has up to 8 checks.
# Five weeks, as many as `make demo` fills.
DAYS_OF_A_LONG_RUN = 35
_FAILURES_REMEMBERED = 1000

Said = dg.AssetCheckResult | dg.AssetCheckEvaluation | dg.Output[None]


@dataclass(frozen=True)
class Verdicts:
    """Reports what the checks of one table found on single partitions.

    Attributes:
        context: of the step that checks.
        partitions: of the table.
        writes: what Dagster recorded of them.
    """

    context: dg.AssetCheckExecutionContext
    partitions: dg.PartitionsDefinition[str]
    writes: NewestWrites

    def of_run(self, told: Verdict, rule: Rule) -> Iterator[Said]:
        """What the check says of all that it looked at.

        Without a partition, Dagster fails to make an evaluation of a result of such a check; of
        one partition, it would look up its newest write for each check.
        """
        if self._of_run is not None:
            yield dg.AssetCheckResult(**told.of(rule))
            return
        [spec] = [spec for spec in self.context.check_specs if spec.name == rule.name]
        yield dg.Output(None, output_name=spec.get_python_identifier())
        if not self.context.has_partition_key:
            yield _evaluation(rule, told)
            return
        partition = self.context.partition_key
        yield _evaluation(rule, told, partition, self.writes.looked_at(partition))

    def report(self, rule: Rule, finding: Finding, given: CheckInput) -> None:
        """Report the days of a range, or of the whole table those that fail or failed before.

        Of a long range, the newest days and those that fail or failed before: a later good run
        hides no bad day, and a mended day is shown as good again.
        """
        if self.context.has_partition_key:
            return
        partitions = self._reported(rule, finding)
        self.writes.look_up(partitions)
        for partition in partitions:
            told = verdict_of_day(rule, finding, given, date.fromisoformat(partition))
            told = replace(told, metadata={**told.metadata, TOLD_WITH: describe(given.days)})
            self._record(_evaluation(rule, told, partition, self.writes.looked_at(partition)))

    @cached_property
    def _of_run(self) -> Sequence[str] | None:
        """The partitions of the run; None: it has none, and looks at the whole table."""
        first, last = (self.context.run.tags.get(tag) for tag in RANGE_TAGS)
        if first is None or last is None:
            return None
        return self.partitions.get_partition_keys_in_range(dg.PartitionKeyRange(first, last))

    def _reported(self, rule: Rule, finding: Finding) -> Sequence[str]:
        of_run = self._of_run
        if of_run is not None and len(of_run) <= DAYS_OF_A_LONG_RUN:
            return of_run
        failing = {str(day) for day in finding.days}
        matters = failing | self._failed_before(rule) | set((of_run or ())[-DAYS_OF_A_LONG_RUN:])
        return sorted(matters & set(of_run or self.partitions.get_partition_keys()))

    def _failed_before(self, rule: Rule) -> set[str]:
        records = self.context.instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(asset_key(rule.table), rule.name),
            limit=_FAILURES_REMEMBERED,
            status={Status.FAILED},
        )
        return {record.partition for record in records if record.partition}

    def _record(self, evaluation: dg.AssetCheckEvaluation) -> None:
        run, step = self.context.run, self.context.get_step_execution_context().step
        self.context.instance.report_dagster_event(
            dg.DagsterEvent(
                event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
                job_name=run.job_name,
                step_key=step.key,
                message=f"{evaluation.check_name} looked at {evaluation.partition}.",
                event_specific_data=evaluation,
            ),
            run_id=run.run_id,
        )


def _evaluation(
    rule: Rule,
    told: Verdict,
    partition: str | None = None,
    looked_at: LookedAt | None = None,
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        **told.of(rule),
        blocking=rule.blocking,
        partition=partition,
        target_materialization_data=looked_at,
    )
