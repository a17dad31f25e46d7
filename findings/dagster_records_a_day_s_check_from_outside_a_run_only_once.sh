#!/usr/bin/env bash
# dagster 1.13.27: a result of an asset check that is reported from outside a run
# (`report_runless_asset_event`) and names a partition can be recorded once. A guess is that the
# next result of that day becomes the newest one, as it does where no partition is named, and as
# materializations of a partition that are reported so do.
# Seen: the second result of a day raises IntegrityError, and is lost; without a partition both are
# recorded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cd "$folder"
DAGSTER_HOME= "$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON'
from importlib.metadata import version

import dagster as dg

KEY = dg.AssetKey("views")
CHECK = dg.AssetCheckKey(KEY, "complete")


def recorded(partition):
    """What becomes of two results, and how many Dagster keeps."""
    said = []
    with dg.DagsterInstance.ephemeral() as instance:
        for passed in (False, True):
            result = dg.AssetCheckEvaluation(
                asset_key=KEY, check_name="complete", passed=passed, metadata={},
                partition=partition,
            )
            try:
                instance.report_runless_asset_event(result)
                said.append("recorded")
            except Exception as error:
                said.append(type(error).__name__)
        kept = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=9)
    return said, len(kept)


def materialized(partition):
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=partition))
        return len(instance.fetch_materializations(KEY, limit=9).records)


whole, of_a_day = recorded(None), recorded("2025-01-01")
print("dagster", version("dagster"))
print("checks without a partition:", whole)
print("checks of a day:", of_a_day)
print("materializations of a day:", materialized("2025-01-01"))
assert whole == (["recorded", "recorded"], 2), whole
assert of_a_day == (["recorded", "IntegrityError"], 1), of_a_day
assert materialized("2025-01-01") == 2
PYTHON
