"""Dagster's history: event logs whose databases stay open, and few evaluations."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.declarative_automation.serialized_objects import (
    AutomationConditionEvaluationWithRunIds,
)
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage

from resources.runs.storage import EVALUATIONS_KEPT as KEPT
from resources.runs.storage import OpenEventLogs

DAYS = dg.DailyPartitionsDefinition("2025-01-01")
MISSING = dg.AutomationCondition.missing()
RANGE = {
    "dagster/asset_partition_range_start": "2025-01-01",
    "dagster/asset_partition_range_end": "2025-01-05",
}


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def days() -> None:
    """Nothing but events."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    storage = {
        "module": "resources.runs.storage",
        "class": "SharedSqliteStorage",
        "config": {"base_dir": str(tmp_path)},
    }
    settings = {"telemetry": {"enabled": False}, "storage": {"custom": storage}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def test_events_are_those_that_dagster_s_own_storage_reads(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runs = [dg.materialize([days], instance=instance, tags=RANGE) for _ in range(3)]
    assert isinstance(instance.event_log_storage, OpenEventLogs)
    plain = SqliteEventLogStorage(str(tmp_path / "history" / "runs"))
    for run in runs:
        ours = instance.event_log_storage.get_logs_for_run(run.run_id)
        assert plain.get_logs_for_run(run.run_id) == ours != []
    assert len(instance.get_materialized_partitions(dg.AssetKey("days"))) == 5
    assert plain.get_materialized_partitions(dg.AssetKey("days")) == (
        instance.get_materialized_partitions(dg.AssetKey("days"))
    )


def test_a_history_that_was_wiped_begins_anew(instance: dg.DagsterInstance) -> None:
    dg.materialize([days], instance=instance, tags=RANGE)
    instance.event_log_storage.wipe()
    run = dg.materialize([days], instance=instance, partition_key="2025-01-07")
    assert instance.get_materialized_partitions(dg.AssetKey("days")) == {"2025-01-07"}
    assert instance.event_log_storage.get_logs_for_run(run.run_id)


def test_databases_beyond_those_of_a_run_and_of_all_are_closed(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runs = [dg.materialize([days], instance=instance, tags=RANGE) for _ in range(4)]
    folder = tmp_path / "history" / "runs"
    opened = {path.name.partition(".")[0] for path in folder.glob("*.db-wal")}
    assert opened <= {"index", runs[-1].run_id}


def test_a_run_has_failed_before_its_failure_can_be_read(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = []

    def stored(self: SqliteEventLogStorage, event: EventLogEntry) -> None:
        if event.dagster_event_type is dg.DagsterEventType.RUN_FAILURE:
            run = instance.get_run_by_id(event.run_id)
            assert run
            statuses.append((run.status, run.tags["dagster/failure_reason"]))
        store_event(self, event)

    store_event = SqliteEventLogStorage.store_event
    monkeypatch.setattr(SqliteEventLogStorage, "store_event", stored)
    run = instance.create_run_for_job(dg.GraphDefinition(name="empty").to_job())
    reason = RunFailureReason.UNEXPECTED_TERMINATION
    instance.report_run_failed(run, "killed", JobFailureData(None, reason))
    assert statuses == [(dg.DagsterRunStatus.FAILURE, reason.value)]


def test_the_last_evaluations_of_a_condition_stay_and_the_last_that_asked(
    instance: dg.DagsterInstance,
) -> None:
    storage = instance.schedule_storage
    assert storage
    asks, waits = (evaluation(condition) for condition in (MISSING, ~MISSING))
    looks = [*[asks] * (KEPT + 2), *[waits] * (KEPT + 5)]
    for number, look in enumerate(looks):
        storage.add_auto_materialize_asset_evaluations(number, [look])
    storage.purge_asset_evaluations(before=0.0)
    records = storage.get_auto_materialize_asset_evaluations(dg.AssetKey("once"), limit=100)
    asked = range(2, KEPT + 2)
    kept = range(len(looks) - KEPT, len(looks))
    assert sorted(record.evaluation_id for record in records) == [*asked, *kept]


def evaluation(condition: dg.AutomationCondition) -> AutomationConditionEvaluationWithRunIds:
    asset = dg.AssetSpec("once", automation_condition=condition)
    looked = dg.evaluate_automation_conditions(
        dg.Definitions(assets=[asset]), instance=dg.DagsterInstance.ephemeral()
    )
    (result,) = looked.results
    found: AutomationConditionEvaluationWithRunIds = result.serializable_evaluation.with_run_ids(
        frozenset()
    )
    return found
