"""The table of refused source rows, which every kind of row has."""

import pyarrow as pa

from resources.delta.table import Column, Table, required
from video_assets.days import UNDATED
from video_assets.vocabulary import SCHEMA_NAME


def rejected_rows(name: str, day_column: str, day: str) -> Table:
    """Declare the table of the rows that a source delivered and that were refused.

    Args:
        name: of the table.
        day_column: name of the column with the day; the table is partitioned by it.
        day: which day that is, for readers of the table.
    """
    return Table(
        name=name,
        schema=SCHEMA_NAME,
        grain="one source row that was refused, with the reason",
        key=("source", "sourceRow"),
        partition_by=day_column,
        columns=(
            required("reason", pa.string(), "first rule that the row breaks"),
            Column("rowText", pa.string(), "the row as received"),
            required("source", pa.string(), "file (or Delta table) the row came from"),
            Column(
                "sourceRow", pa.int64(), "1-based row in that file; null where rows have no order"
            ),
            required(
                day_column,
                pa.date32(),
                f"{day}; unreadable: the file's day, else {UNDATED}",
                "UTC day",
            ),
        ),
    )
