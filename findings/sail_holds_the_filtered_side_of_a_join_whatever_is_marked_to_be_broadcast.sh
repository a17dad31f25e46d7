#!/usr/bin/env bash
# pysail 0.7.2 with pyspark 4.2.0: sessions get the longest view of their video, a join with 100 rows
# that an aggregate gives and that F.broadcast marks. A guess is that these 100 rows are held in memory
# and the sessions pass by. So it is, until the sessions are filtered by a condition of which nobody
# knows how many rows it leaves, as by a hash of the user: then Sail takes the aggregate for as large
# as its input, the filter for a fifth of it, and holds the filtered sessions instead.
# Seen: the side that is held, which its plan names first, is the aggregate without the filter, and
# the filtered file with it. The rows are right. 100 rows that were fetched before and come back as a
# frame of their own are held in both cases.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pysail==0.7.2 pyspark-client==4.2.0 'pandas<3' pyarrow==26.0.1 'setuptools<81'
cat >"$folder/join.py" <<'PYTHON'
import contextlib
import io
import os
import sys
from importlib.metadata import version

import pyarrow as pa
import pyarrow.parquet as pq
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

rows = range(200_000)
columns = {
    "user": [f"user{row % 5_000}" for row in rows],
    "video": [f"video{row % 100}" for row in rows],
    "seconds": [float(row % 600) for row in rows],
}
file = os.path.join(sys.argv[1], "sessions.parquet")
pq.write_table(pa.table(columns), file)

server = SparkConnectServer()
server.start(background=True)
spark = SparkSession.builder.remote(f"sc://localhost:{server.listening_address[1]}").getOrCreate()
sessions = spark.read.parquet(file)
half = sessions.where(F.pmod(F.xxhash64("user"), F.lit(2)) == F.lit(0))
longest = sessions.groupBy("video").agg(F.max("seconds").alias("longest"))


def held(some, videos):
    """What the plan names first below its join, and how many rows the join gives."""
    joined = F.broadcast(videos).join(some, "video", "right")
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        joined.explain()
    lines = [line.strip() for line in told.getvalue().splitlines()]
    below = lines[next(n for n, line in enumerate(lines) if "JoinExec" in line) + 1 :]
    kinds = {"AggregateExec": "aggregate", "FilterExec": "filtered", "DataSourceExec": "a source as it is"}
    first = next(kind for line in below for name, kind in kinds.items() if name in line)
    return first, joined.count()


fetched = spark.createDataFrame(longest.toArrow())
found = {
    "all sessions": held(sessions, longest),
    "half of them": held(half, longest),
    "half, and videos fetched before": held(half, fetched),
}
for name, (first, count) in found.items():
    print(f"pysail {version('pysail')}: {name}: {count} rows, held: {first}", file=sys.stderr)
assert found["all sessions"][0] == "aggregate", found
assert found["half of them"][0] == "filtered", found
assert found["half, and videos fetched before"][0] != "filtered", found
assert found["half of them"][1] == found["half, and videos fetched before"][1], found
os._exit(0)
PYTHON
env RUST_LOG=off TZ=UTC "$folder/venv/bin/python" -W ignore "$folder/join.py" "$folder"
echo "as stated"
