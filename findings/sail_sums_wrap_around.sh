#!/usr/bin/env bash
# Sail 0.7.2 with spark.sql.ansi.enabled=true, which Spark 4 has by default: a sum of BIGINT beyond
# 64 bits wraps around. A guess is Spark's error ARITHMETIC_OVERFLOW. Sums of view counts of whole
# platforms, or of counters that a source delivers wrongly, then become negative without a word.
# Seen: 9223372036854775807 + 1 gives -9223372036854775808, as does the sum of the two rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pysail==0.7.2 pyspark-client==4.2.0 'pandas<3' pyarrow==26.0.1 'setuptools<81'
RUST_LOG=error "$folder/venv/bin/python" - <<'PYTHON'
import pysail
import pyspark
from pysail.spark import SparkConnectServer
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.session import SparkSession

print("pysail", pysail.__version__, "pyspark", pyspark.__version__)
server = SparkConnectServer()
server.start(background=True)
host, port = server.listening_address
spark = SparkSession.builder.remote(f"sc://{host}:{port}").create()
spark.conf.set("spark.sql.ansi.enabled", "true")
views = spark.createDataFrame([(2**63 - 1,), (1,)], "views long")
total = views.agg(F.sum("views").alias("total")).collect()[0]["total"]
plus = views.select((F.col("views") + F.lit(1)).alias("plus")).collect()[0]["plus"]
print("sum:", total, "plus one:", plus)
spark.stop()
assert total == -(2**63), total
assert plus == -(2**63), plus
PYTHON
