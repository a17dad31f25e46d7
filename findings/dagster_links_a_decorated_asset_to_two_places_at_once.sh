#!/usr/bin/env bash
# dagster 1.13.27, with_source_code_references: of an asset whose function has a decorator made with
# functools.wraps in another file, the link in the UI has the file of the decorator and the line of
# the function. A guess is that both are those of the function, as functools.wraps promises.
# Seen: decorators.py, line 7, a line that this file of 5 lines does not have.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cat > "$folder/decorators.py" <<'PYTHON'
import functools
def logged(function):
    @functools.wraps(function)
    def call(): return function()
    return call
PYTHON
cat > "$folder/events.py" <<'PYTHON'
import dagster as dg
from decorators import logged

# The function begins
# four lines
# further down.
@dg.asset
@logged
def raw_events():
    return [1]
PYTHON
cd "$folder"
DAGSTER_HOME= PYTHONPATH=$folder "$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import dagster as dg
from events import raw_events

[linked] = dg.with_source_code_references([raw_events])
references = linked.metadata_by_key[raw_events.key]["dagster/code_references"]
[reference] = references.code_references
file, line = Path(reference.file_path), reference.line_number
length = len(file.read_text().splitlines())
print("dagster", version("dagster"), "links to", file.name, "line", line, "of", length)
assert file.name == "decorators.py" and line > length, (file.name, line)
PYTHON
