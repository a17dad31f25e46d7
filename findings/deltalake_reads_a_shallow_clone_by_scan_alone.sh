#!/usr/bin/env bash
# deltalake 1.6.6: a shallow clone (its log names the files of another table by absolute URI, as
# the Delta protocol allows and Spark's SHALLOW CLONE writes) is read by `scan` and by the
# QueryBuilder, but not by `to_pyarrow_table` and `to_pyarrow_dataset`: these and `file_uris` put
# the URI behind the clone's own folder. A guess is that all ways of reading a table agree.
# Seen: 3 rows by the first two; FileNotFoundError by the others; the place of a file is told right
# by `get_add_actions` alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1
"$folder/venv/bin/python" -W ignore - "$folder" <<'PYTHON'
import json
import sys
from pathlib import Path
from urllib.parse import quote

import deltalake
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake


def shallow_clone(original: Path, clone: Path) -> None:
    """A log as Spark's SHALLOW CLONE writes it: the other table's files by absolute path."""
    first = "_delta_log/00000000000000000000.json"
    actions = [json.loads(line) for line in (original / first).read_text().splitlines()]
    for action in actions:
        if "add" in action:
            action["add"]["path"] = f"file://{quote(str(original))}/{action['add']['path']}"
    (clone / "_delta_log").mkdir(parents=True)
    (clone / first).write_text("\n".join(map(json.dumps, actions)))


def tried(read) -> str:
    try:
        return str(read())
    except Exception as error:
        return f"{type(error).__name__}"


root = Path(sys.argv[1]).resolve()
original, clone = root / "original", root / "clone"
write_deltalake(original, pa.table({"n": [1, 2, 3]}))
shallow_clone(original, clone)
table = DeltaTable(clone)
[named] = pa.table(table.get_add_actions())["path"].to_pylist()
[found] = table.file_uris()
queries = deltalake.QueryBuilder().register("clone", table)
ways = {
    "scan": lambda: pa.table(table.scan().read_all()).num_rows,
    "QueryBuilder": lambda: pa.table(queries.execute("SELECT n FROM clone").read_all()).num_rows,
    "to_pyarrow_table": lambda: table.to_pyarrow_table().num_rows,
    "to_pyarrow_dataset": lambda: table.to_pyarrow_dataset().to_table().num_rows,
}
said = {name: tried(read) for name, read in ways.items()}
print("deltalake", deltalake.__version__)
print("file_uris begins with the clone's folder:", found.startswith(f"{clone}/file:"))
print("rows:", said)
assert named.startswith("file:///"), named
assert found.startswith(f"{clone}/file:"), found
assert [*said.values()] == ["3", "3", "FileNotFoundError", "FileNotFoundError"], said
PYTHON
