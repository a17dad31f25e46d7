"""The tables `raw_events` and `rejected_events`: what a source delivered, sorted out."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from video_assets.frames.kernels import count_values, gathered
from video_assets.schemas import RAW_EVENTS, REJECTED_EVENTS
from video_assets.sources.events import TAGGED_EVENTS
from video_assets.watch_time.ordering import order_events


@dataclass(frozen=True)
class SortedOut:
    """The rows of one task, sorted out.

    Attributes:
        valid: distinct events, as `raw_events`.
        rejected: refused rows, as `rejected_events`.
        source_rows: rows that the readers met.
        duplicates: valid rows that repeat another one in all six columns.
    """

    valid: pa.Table
    rejected: pa.Table
    source_rows: int
    duplicates: int

    @property
    def reasons(self) -> dict[str, int]:
        """Refused rows by reason."""
        return count_values(self.rejected, "reason")


def sort_out(batches: Iterable[pa.RecordBatch]) -> SortedOut:
    """Tell valid, repeated and rejected rows apart.

    Args:
        batches: tagged rows (`TAGGED_EVENTS`); rows that equal each other must all be among them.
    """
    rows = gathered(batches, TAGGED_EVENTS)
    counted = pc.is_valid(rows["sourceRows"])
    refused = pc.is_valid(rows["reason"])
    events = rows.filter(pc.invert(pc.or_(counted, refused)))
    distinct = order_events(events).source_row
    return SortedOut(
        valid=events.take(distinct).select(list(RAW_EVENTS.column_names)),
        rejected=rows.filter(refused).select(list(REJECTED_EVENTS.column_names)),
        source_rows=pc.sum(rows["sourceRows"], min_count=0).as_py(),
        duplicates=events.num_rows - len(distinct),
    )
