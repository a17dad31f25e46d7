"""A query file, run by each engine that its readers use, with rows as plain dicts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import duckdb_kql
import pytest
from pyspark.sql import SparkSession
from support.engine import is_spark

from resources.delta.duckdb_views import SqlViews
from resources.delta.warehouse import Warehouse
from video_assets.sql_shell import Sql
from video_assets.tables import ALL_TABLES

Row = dict[str, Any]
RunQuery = Callable[..., list[Row]]


def by_duckdb(queries: Path, views: SqlViews) -> RunQuery:
    """As `video_assets.sql_shell` runs it."""

    def run(name: str, **parameters: str) -> list[Row]:
        [result] = Sql(views, parameters).results((queries / f"{name}.sql").read_text())
        names = result.columns
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    return run


def by_spark_sql(queries: Path, spark: SparkSession, warehouse: str) -> RunQuery:
    """As Databricks runs it, by the engine at hand that speaks Spark SQL."""
    stored = Warehouse(warehouse, lambda: spark)
    for table in ALL_TABLES:
        if stored.holds(table):
            stored.frame(table).createOrReplaceTempView(table.name)

    def run(name: str, **parameters: str) -> list[Row]:
        if parameters and is_spark():
            pytest.skip("Spark 4.2 with the parser of Delta Lake 4.4 binds no parameters")
        found = spark.sql((queries / f"{name}.sql").read_text(), args=parameters or None)
        return [_in_utc(row) for row in found.toArrow().to_pylist()]

    return run


def by_kql(queries: Path, views: SqlViews) -> RunQuery:
    """As Azure Data Explorer runs it, translated."""

    def run(name: str, **parameters: str) -> list[Row]:
        text = (queries / "kql" / f"{name}.kql").read_text()
        result = duckdb_kql.query(views.connection, text, parameters)
        names = result.columns
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    return run


def _in_utc(row: Mapping[str, Any]) -> Row:
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def mean(rows: Sequence[Row], name: str) -> Any:
    """Of a column, as a query shows it."""
    return about(fmean(row[name] for row in rows))


def about(number: float) -> Any:
    """To the two decimals that a query shows."""
    return pytest.approx(number, abs=0.00501)


def pairs(rows: list[Row]) -> list[tuple[str, str]]:
    return [(row["userId"], row["videoId"]) for row in rows]


def without(rows: list[Row], *names: str) -> list[Row]:
    return [{name: row[name] for name in row if name not in names} for row in rows]
