#!/usr/bin/env bash
# A condition of Dagster 1.13.27 that waits for what its inputs are computed from is short to write:
# any_deps_match(in_progress() | any_deps_match(in_progress() | ...)). The evaluation that the daemon
# stores of each look names every step for every way from an asset to its origins, not for every
# origin, about 600 bytes each. In a graph of four levels of four assets (16 origins, 340 ways) one
# look at one asset takes about 1 MB, where the same question by asset_matches of each origin takes
# 40 to 60 kB. Looks come every 30 seconds, and what is stored stays for 30 days.
# Seen: 1,024,328 bytes along all ways, 43,687 by origin.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cat > "$folder/looks.py" <<'PYTHON'
from functools import reduce
from operator import or_

import dagster as dg
from dagster._core.definitions.declarative_automation.serialized_objects import (
    AutomationConditionEvaluation,
)
from dagster_shared.serdes import serialize_value

LEVELS, WIDTH = 4, 4
ORIGINS = [[f"a{level}{number}" for number in range(WIDTH)] for level in range(LEVELS)]


def moves(levels: int) -> dg.AutomationCondition:
    running = dg.AutomationCondition.in_progress()
    if levels == 1:
        return running
    return running | dg.AutomationCondition.any_deps_match(moves(levels - 1))


def size_of_a_look(condition: dg.AutomationCondition) -> int:
    specs = [
        dg.AssetSpec(name, deps=ORIGINS[level - 1] if level else [])
        for level, names in enumerate(ORIGINS)
        for name in names
    ]
    last = dg.AssetSpec("last", deps=ORIGINS[-1], automation_condition=condition)
    with dg.DagsterInstance.ephemeral() as instance:
        looked = dg.evaluate_automation_conditions(
            dg.Definitions(assets=[*specs, last]), instance=instance
        )
    (result,) = (result for result in looked.results if result.key == dg.AssetKey("last"))
    evaluation = result.serializable_evaluation
    assert isinstance(evaluation, AutomationConditionEvaluation)
    return len(serialize_value(evaluation))


by_ways = size_of_a_look(dg.AutomationCondition.any_deps_match(moves(LEVELS)))
names = [name for level in ORIGINS for name in level]
running = dg.AutomationCondition.in_progress()
each = [dg.AutomationCondition.asset_matches(name, running) for name in names]
by_origins = size_of_a_look(reduce(or_, each))
print(f"dagster {dg.__version__}: {by_ways:,} bytes along all ways, {by_origins:,} bytes by origin")
assert by_ways > 10 * by_origins, (by_ways, by_origins)
PYTHON
"$folder/venv/bin/python" "$folder/looks.py" 2>/dev/null
