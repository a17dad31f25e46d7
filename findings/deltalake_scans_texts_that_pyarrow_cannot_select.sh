#!/usr/bin/env bash
# deltalake 1.6.6 with pyarrow 26.0.1: `DeltaTable.scan` yields texts of the type string_view, which
# pyarrow can neither select, sort nor compare, only group and write. A guess is that batches of the
# table's own reader work with pyarrow as those of `to_pyarrow_dataset` do, whose texts are strings.
# Seen: filter, take, equal and is_in raise ArrowNotImplementedError, sort_by ArrowTypeError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1
"$folder/venv/bin/python" - "$folder/views" <<'PYTHON'
import sys
from importlib.metadata import version

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

write_deltalake(sys.argv[1], pa.table({"video": ["a", "b", "c"], "views": [1, 2, 3]}))
table = DeltaTable(sys.argv[1])
rows = pa.concat_tables(pa.table(batch) for batch in table.scan(columns=["video", "views"]))
of_dataset = table.to_pyarrow_dataset().to_table(use_threads=False)
work = {
    "filter": lambda: rows.filter(pa.array([True, False, True])),
    "take": lambda: rows.take([0]),
    "equal": lambda: pc.equal(rows["video"], "a"),
    "is_in": lambda: pc.is_in(rows["video"], pa.array(["a"])),
    "sort_by": lambda: rows.sort_by("video"),
    "group_by": lambda: rows.group_by("video").aggregate([("views", "sum")]),
}


def outcome(step):
    try:
        step()
    except pa.ArrowException as error:
        return type(error).__name__
    return "works"


seen = {name: outcome(step) for name, step in work.items()}
print("deltalake", version("deltalake"), "pyarrow", pa.__version__)
print("scan:", rows.schema.field("video").type, "dataset:", of_dataset.schema.field("video").type)
print(seen)
assert rows.schema.field("video").type == pa.string_view()
assert of_dataset.schema.field("video").type == pa.string()
missing = dict.fromkeys(("filter", "take", "equal", "is_in"), "ArrowNotImplementedError")
assert seen == {**missing, "sort_by": "ArrowTypeError", "group_by": "works"}, seen
PYTHON
