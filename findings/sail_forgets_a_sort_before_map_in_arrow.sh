#!/usr/bin/env bash
# Sail 0.7.2 leaves out `sortWithinPartitions` where `mapInArrow` follows: the function receives
# the rows as they came. A guess is that a kernel may rely on the order, as on Apache Spark, where a
# sort is part of the physical plan; a sessionizing kernel that does so computes other sessions.
# Seen: the kernel sees [3, 1, 2] after sortWithinPartitions("at").
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pysail==0.7.2 pyspark-client==4.2.0 'pandas<3' pyarrow==26.0.1 'setuptools<81'
RUST_LOG=error "$folder/venv/bin/python" - <<'PYTHON'
import pyarrow as pa
import pysail
import pyspark
from pysail.spark import SparkConnectServer
from pyspark.sql.connect.session import SparkSession

print("pysail", pysail.__version__, "pyspark", pyspark.__version__)
server = SparkConnectServer()
server.start(background=True)
host, port = server.listening_address
spark = SparkSession.builder.remote(f"sc://{host}:{port}").create()


def seen(batches):
    order = [at for batch in batches for at in batch["at"].to_pylist()]
    yield pa.RecordBatch.from_pydict({"seen": [str(order)]})


rows = spark.createDataFrame([(3,), (1,), (2,)], "at long").repartition(1)
orders = [r["seen"] for r in rows.sortWithinPartitions("at").mapInArrow(seen, "seen string").collect()]
print("the kernel saw:", orders)
spark.stop()
assert orders == ["[3, 1, 2]"], orders
PYTHON
