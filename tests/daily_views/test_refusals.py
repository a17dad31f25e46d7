"""A day of which most rows are refused replaces nothing, and says what to do."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.source_files import write
from support.views import view
from support.world import VIEWS, Row, World, world

from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS

FIRST = date(2025, 1, 1)
LAST = FIRST + timedelta(days=1)
GOOD = [view(f"v{number}", day, 7) for number in range(4) for day in (FIRST, LAST)]


def deliver(folder: Path, rows: list[Row]) -> dict[str, Any]:
    return {"daily_views": str(write(folder / "views.parquet", rows)), "start_date": FIRST}


def counts(views: World) -> list[int]:
    return [row["viewCount"] for row in views.rows(DAILY_VIDEO_VIEWS)]


@pytest.mark.parametrize(
    "change", [{"viewCount": None}, {"date": None}], ids=["without counts", "without days"]
)
def test_a_day_of_refusals_fails_and_the_rows_of_before_stay(change: Row, tmp_path: Path) -> None:
    with world(tmp_path / "warehouse", **deliver(tmp_path, GOOD)) as views:
        views.compute(FIRST, LAST, tables=VIEWS)
        deliver(tmp_path, [{**row, **change} for row in GOOD])
        run = views.attempt(FIRST, LAST, tables=VIEWS)
        assert not run.succeeded
        assert counts(views) == [7] * 8
        assert len(views.rows(REJECTED_DAILY_VIEWS)) == 8
        insisting = views.with_settings(max_refused_share=1)
        insisting.compute(FIRST, LAST, tables=VIEWS)
        assert counts(views) == []


def test_the_failure_names_days_reasons_and_the_way_out(tmp_path: Path) -> None:
    bad = [{**row, "viewCount": None} for row in GOOD if row["date"] == LAST]
    settings = deliver(tmp_path, [*GOOD[::2], *bad])
    with world(tmp_path / "warehouse", **settings) as views:
        run = views.attempt(FIRST, LAST, tables=VIEWS)
    [failure] = run.result.get_step_failure_events()
    said = failure.step_failure_data.user_failure_data
    assert said is not None
    named = (f"{LAST} (100%)", "missing_count", "VIDEO_ASSETS_MAX_REFUSED_SHARE=1")
    assert [part for part in named if part not in str(said.description)] == []
    assert str(FIRST) not in str(said.description)


@pytest.mark.parametrize(
    ("set_to", "said"),
    [
        (None, "read as ISO 8601 (2025-01-31): set VIDEO_ASSETS_DAILY_VIEWS_DATE_FORMAT"),
        ("%y.%d.%m", "read by VIDEO_ASSETS_DAILY_VIEWS_DATE_FORMAT=%y.%d.%m: set it"),
    ],
)
def test_dates_of_another_notation_are_told_with_the_setting_of_it(
    set_to: str | None, said: str, tmp_path: Path
) -> None:
    rows = [{**row, "date": f"{row['date']:%d/%m/%Y}", "created_date": ""} for row in GOOD]
    source = write(tmp_path / "views.csv", rows)
    settings = {"daily_views": str(source), "daily_views_date_format": set_to}
    with world(tmp_path / "warehouse", start_date=FIRST, **settings) as views:
        run = views.attempt(FIRST, LAST, tables=VIEWS)
    [failure] = run.result.get_step_failure_events()
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert f"unreadable_date (8). Dates are {said}" in str(told.description)


def test_years_of_zeros_before_the_upload_are_no_refusals(tmp_path: Path) -> None:
    early = [view("new", FIRST, 0, created_date=LAST, channel_id=f"c{n}") for n in range(40)]
    with world(tmp_path / "warehouse", **deliver(tmp_path, [*GOOD, *early])) as views:
        views.compute(FIRST, LAST, tables=VIEWS)
        assert counts(views) == [7] * 8
