from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.source_files import DAILY_VIEW, read, write

from video_assets.daily_views.source_rows import DAILY_VIEW_ROWS, TAGGED_DAILY_VIEWS
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.tagged import COUNTERS


def test_tagged_views_hold_the_columns_of_both_tables_the_order_and_the_count() -> None:
    ours = {*DAILY_VIDEO_VIEWS.column_names, "deliveryOrder", *COUNTERS} - {"viewCount"}
    assert set(TAGGED_DAILY_VIEWS.names) == ours | set(REJECTED_DAILY_VIEWS.column_names)


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
        ({"date": "03.01.2025"}, "missing_date"),
        ({"viewCount": None}, "missing_count"),
        ({"viewCount": ""}, "missing_count"),
        ({"viewCount": "many"}, "unreadable_count"),
        ({"viewCount": 7.5}, "unreadable_count"),
        ({"viewCount": -1}, "negative_count"),
        ({"created_date": "long ago"}, "unreadable_created_date"),
        ({"created_date": "2025-01-04"}, "date_before_created_date"),
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
    assert outcome.reasons == ["missing_date"]


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
        write(tmp_path / f"{file}.{suffix}", rows)
    valid = read(tmp_path, DAILY_VIEW_ROWS).valid
    ordered = [row["reportedCount"] for row in sorted(valid, key=lambda row: row["deliveryOrder"])]
    assert ordered == [10, 11, 12, 0, 1, 2, 20, 21, 22]


def test_rows_of_another_day_than_their_file_are_rejected(tmp_path: Path) -> None:
    write(tmp_path / "2025-01-03.csv", [DAILY_VIEW, {**DAILY_VIEW, "date": "2025-01-02"}])
    outcome = read(f"{tmp_path}/{{date}}.csv", DAILY_VIEW_ROWS, date(2025, 1, 3), date(2025, 1, 4))
    assert [(row["reason"], row["date"]) for row in outcome.rejected] == [
        ("outside_file_day", date(2025, 1, 3))
    ]
    assert len(outcome.valid) == 1
