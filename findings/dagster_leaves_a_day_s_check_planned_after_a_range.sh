#!/usr/bin/env bash
# dagster 1.13.27: an asset check with partitions in one run over a range of days. A guess is that
# each day then has the check's result, as each day has its materialization.
# Seen: the run succeeds, the result belongs to no day, and of every day the check stays planned;
# the days of the asset itself are materialized.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cd "$folder"
DAGSTER_HOME= "$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON'
from importlib.metadata import version

import dagster as dg

DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-01-04")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def views() -> None: ...


@dg.asset_check(asset=views, partitions_def=DAYS)
def complete() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def results(instance):
    """What is known of the check, by day; None stands for no day."""
    key = dg.AssetCheckKey(views.key, "complete")
    known = instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
    return {record.partition: record.status.value for record in known}


with dg.DagsterInstance.ephemeral() as instance:
    dg.materialize([views, complete], instance=instance, partition_key="2025-01-01")
    of_a_day = results(instance)
with dg.DagsterInstance.ephemeral() as instance:
    ends = {"start": "2025-01-01", "end": "2025-01-03"}
    tags = {f"dagster/asset_partition_range_{end}": day for end, day in ends.items()}
    run = dg.materialize([views, complete], instance=instance, tags=tags)
    of_a_range, days = results(instance), sorted(instance.get_materialized_partitions(views.key))
print("dagster", version("dagster"))
print("a day:", of_a_day)
print("a range:", run.success, of_a_range, "materialized:", days)
assert of_a_day == {"2025-01-01": "SUCCEEDED"}, of_a_day
assert run.success
assert days == ["2025-01-01", "2025-01-02", "2025-01-03"], days
assert of_a_range == {None: "SUCCEEDED", **dict.fromkeys(days, "PLANNED")}, of_a_range
PYTHON
