"""Small frames of rows, and tables read back without the engine that wrote them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.commit import open_table
from resources.delta.stage import table_location
from resources.delta.table import Table
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS

Row = dict[str, Any]


def numbered_days(zero: date) -> Callable[[int], date]:
    """Days by their numbers, from the one whose number is 0."""
    return lambda number: zero + timedelta(days=number)


day = numbered_days(date(2024, 12, 31))


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


def stored(table: DeltaTable, leaving_out: Collection[str] = ()) -> list[Row]:
    """All rows, read without the engine that wrote them, in an order that their values decide."""
    return in_order(pa.table(table.scan().read_all()).to_pylist(), leaving_out)


def stored_days(warehouse: str, table: Table = DAILY_VIDEO_VIEWS) -> list[tuple[str, int]]:
    column = table.partition_by or ""
    return sorted((row["video_id"], row[column].day) for row in stored(delta(warehouse, table)))


def in_order(rows: Sequence[Row], leaving_out: Collection[str] = ()) -> list[Row]:
    """The rows by their values; `repr` tells every two floats apart and compares with None."""
    kept = ({name: row[name] for name in sorted(row) if name not in leaving_out} for row in rows)
    return sorted(kept, key=repr)
