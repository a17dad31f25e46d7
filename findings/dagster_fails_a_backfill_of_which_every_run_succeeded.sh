#!/usr/bin/env bash
# A step of Dagster 1.13.27 whose output is not required may yield nothing: its run succeeds. Where
# the daemon runs it in a backfill, a partition of which nothing was materialized is in the end
# marked as failed, and the backfill with it, once nothing else goes on; what depends on it is not
# computed. A guess from single runs is that the backfill succeeds, as each of its runs did.
# Seen: runs ['SUCCESS', 'SUCCESS'], the backfill COMPLETED_FAILED.
set -euo pipefail
folder=$(mktemp -d)
daemon=''
trap 'kill "$daemon" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
export DAGSTER_HOME="$folder/home"
mkdir "$DAGSTER_HOME"
printf 'telemetry:\n  enabled: false\n' > "$DAGSTER_HOME/dagster.yaml"
cd "$folder"
cat > days.py <<'PYTHON'
import dagster as dg


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["full", "empty"]),
    output_required=False,
)
def days(context: dg.AssetExecutionContext):
    if context.partition_key == "full":
        yield dg.Output(None)


defs = dg.Definitions(assets=[days])
PYTHON
cat > ask.py <<'PYTHON'
import time
import warnings

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from days import defs

warnings.simplefilter("ignore")
with dg.DagsterInstance.get() as instance:
    instance.add_backfill(
        PartitionBackfill.from_asset_partitions(
            backfill_id="both",
            asset_graph=defs.resolve_asset_graph(),
            partition_names=["full", "empty"],
            asset_selection=[dg.AssetKey("days")],
            backfill_timestamp=time.time(),
            tags={},
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
    )
    end = time.monotonic() + 240
    while (status := instance.get_backfill("both").status) == BulkActionStatus.REQUESTED:
        assert time.monotonic() < end, "the daemon does not end the backfill"
        time.sleep(1)
    runs = sorted(run.status.value for run in instance.get_runs())
print(f"dagster {dg.__version__}: runs {runs}, the backfill {status.value}")
assert runs == ["SUCCESS", "SUCCESS"], runs
assert status == BulkActionStatus.COMPLETED_FAILED, status
PYTHON
# Two processes that create the databases together would break them.
"$folder/venv/bin/python" -c 'import dagster; dagster.DagsterInstance.get().dispose()'
"$folder/venv/bin/dagster-daemon" run -m days > daemon.log 2>&1 &
daemon=$!
"$folder/venv/bin/python" ask.py 2>/dev/null
