"""What Dagster's event log says about checks, freshness and runs, as observations."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import dagster as dg

from resources.alerts.alert import EVERYTHING, WHOLE, Kind, Observation, Severity
from video_assets.catalog import DAYS, PARTITION_TAG, PROBLEM, RANGE_TAGS, TOLD_WITH
from video_assets.days import days_listed

_WILL_RETRY = "dagster/will_retry"
_NUMBERS_SHOWN = 8
_STEPS_SHOWN = 5
_ASSETS_SHOWN = 5
_LONGEST_TEXT = 120
_STALE = {"WARN", "FAIL"}

CORRECT_AND_RERUN = (
    "to do: open the run, see which rows the check shows, correct the source or the rule, and "
    "materialize these partitions again"
)
BLOCKED = "what depends on it was not computed in this run"
LATE = (
    "to do: see whether the run that should have written it failed, waits or was never started "
    "(Runs, Automation), and materialize it"
)
FAILED_RUN = (
    "to do: open the run and its log; when the cause is gone, re-execute it from the failed step"
)


@dataclass
class EventReader:
    """Turns events into observations; looks up what they leave unsaid, each run once.

    Attributes:
        instance: whose event log is read.
        graph: the assets that this code location declares; None: their partitions are unknown.
        ui_url: base of the links.
        location: name of this code location; runs of others are theirs to tell.
    """

    instance: dg.DagsterInstance
    graph: Any
    ui_url: str
    location: str | None = None
    _runs: dict[str, dg.DagsterRun] = field(default_factory=dict)

    def check(self, event_id: int, event: dg.EventLogEntry) -> Iterator[Observation]:
        """What an evaluation of a check says of the partitions that it looked at."""
        evaluation = _dagster_event(event).asset_check_evaluation_data
        asset, name = evaluation.asset_key.to_user_string(), evaluation.check_name
        if not self._is_ours(evaluation.asset_key) or TOLD_WITH in evaluation.metadata:
            return
        looked_at = self._partitions(evaluation.asset_key, evaluation.partition, event.run_id)
        values = {name: value.value for name, value in evaluation.metadata.items()}
        failing = () if evaluation.passed else _failing(values, looked_at)
        passing = tuple(p for p in looked_at if p not in set(failing))
        yield Observation(
            kind=Kind.CHECK,
            subject=f"{asset}: {name}",
            severity=Severity(evaluation.severity.value),
            failing=failing,
            passing=EVERYTHING if evaluation.passed and looked_at == (WHOLE,) else passing,
            problem=_problem(values, evaluation.description, name),
            details=self._check_details(evaluation, values, event.run_id),
            at=_time(event),
            event_id=event_id,
            run_id=event.run_id,
            asset=asset,
            check=name,
        )

    def freshness(self, event_id: int, event: dg.EventLogEntry) -> Iterator[Observation]:
        """What a change of an asset's freshness says."""
        change = _dagster_event(event).asset_freshness_state_change_data
        asset, state = change.key.to_user_string(), change.new_state.value
        if state not in {*_STALE, "PASS"} or not self._is_ours(change.key):
            return
        yield Observation(
            kind=Kind.FRESHNESS,
            subject=f"{asset}: freshness",
            severity=Severity.WARN,
            failing=(WHOLE,) if state in _STALE else (),
            passing=() if state in _STALE else (WHOLE,),
            problem=f"{asset} was not materialized in time (freshness is {state}).",
            details=(f"asset: {self.ui_url}/assets/{_path(change.key)}", LATE),
            at=_time(event),
            event_id=event_id,
            asset=asset,
        )

    def run_failure(self, event_id: int, event: dg.EventLogEntry) -> Iterator[Observation]:
        """What a failed run says, unless Dagster is about to try it again."""
        run = self._run(event.run_id)
        if run is None or run.tags.get(_WILL_RETRY) == "true" or self._is_foreign(run):
            return
        partitions = _label(run.tags)
        yield Observation(
            kind=Kind.RUN,
            subject=f"run of {_job(run)}",
            severity=Severity.ERROR,
            failing=(partitions,),
            passing=(),
            problem=self._failure(event),
            details=(*self._unfinished_checks(run), *self._run_link(run.run_id), FAILED_RUN),
            at=_time(event),
            event_id=event_id,
            run_id=run.run_id,
        )

    def _is_ours(self, key: dg.AssetKey) -> bool:
        return self.graph is None or self.graph.has(key)

    def _is_foreign(self, run: dg.DagsterRun) -> bool:
        origin = run.remote_job_origin
        started_by = origin.repository_origin.code_location_origin.location_name if origin else None
        return None not in (started_by, self.location) and started_by != self.location

    def _run(self, run_id: str) -> dg.DagsterRun | None:
        if run_id and run_id not in self._runs:
            run = self.instance.get_run_by_id(run_id)
            if run:
                self._runs[run_id] = run
        return self._runs.get(run_id)

    def _partitions(self, key: dg.AssetKey, partition: str | None, run_id: str) -> tuple[str, ...]:
        """A check has no partitions of its own unless it says so: the run's tags tell them."""
        if partition:
            return (partition,)
        run = self._run(run_id)
        partitions_def = self.graph.get(key).partitions_def if self.graph else None
        if run is None or (self.graph and partitions_def is None):
            return (WHOLE,)
        first, last = (run.tags.get(name) for name in RANGE_TAGS)
        if first and last and partitions_def:
            return _in_range(partitions_def, dg.PartitionKeyRange(first, last))
        return (_label(run.tags),)

    def _check_details(
        self, evaluation: dg.AssetCheckEvaluation, values: Mapping[str, Any], run_id: str
    ) -> tuple[str, ...]:
        view = f"?view=checks&checkDetail={quote(evaluation.check_name)}"
        blocked = bool(evaluation.blocking) and evaluation.severity is dg.AssetCheckSeverity.ERROR
        return (
            *_numbers(values),
            *([BLOCKED] if blocked and not evaluation.passed else []),
            *self._run_link(run_id),
            f"asset: {self.ui_url}/assets/{_path(evaluation.asset_key)}{view}",
            *([] if evaluation.passed else [CORRECT_AND_RERUN]),
        )

    def _run_link(self, run_id: str) -> tuple[str, ...]:
        return (f"run: {self.ui_url}/runs/{run_id}",) if run_id else ()

    def _failure(self, event: dg.EventLogEntry) -> str:
        records = self.instance.get_records_for_run(
            event.run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=_STEPS_SHOWN
        ).records
        steps = [_step(record.event_log_entry) for record in records]
        return " ".join(steps) or _dagster_event(event).message or "The run failed."

    def _unfinished_checks(self, run: dg.DagsterRun) -> tuple[str, ...]:
        """Checks that should have said something: they crashed, or what they need did."""
        planned = {
            _dagster_event(event).asset_check_planned_data.asset_check_key
            for event in self._events(run, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)
        }
        evaluated = {
            _dagster_event(event).asset_check_evaluation_data.asset_check_key
            for event in self._events(run, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        }
        without = planned - evaluated
        if not without:
            return ()
        checks = "1 check has" if len(without) == 1 else f"{len(without)} checks have"
        assets = _named({key.asset_key.to_user_string() for key in without})
        return (f"{checks} no result, of {assets}.",)

    def _events(self, run: dg.DagsterRun, kind: dg.DagsterEventType) -> Sequence[dg.EventLogEntry]:
        records = self.instance.get_records_for_run(run.run_id, of_type=kind).records
        return [record.event_log_entry for record in records]


def _failing(values: Mapping[str, Any], looked_at: tuple[str, ...]) -> tuple[str, ...]:
    """The partitions that the check names, or all that it looked at."""
    named = tuple(_dates(values.get(DAYS)))
    if looked_at == (WHOLE,):
        return named or looked_at
    return tuple(p for p in looked_at if p in set(named)) or looked_at


def _dates(listed: object) -> Iterator[str]:
    """The days of a list, or of a text that lists all of them."""
    text = ",".join(map(str, listed)) if isinstance(listed, list) else listed
    if not isinstance(text, str):
        return
    try:
        yield from map(str, days_listed(text))
    except ValueError:
        return


def _problem(values: Mapping[str, Any], description: str | None, check: str) -> str:
    return str(values.get(PROBLEM) or description or f"The check {check} failed.")


def _numbers(values: Mapping[str, Any]) -> list[str]:
    """Rows concerned, days, thresholds: what the check measured, without tables and plots."""
    shown = [
        f"{name}: {value}"
        for name, value in values.items()
        if name != PROBLEM
        and isinstance(value, str | int | float)
        and "\n" not in str(value)
        and len(str(value)) <= _LONGEST_TEXT
    ]
    return shown[:_NUMBERS_SHOWN]


def _in_range(
    partitions: dg.PartitionsDefinition[Any], keys: dg.PartitionKeyRange
) -> tuple[str, ...]:
    """The keys of a run's range, also of one from before `START_DATE` was set to a later day."""
    begins_later = not partitions.has_partition_key(keys.start)
    if begins_later and isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        partitions = dg.TimeWindowPartitionsDefinition(
            start=keys.start,
            fmt=partitions.fmt,
            cron_schedule=partitions.cron_schedule,
            timezone=partitions.timezone,
            end_offset=partitions.end_offset,
        )
    return tuple(partitions.get_partition_keys_in_range(keys))


def _label(tags: Mapping[str, str]) -> str:
    first, last = (tags.get(name) for name in RANGE_TAGS)
    return f"{first} to {last}" if first and last else tags.get(PARTITION_TAG, WHOLE)


def _job(run: dg.DagsterRun) -> str:
    """The job's name; what Dagster starts for a selection of assets has none to speak of."""
    selected = {key.to_user_string() for key in run.asset_selection or ()}
    return _named(selected) if run.job_name.startswith("__") and selected else run.job_name


def _named(assets: Collection[str]) -> str:
    more = len(assets) - _ASSETS_SHOWN
    return ", ".join(sorted(assets)[:_ASSETS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _step(event: dg.EventLogEntry) -> str:
    failed = _dagster_event(event)
    error = failed.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    said = error.message.strip().splitlines()[0] if error and error.message.strip() else "failed"
    return f"Step {failed.step_key}: {said}"


def _dagster_event(event: dg.EventLogEntry) -> Any:
    """Dagster types what an event holds by its kind, which the query fixed."""
    return event.get_dagster_event()


def _time(event: dg.EventLogEntry) -> datetime:
    return datetime.fromtimestamp(event.timestamp, UTC)


def _path(key: dg.AssetKey) -> str:
    return "/".join(quote(part, safe="") for part in key.path)
