from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tables import numbered_days
from support.view_oracle import combined

from resources.delta.table import Table
from video_assets.daily_views.day_views import (
    COMBINED_VIEWS,
    COUNTED_VIEWS,
    DELIVERED,
    ORDER_BITS_IN_FILE,
    CombineRule,
    CountTooLargeError,
    combined_rows,
    day_views,
    definitions_in_force,
)

FIRST = date(2024, 2, 20)
day = numbered_days(FIRST)
LARGE = 2**53 + 1
DAYS = 60
RULES: tuple[CombineRule, ...] = ("sum", "latest", "largest")

Row = dict[str, Any]
Record = tuple[str, date, int]


def delivered(count: int, row: int = 0, file: int = 0, **changed: Any) -> Row:
    """A row of one video and day, in a place of a file."""
    return {
        "channel_id": "c",
        "video_id": "v",
        "created_date": FIRST,
        "date": day(3),
        "reportedCount": count,
        "deliveryOrder": (file << ORDER_BITS_IN_FILE) + row,
        **changed,
    }


def combine(rule: CombineRule, *rows: Row) -> list[Row]:
    return combined_rows(table_of(rows, DELIVERED), rule).to_pylist()


def table_of(rows: Sequence[Row], table: Table) -> pa.Table:
    """Rows with the columns that they have, all of them nullable."""
    names = rows[0].keys() if rows else table.column_names
    schema = pa.schema([(c.name, c.type) for c in table.columns if c.name in names])
    return pa.Table.from_pylist(list(rows), schema)


def counters(*records: Record, created: date | None = FIRST, **more: Any) -> pa.Table:
    rows = [
        {
            "channel_id": None,
            "video_id": video,
            "created_date": created,
            "date": on,
            "reportedCount": count,
            "usedRows": 1,
            "duplicateRows": 0,
            "conflictingRows": 0,
            **more,
        }
        for video, on, count in records
    ]
    if rows:
        return table_of(rows, COMBINED_VIEWS)
    return pa.Table.from_pylist([], COMBINED_VIEWS.arrow_schema)


def counted(rows: pa.Table, first: int = 0, end: int = 100, lookback: int = 35) -> list[Row]:
    result = day_views(rows, "cumulative", day(first), day(end), lookback)
    return result.sort_by([("video_id", "ascending"), ("date", "ascending")]).to_pylist()


def views(
    rows: pa.Table, first: int = 0, end: int = 100, lookback: int = 35
) -> dict[tuple[str, date], int | None]:
    found = day_views(rows, "cumulative", day(first), day(end), lookback)
    videos, days, counts = (found[name].to_pylist() for name in ("video_id", "date", "viewCount"))
    return dict(zip(zip(videos, days, strict=True), counts, strict=True))


def series(*counts: int, created: date | None = FIRST) -> list[Row]:
    """What a counter gives that is read on consecutive days from the created date on."""
    records = [("v", day(number), count) for number, count in enumerate(counts)]
    return counted(counters(*records, created=created))


def column(rows: Sequence[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]


def test_rows_of_one_file_add_up() -> None:
    [row] = combine("sum", delivered(3, 0), delivered(LARGE, 1), delivered(-1, 2))
    assert row["reportedCount"] == LARGE + 2
    assert (row["usedRows"], row["duplicateRows"], row["conflictingRows"]) == (3, 0, 0)


def test_of_several_files_with_sums_the_one_delivered_last_holds() -> None:
    first = [delivered(5, 0, file=1), delivered(6, 1, file=1)]
    backfill = [delivered(1, 0, file=2), delivered(2, 1, file=2), delivered(3, 2, file=2)]
    [row] = combine("sum", *backfill, *first)
    assert row["reportedCount"] == 6
    assert (row["usedRows"], row["duplicateRows"], row["conflictingRows"]) == (3, 2, 2)


def test_a_file_that_adds_up_to_the_same_is_no_conflict() -> None:
    [row] = combine("sum", delivered(5, 0), delivered(6, 1), delivered(11, file=1))
    assert (row["usedRows"], row["duplicateRows"], row["conflictingRows"]) == (1, 2, 0)


def test_a_sum_beyond_64_bits_fails_and_names_video_and_day() -> None:
    with pytest.raises(CountTooLargeError, match=f"video v on {day(3)} add up"):
        combine("sum", delivered(2**63 - 1, 0), delivered(1, 1))


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_are_exact_up_to_64_bits(sign: int) -> None:
    [row] = combine("sum", *(delivered(sign * (2**61 - 1), n) for n in range(4)))
    assert row["reportedCount"] == sign * 4 * (2**61 - 1)


def test_the_row_delivered_last_holds_even_if_its_count_is_smaller() -> None:
    [row] = combine("latest", delivered(5, file=2), delivered(7, file=1), delivered(6, 9, file=1))
    assert row["reportedCount"] == 5
    assert (row["usedRows"], row["duplicateRows"], row["conflictingRows"]) == (1, 2, 2)


def test_the_row_with_the_largest_count_holds_even_if_it_came_first() -> None:
    [row] = combine("largest", delivered(7, 1), delivered(5, 2))
    assert row["reportedCount"] == 7


def test_of_equal_counts_the_latest_delivered_row_holds() -> None:
    late, early = delivered(7, 2, channel_id="late"), delivered(7, 1, channel_id="zz-early")
    [row] = combine("largest", late, early)
    assert row["channel_id"] == "late"


@pytest.mark.parametrize("rule", RULES)
def test_rows_equal_in_count_and_delivery_are_chosen_the_same_in_any_order(
    rule: CombineRule,
) -> None:
    rows = [
        delivered(7, channel_id=channel, created_date=created)
        for channel in ("a", "b", None)
        for created in (FIRST, day(1), None)
    ]
    for start in range(len(rows)):
        [row] = combine(rule, *rows[start:], *rows[:start])
        assert (row["channel_id"], row["created_date"]) == ("b", day(1))


def test_dropped_rows_are_counted_and_those_with_another_count_as_conflicts() -> None:
    rows = [delivered(7, 1), delivered(7, 2), delivered(6, 3), delivered(5, 4)]
    [row] = combine("largest", *rows)
    assert (row["usedRows"], row["duplicateRows"], row["conflictingRows"]) == (1, 3, 2)


def test_counts_that_differ_beyond_the_precision_of_a_double_are_told_apart() -> None:
    [row] = combine("largest", delivered(LARGE, 1), delivered(LARGE - 1, 2))
    assert row["reportedCount"] == LARGE


@pytest.mark.parametrize("rule", RULES)
def test_a_row_without_channel_and_created_date_stays_as_it_is(rule: CombineRule) -> None:
    [row] = combine(rule, delivered(1, channel_id=None, created_date=None))
    assert (row["channel_id"], row["created_date"]) == (None, None)


@pytest.mark.parametrize("rule", RULES)
def test_a_partition_without_rows_gives_none(rule: CombineRule) -> None:
    assert combine(rule) == []


@pytest.mark.parametrize(
    ("rule", "likes", "minutes"), [("sum", 7, 1.5), ("latest", None, 1.0), ("largest", 3, 0.5)]
)
def test_measures_are_combined_as_the_counts_are(
    rule: CombineRule, likes: int | None, minutes: float
) -> None:
    [row] = combine(
        rule,
        delivered(9, 0, likes=3, watchMinutes=0.5),
        delivered(8, 1, likes=4, watchMinutes=None),
        delivered(1, 2, likes=None, watchMinutes=1.0),
    )
    assert (row["likes"], row["watchMinutes"]) == (likes, minutes)


def test_a_measure_that_no_row_has_stays_unknown() -> None:
    [row] = combine("sum", delivered(9, 0, likes=None), delivered(8, 1, likes=None))
    assert row["likes"] is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(-9_000, 9_000), st.integers(0, 3), st.integers(0, 2)
        )
        | st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(-2, 2), st.integers(0, 1)),
        max_size=40,
    ),
    st.sampled_from(RULES),
    st.randoms(use_true_random=False),
)
def test_combined_rows_equal_those_of_a_plain_loop(
    places: list[tuple[int, int, int, int]], rule: CombineRule, random: Random
) -> None:
    rows = [
        delivered(count, place, file, video_id=str(video), date=day(on))
        for place, (video, on, count, file) in enumerate(places)
    ]
    expected = {}
    for key in {(row["video_id"], row["date"]) for row in rows}:
        group = [row for row in rows if (row["video_id"], row["date"]) == key]
        group.sort(key=lambda row: row["deliveryOrder"])
        with_file = [
            {"viewCount": row["reportedCount"], "file": row["deliveryOrder"] >> ORDER_BITS_IN_FILE}
            for row in group
        ]
        expected[key] = combined(with_file, rule)
    random.shuffle(rows)
    found = {
        (row["video_id"], row["date"]): (
            row["reportedCount"],
            row["usedRows"],
            row["duplicateRows"],
            row["conflictingRows"],
        )
        for row in combine(rule, *rows)
    }
    assert found == expected


def test_daily_counts_are_the_views_of_their_day_also_below_zero() -> None:
    result = day_views(counters(("v", day(1), LARGE), ("v", day(2), -100)), "daily", FIRST, day(9))
    assert result["viewCount"].to_pylist() == [LARGE, -100]
    assert result["daysCovered"].to_pylist() == [1, 1]


def test_only_days_of_the_range_are_in_the_result() -> None:
    rows = counters(*(("v", day(number), 1) for number in range(6)))
    days = day_views(rows, "daily", day(2), day(4))["date"].to_pylist()
    assert days == [day(2), day(3)]


def test_cumulative_views_are_the_difference_to_the_newest_earlier_record() -> None:
    rows = counters(("v", day(8), 150), ("v", day(2), 100), ("v", day(5), 120))
    assert views(rows, first=3) == {("v", day(5)): 20, ("v", day(8)): 30}


def test_a_difference_says_over_how_many_days_it_goes() -> None:
    rows = counters(("v", FIRST, 10), ("v", day(1), 30), ("v", day(8), 150))
    assert column(counted(rows), "daysCovered") == [1, 1, 7]


def test_a_record_exactly_the_lookback_before_counts_and_an_older_one_does_not() -> None:
    assert views(counters(("v", day(1), 100), ("v", day(36), 110)), 36) == {("v", day(36)): 10}
    assert views(counters(("v", day(2), 100), ("v", day(38), 110)), 38) == {("v", day(38)): None}


def test_a_counter_that_went_down_gives_negative_views_so_that_days_sum_to_it() -> None:
    rows = series(100, 90, 95)
    assert column(rows, "viewCount") == [100, -10, 5]


def test_a_counter_that_reads_0_after_it_was_above_0_is_lost_and_nobodys_predecessor() -> None:
    rows = series(100, 130, 0, 0, 180)
    assert column(rows, "viewCount") == [100, 30, None, None, 50]
    assert column(rows, "daysCovered") == [1, 1, None, None, 3]
    assert column(rows, "isLost") == [False, False, True, True, False]


def test_a_video_that_nobody_watched_yet_has_0_views() -> None:
    assert column(series(0, 0, 7, 0, 9), "viewCount") == [0, 0, 7, None, 2]


@pytest.mark.parametrize("age", [0, 1])
def test_the_first_counter_by_the_day_after_the_created_date_is_the_views_until_then(
    age: int,
) -> None:
    [row] = counted(counters(("v", day(age), 2**62)))
    assert (row["viewCount"], row["daysCovered"]) == (2**62, age + 1)


@pytest.mark.parametrize("created", [FIRST, None, day(3)])
def test_a_first_counter_on_any_other_day_gives_unknown_views(created: date | None) -> None:
    [row] = counted(counters(("v", day(2), 100), created=created))
    assert (row["viewCount"], row["daysCovered"], row["isLost"]) == (None, None, False)


def test_a_video_never_takes_the_counter_of_another() -> None:
    rows = counters(("a", day(2), 100), ("b", day(3), 130))
    assert views(rows) == {("a", day(2)): None, ("b", day(3)): None}


def test_differences_cross_a_leap_day_and_a_month_end() -> None:
    leap = date(2024, 2, 29)
    rows = counters(("v", date(2024, 2, 28), 1), ("v", leap, 3), ("v", date(2024, 3, 1), 7))
    assert views(rows) == {("v", date(2024, 2, 28)): None, ("v", leap): 2, ("v", day(10)): 4}


def test_measures_of_a_counter_are_differences_to_the_same_record() -> None:
    likes = dict(zip(range(5), (5, None, 8, 0, 7), strict=True))
    counts = dict(zip(range(5), (10, 20, 30, 0, 40), strict=True))
    rows = pa.concat_tables(
        counters(("v", day(n), counts[n]), likes=likes[n]).cast(
            counters(("v", FIRST, 1), likes=1).schema
        )
        for n in range(5)
    )
    found = counted(rows)
    assert column(found, "viewCount") == [10, 10, 10, None, 10]
    assert column(found, "likes") == [5, None, None, None, -1]


@pytest.mark.parametrize("kind", ["daily", "cumulative"])
def test_no_rows_give_no_views(kind: Any) -> None:
    result = day_views(counters(), kind, FIRST, day(1))
    assert result.schema.names == list(COUNTED_VIEWS.column_names)
    assert result.num_rows == 0


@pytest.mark.parametrize(
    ("kind", "end", "lookback", "message"),
    [
        ("weekly", day(1), 35, "use 'daily' or 'cumulative'"),
        ("daily", FIRST, 35, "end_day must be later"),
        ("cumulative", day(1), 0, "use at least 1 day"),
    ],
)
def test_a_wrong_argument_is_refused_with_its_remedy(
    kind: Any, end: date, lookback: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        day_views(counters(), kind, FIRST, end, lookback)


def plain_views(records: Sequence[Record], lookback: int) -> dict[tuple[str, date], int | None]:
    result: dict[tuple[str, date], int | None] = {}
    for video, on, count in records:
        earlier = [
            (other_day, other_count)
            for other, other_day, other_count in records
            if other == video and on - timedelta(days=lookback) <= other_day < on
        ]
        filled = [record for record in earlier if record[1] > 0]
        if count == 0 and filled:
            result[video, on] = None
        elif earlier:
            result[video, on] = count - max(filled or earlier)[1]
        else:
            result[video, on] = count if (on - FIRST).days in (0, 1) else None
    return result


@st.composite
def counter_records(draw: st.DrawFn) -> list[Record]:
    days = st.dictionaries(st.integers(0, DAYS - 1), st.integers(0, 3) | st.integers(0, 2**63 - 1))
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
    st.sets(st.integers(1, DAYS - 1), max_size=8),
    st.randoms(use_true_random=False),
)
def test_any_split_of_the_days_gives_the_views_of_a_plain_loop(
    records: list[Record], lookback: int, cuts: set[int], random: Random
) -> None:
    expected = plain_views(records, lookback)
    for bounds in ([0, DAYS], [0, *sorted(cuts), DAYS], range(DAYS + 1)):
        together: dict[tuple[str, date], int | None] = {}
        for first, end in runs(bounds, random):
            read = [row for row in records if day(first - lookback) <= row[1] < day(end)]
            random.shuffle(read)
            part = views(counters(*read), first, end, lookback) if read else {}
            assert not part.keys() & together.keys()
            together |= part
        assert together == expected


def test_a_change_of_what_counts_as_a_view_holds_from_its_day_on() -> None:
    days = pa.array([day(n) for n in (1, 2, 3, 5)]).cast(pa.int32()).cast(pa.int64()).to_numpy()
    since = definitions_in_force(days, (day(2), day(5)))
    assert since.to_pylist() == [None, day(2), day(2), day(5)]
    assert definitions_in_force(days, ()).to_pylist() == [None] * 4
