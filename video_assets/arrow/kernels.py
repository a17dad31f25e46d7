"""Run a function of Arrow tables inside the engine's tasks."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from resources.delta.table import Table
from resources.engine.compute_slots import turn
from video_assets.sizes import ROWS_FOR_PROCESSES, ROWS_PER_TASK, SMALLEST_SHARE

Batches = Iterable[pa.RecordBatch]


def tasks_for(rows: int, cores: int) -> int:
    """How many tasks share `rows`: every core has work, and no task many more than a million.

    A task holds its share in memory, so this bounds the memory of a step. More tasks than cores
    are a multiple of the cores, so that no core waits for the last one.

    Args:
        rows: rows to share, as far as known.
        cores: tasks that the engine runs at once.
    """
    for_memory = -(-rows // ROWS_PER_TASK)
    if for_memory > cores:
        return -(-for_memory // cores) * cores
    return max(1, min(cores, -(-rows // SMALLEST_SHARE)))


def is_worth_processes(rows: int) -> bool:
    """Whether so many rows are computed longer than it takes to start processes and hand them on.

    Args:
        rows: rows of a step, as far as known.
    """
    return rows >= ROWS_FOR_PROCESSES


def spark_schema(table: Table) -> StructType:
    """The declared columns as a Spark schema."""
    return from_arrow_schema(table.arrow_schema)


def gathered(batches: Batches, schema: pa.Schema) -> pa.Table:
    """All batches of a task as one table; engines differ in how they represent a string."""
    return pa.Table.from_batches([batch.cast(schema) for batch in batches], schema)


def count_values(rows: pa.Table, column: str) -> dict[Any, int]:
    """How often each value of a column occurs."""
    counted = rows.group_by(column).aggregate([(column, "count")])
    return dict(zip(*(part.to_pylist() for part in counted.columns), strict=True))


def map_tables(
    frame: DataFrame,
    function: Callable[[pa.Table], pa.Table],
    taken: pa.Schema,
    given: Table,
) -> DataFrame:
    """Apply a function to all rows of each task at once.

    Args:
        frame: partitioned so that rows which belong together are in one partition; a partition
            must fit into the memory of a task.
        function: rows of one partition to rows of `given`; it travels to the tasks.
        taken: columns of `frame` that the function takes.
        given: the declared result.
    """

    def kernel(batches: Batches) -> Iterator[pa.RecordBatch]:
        rows = gathered(batches, taken)
        with turn():
            given_rows = function(rows).cast(given.arrow_schema)
        yield from given_rows.to_batches()

    return frame.select(*taken.names).mapInArrow(kernel, spark_schema(given))
