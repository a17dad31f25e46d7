import math
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.delta.statistics import FileStatistics
from resources.delta.table import INTERVALS, TIMESTAMP


def statistics(type_: pa.DataType, *chunks: list[Any]) -> dict[str, Any]:
    counted = FileStatistics(pa.schema([("c", type_)]))
    for chunk in chunks:
        counted.add(pa.table({"c": pa.array(chunk, type_)}))
    return dict(orjson.loads(counted.as_json()))


def bounds(type_: pa.DataType, *chunks: list[Any]) -> tuple[Any, Any]:
    found = statistics(type_, *chunks)
    return found["minValues"].get("c"), found["maxValues"].get("c")


def test_rows_nulls_and_bounds_add_up_over_chunks() -> None:
    assert statistics(pa.int64(), [5, None], [2, 9, None]) == {
        "numRecords": 5,
        "minValues": {"c": 2},
        "maxValues": {"c": 9},
        "nullCount": {"c": 2},
    }


def test_a_column_of_nulls_has_no_bounds() -> None:
    assert bounds(pa.string(), [None, None]) == (None, None)


def test_not_a_number_takes_the_bounds_away_for_good() -> None:
    assert bounds(pa.float64(), [1.0, math.nan], [3.0]) == (None, None)


def test_infinity_is_no_bound() -> None:
    assert bounds(pa.float64(), [1.0, math.inf]) == (1.0, None)


def test_times_are_rounded_away_from_the_values_to_milliseconds() -> None:
    low = datetime(2025, 1, 1, 0, 0, 0, 1_999, tzinfo=UTC)
    high = datetime(2025, 1, 1, 0, 0, 0, 2_001, tzinfo=UTC)
    assert bounds(TIMESTAMP, [low, high]) == (
        "2025-01-01T00:00:00.001Z",
        "2025-01-01T00:00:00.003Z",
    )


def test_a_time_beyond_year_9999_is_no_bound() -> None:
    far = pa.array([0, 2**62], pa.int64()).cast(TIMESTAMP)
    counted = FileStatistics(pa.schema([("c", TIMESTAMP)]))
    counted.add(pa.table({"c": far}))
    found = orjson.loads(counted.as_json())
    assert found["minValues"] == {"c": "1970-01-01T00:00:00.000Z"}
    assert found["maxValues"] == {}


def test_days_are_iso_dates() -> None:
    assert bounds(pa.date32(), [date(2025, 2, 1), date(1970, 1, 1)]) == ("1970-01-01", "2025-02-01")


def test_long_strings_are_cut_and_the_upper_bound_stays_above() -> None:
    low, high = bounds(pa.string(), ["a" * 40, "z" * 40])
    assert low == "a" * 32
    assert high == "z" * 32 + "\U0010ffff"


@pytest.mark.parametrize("type_", [pa.bool_(), INTERVALS])
def test_booleans_and_lists_count_nulls_only(type_: pa.DataType) -> None:
    found = statistics(type_, [None])
    assert (found["minValues"], found["maxValues"], found["nullCount"]) == ({}, {}, {"c": 1})


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=50), min_size=1))
def test_string_bounds_enclose_every_value(values: list[str]) -> None:
    low, high = bounds(pa.string(), values)
    assert all(low <= value for value in values)
    assert high is None or all(value <= high for value in values)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_number_bounds_enclose_every_value(values: list[float]) -> None:
    low, high = bounds(pa.float64(), values)
    assert low == min(values)
    assert high == max(values)
