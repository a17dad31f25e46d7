#!/usr/bin/env bash
# dagster 1.13.27: `dagster asset materialize` of one asset, whose code location has a function
# decorated with `@dg.definitions`. A guess is that the command calls it once, or once a process, as
# it imports the module.
# Seen: two processes call it nine times, one of them most often; `dagster asset list` calls it
# twice. What it does is paid each time, so that it should remember its result.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  dagster==1.13.27 dagster-webserver==1.13.27
cd "$folder"
cat > shop.py <<'PYTHON'
import os
from pathlib import Path

import dagster as dg


@dg.asset
def views() -> None: ...


@dg.definitions
def definitions() -> dg.Definitions:
    with Path(os.environ["CALLS"]).open("a") as calls:
        print(os.getpid(), file=calls)
    return dg.Definitions(assets=[views])
PYTHON
calls() { # of a command: by process, the most first
  : > "$folder/calls"
  CALLS="$folder/calls" DAGSTER_HOME= PYTHONPATH="$folder" "$folder/venv/bin/dagster" "$@" \
    > "$folder/log" 2>&1
  sort "$folder/calls" | uniq -c | sort -rn | awk '{ print $1 }' | paste -sd " "
}
"$folder/venv/bin/dagster" --version
materialize=$(calls asset materialize -m shop --select views)
list=$(calls asset list -m shop)
echo "asset materialize, calls by process: $materialize"
echo "asset list, calls by process: $list"
[ "$materialize" = "7 2" ]
[ "$list" = "2" ]
