#!/usr/bin/env bash
# pysail 0.7.2 with pyspark 4.2.0: a filter with a lambda over the elements of a list (F.exists), put
# right on a Delta table, fails with a name that nobody wrote. The same filter on the same rows, not
# from Delta or behind a selected column, works. A guess is that the source makes no difference.
# Seen: No field named "?table?".intervals.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pysail==0.7.2 pyspark-client==4.2.0 'pandas<3' pyarrow==26.0.1 'setuptools<81' deltalake==1.6.6
RUST_LOG=off TZ=UTC "$folder/venv/bin/python" -W ignore - "$folder/sessions" <<'PYTHON'
import os
import sys
from importlib.metadata import version

import pyarrow as pa
from deltalake import write_deltalake
from pysail.spark import SparkConnectServer
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

write_deltalake(sys.argv[1], pa.table({"user": ["a", "b"], "intervals": [[1, 2], [3]]}))
server = SparkConnectServer()
server.start(background=True)
spark = SparkSession.builder.remote(f"sc://localhost:{server.listening_address[1]}").getOrCreate()


def late_viewers(sessions: DataFrame) -> list[str]:
    late = sessions.where(F.exists("intervals", lambda start: start > F.lit(2)))
    return [row.user for row in late.select("user").collect()]


stored = spark.read.format("delta").load(sys.argv[1])
in_memory = spark.createDataFrame([("a", [1, 2]), ("b", [3])], "user string, intervals array<int>")
assert late_viewers(in_memory) == ["b"]
try:
    found = f"rows {late_viewers(stored)}"
except PySparkException as error:
    found = str(error).splitlines()[0]
print("pysail", version("pysail"), "of the Delta table:", found)
assert 'No field named "?table?".intervals' in found, found
sys.stdout.flush()
os._exit(0)
PYTHON
