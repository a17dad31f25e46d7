"""The stored tables as frames of the engine."""

from pyspark.sql import DataFrame, SparkSession

from resources.delta.staging import table_location
from resources.delta.storage import plain_location
from video_assets.schemas import Table


def stored_frame(session: SparkSession, warehouse: str, table: Table) -> DataFrame:
    """All rows of a table that is there; lazily.

    Args:
        session: reads them.
        warehouse: path or URI below which the tables lie.
        table: declared table.
    """
    location = plain_location(table_location(warehouse, table))
    return session.read.format("delta").load(location)
