from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_assets.arrow.types import ArrowArray
from video_assets.sources.time_texts import times_of_text
from video_assets.sources.times import read_days, read_times
from video_assets.vocabulary import TimestampUnit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = datetime(2025, 1, 3, 10, 20, 30, 123456, tzinfo=UTC)


def moment_of(array: ArrowArray, unit: TimestampUnit | None = None) -> datetime | None:
    times, readable = read_times(array, unit)
    return EPOCH + timedelta(microseconds=int(times[0])) if readable[0] else None


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2025-01-03T10:20:30.123456Z", 123456),
        ("2025-01-03T10:20:30.123456", 123456),
        ("2025-01-03 10:20:30.123456", 123456),
        ("2025-01-03T12:20:30.123456+02:00", 123456),
        ("2025-01-03T12:20:30.123456+0200", 123456),
        ("2025-01-03T08:20:30.123456-02", 123456),
        ("2025-01-03T15:50:30.123456+05:30", 123456),
        ("2025-01-03T10:20:30Z", 0),
        ("2025-01-03T10:20:30", 0),
        ("2025-01-03T10:20:30.1Z", 100000),
        ("2025-01-03T10:20:30,123Z", 123000),
        ("2025-01-03T10:20:30.123456999Z", 123456),
        ("2025-01-03T10:20:30.1234567+00:00", 123456),
        ("  2025-01-03T10:20:30Z ", 0),
        ("2025-01-03t10:20:30.123456z", 123456),
        ("2025-01-03 10:20:30 UTC", 0),
        ("2025-01-03 10:20:30.123456 UTC", 123456),
        ("2025-01-03 12:20:30 +0200", 0),
        ("2025-01-03 12:20:30,123456789 +02:00", 123456),
        ("2025-01-03 10:20:30 Z", 0),
        ("20250103T102030Z", 0),
        ("20250103T102030.123456Z", 123456),
        ("20250103T122030+0200", 0),
        ("1/3/2025 10:20:30 AM", 0),
        ("01/03/2025, 10:20:30.1234567 am", 123456),
        ("1/3/2025 10:20:30\u202fAM", 0),
        ("Fri, 03 Jan 2025 10:20:30 +0000", 0),
        ("Fri, 3 Jan 2025 12:20:30 +0200", 0),
        ("03 Jan 2025 10:20:30 GMT", 0),
    ],
)
def test_iso_8601_text_is_read_in_every_notation(text: str, microsecond: int) -> None:
    assert moment_of(pa.array([text])) == MOMENT.replace(microsecond=microsecond)


def test_a_date_alone_is_midnight_and_a_time_may_lack_seconds() -> None:
    assert moment_of(pa.array(["2025-01-03"])) == datetime(2025, 1, 3, tzinfo=UTC)
    assert moment_of(pa.array(["2025-01-03T10:20Z"])) == datetime(2025, 1, 3, 10, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1735899630",
        "2025-02-29",
        "2025-13-01",
        "2025-00-10",
        "2025-01-00",
        "2025-01-03T24:00:00Z",
        "2025-01-03T10:60:00Z",
        "2025-01-03T10:20:60Z",
        "2025-01-03T10:20:30.",
        "2025-01-03T10:20:30.1234567890Z",
        "2025-01-03T10:20:30+2:00",
        "2025-01-03T10:20:30 CET",
        "2025/01/03",
        "13/1/2025 10:20:30 AM",
        "2/29/2025 10:20:30 AM",
        "1/3/2025 13:20:30 PM",
        "1/3/2025 10:20:30",
        "Fri, 31 Feb 2025 10:20:30 +0000",
        "20250103",
        "20251303T102030Z",
        "1899-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z",
        "٢٠٢٥-٠١-٠٣",  # noqa: RUF001 (digits, but not ISO 8601's)
        "x" * 10_000,
    ],
)
def test_text_that_is_no_iso_8601_time_is_unreadable(text: str) -> None:
    assert moment_of(pa.array([text])) is None


@pytest.mark.parametrize(
    ("text", "hour"), [("12:05:00 AM", 0), ("1:05:00 AM", 1), ("12:05:00 PM", 12), ("11:05 PM", 23)]
)
def test_the_halves_of_a_day_begin_at_twelve(text: str, hour: int) -> None:
    moment = datetime(2025, 12, 31, hour, 5, tzinfo=UTC)
    assert moment_of(pa.array([f"12/31/2025 {text}"])) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-03 10:20:00", "2025-01-03T09:20:00"),
        ("2025-07-03 10:20", "2025-07-03T08:20:00"),
        ("7/3/2025 10:20:00 AM", "2025-07-03T08:20:00"),
        ("2025-07-03", "2025-07-02T22:00:00"),
        ("2025-07-03 10:20:00Z", "2025-07-03T10:20:00"),
        ("2025-07-03 10:20:00 +0000", "2025-07-03T10:20:00"),
        ("2025-10-26 02:30:00", "2025-10-26T00:30:00"),
        ("2025-03-30 02:30:00", "2025-03-30T01:00:00"),
    ],
)
def test_a_text_without_offset_is_in_the_time_zone_of_the_setting(text: str, expected: str) -> None:
    times, readable = times_of_text(pa.array([text]), "Europe/Zurich")
    assert readable.all()
    assert EPOCH + timedelta(microseconds=int(times[0])) == datetime.fromisoformat(expected + "Z")


def test_a_null_is_unreadable_among_readable_texts() -> None:
    texts = pa.array(["2025-01-03", None, "2025-01-04", "bad"])[1:]
    assert times_of_text(texts)[1].tolist() == [False, True, False]


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1900, 1, 2), datetime(2261, 12, 30)),  # noqa: DTZ001 (a zone follows)
            st.integers(-14 * 60, 14 * 60),
        ),
        max_size=20,
    )
)
def test_what_python_writes_in_any_zone_is_read_back_exactly(
    moments: list[tuple[datetime, int]],
) -> None:
    aware = [m.replace(tzinfo=timezone(timedelta(minutes=offset))) for m, offset in moments]
    times, readable = times_of_text(pa.array([m.isoformat() for m in aware], pa.string()))
    assert readable.all()
    assert [EPOCH + timedelta(microseconds=int(time)) for time in times] == aware


@given(st.lists(st.text(alphabet="0123456789-:TZ+ .", max_size=30), max_size=30))
def test_each_text_is_read_as_if_it_were_alone(texts: list[str]) -> None:
    together = times_of_text(pa.array(texts, pa.string()))
    alone = [times_of_text(pa.array([text], pa.string())) for text in texts]
    assert together[0].tolist() == [int(times[0]) for times, _ in alone]
    assert together[1].tolist() == [bool(readable[0]) for _, readable in alone]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([MOMENT], pa.timestamp("us", "UTC")),
        pa.array([MOMENT], pa.timestamp("us", "Europe/Zurich")),
        pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("us")),
        pa.array([1735899630123456789], pa.timestamp("ns", "UTC")),
    ],
)
def test_typed_timestamps_are_utc_with_or_without_a_zone(array: ArrowArray) -> None:
    assert moment_of(array) == MOMENT


def test_coarse_timestamps_and_dates_are_read() -> None:
    day = datetime(2025, 1, 3, tzinfo=UTC)
    for type_ in (pa.timestamp("s"), pa.timestamp("ms", "UTC"), pa.date32(), pa.date64()):
        assert moment_of(pa.array([day.replace(tzinfo=None)], type_)) == day


@pytest.mark.parametrize(
    ("array", "unit"),
    [
        (pa.array([1735899630123456]), "us"),
        (pa.array([1735899630123456789]), "ns"),
        (pa.array(["1735899630123456789"]), "ns"),
        (pa.array(["1735899630123456"]), "us"),
        (pa.array([1735899630.123456]), "s"),
        (pa.array(["1735899630.123456"]), "s"),
        (pa.array([1735899630123.456]), "ms"),
        (pa.array([Decimal("1735899630.123456")]), "s"),
        (pa.array(["2025-01-03T10:20:30.123456Z"]), "s"),
    ],
)
def test_numbers_are_times_in_the_unit_of_the_setting(
    array: ArrowArray, unit: TimestampUnit
) -> None:
    assert moment_of(array, unit) == MOMENT


@pytest.mark.parametrize("number", [2**63 - 1, -(2**62), 10**17])
def test_numbers_far_out_of_range_are_unreadable_and_do_not_overflow(number: int) -> None:
    assert moment_of(pa.array([number]), "s") is None
    assert moment_of(pa.array([str(number)]), "s") is None


def test_infinite_and_huge_unsigned_numbers_are_unreadable() -> None:
    assert moment_of(pa.array([np.inf]), "s") is None
    assert moment_of(pa.array([np.nan]), "s") is None
    assert moment_of(pa.array([2**64 - 1], pa.uint64()), "us") is None


def test_numbers_without_a_unit_are_unreadable() -> None:
    assert moment_of(pa.array([1735899630])) is None


def days_of(texts: list[str | None], date_format: str | None, *, or_iso: bool) -> list[str | None]:
    days, readable = read_days(pa.array(texts, pa.string()), None, date_format, or_iso=or_iso)
    return [
        str(np.datetime64(int(d), "D")) if r else None for d, r in zip(days, readable, strict=True)
    ]


def test_dates_are_read_by_their_format() -> None:
    texts = ["17.14.11", "17.15.11", "17.14.11", "17.32.11", None, ""]
    expected = ["2017-11-14", "2017-11-15", "2017-11-14", None, None, None]
    assert days_of(texts, "%y.%d.%m", or_iso=False) == expected


def test_iso_text_beside_a_format_is_read_only_where_both_are_allowed() -> None:
    text = "2017-11-13T17:13:01.000Z"
    assert days_of([text], "%y.%d.%m", or_iso=True) == ["2017-11-13"]
    assert days_of([text], "%y.%d.%m", or_iso=False) == [None]


def test_the_day_of_a_time_is_its_day_in_utc() -> None:
    assert days_of(["2025-01-03T00:30:00+02:00"], None, or_iso=False) == ["2025-01-02"]


def test_whole_numbers_may_be_dates_of_a_format() -> None:
    days, readable = read_days(pa.array([20250103]), None, "%Y%m%d", or_iso=False)
    assert (str(np.datetime64(int(days[0]), "D")), bool(readable[0])) == ("2025-01-03", True)
