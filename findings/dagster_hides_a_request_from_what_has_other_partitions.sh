#!/usr/bin/env bash
# dagster 1.13.27: `any_deps_match(will_be_requested())` says whether an input is asked for at the
# same tick, but only where both could share a run, which needs equal partitions or the identity
# mapping. To an asset without partitions a tick never shows that days of its input are asked for
# in that very tick. So `~any_deps_match(will_be_requested())` does not make a report wait for its
# daily inputs: it is computed before them, and once more after them.
# A guess is that a condition sees all that its tick asks for, as "will be requested" reads.
# Seen: with equal partitions the request is seen, by an asset without partitions it is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cd "$folder"
DAGSTER_HOME= "$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON'
from importlib.metadata import version

import dagster as dg

DAYS = dg.StaticPartitionsDefinition(["monday", "tuesday"])
SEES_A_REQUEST = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested())


def requests(partitions):
    """What one tick asks for: an input that is missing, and what only wants to see that."""

    @dg.asset(partitions_def=DAYS, automation_condition=dg.AutomationCondition.missing())
    def daily(): ...

    @dg.asset(deps=[daily], partitions_def=partitions, automation_condition=SEES_A_REQUEST)
    def follower(): ...

    with dg.DagsterInstance.ephemeral() as instance:
        tick = dg.evaluate_automation_conditions(dg.Definitions([daily, follower]), instance)
        return tick.get_num_requested(daily.key), tick.get_num_requested(follower.key)


print("dagster", version("dagster"))
same, none = requests(DAYS), requests(None)
print("asked for with equal partitions: input, follower:", same)
print("asked for without partitions:    input, follower:", none)
assert (same, none) == ((2, 2), (2, 0)), (same, none)
PYTHON
