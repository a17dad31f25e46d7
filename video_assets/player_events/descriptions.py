"""The table `described_videos`: what the events of a day tell of their videos."""

from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from video_assets.arrow.types import ArrowArray, compute
from video_assets.player_events.source_rows import IS_SAMPLED, UNREADABLE_DURATION
from video_assets.player_events.tables import DESCRIBED_VIDEOS

_KEY = list(DESCRIBED_VIDEOS.key)


def told_by(events: pa.RecordBatch) -> pa.Table | None:
    """What tagged rows tell; None where they tell nothing, as refused rows do."""
    duration, title = events["videoDuration"], events["videoTitle"]
    unreadable, sampled = events[UNREADABLE_DURATION], events[IS_SAMPLED]
    if all(told.null_count == len(events) for told in (duration, title, unreadable, sampled)):
        return None
    return last_told(
        [
            pa.table(
                {
                    "videoId": _plain(events["videoId"]),
                    "duration": duration,
                    "title": _plain(title),
                    "toldAt": events["timestamp"],
                    "unreadableDurations": unreadable.cast(pa.int64()).fill_null(0),
                    "eventDate": events["eventDate"],
                    "sampledEvents": sampled.cast(pa.int64()).fill_null(0),
                }
            )
        ]
    )


def last_told(parts: Sequence[pa.Table]) -> pa.Table:
    """One row a video and day: the last duration and the last title, each by itself."""
    schema = DESCRIBED_VIDEOS.arrow_schema
    rows = pa.concat_tables([part.select(schema.names).cast(schema) for part in parts])
    tells = (
        pc.is_valid(rows["duration"]),
        pc.is_valid(rows["title"]),
        compute.greater(rows["unreadableDurations"], 0),
        compute.greater(rows["sampledEvents"], 0),
    )
    told = rows.filter(reduce(pc.or_, tells))
    # Of one instant, the longest and the last in the alphabet.
    names = (*_KEY, "toldAt", "duration", "title")
    in_order = told.sort_by([(name, "ascending") for name in names])
    last = in_order.group_by(_KEY, use_threads=False).aggregate(
        [
            ("duration", "last"),
            ("title", "last"),
            ("toldAt", "max"),
            ("unreadableDurations", "sum"),
            ("sampledEvents", "sum"),
        ]
    )
    plain_names = {name: name.partition("_")[0] for name in last.column_names}
    return last.rename_columns(plain_names).select(schema.names).cast(schema)


def _plain(texts: ArrowArray) -> ArrowArray:
    return texts.dictionary_decode() if isinstance(texts, pa.DictionaryArray) else texts
