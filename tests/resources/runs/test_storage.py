"""Dagster's history: packed event logs whose databases stay open, and few evaluations."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
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
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._daemon.types import DaemonHeartbeat

from resources.runs.packing import unpacked
from resources.runs.redaction import files_with, redact_home
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


@contextmanager
def packing_instance(folder: Path) -> Iterator[dg.DagsterInstance]:
    storage = {
        "module": "resources.runs.storage",
        "class": "SharedSqliteStorage",
        "config": {"base_dir": str(folder)},
    }
    settings = {"telemetry": {"enabled": False}, "storage": {"custom": storage}}
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with packing_instance(tmp_path) as instance:
        yield instance


def test_a_history_that_dagster_s_own_storage_wrote_goes_on(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as plain:
        before = dg.materialize([days], instance=plain, tags=RANGE)
        recorded = plain.event_log_storage.get_logs_for_run(before.run_id)
    with packing_instance(tmp_path) as instance:
        assert isinstance(instance.event_log_storage, OpenEventLogs)
        assert instance.event_log_storage.get_logs_for_run(before.run_id) == recorded != []
        dg.materialize([days], instance=instance, partition_key="2025-01-07")
        assert len(instance.get_materialized_partitions(dg.AssetKey("days"))) == 6


@pytest.mark.filterwarnings("ignore:The .warn. method is deprecated")
def test_the_first_daemon_of_a_home_does_not_warn_that_there_was_none(
    instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = EventLogConsumerDaemon()
    name = daemon.daemon_type()
    instance.add_daemon_heartbeat(DaemonHeartbeat(1.0, name, daemon_id=None, errors=[]))
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as context:
        list(daemon.run_iteration(context))
    daemon._logger.warning("something else")  # noqa: SLF001
    assert [record.message for record in caplog.records] == ["something else"]


def test_records_are_read_as_they_were_written_and_take_a_quarter(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = dg.materialize([days], instance=instance, tags=RANGE)
    read = [entry.dagster_event for entry in instance.all_logs(run.run_id)]
    assert [event for event in run.all_events if event not in read] == []
    assert run.all_events
    for shard in (run.run_id, "index"):
        stored = texts_of(tmp_path / "history" / "runs" / f"{shard}.db")
        assert 0 < 4 * sum(map(len, stored)) < sum(len(unpacked(text)) for text in stored)


def texts_of(database: Path) -> list[bytes]:
    """The records of events, as they are stored."""
    with closing(sqlite3.connect(database)) as connection:
        connection.text_factory = bytes
        return [event for (event,) in connection.execute("SELECT event FROM event_logs")]


def test_a_word_is_taken_out_of_packed_records(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = dg.materialize([days], instance=instance, partition_key="2025-01-07")
    word = re.compile("2025-01-07")
    assert f"history/runs/{run.run_id}.db" in files_with(tmp_path, word)
    assert redact_home(tmp_path, word) > 0
    assert list(files_with(tmp_path, word)) == []
    assert len(instance.all_logs(run.run_id)) >= len(run.all_events)


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
