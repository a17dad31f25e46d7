"""Rows on their way from the tasks that read to the tasks that compute, in packed blocks.

The rules sort by numbers of texts, and an engine hands over plain texts. Here the task that reads
keeps the numbers that Parquet has for them: it sorts the rows into buckets by their owner (the
user), and hands one block a bucket to the engine, which moves few large values and looks into none.
A task that computes unpacks one bucket after the other, so a bucket bounds its memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.arrow.dictionaries import numbered
from video_assets.arrow.slim import restored, slim
from video_assets.sizes import (
    ROWS_PER_BUCKET,
    ROWS_PER_PACK,
    SMALLEST_BLOCK,
    SMALLEST_BUCKET,
    TASKS_PER_CORE,
)

BLOCKS_DDL = "bucket int, name string, block binary"
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("bucket", pa.int32()),
    pa.field("name", pa.string()),
    pa.field("block", pa.binary()),
]
_BLOCKS = pa.schema(_FIELDS)
_WEIGHTS = np.random.default_rng(2025).integers(2**63, size=64, dtype=np.uint64) * 2 + 1
_HASH_SHIFT = np.uint64(33)
_HASH_FACTOR = np.uint64(0xFF51AFD7ED558CCD)

Batches = Iterable[pa.RecordBatch]
Numbers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Shares:
    """How rows are shared out.

    Attributes:
        tasks: tasks that the engine runs; each writes its own files, so few make large files.
        buckets: parts of the rows that a task holds unpacked one at a time.
    """

    tasks: int
    buckets: int

    @classmethod
    def of(cls, rows: int, cores: int) -> "Shares":
        """Work for every core, and buckets of about half a million rows.

        Args:
            rows: rows to share, as far as known.
            cores: tasks that the engine runs at once.
        """
        for_memory = -(-rows // ROWS_PER_BUCKET)
        for_cores = min(TASKS_PER_CORE * cores, -(-rows // SMALLEST_BUCKET))
        buckets = max(1, for_memory, for_cores)
        return cls(tasks=min(buckets, TASKS_PER_CORE * cores), buckets=buckets)


def pack(name: str, rows: pa.Table, owner: str, buckets: int) -> pa.RecordBatch:
    """The rows as one block a bucket.

    Args:
        name: what the rows are, for the task that unpacks them.
        rows: at most a few million rows.
        owner: column of texts without nulls; rows of one owner meet in one bucket.
        buckets: number of buckets.
    """
    rows = _with_numbered_texts(rows)
    owners = _chunk(rows, owner)
    bucket = _buckets_of(owners.dictionary, buckets)[owners.indices.to_numpy()]
    return _sorted_blocks(name, rows, bucket, buckets)


def pack_days(name: str, rows: pa.Table, day: str, days: range, buckets: int) -> pa.RecordBatch:
    """The rows as one block a bucket, a bucket being some days.

    Args:
        name: what the rows are, for the task that unpacks them.
        rows: at most a few million rows.
        day: column of dates without nulls.
        days: all days that there may be, as days since 1970-01-01.
        buckets: number of buckets, at most that of days.
    """
    since = rows[day].cast(pa.int32()).to_numpy().astype(np.int64) - days.start
    bucket = (since * buckets // len(days)).astype(np.uint16)
    return _sorted_blocks(name, _with_numbered_texts(rows), bucket, buckets)


def pack_anywhere(name: str, rows: pa.Table, buckets: int) -> pa.RecordBatch:
    """Rows that need no company, as blocks of similar size; few rows make few blocks."""
    blocks = min(buckets, -(-rows.num_rows // SMALLEST_BLOCK))
    shares = np.zeros(buckets, np.int64)
    shares[:blocks] = np.diff(np.linspace(0, rows.num_rows, blocks + 1).astype(np.int64))
    ends = np.cumsum(np.roll(shares, rows.num_rows % buckets))
    numbered_rows = _with_numbered_texts(rows)
    parts = (numbered_rows.slice(first, end - first) for first, end in pairwise([0, *ends]))
    return _blocks(name, parts)


def gathered_packs(batches: Batches) -> Iterator[pa.Table]:
    """Several batches together: blocks of few rows would cost more than the rows in them."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_PER_PACK:
            yield _together(waiting)
            waiting, rows = [], 0
    if rows:
        yield _together(waiting)


def shared(blocks: DataFrame, shares: Shares) -> DataFrame:
    """The blocks, all of a bucket in one task."""
    return blocks.repartition(shares.tasks, F.col("bucket"))


def unpacked(batches: Batches) -> Iterator[Mapping[str, pa.Table]]:
    """The rows of one bucket after the other, by the names under which they were packed.

    Texts are dictionaries, one a column.
    """
    waiting: dict[int, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for batch in batches:
        buckets: list[Any] = batch["bucket"].to_pylist()
        names: list[Any] = batch["name"].to_pylist()
        for bucket, name, block in zip(buckets, names, batch["block"], strict=True):
            waiting[bucket][name].append(block.as_buffer())
    while waiting:
        _, parts = waiting.popitem()
        yield {name: _joined(parts[name]) for name in parts}


def _together(batches: list[pa.RecordBatch]) -> pa.Table:
    """One table; of the batches of one source some may have their texts in dictionaries."""
    if all(batch.schema.equals(batches[0].schema) for batch in batches):
        return pa.Table.from_batches(batches)
    return pa.concat_tables(_with_numbered_texts(pa.Table.from_batches([b])) for b in batches)


def _sorted_blocks(name: str, rows: pa.Table, bucket: Numbers, buckets: int) -> pa.RecordBatch:
    order = np.argsort(bucket, kind="stable")
    ends = np.cumsum(np.bincount(bucket, minlength=buckets))
    # Bucket by bucket, so that what is sorted stays in the processor's caches.
    parts = (rows.take(order[first:end]) for first, end in pairwise([0, *ends]))
    return _blocks(name, parts)


def _blocks(name: str, parts: Iterable[pa.Table]) -> pa.RecordBatch:
    """A block for each bucket that has rows; `parts` are the rows of bucket 0, 1, 2, ..."""
    filled = {bucket: slim(rows) for bucket, rows in enumerate(parts) if rows.num_rows}
    edges = np.cumsum([0, *(_size(batch) for batch in filled.values())])
    content = pa.allocate_buffer(int(edges[-1]))
    sink = pa.FixedSizeBufferWriter(content)
    for batch in filled.values():
        _write(batch, sink)
    offsets = pa.array(edges, pa.int32()).buffers()[1]
    columns: list[Any] = [
        pa.array(list(filled), pa.int32()),
        pa.array([name] * len(filled), pa.string()),
        pa.BinaryArray.from_buffers(pa.binary(), len(filled), [None, offsets, content]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_BLOCKS)


def _size(batch: pa.RecordBatch) -> int:
    sink = pa.MockOutputStream()
    _write(batch, sink)
    return sink.size()


def _write(batch: pa.RecordBatch, sink: Any) -> None:
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)


def _joined(blocks: list[Any]) -> pa.Table:
    tables = [restored(pa.ipc.open_stream(block).read_all()) for block in blocks]
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _with_numbered_texts(rows: pa.Table) -> pa.Table:
    columns = [numbered(column) for column in rows.columns]
    return pa.table(columns, names=rows.column_names).unify_dictionaries().combine_chunks()


def _chunk(rows: pa.Table, name: str) -> Any:
    return rows[name].combine_chunks()


def _buckets_of(texts: Any, buckets: int) -> Numbers:
    """A bucket for each text, the same in every task: a sum of its bytes times odd weights."""
    smallest = np.uint16 if buckets <= np.iinfo(np.uint16).max else np.uint32
    if buckets == 1 or len(texts) == 0:
        return np.zeros(len(texts), smallest)
    _, offsets, content = texts.buffers()
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(content, np.uint8)[edges[0] : edges[-1]].astype(np.uint64)
    starts, lengths = edges[:-1] - edges[0], np.diff(edges)
    place = np.arange(len(data)) - np.repeat(starts, lengths)
    data *= _WEIGHTS[place % len(_WEIGHTS)]
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(data, dtype=np.uint64)])
    hashed = total[starts + lengths] - total[starts]
    hashed = (hashed ^ (hashed >> _HASH_SHIFT)) * _HASH_FACTOR
    hashed ^= hashed >> _HASH_SHIFT
    chosen: Numbers = (hashed % np.uint64(buckets)).astype(smallest)
    return chosen
