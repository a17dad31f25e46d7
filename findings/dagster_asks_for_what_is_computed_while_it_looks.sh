#!/usr/bin/env bash
# dagster 1.13.27: a tick of the automation sensor reads once, when it begins, which assets were
# computed, and asks later, asset by asset, what runs just now. What a run computes in between
# counts neither as computed nor as running. So `AutomationCondition.eager()` asks for an asset
# which the same run computed that changed its input: small steps of one job are computed twice.
# A guess is that `~in_progress` and `newly_updated` leave no such gap.
# Seen: computed before the tick, nothing is asked for; computed during the tick, it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cd "$folder"
DAGSTER_HOME= "$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON'
from importlib.metadata import version
from threading import Event, Thread

import dagster as dg
from dagster._utils.caching_instance_queryer import CachingInstanceQueryer

input_is_there, go_on = Event(), Event()
read = CachingInstanceQueryer.prefetch_asset_records


@dg.asset
def events(): ...


@dg.asset(deps=[events], automation_condition=dg.AutomationCondition.eager())
def sessions():
    input_is_there.set()
    go_on.wait(60)


DEFS = dg.Definitions([events, sessions])


def asked_for(tick_waits_for_the_run):
    """Whether `sessions` is asked for by the tick after a run of both assets began."""
    input_is_there.clear()
    go_on.clear()
    with dg.DagsterInstance.ephemeral() as instance:

        def tick(cursor=None):
            everything = dg.AssetSelection.all()
            return dg.evaluate_automation_conditions(DEFS, instance, everything, cursor=cursor)

        first = tick(tick().cursor)
        run = Thread(target=dg.materialize, args=([events, sessions],), kwargs={"instance": instance})
        run.start()
        input_is_there.wait(60)

        def read_then_the_run_ends(self, keys):
            """The rest of the run takes less time than the tick."""
            read(self, keys)
            go_on.set()
            run.join()

        if tick_waits_for_the_run:
            go_on.set()
            run.join()
        else:
            CachingInstanceQueryer.prefetch_asset_records = read_then_the_run_ends
        try:
            return tick(first.cursor).total_requested
        finally:
            CachingInstanceQueryer.prefetch_asset_records = read


print("dagster", version("dagster"))
before, during = asked_for(True), asked_for(False)
print("computed before the tick, asked for again:", before)
print("computed during the tick, asked for again:", during)
assert (before, during) == (0, 1), (before, during)
PYTHON
