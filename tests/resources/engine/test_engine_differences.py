"""In what the engines differ, as docs/deployment.md says: no table may depend on any of it."""

from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from support.engine import is_spark

LARGEST = 2**63 - 1


def test_a_sum_beyond_64_bits_wraps_in_the_embedded_engine_and_fails_in_spark(
    spark: SparkSession,
) -> None:
    numbers = spark.createDataFrame([(LARGEST,), (1,)], "number long")
    total = numbers.agg(F.sum("number").alias("total"))
    if is_spark():
        with pytest.raises(PySparkException, match="OVERFLOW"):
            total.collect()
    else:
        assert [row.total for row in total.collect()] == [-LARGEST - 1]


def test_an_approximate_percentile_is_between_values_in_the_embedded_engine_alone(
    spark: SparkSession,
) -> None:
    numbers = spark.createDataFrame([(1.0,), (2.0,), (4.0,), (8.0,)], "number double")
    [row] = numbers.agg(F.percentile_approx("number", 0.5).alias("middle")).collect()
    assert row.middle == (2.0 if is_spark() else 2.5)


def test_a_null_in_a_partition_of_plain_parquet_is_an_empty_text_in_the_embedded_engine(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = spark.createDataFrame([(None, 2), ("a", 1)], "part string, number long")
    rows.write.partitionBy("part").parquet(str(tmp_path / "rows"))
    stored = spark.read.parquet(str(tmp_path / "rows")).where(F.col("number") == F.lit(2))
    assert [row.part for row in stored.collect()] == [None if is_spark() else ""]
