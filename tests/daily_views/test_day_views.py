from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video_assets.daily_views.day_views import (
    COUNTED_VIEWS,
    DELIVERED,
    KEPT_VIEWS,
    day_views,
    kept_rows,
)

FIRST = date(2024, 2, 20)
LARGE = 2**53 + 1

Row = dict[str, Any]
Record = tuple[str, date, int]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def delivered(
    count: int, order: int, channel: str | None = "c", created: date | None = FIRST
) -> Row:
    return {
        "channel_id": channel,
        "video_id": "v",
        "created_date": created,
        "date": day(3),
        "reportedCount": count,
        "deliveryOrder": order,
    }


def kept(rows: Sequence[Row]) -> list[Row]:
    return kept_rows(pa.Table.from_pylist(list(rows), nullable(DELIVERED))).to_pylist()


def nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])  # noqa: FBT003 (Arrow's signature)


def counters(*records: Record, created: date | None = FIRST) -> pa.Table:
    rows = [
        {
            "channel_id": None,
            "video_id": video,
            "created_date": created,
            "date": on,
            "reportedCount": count,
            "duplicateRows": 0,
            "conflictingRows": 0,
        }
        for video, on, count in records
    ]
    return pa.Table.from_pylist(rows, nullable(KEPT_VIEWS.arrow_schema))


def views(
    rows: pa.Table, first: int = 0, end: int = 100, lookback: int = 35
) -> dict[tuple[str, date], int | None]:
    result = day_views(rows, "cumulative", day(first), day(end), lookback).to_pylist()
    return {(row["video_id"], row["date"]): row["viewCount"] for row in result}


def test_the_row_with_the_largest_count_is_kept_even_if_it_came_first() -> None:
    (row,) = kept([delivered(7, order=1), delivered(5, order=2)])
    assert row["reportedCount"] == 7


def test_of_equal_counts_the_latest_delivered_row_is_kept() -> None:
    (row,) = kept([delivered(7, 2, channel="late"), delivered(7, 1, channel="zz-early")])
    assert row["channel_id"] == "late"


def test_rows_equal_in_count_and_delivery_are_chosen_the_same_in_any_order() -> None:
    rows = [
        delivered(7, 0, channel, created)
        for channel in ("a", "b", None)
        for created in (FIRST, day(1), None)
    ]
    for start in range(len(rows)):
        (row,) = kept(rows[start:] + rows[:start])
        assert (row["channel_id"], row["created_date"]) == ("b", day(1))


def test_dropped_rows_are_counted_and_those_with_another_count_as_conflicts() -> None:
    (row,) = kept([delivered(7, 1), delivered(7, 2), delivered(6, 3), delivered(5, 4)])
    assert (row["duplicateRows"], row["conflictingRows"]) == (3, 2)


def test_counts_that_differ_beyond_the_precision_of_a_double_are_told_apart() -> None:
    (row,) = kept([delivered(LARGE, 1), delivered(LARGE - 1, 2)])
    assert row["reportedCount"] == LARGE


def test_a_row_without_channel_and_created_date_is_kept_as_it_is() -> None:
    (row,) = kept([delivered(1, 1, channel=None, created=None)])
    assert (row["channel_id"], row["created_date"]) == (None, None)


def test_a_partition_without_rows_gives_none() -> None:
    assert kept([]) == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(-40_000, 40_000), st.integers(0, 3), st.integers(0, 3)
        )
        | st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 2), st.integers(0, 2)),
        max_size=40,
    )
)
def test_kept_rows_equal_those_of_a_plain_loop(rows: list[tuple[int, int, int, int]]) -> None:
    groups: dict[tuple[str, date], list[tuple[int, int]]] = {}
    for video, on, count, order in rows:
        groups.setdefault((str(video), day(on)), []).append((count, order))
    expected = {
        key: (max(group)[0], len(group) - 1, sum(count != max(group)[0] for count, _ in group))
        for key, group in groups.items()
    }
    given_rows = [
        delivered(count, order) | {"video_id": str(video), "date": day(on)}
        for video, on, count, order in rows
    ]
    result = kept(given_rows)
    assert len(result) == len(expected)
    assert {
        (row["video_id"], row["date"]): (
            row["reportedCount"],
            row["duplicateRows"],
            row["conflictingRows"],
        )
        for row in result
    } == expected


def test_daily_counts_are_the_views_of_their_day() -> None:
    result = day_views(counters(("v", day(1), LARGE)), "daily", day(0), day(9))
    assert result["viewCount"].to_pylist() == [LARGE]


def test_only_days_of_the_range_are_given() -> None:
    rows = counters(*(("v", day(number), 1) for number in range(6)))
    days = day_views(rows, "daily", day(2), day(4))["date"].to_pylist()
    assert days == [day(2), day(3)]


def test_cumulative_views_are_the_difference_to_the_newest_earlier_record() -> None:
    rows = counters(("v", day(8), 150), ("v", day(2), 100), ("v", day(5), 120))
    assert views(rows, first=3) == {("v", day(5)): 20, ("v", day(8)): 30}


def test_a_record_exactly_the_lookback_before_counts_and_an_older_one_does_not() -> None:
    assert views(counters(("v", day(1), 100), ("v", day(36), 110)), 36) == {("v", day(36)): 10}
    assert views(counters(("v", day(1), 100), ("v", day(37), 110)), 37) == {("v", day(37)): None}


def test_a_counter_that_went_down_gives_no_views_and_is_marked() -> None:
    rows = counters(("v", day(1), 100), ("v", day(2), 90), ("v", day(3), 95))
    result = day_views(rows, "cumulative", day(2), day(9)).sort_by("date")
    assert result["viewCount"].to_pylist() == [0, 5]
    assert result["isNegativeDifference"].to_pylist() == [True, False]


def test_the_counter_of_the_created_date_is_the_views_of_that_day() -> None:
    assert views(counters(("v", FIRST, 2**62))) == {("v", FIRST): 2**62}


@pytest.mark.parametrize("created", [FIRST, None])
def test_a_first_counter_after_the_created_date_gives_unknown_views(created: date | None) -> None:
    assert views(counters(("v", day(1), 100), created=created)) == {("v", day(1)): None}


def test_a_video_never_takes_the_counter_of_another() -> None:
    rows = counters(("a", day(1), 100), ("b", day(2), 130))
    assert views(rows) == {("a", day(1)): None, ("b", day(2)): None}


def test_differences_cross_a_leap_day_and_a_month_end() -> None:
    leap = date(2024, 2, 29)
    rows = counters(("v", date(2024, 2, 28), 1), ("v", leap, 3), ("v", date(2024, 3, 1), 7))
    assert views(rows) == {("v", date(2024, 2, 28)): None, ("v", leap): 2, ("v", day(10)): 4}


@pytest.mark.parametrize("kind", ["daily", "cumulative"])
def test_no_rows_give_no_views(kind: Any) -> None:
    result = day_views(counters(), kind, day(0), day(1))
    assert result.schema.names == list(COUNTED_VIEWS.column_names)
    assert result.num_rows == 0


@pytest.mark.parametrize(
    ("kind", "end", "lookback", "message"),
    [
        ("weekly", day(1), 35, "use 'daily' or 'cumulative'"),
        ("daily", day(0), 35, "end_day must be later"),
        ("cumulative", day(1), 0, "use at least 1 day"),
    ],
)
def test_a_wrong_argument_is_refused_with_its_remedy(
    kind: Any, end: date, lookback: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        day_views(counters(), kind, day(0), end, lookback)


def plain_views(records: Sequence[Record], lookback: int) -> dict[tuple[str, date], int | None]:
    result: dict[tuple[str, date], int | None] = {}
    for video, on, count in records:
        earlier = [
            (other_day, other_count)
            for other, other_day, other_count in records
            if other == video and on - timedelta(days=lookback) <= other_day < on
        ]
        if earlier:
            result[video, on] = max(count - max(earlier)[1], 0)
        else:
            result[video, on] = count if on == FIRST else None
    return result


@st.composite
def counter_records(draw: st.DrawFn) -> list[Record]:
    days = st.dictionaries(st.integers(0, 59), st.integers(0, 9) | st.integers(0, 2**63 - 1))
    videos = draw(st.lists(days, max_size=6))
    return [
        (f"v{video}", day(number), count)
        for video, records in enumerate(videos)
        for number, count in records.items()
    ]


def runs(bounds: Sequence[int], random: Random) -> Iterator[tuple[int, int]]:
    ranges = list(pairwise(bounds))
    random.shuffle(ranges)
    yield from ranges


@settings(max_examples=60, deadline=None)
@given(
    counter_records(),
    st.integers(1, 40),
    st.sets(st.integers(1, 59), max_size=8),
    st.randoms(use_true_random=False),
)
def test_any_split_of_the_days_gives_the_views_of_a_plain_loop(
    records: list[Record], lookback: int, cuts: set[int], random: Random
) -> None:
    expected = plain_views(records, lookback)
    for bounds in ([0, 60], [0, *sorted(cuts), 60], list(range(61))):
        together: dict[tuple[str, date], int | None] = {}
        for first, end in runs(bounds, random):
            read = [row for row in records if day(first - lookback) <= row[1] < day(end)]
            random.shuffle(read)
            part = views(counters(*read), first, end, lookback)
            assert not part.keys() & together.keys()
            together |= part
        assert together == expected
