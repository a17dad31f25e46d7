"""Small frames of daily views, and tables read back without the engine that wrote them."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.commit import open_table
from resources.delta.schema_check import conformed
from resources.delta.stage import table_location
from resources.delta.table import Table
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS

Row = dict[str, Any]


def day(number: int) -> date:
    return date(2025, 1, 1) + timedelta(days=number - 1)


def views(video: str, *days: int, count: int = 1) -> list[Row]:
    return [
        {
            "channel_id": "c1",
            "video_id": video,
            "created_date": day(1),
            "date": day(number),
            "viewCount": count,
            "reportedCount": count,
        }
        for number in days
    ]


def frame(spark: SparkSession, rows: Iterable[Row], table: Table = DAILY_VIDEO_VIEWS) -> DataFrame:
    nullable = [field.with_nullable(True) for field in table.arrow_schema]  # noqa: FBT003 (Arrow's signature)
    rows = pa.Table.from_pylist(list(rows), schema=pa.schema(nullable))
    if rows.num_rows:
        return spark.createDataFrame(rows)
    return spark.createDataFrame([], schema=from_arrow_schema(rows.schema))


def delta(warehouse: str, table: Table = DAILY_VIDEO_VIEWS) -> DeltaTable:
    return open_table(table_location(warehouse, table))


def stored(warehouse: str, table: Table = DAILY_VIDEO_VIEWS) -> list[Row]:
    rows = pa.table(delta(warehouse, table).scan().read_all())
    order = [(name, "ascending") for name in table.key]
    return conformed(rows, table).sort_by(order).to_pylist()


def stored_days(warehouse: str, table: Table = DAILY_VIDEO_VIEWS) -> list[tuple[str, int]]:
    column = table.partition_by or ""
    return sorted((row["video_id"], row[column].day) for row in stored(warehouse, table))
