from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from video_assets.daily_views.monthly_views import monthly_views
from video_assets.daily_views.tables import MONTHLY_VIEWS

DDL = "channel_id string, video_id string, date date, viewCount bigint"

Views = tuple[str | None, str, date, int | None]
Month = tuple[str | None, str, str]


def daily(spark: SparkSession, rows: Iterable[Views]) -> DataFrame:
    return spark.createDataFrame(list(rows), DDL)


def sums(frame: DataFrame) -> dict[Month, int | None]:
    rows = frame.collect()
    result = {(row.channel_id, row.video_id, row.month): row.aggViewCount for row in rows}
    assert len(result) == len(rows)
    return result


def test_the_month_is_given_as_text_and_as_its_first_day(spark: SparkSession) -> None:
    result = monthly_views(daily(spark, [("c", "v", date(2024, 2, 29), 3)]))
    assert result.columns == list(MONTHLY_VIEWS.column_names)
    (row,) = result.collect()
    assert (row.month, row.month_start) == ("2024-02", date(2024, 2, 1))


def test_the_last_and_the_first_day_of_a_month_are_told_apart(spark: SparkSession) -> None:
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 29), date(2024, 3, 1)]
    rows: list[Views] = [("c", "v", on, 10**number) for number, on in enumerate(days)]
    assert sums(monthly_views(daily(spark, rows))) == {
        ("c", "v", "2023-12"): 1,
        ("c", "v", "2024-01"): 10,
        ("c", "v", "2024-02"): 100,
        ("c", "v", "2024-03"): 1000,
    }


@pytest.mark.parametrize("count", [2**31, 2**53 + 1, 2**62 - 1])
def test_sums_are_exact_beyond_32_bits_and_beyond_a_double(spark: SparkSession, count: int) -> None:
    rows: list[Views] = [("c", "v", date(2025, 1, n), count) for n in (1, 2)]
    assert sums(monthly_views(daily(spark, [*rows, ("c", "v", date(2025, 1, 3), 1)]))) == {
        ("c", "v", "2025-01"): 2 * count + 1
    }


def test_days_without_a_known_count_are_left_out(spark: SparkSession) -> None:
    rows: list[Views] = [("c", "v", date(2025, 1, 1), None), ("c", "v", date(2025, 1, 2), 5)]
    assert sums(monthly_views(daily(spark, rows))) == {("c", "v", "2025-01"): 5}


def test_a_month_without_any_known_count_is_null_rather_than_zero(spark: SparkSession) -> None:
    rows: list[Views] = [("c", "v", date(2025, 1, n), None) for n in (1, 2)]
    assert sums(monthly_views(daily(spark, rows))) == {("c", "v", "2025-01"): None}


def test_a_null_channel_is_a_channel_of_its_own(spark: SparkSession) -> None:
    rows: list[Views] = [
        (None, "v", date(2025, 1, 1), 1),
        (None, "v", date(2025, 1, 2), 2),
        ("c", "v", date(2025, 1, 3), 4),
    ]
    assert sums(monthly_views(daily(spark, rows))) == {
        (None, "v", "2025-01"): 3,
        ("c", "v", "2025-01"): 4,
    }


# Two wrap to a negative sum, three to a plausible one.
@pytest.mark.parametrize("days", [2, 3, 4])
def test_a_sum_beyond_64_bits_fails_and_names_video_and_month(
    spark: SparkSession, days: int
) -> None:
    rows: list[Views] = [("c", "big", date(2025, 1, n + 1), 2**63 - 1) for n in range(days)]
    result = monthly_views(daily(spark, [*rows, ("c", "small", date(2025, 1, 1), 1)]))
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
            st.none() | st.integers(0, 9) | st.integers(0, 2**53 + 5),
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
    assert sums(monthly_views(daily(spark, rows))) == expected
