from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from resources.delta.errors import RefusedRowsError, SchemaMismatchError
from resources.delta.schema_check import (
    as_declared,
    conformed,
    days_between,
    describe_days,
    require_days,
    require_keys,
)
from resources.delta.table import TIMESTAMP, Column, Table
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.engagement.tables import SESSIONS, VIDEO_METADATA


def metadata(**columns: Any) -> pa.Table:
    return pa.table({"videoId": ["v"], "duration": [1.0], "title": ["t"]} | columns)


def test_columns_are_taken_by_name() -> None:
    shuffled = metadata().select(["title", "videoId", "duration"])
    assert conformed(shuffled, VIDEO_METADATA).column_names == ["videoId", "duration", "title"]


@pytest.mark.parametrize("type_", [pa.large_string(), pa.string_view()])
def test_every_kind_of_string_is_a_string(type_: pa.DataType) -> None:
    rows = conformed(metadata(title=pa.array(["t"], type_)), VIDEO_METADATA)
    assert rows.schema.types == VIDEO_METADATA.arrow_schema.types


def test_numbered_texts_stay_numbered_until_they_are_written() -> None:
    rows = conformed(metadata(title=pa.array(["t"]).dictionary_encode()), VIDEO_METADATA)
    assert pa.types.is_dictionary(rows.schema.field("title").type)
    assert as_declared(rows, VIDEO_METADATA)["title"].to_pylist() == ["t"]
    assert as_declared(rows, VIDEO_METADATA).schema.types == VIDEO_METADATA.arrow_schema.types


def test_a_utc_time_is_the_same_under_any_zone() -> None:
    table = Table("t", "a row", (Column("at", TIMESTAMP, "when"),), ("at",))
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    rows = pa.table({"at": pa.array([moment], pa.timestamp("us", "Europe/Zurich"))})
    assert conformed(rows, table)["at"].to_pylist() == [moment]


def test_all_differences_are_named_at_once() -> None:
    rows = pa.table({"videoId": [7], "title": ["t"], "extra": [1]})
    with pytest.raises(SchemaMismatchError) as error:
        conformed(rows, VIDEO_METADATA)
    for text in (
        "table video_metadata",
        "column duration is missing",
        "column extra is not declared",
        "column videoId is int64, declared is string",
        "tables.py of its group",
    ):
        assert text in str(error.value)


@pytest.mark.parametrize(
    "values",
    [pa.array([1], pa.int64()), pa.array([1.0], pa.float32()), pa.array(["1"], pa.string())],
)
def test_numbers_are_never_cast_in_silence(values: pa.Array) -> None:
    with pytest.raises(SchemaMismatchError, match="column duration is"):
        conformed(metadata(duration=values), VIDEO_METADATA)


def test_a_local_time_is_no_utc_time() -> None:
    table = Table("t", "a row", (Column("at", TIMESTAMP, "when"),), ("at",))
    with pytest.raises(SchemaMismatchError, match="column at is"):
        conformed(pa.table({"at": pa.array([0], pa.timestamp("us"))}), table)


def test_a_repeated_column_is_refused() -> None:
    rows = pa.table([["v"], [1.0], ["t"], ["u"]], names=["videoId", "duration", "title", "title"])
    with pytest.raises(SchemaMismatchError, match="title is there more than once"):
        conformed(rows, VIDEO_METADATA)


def test_a_null_in_a_required_column_names_column_count_and_key() -> None:
    rows = pa.table(
        {"videoId": ["v", None, None], "duration": [1.0, 2.0, 3.0], "title": ["a", "b", "c"]}
    )
    with pytest.raises(RefusedRowsError, match=r"videoId is null in 2 row.*videoId=None"):
        require_keys(rows, VIDEO_METADATA)


def test_a_null_in_another_column_is_fine() -> None:
    require_keys(
        conformed(metadata(title=pa.array([None], pa.string())), VIDEO_METADATA), VIDEO_METADATA
    )


@pytest.mark.parametrize("intervals", [[None], [{"start": 1.0, "end": None}]])
def test_a_null_inside_an_interval_is_refused(intervals: list[Any]) -> None:
    declared = SESSIONS["watchedIntervals"]
    table = Table("t", "a row", (Column("i", declared.type, "intervals"),), ("i",))
    element = pa.struct([("start", pa.float64()), ("end", pa.float64())])
    rows = pa.table({"i": pa.array([[], intervals], pa.list_(element))})
    with pytest.raises(RefusedRowsError, match="column i holds a null inside"):
        conformed(rows, table)


def test_days_between_leave_the_end_out() -> None:
    assert days_between(date(2025, 1, 30), date(2025, 2, 1)) == {
        date(2025, 1, 30),
        date(2025, 1, 31),
    }


def test_a_day_outside_the_run_is_named() -> None:
    allowed = days_between(date(2025, 1, 1), date(2025, 1, 3))
    with pytest.raises(RefusedRowsError, match=r"2025-01-03 lie outside .*2025-01-01, 2025-01-02"):
        require_days([date(2025, 1, 1), date(2025, 1, 3)], DAILY_VIDEO_VIEWS, allowed)


def test_many_days_are_described_in_short() -> None:
    days = days_between(date(2025, 1, 1), date(2026, 1, 1))
    assert describe_days(days) == "2025-01-01 to 2025-12-31, 365 days"
