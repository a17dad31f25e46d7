"""What the tasks emit for the tables of the group.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Iterator

import pyarrow as pa

from resources.delta.stage import Emission
from video_assets.arrow.blocks import unpacked
from video_assets.day_counters import counted_by_day
from video_assets.player_events.erased import NOBODY, ErasedUsers
from video_assets.player_events.sort_out import sort_out
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS, REJECTED_EVENTS
from video_assets.sources.fates import as_counters
from video_assets.vocabulary import DUPLICATES, ERASED, IGNORED, SOURCE_ROWS, WAITING


def sorted_events(
    batches: Iterator[pa.RecordBatch], erased: ErasedUsers = NOBODY
) -> Iterator[Emission]:
    """Valid and rejected rows of each bucket of events; see `events_in_blocks`."""
    for parts in unpacked(batches):
        bucket = sort_out(parts, erased)
        counted = {
            SOURCE_ROWS: bucket.source_rows,
            DUPLICATES: bucket.duplicates,
            IGNORED: bucket.ignored,
            WAITING: bucket.waiting,
            ERASED: bucket.erased,
            **counted_by_day(bucket.valid_by_day, bucket.refused_by_day),
            **as_counters(bucket.tally),
        }
        yield Emission(RAW_EVENTS.name, bucket.valid, counted)
        yield Emission(REJECTED_EVENTS.name, bucket.rejected, bucket.reasons)
        yield Emission(DESCRIBED_VIDEOS.name, bucket.described)
