#!/usr/bin/env bash
# deltalake 1.6.6 appends rows of other column types without a word: 2.7 becomes 2 in a BIGINT
# column, and the text "7" becomes 7. A guess is an error of the schema, as Spark raises one.
# Seen: the append succeeds, and the stored rows are [1, 2, 7].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1
"$folder/venv/bin/python" - "$folder/views" <<'PYTHON'
import sys

import deltalake
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

table = sys.argv[1]
print("deltalake", deltalake.__version__)
write_deltalake(table, pa.table({"views": pa.array([1], pa.int64())}))
write_deltalake(table, pa.table({"views": pa.array([2.7])}), mode="append")
write_deltalake(table, pa.table({"views": pa.array(["7"])}), mode="append")
rows = pa.table(DeltaTable(table).to_pyarrow_dataset().to_table(use_threads=False))
views = sorted(rows["views"].to_pylist())
print("stored:", views, rows.schema.field("views").type)
assert views == [1, 2, 7], views
PYTHON
