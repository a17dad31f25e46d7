from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.engagement.watch_time.engagement import engagement_rows
from video_assets.rules import WatchTimeRules

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
INPUT_SCHEMA = pa.schema(
    [
        *SESSIONS.arrow_schema,
        pa.field("duration", pa.float64()),
        pa.field("title", pa.string()),
        pa.field("estimatedDuration", pa.float64()),
    ]
)
LONE_PAUSE: dict[str, Any] = {
    "userId": "u",
    "videoId": "v",
    "sessionId": "s",
    "sessionDate": date(2025, 3, 10),
    "sessionNumber": 1,
    "isContinuation": False,
    "firstEventTime": NOON,
    "lastEventTime": NOON,
    "elapsedSeconds": 0.0,
    "watchTime": 0.0,
    "uniqueSecondsWatched": 0.0,
    "watchedIntervals": [],
    "maxPosition": 0.0,
    "pauseCount": 1,
    "playCount": 0,
    "endedCount": 0,
    "forwardSkips": 0,
    "backwardSkips": 0,
    "eventCount": 1,
    "unterminatedPosition": None,
    "furthestSeen": None,
    "segmentCount": 0,
    "tooLongSegments": 0,
    "tooFastSegments": 0,
    "duration": 300.0,
    "title": "a title",
    "estimatedDuration": 0.0,
}


def sessions(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([LONE_PAUSE | row for row in rows], schema=INPUT_SCHEMA)


def watched(*stretches: tuple[float, float]) -> dict[str, Any]:
    lengths = [end - start for start, end in stretches]
    intervals = [{"start": start, "end": end} for start, end in stretches]
    return {"watchTime": sum(lengths), "watchedIntervals": intervals}


def engagement(table: pa.Table, **rules: float) -> list[dict[str, Any]]:
    rows = engagement_rows(table, WatchTimeRules(**rules), NOON)
    assert rows.schema.equals(ENGAGEMENT.arrow_schema, check_metadata=True)
    return sorted(rows.to_pylist(), key=lambda row: (row["userId"], row["videoId"]))


def test_rows_that_start_at_once_add_up_the_same_in_any_order() -> None:
    rng = np.random.default_rng(1)
    rows = [
        {
            "userId": str(rng.integers(3)),
            "sessionId": str(number),
            "elapsedSeconds": float(rng.random()),
            "unterminatedPosition": float(rng.random() * 300),
            **watched((0.0, float(rng.random())), (5.0, 5.0 + float(rng.random()))),
        }
        for number in range(300)
    ]
    expected = engagement(sessions(*rows), unterminated_credit=7.3)
    for seed in range(5):
        mixed = sessions(*rows).take(np.random.default_rng(seed).permutation(len(rows)))
        assert engagement(mixed, unterminated_credit=7.3) == expected


def test_intervals_may_come_nullable_sliced_and_in_chunks() -> None:
    rows = [
        {"userId": "ann", **watched((0.0, 30.0), (60.0, 70.0))},
        {"userId": "bob"},
        {"userId": "ann", **watched((20.0, 60.0))},
        {"userId": "bob", **watched((1.0, 3.0))},
    ]
    plain = sessions({"userId": "cut off", **watched((7.0, 8.0))}, *rows)
    nullable = pa.list_(pa.struct([("start", pa.float64()), ("end", pa.float64())]))
    lists = plain["watchedIntervals"].to_pylist()
    index = plain.schema.get_field_index("watchedIntervals")
    table = plain.set_column(index, "watchedIntervals", pa.array(lists, nullable)).slice(1)
    chunked = pa.Table.from_batches(table.to_batches(max_chunksize=3))
    unique = {row["userId"]: row["totalUniqueSecondsWatched"] for row in engagement(chunked)}
    assert unique == {"ann": 70.0, "bob": 2.0}


@pytest.mark.parametrize(
    "type_", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
def test_texts_may_come_in_any_type(type_: pa.DataType) -> None:
    texts = ("userId", "videoId", "sessionId", "title")
    plain = sessions({"userId": "ann"}, {"userId": "bob", "title": None}, {"userId": "ann"})
    other = plain.cast(
        pa.schema([f.with_type(type_) if f.name in texts else f for f in plain.schema])
    )
    assert engagement(other, unterminated_credit=1) == engagement(plain, unterminated_credit=1)


def test_unique_seconds_of_touching_intervals_never_exceed_the_watch_time_by_rounding() -> None:
    edges = np.cumsum(np.full(20, 0.7)).tolist()
    stretches = [watched(pair) for pair in pairwise(edges)]
    (row,) = engagement(sessions(*stretches))
    assert row["totalWatchTime"] < edges[-1] - edges[0]  # what rounding makes of the sum
    assert row["totalUniqueSecondsWatched"] == row["totalWatchTime"]


def test_a_duration_of_next_to_nothing_gives_infinite_percentages_and_no_warning() -> None:
    row = {"duration": 5e-324, "maxPosition": 1e308, **watched((0.0, 60.0))}
    (result,) = engagement(sessions(row))
    assert result["watchPercentage"] == result["completionPercentage"] == float("inf")
    assert result["dataQualityFlag"] == "position_exceeds_duration"


@given(
    duration=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    seconds=st.floats(min_value=0, max_value=1e300),
    further=st.floats(min_value=0, max_value=1e300),
)
def test_a_percentage_that_overflows_is_flagged(
    duration: float, seconds: float, further: float
) -> None:
    row = {"duration": duration, "maxPosition": seconds + further, **watched((0.0, seconds))}
    (result,) = engagement(sessions(row))
    finite = np.isfinite([result[name] for name in result if name.endswith("Percentage")])
    assert finite.all() or result["dataQualityFlag"] == "position_exceeds_duration"


@pytest.mark.parametrize(
    "processed_at",
    [
        pytest.param(NOON.replace(tzinfo=None), id="naive is UTC"),
        pytest.param(NOON.astimezone(timezone(timedelta(hours=2))), id="other zone"),
    ],
)
def test_the_time_of_processing_is_kept_in_utc(processed_at: datetime) -> None:
    rows = engagement_rows(sessions({}), WatchTimeRules(), processed_at)
    assert rows["processedAt"].to_pylist() == [NOON]


def test_a_null_id_is_refused_with_its_column() -> None:
    with pytest.raises(ValueError, match="videoId holds 1 nulls"):
        engagement(sessions({}, {"videoId": None}))
