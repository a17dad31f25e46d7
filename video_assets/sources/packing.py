"""Tagged rows on their way to the tasks that sort them out, in packed blocks."""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from video_assets.arrow.blocks import gathered_packs, pack_anywhere
from video_assets.arrow.types import compute
from video_assets.sources.tagged import SOURCE_ROWS

VALID_ROWS, OTHER_ROWS = "valid", "others"


def packed(
    batches: Iterable[pa.RecordBatch],
    valid: list[str],
    others: pa.Schema,
    pack_valid: Callable[[pa.Table], pa.RecordBatch],
    buckets: int,
) -> Iterator[pa.RecordBatch]:
    """Valid rows in the buckets where they belong, refused rows and counters in any.

    Args:
        batches: the tagged rows of a task.
        valid: columns of valid rows.
        others: columns of rejected rows, and counters.
        pack_valid: packs valid rows, as `VALID_ROWS`.
        buckets: number of buckets.

    Yields:
        Blocks; rejected rows and counters as `OTHER_ROWS`.
    """
    left: list[pa.RecordBatch] = []

    def valid_rows() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            is_valid = compute.and_(
                compute.is_null(batch["reason"]), compute.is_null(batch[SOURCE_ROWS])
            )
            if is_valid.true_count == len(batch):
                yield batch.select(valid)
                continue
            if is_valid.true_count:
                yield batch.filter(is_valid).select(valid)
            if is_valid.false_count:
                other = batch.filter(compute.invert(is_valid)).select(others.names)
                left.append(other.cast(others))

    for rows in gathered_packs(valid_rows()):
        yield pack_valid(rows)
    if left:
        yield pack_anywhere(OTHER_ROWS, pa.Table.from_batches(left), buckets)
