#!/usr/bin/env bash
# dagster-deltalake 0.29.27 with its stock handler for pyarrow: of an asset that is partitioned by
# day, and whose partition column is text, each materialized day replaces the whole table. A guess
# from `partition_expr` is that a day replaces the rows of that day.
# Seen: after two days the table holds the second alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  dagster==1.13.27 dagster-deltalake==0.29.27 deltalake==1.6.6 pyarrow==26.0.1
DAGSTER_HOME= "$folder/venv/bin/python" -W ignore - "$folder/warehouse" <<'PYTHON'
import sys
from importlib.metadata import version

import dagster as dg
import pyarrow as pa
from dagster_deltalake import DeltaLakePyarrowIOManager, LocalConfig
from deltalake import DeltaTable

days = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-01-03")


@dg.asset(partitions_def=days, metadata={"partition_expr": "day"}, key_prefix=["video"])
def events(context: dg.AssetExecutionContext) -> pa.Table:
    return pa.table({"user": ["peter"], "day": [context.partition_key]})


manager = DeltaLakePyarrowIOManager(root_uri=sys.argv[1], storage_options=LocalConfig())
for day in ("2025-01-01", "2025-01-02"):
    dg.materialize([events], partition_key=day, resources={"io_manager": manager},
                   instance=dg.DagsterInstance.ephemeral())
stored = DeltaTable(f"{sys.argv[1]}/video/events").to_pyarrow_dataset().to_table(use_threads=False)
kept = sorted(stored["day"].to_pylist())
print("dagster-deltalake", version("dagster-deltalake"), "days in the table:", kept)
assert kept == ["2025-01-02"], kept
PYTHON
