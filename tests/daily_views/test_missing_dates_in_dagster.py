"""Days without a row, as arrays and as rows, from one computation over all days."""

import base64
import io
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from PIL import Image
from support.source_files import write
from support.tables import in_order, numbered_days
from support.views import view
from support.world import MISSING, VIEWS, Row, Run, World, world

from resources.delta.table import Table
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATE, MISSING_DATES

FIRST = date(2025, 1, 30)
day = numbered_days(date(2025, 1, 29))


def delivered(root: Path, **days_of_video: tuple[int, ...]) -> dict[str, Any]:
    """Videos that were uploaded on day 1, with rows on these days."""
    rows = [
        view(video, day(number), created_date=FIRST)
        for video, numbers in days_of_video.items()
        for number in numbers
    ]
    return {"daily_views": str(write(root / "views.parquet", rows)), "start_date": FIRST}


def arrays(views: World) -> dict[str, list[int]]:
    return {row["video_id"]: numbers(row["missing_dates"]) for row in views.rows(MISSING_DATES)}


def numbers(days: list[date]) -> list[int]:
    return [(day - FIRST).days + 1 for day in days]


def exploded(rows: list[Row]) -> list[Row]:
    names = ("channel_id", "video_id", "created_date", "goneSince")
    return in_order(
        [
            {name: row[name] for name in names} | {"missing_date": missing}
            for row in rows
            for missing in row["missing_dates"]
        ]
    )


def test_arrays_and_rows_agree_and_name_only_videos_that_miss_a_day(tmp_path: Path) -> None:
    settings = delivered(tmp_path, whole=(1, 2, 3, 4, 5), late=(4, 5), holes=(1, 3, 5), gone=(1,))
    with world(tmp_path / "warehouse", **settings) as views:
        views.compute(day(1), day(5), tables=VIEWS)
        views.run(tables=MISSING)
        assert arrays(views) == {"late": [1, 2, 3], "holes": [2, 4], "gone": [2, 3, 4, 5]}
        assert views.rows(MISSING_DATE) == exploded(views.rows(MISSING_DATES))


def test_days_that_arrive_are_no_longer_missing(tmp_path: Path) -> None:
    settings = delivered(tmp_path, v=(1, 5), w=(1, 2, 3, 4, 5))
    with world(tmp_path / "warehouse", **settings) as views:
        views.compute(day(1), day(5), tables=VIEWS)
        views.compute(tables=MISSING)
        assert arrays(views) == {"v": [2, 3, 4]}
        delivered(tmp_path, v=(1, 2, 3, 4, 5), w=(1, 2, 3, 4, 5))
        views.compute(day(3), tables=VIEWS)
        views.compute(tables=MISSING)
        assert arrays(views) == {"v": [2, 4]}
        views.compute(day(2), day(4), tables=VIEWS)
        views.compute(tables=MISSING)
        assert views.rows(MISSING_DATES) == views.rows(MISSING_DATE) == []


def test_the_metadata_tells_what_is_missing(tmp_path: Path) -> None:
    settings = delivered(tmp_path, v=(1, 5), w=(1, 2, 5, 6), x=(1, 2, 3, 4, 5, 6))
    with world(tmp_path / "warehouse", **settings) as views:
        views.compute(day(1), day(6), tables=VIEWS)
        run = views.run(tables=MISSING)
    wanted = {"as_of_date": str(day(6)), "videos": 2, "dates": 6, "longest_gap": 3}
    for table, rows in ((MISSING_DATES, 2), (MISSING_DATE, 6)):
        assert {name: run.counted(table, name) for name in wanted} == wanted
        assert run.counted(table, "rows_written") == rows
        assert run.row_count_by_partition(table) == {None: rows}
        width, height = size_of_picture(run, table)
        assert width > 300
        assert height > 100


def size_of_picture(run: Run, table: Table) -> tuple[int, int]:
    entry = run.metadata(table)["missing_by_day"]
    assert isinstance(entry, dg.MarkdownMetadataValue)
    title, _, data = str(entry.value).partition("](data:image/png;base64,")
    assert title == "![Videos without a row, by day"
    with Image.open(io.BytesIO(base64.b64decode(data.removesuffix(")")))) as picture:
        picture.verify()
        return picture.size


def test_the_as_of_date_is_a_setting(tmp_path: Path) -> None:
    settings = delivered(tmp_path, v=(1, 3), w=(1, 2, 3))
    with world(tmp_path / "warehouse", **settings) as views:
        views.compute(day(1), day(3), tables=VIEWS)
        for last, missing in {
            5: {"v": [2, 4, 5], "w": [4, 5]},
            3: {"v": [2]},
            1: {},
            0: {},
        }.items():
            run = views.with_settings(as_of_date=day(last)).run(tables=MISSING)
            assert run.counted(MISSING_DATES, "as_of_date") == str(day(last))
            assert arrays(views) == missing


def test_an_empty_table_of_daily_views_misses_nothing(tmp_path: Path) -> None:
    rows = [view("v", day(1), 0, created_date=day(2))]
    source = str(write(tmp_path / "views.parquet", rows))
    with world(tmp_path / "warehouse", daily_views=source, start_date=FIRST) as views:
        views.compute(day(1), tables=VIEWS)
        assert views.rows(DAILY_VIDEO_VIEWS) == []
        run = views.run(tables=MISSING)
        for table in MISSING:
            assert views.rows(table) == []
            wanted = {"videos": 0, "dates": 0, "longest_gap": 0, "rows_written": 0}
            assert {name: run.counted(table, name) for name in wanted} == wanted
            assert run.counted(table, "as_of_date") == "unknown: there are no daily views"


def test_daily_views_that_were_never_written_are_an_error_that_names_them(tmp_path: Path) -> None:
    with world(tmp_path / "warehouse", start_date=FIRST) as views:
        run = views.attempt(tables=MISSING)
        assert not run.succeeded
        assert "Materialize the asset video/daily_video_views first" in run.error.message


def test_both_tables_come_from_one_step_without_partitions(tmp_path: Path) -> None:
    with world(tmp_path / "warehouse", **delivered(tmp_path, whole=(1,))) as views:
        views.compute(day(1), tables=VIEWS)
        asset = views.asset(MISSING_DATES)
        assert asset is views.asset(MISSING_DATE)
        assert asset.partitions_def is None
        run = views.run(tables=MISSING)
        steps = {event.step_key for event in run.result.get_asset_materialization_events()}
        assert len(steps) == 1


def test_videos_that_are_gone_stop_missing_days_and_are_counted(tmp_path: Path) -> None:
    settings = delivered(tmp_path, gone=(1, 3), there=tuple(range(1, 13)))
    with world(tmp_path / "warehouse", gone_after=8, **settings) as views:
        views.compute(day(1), day(12), tables=VIEWS)
        run = views.run(tables=MISSING)
        assert arrays(views) == {"gone": [2]}
        assert [row["goneSince"] for row in views.rows(MISSING_DATE)] == [day(4)]
    assert run.counted(MISSING_DATES, "gone_videos") == 1


def test_where_no_row_means_zero_only_days_without_any_file_are_missing(tmp_path: Path) -> None:
    """A day may come as a file with a header alone, or as one whose rows are all refused."""
    header, row = "video_id,date,viewCount\n", "v,{day},1\n"
    refused = "w,{day},many\n"
    for number, text in {1: row, 2: "", 4: refused * 1 + row, 6: row}.items():
        name = f"report-{day(number)}.csv"
        (tmp_path / name).write_text(header + text.format(day=day(number)), "utf-8")
    settings = {"daily_views": f"{tmp_path}/*.csv", "start_date": FIRST}
    with world(tmp_path / "w", no_row_means="zero", max_refused_share=1, **settings) as views:
        views.compute(day(1), day(6), tables=VIEWS)
        views.compute(tables=MISSING)
        assert arrays(views) == {"v": [3, 5]}
        views.with_settings(no_row_means="missing").compute(tables=MISSING)
        assert arrays(views) == {"v": [2, 3, 5]}


def test_of_the_missing_days_of_a_tracker_that_records_changes_only_its_own_failures_are_real(
    tmp_path: Path,
) -> None:
    videos, days, failures = range(1, 21), range(1, 41), (11, 25, 26)
    rows = [
        view(f"v{video}", day(on), 100 * on, created_date=FIRST)
        for video in videos
        for on in days
        if (on - 1) % video == 0 and on not in failures
    ]
    unrecorded = len(videos) * len(days) - len(rows)
    source = str(write(tmp_path / "tracker.parquet", rows))
    settings = {"daily_views": source, "view_count_kind": "cumulative", "start_date": FIRST}
    with world(tmp_path / "w", no_row_means="zero", gone_after=60, **settings) as views:
        views.compute(day(1), day(40), tables=VIEWS)
        views.compute(tables=MISSING)
        assert arrays(views) == {f"v{video}": list(failures) for video in videos}
        views.with_settings(no_row_means="missing").compute(tables=MISSING)
        assert len(views.rows(MISSING_DATE)) == unrecorded == 662
        grown = [row["viewCount"] for row in views.rows(DAILY_VIDEO_VIEWS)]
    assert sum(grown) == sum(row["viewCount"] for row in newest_of_each(rows))


def newest_of_each(rows: list[Row]) -> list[Row]:
    return list({row["video_id"]: row for row in rows}.values())
