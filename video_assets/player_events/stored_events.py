"""Events that are stored already, beside new ones of their users: none of them is stored twice.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from video_assets.arrow.blocks import BLOCKS_DDL, Shares, gathered_packs, pack, shared
from video_assets.player_events.ordering import distinct_rows
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS

STORED_EVENTS = "stored events"
DESCRIPTIONS = "descriptions"
_KEY = list(RAW_EVENTS.key)


def with_stored(
    blocks: DataFrame, events: DataFrame, described: DataFrame, shares: Shares
) -> DataFrame:
    """Blocks of new rows, and in the same buckets what is stored; see `events_in_blocks`.

    Args:
        blocks: of the new rows.
        events: those rows of `raw_events` that new ones may repeat.
        described: rows of `described_videos` of the same days, which new ones are summed up with.
        shares: tasks and buckets.
    """
    of_events = partial(_blocks, name=STORED_EVENTS, owner="userId", buckets=shares.buckets)
    of_videos = partial(_blocks, name=DESCRIPTIONS, owner="videoId", buckets=shares.buckets)
    columns = list(DESCRIBED_VIDEOS.column_names)
    stored = events.select(*_KEY).mapInArrow(of_events, BLOCKS_DDL)
    told = described.select(*columns).mapInArrow(of_videos, BLOCKS_DDL)
    return shared(blocks.unionByName(stored).unionByName(told), shares)


def without_stored(events: pa.Table, parts: Mapping[str, pa.Table]) -> pa.Table:
    """Those of distinct events that are not stored yet.

    Args:
        events: rows of `raw_events`, texts in dictionaries.
        parts: a bucket, unpacked.
    """
    stored = parts.get(STORED_EVENTS)
    if stored is None or not events.num_rows:
        return events
    both = pa.concat_tables([stored, events.select(_KEY)], promote_options="permissive")
    rows = both.unify_dictionaries().combine_chunks()
    found = distinct_rows(rows, np.arange(rows.num_rows))
    return events.take(np.sort(found[found >= stored.num_rows]) - stored.num_rows)


def _blocks(
    batches: Iterable[pa.RecordBatch], name: str, owner: str, buckets: int
) -> Iterator[pa.RecordBatch]:
    for rows in gathered_packs(batches):
        yield pack(name, rows, owner, buckets)
