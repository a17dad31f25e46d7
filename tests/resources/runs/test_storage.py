"""Dagster's event logs whose databases stay open."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage

from resources.runs.storage import OpenEventLogs

DAYS = dg.DailyPartitionsDefinition("2025-01-01")
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
