#!/usr/bin/env bash
# deltalake 1.6.6: two writers that each replace a day by `create_write_transaction` with
# `partition_filters`, and that both opened the table when the day was empty, both succeed. The day
# then holds the rows of both, so a job that was started twice counts everything twice. With one
# application transaction for the day in both commits the second one is refused.
# Seen: without it both files are in the table; with it CommitFailedError, and one file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction

DAY = "2025-01-01"
print("deltalake", deltalake.__version__)
columns = pa.schema([("user", pa.string()), ("day", pa.date32())])


def replace_day(table: DeltaTable, root: Path, name: str, properties: CommitProperties) -> None:
    path = f"day={DAY}/{name}.parquet"
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"user": [name]}), root / path)
    added = AddAction(path, (root / path).stat().st_size, {"day": DAY}, 0, True, '{"numRecords":1}')
    table.create_write_transaction(
        [added], mode="overwrite", schema=Schema.from_arrow(columns), partition_by=["day"],
        partition_filters=[("day", "=", DAY)], commit_properties=properties,
    )


def files_after_two_writers(root: Path, properties: CommitProperties) -> tuple[int, str]:
    DeltaTable.create(str(root), Schema.from_arrow(columns), partition_by=["day"])
    first, second = DeltaTable(str(root)), DeltaTable(str(root))
    replace_day(first, root, "first", properties)
    try:
        replace_day(second, root, "second", properties)
        outcome = "landed"
    except CommitFailedError as error:
        outcome = type(error).__name__
    return len(DeltaTable(str(root)).file_uris()), outcome


root = Path(sys.argv[1])
plain = files_after_two_writers(root / "plain", CommitProperties())
named = CommitProperties(app_transactions=[Transaction(f"replace:{DAY}", 1)])
marked = files_after_two_writers(root / "marked", named)
print("without an application transaction:", plain)
print("with one for the day:", marked)
assert plain == (2, "landed"), plain
assert marked == (1, "CommitFailedError"), marked
PYTHON
