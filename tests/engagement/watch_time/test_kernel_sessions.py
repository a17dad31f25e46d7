from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from video_assets.engagement.tables import SESSIONS
from video_assets.engagement.watch_time.sessions import (
    SEGMENTS_SCHEMA,
    session_rows,
    watched_segments,
)
from video_assets.rules import WatchTimeRules
from video_assets.vocabulary import PlayerEvent

DAY = date(2025, 3, 10)
NEXT_DAY = DAY + timedelta(days=1)
DAY_MICROS = int(datetime(2025, 3, 10, tzinfo=UTC).timestamp()) * 1_000_000
RULES = WatchTimeRules()
TEXTS = ("userId", "sessionId", "videoId", "eventName")

Kernel = Callable[[pa.Table, WatchTimeRules, date, date], pa.Table]


def random_events(count: int, seed: int) -> pa.Table:
    """Events of few ids in one day, at few enough times and positions that many are equal."""
    rng = np.random.default_rng(seed)
    names = np.array([event.column_value for event in PlayerEvent])
    name = names[rng.integers(0, len(names), count)]
    seconds = rng.integers(0, 86_400, count).astype(np.int64)
    return pa.table(
        {
            "timestamp": pa.array(DAY_MICROS + seconds * 1_000_000, pa.timestamp("us", "UTC")),
            "userId": pa.array(rng.integers(0, 5, count).astype(str)),
            "sessionId": pa.array(rng.integers(0, 3, count).astype(str)),
            "videoId": pa.array(rng.integers(0, 3, count).astype(str)),
            "eventName": pa.array(name),
            "currentTime": pa.array(rng.integers(0, 3_000, count) / 10),
            "seekTime": pa.array(rng.integers(0, 3_000, count) / 10, mask=name != "video_seek"),
        }
    )


def canonical(table: pa.Table) -> pa.Table:
    keys = [(name, "ascending") for name in table.column_names if name != "watchedIntervals"]
    return table.sort_by(keys).combine_chunks()


@pytest.mark.parametrize(
    ("kernel", "schema"),
    [(session_rows, SESSIONS.arrow_schema), (watched_segments, SEGMENTS_SCHEMA)],
)
@pytest.mark.parametrize(
    "text", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_the_result_has_the_declared_types_whatever_the_input_has(
    kernel: Kernel, schema: pa.Schema, text: pa.DataType, unit: str
) -> None:
    events = random_events(200, seed=3)
    types = dict.fromkeys(TEXTS, text) | {"timestamp": pa.timestamp(unit, "Europe/Zurich")}
    other = events.cast(
        pa.schema([pa.field(f.name, types.get(f.name, f.type)) for f in events.schema])
    )
    rows = kernel(other, RULES, DAY, NEXT_DAY)
    assert rows.schema.equals(schema, check_metadata=True)
    assert canonical(rows).equals(canonical(kernel(events, RULES, DAY, NEXT_DAY)))


@pytest.mark.parametrize("kernel", [session_rows, watched_segments])
def test_thousands_of_rows_in_any_order_and_chunks_agree_bit_by_bit(kernel: Kernel) -> None:
    events = random_events(5_000, seed=4)
    twice = pa.concat_tables([events, events.slice(0, 500)])
    mixed = twice.take(np.random.default_rng(5).permutation(len(twice)))
    chunked = pa.Table.from_batches(mixed.to_batches(max_chunksize=97))
    once = canonical(kernel(events, RULES, DAY, NEXT_DAY))
    assert len(once) > 100
    assert canonical(kernel(chunked, RULES, DAY, NEXT_DAY)).equals(once)


@pytest.mark.parametrize("kernel", [session_rows, watched_segments])
def test_days_without_events_have_no_rows(kernel: Kernel) -> None:
    events = random_events(50, seed=6)
    assert kernel(events, RULES, NEXT_DAY, NEXT_DAY + timedelta(days=1)).num_rows == 0
    assert kernel(events, RULES, DAY - timedelta(days=1), DAY).num_rows == 0


@pytest.mark.parametrize("kernel", [session_rows, watched_segments])
def test_a_missing_column_is_named(kernel: Kernel) -> None:
    with pytest.raises(KeyError, match="currentTime"):
        kernel(random_events(5, seed=7).drop_columns("currentTime"), RULES, DAY, NEXT_DAY)


def test_every_time_that_a_timestamp_can_hold_is_sorted_right() -> None:
    centuries = [datetime(year, 1, 1, tzinfo=UTC) for year in (9999, 1, 2025, 1969)]
    events = random_events(4, seed=8).set_column(
        0, "timestamp", pa.array(centuries, pa.timestamp("us", "UTC"))
    )
    rows = session_rows(events, RULES, date.min, date.max)
    assert sorted(rows["sessionDate"].to_pylist()) == sorted(c.date() for c in centuries)


def test_unique_seconds_never_exceed_the_watch_time_by_rounding() -> None:
    positions = np.cumsum(np.full(20, 0.7))
    count = len(positions)
    events = pa.table(
        {
            "timestamp": pa.array(
                DAY_MICROS + np.arange(count) * 700_000, pa.timestamp("us", "UTC")
            ),
            "userId": ["u"] * count,
            "sessionId": ["s"] * count,
            "videoId": ["v"] * count,
            "eventName": ["video_play"] * count,
            "currentTime": positions,
            "seekTime": pa.nulls(count, pa.float64()),
        }
    )
    row = session_rows(events, RULES, DAY, NEXT_DAY).to_pylist()[0]
    assert row["watchTime"] < positions[-1] - positions[0]  # what rounding makes of the sum
    assert row["uniqueSecondsWatched"] == row["watchTime"]
