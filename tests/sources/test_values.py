import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_assets.arrow.types import ArrowArray
from video_assets.sources.values import read_counts, read_ids, read_positions
from video_assets.vocabulary import PositionUnit


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["7"], pa.large_string()),
        pa.array(["7"], pa.string_view()),
        pa.array([b"7"], pa.binary()),
        pa.array([7], pa.int8()),
        pa.array([7], pa.uint64()),
    ],
)
def test_ids_of_every_type_become_text(array: ArrowArray) -> None:
    assert read_ids(array).to_pylist() == ["7"]


def test_empty_and_blank_ids_are_missing_and_others_stay_as_they_are() -> None:
    ids = read_ids(pa.array(["", "  ", "\t\u00a0", None, " peter ", "null"]))
    assert ids.to_pylist() == [None, None, None, None, " peter ", "null"]


def test_a_column_of_nulls_has_no_ids() -> None:
    assert read_ids(pa.nulls(2)).to_pylist() == [None, None]


def position(array: ArrowArray) -> float | None:
    values, finite = read_positions(array)
    return float(values[0]) if finite[0] else None


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([3], pa.int32()), 3.0),
        (pa.array([3], pa.uint64()), 3.0),
        (pa.array([1.5], pa.float32()), 1.5),
        (pa.array([Decimal("12.50")]), 12.5),
        (pa.array(["12.5"]), 12.5),
        (pa.array([" 1e2 "]), 100.0),
        (pa.array([".5"]), 0.5),
    ],
)
def test_positions_of_every_type_are_seconds(array: ArrowArray, expected: float) -> None:
    assert position(array) == expected


@pytest.mark.parametrize(
    "value", [None, "", "x", "nan", "inf", "-Infinity", "1_000", "0x10", "1,5", "--1"]
)
def test_text_that_is_no_finite_number_is_no_position(value: str | None) -> None:
    assert position(pa.array([value, "1.0"], pa.string())) is None
    assert position(pa.array([value], pa.string())) is None


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_float_that_is_not_finite_is_no_position(value: float | None) -> None:
    assert position(pa.array([value], pa.float64())) is None


def test_minus_zero_is_the_same_position_as_zero() -> None:
    values, _ = read_positions(pa.array([-0.0]))
    assert not np.signbit(values[0])


@given(st.lists(st.text(alphabet="0123456789.eE+- naif", max_size=8), max_size=20))
def test_each_position_is_read_as_if_it_were_alone(texts: list[str]) -> None:
    together = read_positions(pa.array([*texts, "not a number"], pa.string()))
    alone = [position(pa.array([text], pa.string())) for text in texts]
    positions = [float(v) if f else None for v, f in zip(*together, strict=True)]
    assert positions[:-1] == alone


def count(array: ArrowArray) -> int | str:
    counts, there, whole = read_counts(array)
    if not there[0]:
        return "missing"
    return int(counts[0]) if whole[0] else "unreadable"


BIG = 2**53 + 1


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([BIG]), BIG),
        (pa.array([str(BIG)]), BIG),
        (pa.array([str(2**63 - 1)]), 2**63 - 1),
        (pa.array([Decimal(BIG)]), BIG),
        (pa.array([BIG], pa.uint64()), BIG),
        (pa.array([12.0]), 12),
        (pa.array(["12.0"]), 12),
        (pa.array([" 12 "]), 12),
        (pa.array(["1e3"]), 1000),
        (pa.array([-3]), -3),
        (pa.array([12.5]), "unreadable"),
        (pa.array(["12.5"]), "unreadable"),
        (pa.array([Decimal("12.5")]), "unreadable"),
        (pa.array(["1,234"]), "unreadable"),
        (pa.array(["1_234"]), "unreadable"),
        (pa.array(["many"]), "unreadable"),
        (pa.array(["nan"]), "unreadable"),
        (pa.array(["1e999999999"]), "unreadable"),
        (pa.array(["9" * 100_000]), "unreadable"),
        (pa.array([str(2**63)]), "unreadable"),
        (pa.array([2**63], pa.uint64()), "unreadable"),
        (pa.array([math.inf]), "unreadable"),
        (pa.array([math.nan]), "missing"),
        (pa.array([None], pa.int64()), "missing"),
        (pa.array([None], pa.string()), "missing"),
        (pa.array(["  "]), "missing"),
    ],
)
def test_counts_are_exact_64_bit_numbers_or_told_apart(
    array: ArrowArray, expected: int | str
) -> None:
    assert count(array) == expected


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_whole_counts_survive_as_numbers_and_as_text(numbers: list[int]) -> None:
    as_numbers, _, _ = read_counts(pa.array(numbers, pa.int64()))
    as_text, _, _ = read_counts(pa.array([str(number) for number in numbers], pa.string()))
    assert as_numbers.tolist() == numbers
    assert as_text.tolist() == numbers


@pytest.mark.parametrize(
    ("unit", "text", "seconds"),
    [
        ("s", "61.5", 61.5),
        ("ms", "61500", 61.5),
        ("iso8601", "PT5M21S", 321.0),
        ("iso8601", "pt1h0.5s", 3600.5),
        ("iso8601", "P1DT1S", 86401.0),
        ("iso8601", "PT0,25S", 0.25),
        ("iso8601", "PT", None),
        ("iso8601", "P1M", None),
        ("iso8601", "321", None),
        ("clock", "00:05:21", 321.0),
        ("clock", "5:21.5", 321.5),
        ("clock", "90:00", 5400.0),
        ("clock", "1:60:00", None),
        ("clock", "0:05:60", None),
        ("clock", "321", None),
    ],
)
def test_positions_are_read_in_the_unit_that_the_settings_name(
    unit: PositionUnit, text: str, seconds: float | None
) -> None:
    positions, finite = read_positions(pa.array([text, None]), unit)
    assert finite.tolist() == [seconds is not None, False]
    assert positions.tolist() == [seconds or 0.0, 0.0]
