#!/usr/bin/env bash
# pysail 0.7.2 with pyspark 4.2.0: weekday(date) of a Sunday is -1. Spark's documentation has 0 for
# Monday to 6 for Sunday, so that a median by day of the week has a group that nobody looks up.
# Seen: Saturday 5, Sunday -1, Monday 0; dayofweek is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pysail==0.7.2 pyspark-client==4.2.0 'pandas<3' pyarrow==26.0.1 'setuptools<81'
RUST_LOG=off TZ=UTC "$folder/venv/bin/python" -W ignore - <<'PYTHON'
from datetime import date
from importlib.metadata import version

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

server = SparkConnectServer()
server.start(background=True)
spark = SparkSession.builder.remote(f"sc://localhost:{server.listening_address[1]}").getOrCreate()
days = [date(2025, 1, 4), date(2025, 1, 5), date(2025, 1, 6)]
frame = spark.createDataFrame([(day,) for day in days], "day date")
frame = frame.select("day", F.weekday("day").alias("w"), F.dayofweek("day").alias("d"))
rows = frame.orderBy("day").collect()
weekday, dayofweek = [row.w for row in rows], [row.d for row in rows]
print("pysail", version("pysail"), "weekday:", weekday, "dayofweek:", dayofweek)
spark.stop()
assert [day.weekday() for day in days] == [5, 6, 0]
assert (weekday, dayofweek) == ([5, -1, 0], [7, 1, 2]), (weekday, dayofweek)
PYTHON
