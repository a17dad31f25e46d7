from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from support.tables import numbered_days

from video_assets.arrow.kernels import spark_schema
from video_assets.daily_views.missing_dates import (
    SEEN_DAYS,
    Expectation,
    missing_of,
    missing_per_day,
    missing_summary,
    newest_date,
    seen_days,
)
from video_assets.daily_views.routes import one_row_a_day
from video_assets.daily_views.tables import MISSING_DATE, MISSING_DATES

DDL = (
    "channel_id string, video_id string, created_date date, date date, viewCount bigint, "
    "reportedCount bigint"
)
LEAP_DAY = date(2024, 2, 29)
# Around a leap day, the end of February and the borders of blocks of 64 days.
day = numbered_days(LEAP_DAY)

Seen = tuple[str | None, str, date | None, date, int | None, int]
Missing = dict[str, tuple[str | None, date, list[date]]]


def seen(
    video: str, *numbers: int, created: int | None = 0, channel: str | None = "c", views: int = 1
) -> list[Seen]:
    created_date = None if created is None else day(created)
    return [(channel, video, created_date, day(number), views, views) for number in numbers]


def daily(spark: SparkSession, rows: Iterable[Seen]) -> DataFrame:
    return spark.createDataFrame(list(rows), DDL)


def missing_dates(frame: DataFrame, as_of: date, **expected: Any) -> DataFrame:
    """The rows of `missing_dates`, without storing them."""
    expectation = Expectation(as_of, **expected)

    def kernel(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for part in missing_of(pa.Table.from_batches([batch]), expectation):
                yield from part.rows.to_batches()

    return seen_days(frame).mapInArrow(kernel, spark_schema(MISSING_DATES))


def missing(frame: DataFrame) -> Missing:
    rows = frame.collect()
    result = {r.video_id: (r.channel_id, r.created_date, r.missing_dates) for r in rows}
    assert len(result) == len(rows)
    return result


def missed(spark: SparkSession, rows: Sequence[Seen], as_of: int, **expected: Any) -> Missing:
    return missing(missing_dates(daily(spark, rows), day(as_of), **expected))


def test_created_and_as_of_date_are_both_included(spark: SparkSession) -> None:
    assert missed(spark, seen("v", 1, 3), 4) == {"v": ("c", day(0), [day(0), day(2), day(4)])}


def test_a_video_that_misses_nothing_has_no_row(spark: SparkSession) -> None:
    assert missed(spark, [*seen("v", 0, 1, 2), *seen("w", 0, 2)], 2).keys() == {"w"}


def test_a_gap_over_the_leap_day_and_the_end_of_the_month_lists_its_days(
    spark: SparkSession,
) -> None:
    rows = [("c", "v", date(2024, 2, 27), date(2024, 2, 27), 1, 1)]
    result = missing(missing_dates(daily(spark, rows), date(2024, 3, 2)))
    assert [f"{on:%m-%d}" for on in result["v"][2]] == ["02-28", "02-29", "03-01", "03-02"]


def test_the_smallest_created_date_seen_holds_for_the_video(spark: SparkSession) -> None:
    rows = [*seen("v", 3, created=3), *seen("v", 4, created=2), *seen("v", 5, created=None)]
    assert missed(spark, rows, 5)["v"] == ("c", day(2), [day(2)])


def test_the_first_day_stands_in_for_an_unknown_created_date(spark: SparkSession) -> None:
    assert missed(spark, seen("v", 2, 4, created=None), 5) == {"v": ("c", day(2), [day(3), day(5)])}


def test_the_channel_is_that_of_the_newest_row(spark: SparkSession) -> None:
    rows = [*seen("v", 0, channel="z"), *seen("v", 70, channel="a"), *seen("v", 9, channel=None)]
    assert missed(spark, rows, 80)["v"][0] == "a"


def test_a_newest_row_without_channel_gives_no_channel(spark: SparkSession) -> None:
    rows = [*seen("v", 0, channel="a"), *seen("v", 2, channel=None)]
    assert missed(spark, rows, 3)["v"][0] is None


def test_of_several_newest_rows_the_smallest_channel_holds_and_null_comes_last(
    spark: SparkSession,
) -> None:
    rows = [row for channel in ("b", None, "a") for row in seen("v", 2, channel=channel)]
    assert missed(spark, rows, 3)["v"][0] == "a"


def test_a_video_created_after_the_as_of_date_misses_nothing(spark: SparkSession) -> None:
    assert missed(spark, seen("v", 5, created=4), 3) == {}


def test_rows_after_the_as_of_date_extend_nothing(spark: SparkSession) -> None:
    assert missed(spark, seen("v", 0, 9), 2)["v"][2] == [day(1), day(2)]


def test_rows_without_views_before_the_created_date_change_nothing(spark: SparkSession) -> None:
    rows = [*seen("v", -70, -3, views=0), *seen("v", 1)]
    assert missed(spark, rows, 1) == {"v": ("c", day(0), [day(0)])}


def test_a_view_before_the_created_date_shows_that_the_video_was_there(
    spark: SparkSession,
) -> None:
    rows = [*seen("v", -5, views=0), *seen("v", -3, 1), *seen("v", -4, views=-2)]
    assert missed(spark, rows, 0) == {"v": ("c", day(-3), [day(-2), day(-1), day(0)])}


def test_a_counter_shows_that_the_video_was_there_where_views_are_unknown(
    spark: SparkSession,
) -> None:
    rows: list[Seen] = [("c", "v", None, day(0), 0, 0), ("c", "v", None, day(2), None, 70)]
    assert missed(spark, rows, 3) == {"v": ("c", day(2), [day(3)])}


def test_a_video_that_no_delivery_names_for_long_misses_nothing_after_its_last_row(
    spark: SparkSession,
) -> None:
    rows = [*seen("gone", 0, 2), *seen("late", 0, 3), *seen("there", 0, 33)]
    expected = {"newest": day(33), "gone_after": 30}
    found = missed(spark, rows, 40, **expected)
    assert found["gone"] == ("c", day(0), [day(1)])
    assert found["late"][2] == [day(n) for n in (1, 2, *range(4, 41))]


def test_a_video_that_is_gone_says_since_when(spark: SparkSession) -> None:
    rows = [*seen("gone", 0, 2), *seen("there", 0, 33)]
    result = missing_dates(daily(spark, rows), day(33), newest=day(33), gone_after=30)
    assert {row.video_id: row.goneSince for row in result.collect()} == {
        "gone": day(3),
        "there": None,
    }


def test_nobody_is_gone_because_all_deliveries_stopped(spark: SparkSession) -> None:
    found = missed(spark, seen("v", 0, 2), 90, newest=day(2), gone_after=30)
    assert len(found["v"][2]) == 89


def test_before_the_day_it_was_gone_a_video_is_not(spark: SparkSession) -> None:
    rows = [*seen("v", 0, 2), *seen("w", *range(50))]
    found = missed(spark, rows, 20, newest=day(49), gone_after=30)
    assert found["v"][2] == [day(1), *(day(n) for n in range(3, 21))]


def test_videos_that_are_gone_are_counted_also_when_they_miss_nothing() -> None:
    videos = pa.Table.from_pylist(
        [
            {
                "channel_id": "c",
                "video_id": video,
                "created_date": date(1970, 1, 1),
                "last_seen": date(1970, 1, 2),
                "blocks": [{"block": 0, "days": days}],
            }
            for video, days in (("whole", 3), ("gap", 2))
        ],
        SEEN_DAYS,
    )
    expected = Expectation(date(1970, 3, 1), date(1970, 3, 1), gone_after=30)
    [found] = missing_of(videos, expected)
    assert found.gone == 2
    assert found.rows["video_id"].to_pylist() == ["gap"]


def test_days_that_no_video_can_miss_are_not_missing(spark: SparkSession) -> None:
    rows = [*seen("v", 0, 5), *seen("w", 1)]
    found = missed(spark, rows, 5, without_gap=[day(0), day(1), day(2), day(5)])
    assert found == {"v": ("c", day(0), [day(3), day(4)]), "w": ("c", day(0), [day(3), day(4)])}


def test_a_day_seen_twice_is_seen(spark: SparkSession) -> None:
    assert missed(spark, [*seen("v", 0, 0), *seen("v", 0, channel="d")], 1)["v"][2] == [day(1)]


def test_days_before_1970_are_days(spark: SparkSession) -> None:
    rows = [
        ("c", "v", date(1969, 12, 30), on, 1, 1) for on in (date(1969, 12, 30), date(1970, 1, 1))
    ]
    result = missing(missing_dates(daily(spark, rows), date(1970, 1, 1)))
    assert result["v"][2] == [date(1969, 12, 31)]


def test_a_created_date_in_antiquity_misses_every_day_since(spark: SparkSession) -> None:
    rows = [("c", video, date(1, 1, 1), LEAP_DAY, 1, 1) for video in "abcdefgh"]
    result = missing_dates(daily(spark, rows), LEAP_DAY)
    summary = missing_summary(result).first()
    gap = (LEAP_DAY - date(1, 1, 1)).days
    assert summary is not None
    assert summary.asDict() == {"videos": 8, "dates": 8 * gap, "longestGap": gap}


def test_the_newest_date_is_that_of_all_rows(spark: SparkSession) -> None:
    assert newest_date(daily(spark, [*seen("v", 0, 1), *seen("w", 0, 3)])) == day(3)


def test_without_rows_nothing_is_missing(spark: SparkSession) -> None:
    frame = daily(spark, [])
    assert newest_date(frame) is None
    result = missing_dates(frame, LEAP_DAY)
    assert result.columns == list(MISSING_DATES.column_names)
    assert missing(result) == {}


def test_exploded_rows_agree_with_the_array(spark: SparkSession) -> None:
    array = missing_dates(daily(spark, [*seen("v", 1), *seen("w", 0, 2)]), day(3))
    rows = one_row_a_day(array.toArrow())
    assert set(rows.column_names) == set(MISSING_DATE.column_names)
    assert sorted((row["video_id"], row["missing_date"]) for row in rows.to_pylist()) == [
        ("v", day(0)),
        ("v", day(2)),
        ("v", day(3)),
        ("w", day(1)),
        ("w", day(3)),
    ]


def test_the_summary_counts_videos_and_days_and_finds_the_longest_gap(spark: SparkSession) -> None:
    # The gaps of v and w touch in the calendar, and are two.
    rows = [*seen("v", 0, 1, 5, 6), *seen("w", *range(4), 6), *seen("x", *range(7))]
    summary = missing_summary(missing_dates(daily(spark, rows), day(6))).first()
    assert summary is not None
    assert summary.asDict() == {"videos": 2, "dates": 5, "longestGap": 3}


def test_the_summary_of_nothing_is_zero(spark: SparkSession) -> None:
    summary = missing_summary(missing_dates(daily(spark, seen("v", 0)), day(0))).first()
    assert summary is not None
    assert summary.asDict() == {"videos": 0, "dates": 0, "longestGap": 0}


def test_each_missing_day_tells_how_many_videos_miss_it(spark: SparkSession) -> None:
    array = missing_dates(daily(spark, [*seen("v", 0, 2), *seen("w", 0)]), day(2))
    assert {row.date: row.videos for row in missing_per_day(array).collect()} == {
        day(1): 2,
        day(2): 1,
    }


def test_days_are_cut_from_a_slice_of_a_batch_as_from_a_whole_one() -> None:
    bits = [{"block": (LEAP_DAY - date(1970, 1, 1)).days // 64, "days": -1}]
    table = pa.table(
        {
            "channel_id": pa.array([None] * 3, pa.string()),
            "video_id": ["a", "b", "c"],
            "created_date": pa.array([LEAP_DAY] * 3),
            "last_seen": pa.array([LEAP_DAY] * 3),
            "blocks": pa.array([[], bits, []]),
        }
    )
    [found] = missing_of(table.slice(1), Expectation(LEAP_DAY))
    assert found.rows["video_id"].to_pylist() == ["c"]


def plain_missing(rows: Sequence[Seen], as_of: date) -> Missing:
    result: Missing = {}
    for video in {row[1] for row in rows}:
        own = [row for row in rows if row[1] == video]
        days = {row[3] for row in own}
        known = [row[2] for row in own if row[2]] + [row[3] for row in own if row[5] > 0]
        created = min(known or days)
        newest = [row[0] for row in own if row[3] == max(days)]
        channel = min((c for c in newest if c is not None), default=None)
        expected = {created + timedelta(days=n) for n in range((as_of - created).days + 1)}
        if expected - days:
            result[video] = (channel, created, sorted(expected - days))
    return result


@st.composite
def many_videos(draw: st.DrawFn) -> list[Seen]:
    numbers = st.integers(-3, 5) | st.integers(-70, 140)
    channels = st.sampled_from([None, "a", "b"])
    one_day = st.tuples(channels, st.none() | numbers, numbers, st.sampled_from([-1, 0, 1]))
    videos = draw(st.lists(st.lists(one_day, min_size=1, max_size=12), min_size=1, max_size=40))
    return [
        row
        for number, days in enumerate(videos)
        for channel, created, on, views in days
        for row in seen(f"v{number}", on, created=created, channel=channel, views=views)
    ]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(many_videos(), st.integers(-5, 70))
def test_missing_dates_equal_a_difference_of_sets(
    spark: SparkSession, rows: list[Seen], as_of: int
) -> None:
    assert missed(spark, rows, as_of) == plain_missing(rows, day(as_of))


@pytest.mark.parametrize("tasks", [1, 7])
def test_the_number_of_partitions_does_not_matter(spark: SparkSession, tasks: int) -> None:
    rows: list[Any] = [row for n in range(50) for row in seen(f"v{n}", *range(0, 60, n % 5 + 1))]
    result = missing_dates(daily(spark, rows).repartition(tasks), day(63))
    assert missing(result) == plain_missing(rows, day(63))
