"""Many small files of a day become one, before anybody sees them.

A long range run has as many tasks as its rows need, and each writes a file of every day. Readers
pay for each file, also in years to come.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from resources.delta.data_files import DataFile, Limits, Target
from resources.engine.compute_slots import turn
from resources.storage import read_objects

MERGE_DDL = "tableName string, day date, keys array<string>"


@dataclass(frozen=True)
class Merge:
    """Files of one table and day that become one; the fields are columns of `MERGE_DDL`."""

    table_name: str
    day: date
    keys: Sequence[str]


def planned_merges(name: str, files: Iterable[DataFile], limits: Limits) -> list[Merge]:
    """What to merge of the files that were just written; nothing, where it would spare too little.

    Args:
        name: of their table.
        files: of any days; those of a table without days stay.
        limits: which files are small, and how many are many.
    """
    by_day: defaultdict[date, list[DataFile]] = defaultdict(list)
    for file in files:
        if file.day is not None:
            by_day[file.day].append(file)
    merges = [
        Merge(name, day, [file.key for file in of_day])
        for day, of_day in sorted(by_day.items())
        if len(of_day) > 1 and sum(file.size for file in of_day) < len(of_day) * limits.small_file
    ]
    spared = sum(len(merge.keys) - 1 for merge in merges)
    return merges if spared >= limits.many_files else []


def rows_of_merges(
    batches: Iterable[pa.RecordBatch], targets: Mapping[str, Target]
) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each merge, with the name of their table.

    Args:
        batches: merges, by the columns of `MERGE_DDL`.
        targets: by table name.
    """
    for batch in batches:
        for merge in batch.to_pylist():
            target = targets[merge["tableName"]]
            with turn():
                rows = pa.concat_tables(map(_table, read_objects(target.location, merge["keys"])))
            day = pa.repeat(pa.scalar(merge["day"], pa.date32()), rows.num_rows)
            yield merge["tableName"], rows.append_column(target.table.partition_by or "", day)


def _table(content: pa.Buffer) -> pa.Table:
    return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
