#!/usr/bin/env bash
# pysail 0.7.2: a Delta table with a NOT NULL column of time, of which a file holds INT96 (Spark's
# DELETE, UPDATE, MERGE and OPTIMIZE write them by default) in an optional Parquet column, cannot be
# read: "Cannot cast column". The very same files are read right when the table's log declares the
# column nullable, or the file declares it required. Lists and structs: the same.
# Seen: nullable in the log: the time; NOT NULL in the log: Cannot cast column 't'.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysail==0.7.2 \
  'pyspark[connect]==4.2.0' deltalake==1.6.6 pyarrow==26.0.1
TZ=UTC "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

server = SparkConnectServer()
server.start(background=True)
host, port = server.listening_address
spark = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()


def read_back(root: Path, *, nullable: bool) -> str:
    schema = Schema.from_arrow(pa.schema([pa.field("t", pa.timestamp("us", "UTC"), nullable)]))
    table = DeltaTable.create(root, schema)
    times = pa.table({"t": pa.array([datetime(2025, 3, 1, 1, 2, 3, 456789)], pa.timestamp("us"))})
    pq.write_table(times, root / "a.parquet", use_deprecated_int96_timestamps=True)
    size = (root / "a.parquet").stat().st_size
    added = AddAction("a.parquet", size, {}, 0, True, '{"numRecords":1}')
    table.create_write_transaction([added], mode="append", schema=schema)
    try:
        return str(spark.read.format("delta").load(str(root)).collect()[0]["t"])
    except Exception as error:
        return str(error).splitlines()[0]


root = Path(sys.argv[1])
optional = read_back(root / "optional", nullable=True)
required = read_back(root / "required", nullable=False)
print("nullable:", optional)
print("NOT NULL:", required)
assert optional == "2025-03-01 01:02:03.456789", optional
assert required.startswith("Cannot cast column 't'"), required
spark.stop()
PYTHON
