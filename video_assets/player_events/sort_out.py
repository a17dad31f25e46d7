"""The tables `raw_events` and `rejected_events`: what a source delivered, sorted out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from resources.engine.compute_slots import turn
from video_assets.arrow.blocks import BLOCKS_DDL, Shares, pack, shared
from video_assets.arrow.columns import Floats, Ints, with_numbered_texts
from video_assets.arrow.kernels import count_values
from video_assets.player_events import dimensions, reported
from video_assets.player_events.descriptions import last_told, told_by
from video_assets.player_events.erased import NOBODY, ErasedUsers
from video_assets.player_events.ordering import distinct_rows
from video_assets.player_events.pseudonyms import Pseudonyms
from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.player_events.stored_events import DESCRIPTIONS, without_stored
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS, REJECTED_EVENTS
from video_assets.sources.config import SourceConfig
from video_assets.sources.fates import FILE, Cell, Fate, Tally, count_rows, less
from video_assets.sources.fields import Layout
from video_assets.sources.frames import map_rows
from video_assets.sources.listing import Listing
from video_assets.sources.packing import OTHER_ROWS, VALID_ROWS, packed
from video_assets.sources.tagged import (
    IGNORED_ROWS,
    SOURCE_ROWS,
    WAITING_ROWS,
    counted_rows,
    tagged_schema,
)
from video_assets.sources.times import Window

_NOTHING_TOLD = DESCRIBED_VIDEOS.arrow_schema.empty_table()
_REFUSED_OR_COUNTED = tagged_schema(REJECTED_EVENTS.arrow_schema, ())
_EVENT_COLUMNS = [*RAW_EVENTS.column_names, FILE]
_PREFERRED: Mapping[str, Callable[[Any], Ints | Floats]] = {
    dimensions.COLUMN: dimensions.ranks,
    reported.COLUMN: reported.largest_first,
}
_NO_EVENTS = RAW_EVENTS.arrow_schema.append(pa.field(FILE, pa.int32())).empty_table()
_DAY = "eventDate"


@dataclass(frozen=True)
class SortedOut:
    """The rows of one bucket, sorted out.

    Attributes:
        valid: distinct events, as `raw_events`.
        rejected: refused rows, as `rejected_events`.
        described: what events tell of their videos, as `described_videos`.
        source_rows: rows that the readers met.
        duplicates: valid rows that repeat another one in all columns, or one that is stored.
        ignored: rows that nobody wants.
        waiting: halves of rows at the end of a file.
        erased: rows of people who were erased, valid or not.
        valid_by_day: valid rows of each day, those that repeat another one included.
        refused_by_day: refused rows of each day.
        tally: all rows by file, day and fate; those of days that are not the run's are waiting. Of
            rows that equal each other that of the file delivered first is valid.
    """

    valid: pa.Table
    rejected: pa.Table
    described: pa.Table
    source_rows: int
    duplicates: int
    ignored: int
    waiting: int
    erased: int
    valid_by_day: Mapping[date, int]
    refused_by_day: Mapping[date, int]
    tally: Tally

    @property
    def reasons(self) -> dict[str, int]:
        """Refused rows by reason."""
        return count_values(self.rejected, "reason")


def events_in_blocks(  # noqa: PLR0913 (what is read, and under which ids)
    spark: SparkSession,
    source: SourceConfig,
    window: Window,
    *,
    shares: Shares,
    listing: Listing | None = None,
    pseudonyms: Pseudonyms | None = None,
    apart: bool = False,
) -> DataFrame:
    """All rows of a source for some days as blocks, those of a user in one bucket; lazily.

    Args:
        spark: a Spark Connect session.
        source: where the events are and how they are mapped.
        window: the days, UTC.
        shares: tasks and buckets.
        listing: the source's files where the caller has listed them already.
        pseudonyms: what stands for users; None: their ids.
        apart: read in processes where the engine has some.

    Returns:
        Blocks: `unpacked` gives what `sort_out` takes.

    Raises:
        SourceError: as for `read_rows`.
    """
    function = partial(_blocks, buckets=shares.buckets, pseudonyms=pseudonyms)
    blocks = map_rows(
        spark,
        Layout(EVENT_ROWS, source),
        window,
        function=function,
        result=BLOCKS_DDL,
        tasks=shares.tasks,
        listing=listing,
        apart=apart,
    )
    return shared(blocks, shares)


def sort_out(parts: Mapping[str, pa.Table], erased: ErasedUsers = NOBODY) -> SortedOut:
    """Tell valid, repeated and rejected rows of a bucket apart.

    Args:
        parts: a bucket of `events_in_blocks`, unpacked; rows that equal each other are in one.
        erased: people whose rows are left out.
    """
    delivered = parts.get(VALID_ROWS, _NO_EVENTS)
    events = erased.without_events(delivered)
    others = parts.get(OTHER_ROWS, _REFUSED_OR_COUNTED.empty_table())
    all_refused = others.filter(pc.is_valid(others["reason"]))
    refused = erased.without_texts(all_refused)
    with turn():
        valid = without_stored(_distinct(with_numbered_texts(events)), parts)
        tally = _tally(delivered, events, valid, all_refused, refused)
        tally += counted_rows(others.filter(pc.is_valid(others[SOURCE_ROWS])))
    return SortedOut(
        valid=valid.drop_columns([FILE]),
        rejected=refused.select(list(REJECTED_EVENTS.column_names)),
        described=last_told([parts.get(DESCRIPTIONS, _NOTHING_TOLD)]),
        source_rows=_total(others, SOURCE_ROWS),
        duplicates=events.num_rows - valid.num_rows,
        ignored=_total(others, IGNORED_ROWS),
        waiting=_total(others, WAITING_ROWS),
        erased=delivered.num_rows - events.num_rows + all_refused.num_rows - refused.num_rows,
        valid_by_day=count_values(delivered, _DAY),
        refused_by_day=count_values(all_refused, _DAY),
        tally=tally,
    )


def _tally(
    delivered: pa.Table,
    events: pa.Table,
    valid: pa.Table,
    all_refused: pa.Table,
    refused: pa.Table,
) -> Counter[Cell]:
    """The rows that are in a table, or were and are not any more, by file and day."""
    counted = count_rows(Fate.VALID, valid, _DAY)
    rejected = count_rows(Fate.REJECTED, refused, _DAY)
    tally = counted + rejected
    if events.num_rows > valid.num_rows:
        tally += less(count_rows(Fate.VALID, events, _DAY), counted, Fate.REPEATED)
    if delivered.num_rows > events.num_rows:
        all_events = count_rows(Fate.VALID, delivered, _DAY)
        tally += less(all_events, count_rows(Fate.VALID, events, _DAY), Fate.ERASED)
    if all_refused.num_rows > refused.num_rows:
        tally += less(count_rows(Fate.REJECTED, all_refused, _DAY), rejected, Fate.ERASED)
    return tally


def _total(rows: pa.Table, column: str) -> int:
    return int(pc.sum(rows[column], min_count=0).as_py())


def _distinct(events: pa.Table) -> pa.Table:
    """Each event once, as that of the file delivered first.

    What does not tell events apart is that of any of the files: of dimensions the first in the
    alphabet, of reported seconds the most. So it does not matter in which order they came.
    """
    valid = events.take(distinct_rows(events, events[FILE].to_numpy()))
    if valid.num_rows == events.num_rows:
        return valid
    for name, ranks in _PREFERRED.items():
        values = events[name]
        if values.null_count < events.num_rows:
            chosen = values.take(distinct_rows(events, ranks(values)))
            valid = valid.set_column(valid.schema.get_field_index(name), name, chosen)
    return valid


def _blocks(
    batches: Iterable[pa.RecordBatch], buckets: int, pseudonyms: Pseudonyms | None
) -> Iterator[pa.RecordBatch]:
    told: list[pa.Table] = []

    def heard() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            described = told_by(batch)
            if described is not None:
                told.append(described)
            yield pseudonyms.in_place_of(batch, ["userId"]) if pseudonyms else batch

    yield from packed(
        heard(),
        valid=_EVENT_COLUMNS,
        others=_REFUSED_OR_COUNTED,
        pack_valid=partial(pack, VALID_ROWS, owner="userId", buckets=buckets),
        buckets=buckets,
    )
    if told:
        yield pack(DESCRIPTIONS, last_told(told), "videoId", buckets)
