import os
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.source_files import DAILY_VIEW, read, write

from video_assets.daily_views.source_rows import (
    DAILY_VIEW_ROWS,
    ViewNotation,
    daily_view_rows,
)
from video_assets.daily_views.tables import REJECTED_DAILY_VIEWS
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.tagged import COUNTERS


def test_tagged_views_hold_the_columns_of_both_tables_the_order_and_the_count() -> None:
    ours = {"channel_id", "video_id", "created_date", "date", "reportedCount"}
    ours |= {"deliveryOrder", *COUNTERS, *REJECTED_DAILY_VIEWS.column_names}
    assert set(DAILY_VIEW_ROWS.tagged.arrow.names) == ours
    with_likes = daily_view_rows(ViewNotation(measures=frozenset({"likes"}))).tagged.arrow
    assert set(with_likes.names) == ours | {"likes"}


def test_a_valid_row_keeps_its_values(tmp_path: Path) -> None:
    (row,) = read(write(tmp_path / "views.csv", [DAILY_VIEW]), DAILY_VIEW_ROWS).valid
    assert (row["channel_id"], row["video_id"]) == ("channel", "video_001")
    assert (row["created_date"], row["date"]) == (date(2025, 1, 1), date(2025, 1, 3))
    assert row["reportedCount"] == 7


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"video_id": ""}, "missing_video"),
        ({"date": None}, "missing_date"),
        ({"date": " "}, "missing_date"),
        ({"date": "03.01.2025"}, "unreadable_date"),
        ({"date": "2025-02-30"}, "unreadable_date"),
        ({"viewCount": None}, "missing_count"),
        ({"viewCount": ""}, "missing_count"),
        ({"viewCount": "many"}, "unreadable_count"),
        ({"viewCount": 7.5}, "unreadable_count"),
        ({"created_date": "2025-01-04", "viewCount": 0}, "before_upload"),
        ({"video_id": None, "date": None, "viewCount": -1}, "missing_video"),
    ],
)
def test_a_row_that_breaks_a_rule_is_rejected_with_the_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = write(tmp_path / "views.json", [DAILY_VIEW, {**DAILY_VIEW, **change}])
    outcome = read(path, DAILY_VIEW_ROWS)
    (row,) = outcome.rejected
    unreadable = row["date"] == date(1970, 1, 1)
    assert (row["reason"], row["sourceRow"]) == (reason, 2)
    assert unreadable == ("date" in change)
    assert len(outcome.valid) == 1


def test_a_count_below_zero_is_a_correction_and_of_a_running_total_a_mistake(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "views.csv", [{**DAILY_VIEW, "viewCount": -100}])
    [row] = read(path, DAILY_VIEW_ROWS).valid
    assert row["reportedCount"] == -100
    counters = daily_view_rows(ViewNotation(counts_may_be_negative=False))
    assert read(path, counters).reasons == ["negative_count"]


@pytest.mark.parametrize(
    ("created", "count"), [("long ago", 7), ("2025-01-04", 7), ("2025-01-04", -7), ("", 0)]
)
def test_a_created_date_is_no_reason_to_lose_views(
    created: str, count: int, tmp_path: Path
) -> None:
    rows = [{**DAILY_VIEW, "created_date": created, "viewCount": count}]
    [row] = read(write(tmp_path / "views.csv", rows), DAILY_VIEW_ROWS).valid
    assert row["reportedCount"] == count


def test_a_row_with_another_measure_is_no_zero(tmp_path: Path) -> None:
    row = {**DAILY_VIEW, "created_date": "2025-01-04", "viewCount": 0}
    path = write(tmp_path / "views.csv", [{**row, "likes": 1}, {**row, "likes": 0}])
    outcome = read(path, daily_view_rows(ViewNotation(measures=frozenset({"likes"}))))
    assert [row["likes"] for row in outcome.valid] == [1]
    assert outcome.reasons == ["before_upload"]


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_a_source_without_channels_and_upload_days_is_read(tmp_path: Path, suffix: str) -> None:
    row = {name: DAILY_VIEW[name] for name in ("video_id", "date", "viewCount")}
    [valid] = read(write(tmp_path / f"views.{suffix}", [row]), DAILY_VIEW_ROWS).valid
    assert (valid["channel_id"], valid["created_date"]) == (None, None)


def test_a_column_that_the_settings_name_must_be_there(tmp_path: Path) -> None:
    row = {name: DAILY_VIEW[name] for name in ("video_id", "date", "viewCount")}
    path = write(tmp_path / "views.csv", [row])
    kind = daily_view_rows(ViewNotation(), mapped=["channel_id"])
    with pytest.raises(SourceError, match="no column 'chanel'"):
        read(SourceConfig(str(path), columns={"chanel": "channel_id"}), kind)


def test_measures_are_read_and_null_where_they_cannot_be(tmp_path: Path) -> None:
    rows = [
        {**DAILY_VIEW, "likes": "-3", "minutes": "1.5"},
        {**DAILY_VIEW, "likes": "many", "minutes": ""},
    ]
    source = SourceConfig(
        str(write(tmp_path / "views.csv", rows)), columns={"minutes": "watchMinutes"}
    )
    measures = frozenset({"likes", "watchMinutes", "shares"})
    outcome = read(source, daily_view_rows(ViewNotation(measures=measures)))
    assert [(r["likes"], r["watchMinutes"], r["shares"]) for r in outcome.valid] == [
        (-3, 1.5, None),
        (None, None, None),
    ]


def test_ids_lose_the_blank_that_exports_set_before_a_minus_sign(tmp_path: Path) -> None:
    path = write(tmp_path / "views.csv", [{**DAILY_VIEW, "video_id": " -serQUrgefU"}])
    [row] = read(path, DAILY_VIEW_ROWS).valid
    assert row["video_id"] == "-serQUrgefU"


@pytest.mark.parametrize(
    ("thousands", "text", "count"),
    [
        (",", "1,234", 1234),
        (",", "-12,345,678", -12_345_678),
        (".", "1.234", 1234),
        (" ", "1 234", 1234),
        (",", "1,23", None),
        (None, "1,234", None),
    ],
)
def test_thousands_are_separated_as_the_settings_say(
    thousands: str | None, text: str, count: int | None, tmp_path: Path
) -> None:
    path = write(tmp_path / "views.csv", [{**DAILY_VIEW, "viewCount": text}])
    outcome = read(path, daily_view_rows(ViewNotation(thousands=thousands)))
    assert [row["reportedCount"] for row in outcome.valid] == ([] if count is None else [count])


def test_rows_that_are_no_videos_are_ignored_whatever_else_is_wrong(tmp_path: Path) -> None:
    rows = [
        DAILY_VIEW,
        {**DAILY_VIEW, "video_id": "Total", "viewCount": "n/a"},
        {**DAILY_VIEW, "video_id": ""},
    ]
    path = write(tmp_path / "views.csv", rows)
    outcome = read(path, daily_view_rows(ViewNotation(ignored_ids=frozenset({"Total", ""}))))
    assert (len(outcome.valid), outcome.rejected, outcome.ignored) == (1, [], 2)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2025-01-03T07:59:59Z", 2),
        ("2025-01-03T08:00:00+00:00", 3),
        ("2025-01-03", 3),
        ("2025-01-03T01:00:00", 3),
    ],
)
def test_the_day_of_a_moment_is_reckoned_where_the_settings_say(
    moment: str, day: int, tmp_path: Path
) -> None:
    path = write(tmp_path / "views.csv", [{**DAILY_VIEW, "date": moment}])
    [row] = read(path, daily_view_rows(ViewNotation(time_zone="America/Los_Angeles"))).valid
    assert row["date"] == date(2025, 1, day)


def test_the_day_of_a_typed_moment_is_reckoned_there_too(tmp_path: Path) -> None:
    moments = pa.array([1_735_891_199, 1_735_891_200], pa.timestamp("s", "UTC"))
    columns = {"video_id": ["v", "v"], "date": moments, "viewCount": [1, 2]}
    pq.write_table(pa.table(columns), tmp_path / "views.parquet")
    kind = daily_view_rows(ViewNotation(time_zone="America/Los_Angeles"))
    outcome = read(tmp_path / "views.parquet", kind)
    assert [row["date"].day for row in outcome.valid] == [2, 3]


def test_upload_days_may_have_a_notation_of_their_own(tmp_path: Path) -> None:
    row = {**DAILY_VIEW, "created_date": "Jan 2, 2025"}
    path = write(tmp_path / "views.csv", [row, {**row, "created_date": "2025-01-02"}])
    kind = daily_view_rows(ViewNotation(created_date_format="%b %d, %Y"))
    created = [valid["created_date"] for valid in read(path, kind).valid]
    assert created == [date(2025, 1, 2)] * 2


def test_a_channel_or_upload_day_may_be_absent(tmp_path: Path) -> None:
    row = {**DAILY_VIEW, "channel_id": None, "created_date": None}
    blank = {**DAILY_VIEW, "channel_id": " ", "created_date": " "}
    for valid in read(write(tmp_path / "views.json", [row, blank]), DAILY_VIEW_ROWS).valid:
        assert (valid["channel_id"], valid["created_date"]) == (None, None)


def test_dates_of_a_format_stand_beside_an_upload_time_in_iso_8601(tmp_path: Path) -> None:
    row = {**DAILY_VIEW, "date": "25.03.01", "created_date": "2025-01-02T23:30:00-01:00"}
    path = write(tmp_path / "views.csv", [row, {**row, "date": "2025-01-03"}])
    outcome = read(SourceConfig(str(path), date_format="%y.%d.%m"), DAILY_VIEW_ROWS)
    assert [(r["date"], r["created_date"]) for r in outcome.valid] == [
        (date(2025, 1, 3), date(2025, 1, 3))
    ]
    assert outcome.reasons == ["unreadable_date"]


def test_typed_columns_are_read(tmp_path: Path) -> None:
    table = pa.table(
        {
            "channel_id": [1],
            "video_id": ["v"],
            "created_date": pa.array([date(2025, 1, 1)], pa.date64()),
            "day": pa.array([20250103]),
            "viewCount": pa.array([2**53 + 1], pa.uint64()),
        }
    )
    pq.write_table(table, tmp_path / "views.parquet")
    config = SourceConfig(
        str(tmp_path / "views.parquet"), columns={"day": "date"}, date_format="%Y%m%d"
    )
    (row,) = read(config, DAILY_VIEW_ROWS).valid
    assert (row["channel_id"], row["date"], row["reportedCount"]) == (
        "1",
        date(2025, 1, 3),
        2**53 + 1,
    )
    with pytest.raises(SourceError, match="VIDEO_ASSETS_DAILY_VIEWS_DATE_FORMAT"):
        read(SourceConfig(config.uri, columns={"day": "date"}), DAILY_VIEW_ROWS)


@pytest.mark.parametrize("suffix", ["csv", "json", "csv.gz", "parquet"])
def test_the_order_of_delivery_ascends_by_file_and_row(tmp_path: Path, suffix: str) -> None:
    for place, file in enumerate(["b", "a", "c"]):
        rows = [{**DAILY_VIEW, "viewCount": 10 * place + n} for n in range(3)]
        path = write(tmp_path / f"{file}.{suffix}", rows)
        os.utime(path, (1_000 + place, 1_000 + place))
    assert in_order_of_delivery(tmp_path) == [0, 1, 2, 10, 11, 12, 20, 21, 22]


def test_a_date_in_a_files_name_tells_more_of_its_delivery_than_its_time(tmp_path: Path) -> None:
    names = {"v-2025-01-05.csv": 3, "v_20250104.csv": 1, "v-20250103-of-20250106T0400.csv": 2}
    for place, (name, count) in enumerate(names.items()):
        path = write(tmp_path / name, [{**DAILY_VIEW, "viewCount": count}])
        os.utime(path, (1_000 - place, 1_000 - place))
    assert in_order_of_delivery(tmp_path) == [1, 3, 2]


def in_order_of_delivery(source: Path) -> list[int]:
    valid = read(source, DAILY_VIEW_ROWS).valid
    return [row["reportedCount"] for row in sorted(valid, key=lambda row: row["deliveryOrder"])]


def test_rows_of_another_day_than_their_file_are_rejected(tmp_path: Path) -> None:
    write(tmp_path / "2025-01-03.csv", [DAILY_VIEW, {**DAILY_VIEW, "date": "2025-01-02"}])
    outcome = read(f"{tmp_path}/{{date}}.csv", DAILY_VIEW_ROWS, date(2025, 1, 3), date(2025, 1, 4))
    assert [(row["reason"], row["date"]) for row in outcome.rejected] == [
        ("outside_file_day", date(2025, 1, 3))
    ]
    assert len(outcome.valid) == 1
