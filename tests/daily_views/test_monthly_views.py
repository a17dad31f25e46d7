from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from video_assets.daily_views import monthly_views as months
from video_assets.daily_views.monthly_views import MonthOfViews, SumsOfMonth, monthly_views
from video_assets.daily_views.tables import MONTHLY_VIEWS

EMPTY_MONTH = date(2000, 1, 1)
DDL = "channel_id string, video_id string, date date, viewCount bigint"

Views = tuple[str | None, str, date, int | None]
Month = tuple[str | None, str, str]


def daily(spark: SparkSession, rows: Iterable[Views]) -> DataFrame:
    return spark.createDataFrame(list(rows), DDL)


def monthly(
    daily: DataFrame, measures: Sequence[str] = (), definition_changes: Sequence[date] = ()
) -> DataFrame:
    """The months of all rows, and one without a row."""
    months = {row.date.replace(day=1) for row in daily.select("date").collect()}
    return monthly_views(daily, months | {EMPTY_MONTH}, measures, definition_changes)


def of_month(tables: Iterable[pa.Table], month: MonthOfViews) -> list[dict[str, Any]]:
    sums = SumsOfMonth(month)
    for table in tables:
        sums.add(table)
    return sums.rows().to_pylist()


def sums(frame: DataFrame) -> dict[Month, int | None]:
    rows = frame.collect()
    result = {(row.channel_id, row.video_id, row.month): row.aggViewCount for row in rows}
    assert len(result) == len(rows)
    return result


def test_the_month_is_given_as_text_and_as_its_first_day(spark: SparkSession) -> None:
    result = monthly(daily(spark, [("c", "v", date(2024, 2, 29), 3)]))
    assert result.columns == list(MONTHLY_VIEWS.column_names)
    (row,) = result.collect()
    assert (row.month, row.month_start) == ("2024-02", date(2024, 2, 1))


def test_the_last_and_the_first_day_of_a_month_are_told_apart(spark: SparkSession) -> None:
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 29), date(2024, 3, 1)]
    rows: list[Views] = [("c", "v", on, 10**number) for number, on in enumerate(days)]
    assert sums(monthly(daily(spark, rows))) == {
        ("c", "v", "2023-12"): 1,
        ("c", "v", "2024-01"): 10,
        ("c", "v", "2024-02"): 100,
        ("c", "v", "2024-03"): 1000,
    }


@pytest.mark.parametrize("count", [2**31, 2**53 + 1, 2**62 - 1])
def test_sums_are_exact_beyond_32_bits_and_beyond_a_double(spark: SparkSession, count: int) -> None:
    rows: list[Views] = [("c", "v", date(2025, 1, n), count) for n in (1, 2)]
    assert sums(monthly(daily(spark, [*rows, ("c", "v", date(2025, 1, 3), 1)]))) == {
        ("c", "v", "2025-01"): 2 * count + 1
    }


def test_days_without_a_known_count_are_left_out(spark: SparkSession) -> None:
    rows: list[Views] = [("c", "v", date(2025, 1, 1), None), ("c", "v", date(2025, 1, 2), 5)]
    assert sums(monthly(daily(spark, rows))) == {("c", "v", "2025-01"): 5}


def test_a_month_without_any_known_count_is_null_rather_than_zero(spark: SparkSession) -> None:
    rows: list[Views] = [("c", "v", date(2025, 1, n), None) for n in (1, 2)]
    assert sums(monthly(daily(spark, rows))) == {("c", "v", "2025-01"): None}


def test_a_null_channel_is_a_channel_of_its_own(spark: SparkSession) -> None:
    rows: list[Views] = [
        (None, "v", date(2025, 1, 1), 1),
        (None, "v", date(2025, 1, 2), 2),
        ("c", "v", date(2025, 1, 3), 4),
    ]
    assert sums(monthly(daily(spark, rows))) == {
        (None, "v", "2025-01"): 3,
        ("c", "v", "2025-01"): 4,
    }


def test_days_below_zero_are_taken_off_the_sum(spark: SparkSession) -> None:
    counts = (-(2**40), 7, -1)
    rows: list[Views] = [("c", "v", date(2025, 1, n + 1), count) for n, count in enumerate(counts)]
    assert sums(monthly(daily(spark, rows))) == {("c", "v", "2025-01"): -(2**40) + 6}


def test_a_sum_below_64_bits_fails_too(spark: SparkSession) -> None:
    rows: list[Views] = [("c", "v", date(2025, 1, n), -(2**63)) for n in (1, 2)]
    with pytest.raises(PySparkException, match="video v exceed 64 bits"):
        monthly(daily(spark, rows)).collect()


def test_the_four_columns_that_there_always_were_come_first(spark: SparkSession) -> None:
    assert monthly(daily(spark, [])).columns[:4] == [
        "channel_id",
        "video_id",
        "month",
        "aggViewCount",
    ]


def test_measures_are_summed_as_views_are_and_others_are_unknown(spark: SparkSession) -> None:
    rows = [
        ("c", "v", date(2025, 1, 1), 1, 3, 0.5),
        ("c", "v", date(2025, 1, 2), 1, None, 1.25),
        ("c", "w", date(2025, 1, 2), 1, None, None),
    ]
    frame = spark.createDataFrame(rows, f"{DDL}, likes bigint, watchMinutes double")
    found = monthly(frame, ["likes", "watchMinutes"]).collect()
    assert {row.video_id: (row.likes, row.watchMinutes, row.shares) for row in found} == {
        "v": (3, 1.75, None),
        "w": (None, None, None),
    }


def test_a_month_says_whether_it_changed_what_counts_as_a_view(spark: SparkSession) -> None:
    changes = [date(2025, 2, 1), date(2025, 3, 31), date(2025, 4, 30)]
    months = [date(2025, month, 15) for month in range(1, 6)]
    frame = daily(spark, [("c", "v", on, 1) for on in months])
    found = monthly(frame, definition_changes=changes).collect()
    assert {
        r.month_start.month: (r.viewDefinitionSince, r.spansDefinitionChange) for r in found
    } == {
        1: (None, False),
        2: (changes[0], False),
        3: (changes[1], True),
        4: (changes[2], True),
        5: (changes[2], False),
    }


# Two wrap to a negative sum, three to a plausible one.
@pytest.mark.parametrize("days", [2, 3, 4])
def test_a_sum_beyond_64_bits_fails_and_names_video_and_month(
    spark: SparkSession, days: int
) -> None:
    rows: list[Views] = [("c", "big", date(2025, 1, n + 1), 2**63 - 1) for n in range(days)]
    result = monthly(daily(spark, [*rows, ("c", "small", date(2025, 1, 1), 1)]))
    with pytest.raises(
        PySparkException, match="video big exceed 64 bits in the month of 2025-01-01"
    ):
        result.collect()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "a", "b"]),
            st.integers(0, 30).map(str),
            st.integers(-400, 400).map(lambda number: date(2024, 2, 29) + timedelta(days=number)),
            st.none() | st.integers(-9, 9) | st.integers(-(2**33), 2**53 + 5),
        ),
        min_size=1,
        max_size=200,
    )
)
def test_sums_equal_those_of_a_plain_loop(spark: SparkSession, rows: list[Any]) -> None:
    expected: dict[Month, int | None] = {}
    for channel, video, on, count in rows:
        month = (channel, video, f"{on:%Y-%m}")
        before = expected.get(month)
        expected[month] = before if count is None else (before or 0) + count
    assert sums(monthly(daily(spark, rows))) == expected


def test_a_measure_beyond_64_bits_fails_by_its_name(spark: SparkSession) -> None:
    rows = [("c", "v", date(2025, 1, n), 1, 2**62) for n in (1, 2)]
    frame = spark.createDataFrame(rows, f"{DDL}, likes bigint")
    with pytest.raises(PySparkException, match="the likes of video v exceed 64 bits"):
        monthly(frame, ["likes"]).collect()


def test_more_rows_than_a_task_holds_at_once_are_added_up_portion_by_portion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(months, "SUMMED_BYTES", 20_000)
    month = MonthOfViews(EMPTY_MONTH)
    rows = 1001
    videos = pa.array(["v", "w"]).take(pa.array(np.arange(rows) % 2))
    columns = [pa.nulls(rows, pa.string()), videos, np.full(rows, 2**40)]
    tables = [pa.table(columns, schema=month.taken)] * 3
    assert {row["video_id"]: row["aggViewCount"] for row in of_month(tables, month)} == {
        "v": 3 * (rows - rows // 2) * 2**40,
        "w": 3 * (rows // 2) * 2**40,
    }


def test_a_dictionary_that_repeats_a_channel_gives_one_row() -> None:
    month = MonthOfViews(EMPTY_MONTH)
    channels = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, None]), ["c", "c"])
    table = pa.table(
        [channels, pa.array(["v"] * 4), pa.array([1, 2, 4, 8])], names=month.taken.names
    )
    rows = of_month([table, table], month)
    assert sorted((r["channel_id"] or "", r["aggViewCount"]) for r in rows) == [("", 24), ("c", 6)]


def test_rows_of_other_months_are_left_out(spark: SparkSession) -> None:
    days = [date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 29), date(2024, 3, 1)]
    rows = daily(spark, [("c", "v", on, 10**n) for n, on in enumerate(days)])
    assert sums(monthly_views(rows, [date(2024, 2, 1)])) == {("c", "v", "2024-02"): 110}
