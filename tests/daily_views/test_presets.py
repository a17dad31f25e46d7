"""View counts as YouTube delivers them, by settings alone."""

import csv
import os
import random
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.source_files import write
from support.world import MISSING, MONTHS, VIEWS, Row, months_of, world

from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.sample_data.platforms import PLATFORM_SAMPLES
from video_assets.settings import Settings
from video_assets.settings.daily_views import PRESETS
from video_assets.try_views import settings_of

REAL_REPORT = (
    Path(__file__).parents[3] / "shared" / "data" / "youtube_reporting" / "channel_basic.csv"
)


def filled(folder: Path, first: date, last: date, **settings: Any) -> dict[str, list[Row]]:
    """The tables of a range."""
    with world(folder, start_date=first, **settings) as views:
        views.compute(first, last, tables=VIEWS)
        views.compute(*months_of(first, last), tables=MONTHS)
        views.compute(tables=MISSING)
        tables = (DAILY_VIDEO_VIEWS, MONTHLY_VIEWS, MISSING_DATE, REJECTED_DAILY_VIEWS)
        return {table.name: views.rows(table) for table in tables}


@pytest.mark.parametrize("name", PLATFORM_SAMPLES)
def test_a_preset_and_a_path_are_all_that_a_sample_needs(name: str, tmp_path: Path) -> None:
    sample = PLATFORM_SAMPLES[name](tmp_path / "source")
    settings = settings_of(name, sample, tmp_path).model_dump(exclude={"warehouse", "start_date"})
    tables = filled(tmp_path / "w", sample.first_day, sample.last_day, **settings)
    days, months = tables["daily_video_views"], tables["monthly_views"]
    assert sum(row["viewCount"] for row in days) == sample.views
    assert sum(row["aggViewCount"] for row in months) == sample.views
    assert tables["missing_date"] == []
    assert {row["reason"] for row in tables["rejected_daily_views"]} <= {"before_upload"}
    assert {row["spansDefinitionChange"] for row in months if row["month"] == "2025-03"} == {True}
    since = {row["date"]: row["viewDefinitionSince"] for row in days}
    change = date(2025, 3, 31)
    assert since[change] == change
    assert since[change - timedelta(days=1)] is None


def test_reports_give_the_same_in_any_order_of_their_times(tmp_path: Path) -> None:
    """The date in a report's name tells which one is the backfill."""
    sample = PLATFORM_SAMPLES["youtube_reporting"](tmp_path / "source")
    files = sorted((tmp_path / "source").iterdir())
    random.Random(3).shuffle(files)  # noqa: S311 (an order is no secret)
    for place, path in enumerate(files):
        os.utime(path, (1_000 + place, 1_000 + place))
    settings = {"daily_views": sample.source, "daily_views_preset": "youtube_reporting"}
    tables = filled(tmp_path / "w", sample.first_day, sample.last_day, **settings)
    assert sum(row["viewCount"] for row in tables["daily_video_views"]) == sample.views


@pytest.mark.skipif(not REAL_REPORT.exists(), reason="the bulk report is not beside the repository")
def test_a_real_bulk_report_loses_no_view(tmp_path: Path) -> None:
    """A connector delivered it, which had rewritten the dates as ISO 8601."""
    tables = filled(
        tmp_path,
        date(2021, 7, 16),
        date(2021, 7, 31),
        daily_views=str(REAL_REPORT),
        daily_views_preset="youtube_reporting",
        daily_views_date_format="",
    )
    days = tables["daily_video_views"]
    with REAL_REPORT.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["video_id"]]
    assert len(days) == len({(line["video_id"], line["date"]) for line in lines})
    assert (
        sum(row["viewCount"] for row in days) == sum(int(line["views"]) for line in lines) == 1843
    )
    assert sum(row["aggViewCount"] for row in tables["monthly_views"]) == 1843
    assert tables["rejected_daily_views"] == []
    assert all(row["engagedViews"] is None for row in days)
    assert any(row["watchMinutes"] for row in days)


GERMAN = """
daily_views_zip_member = "Diagrammdaten.csv"
daily_views_created_date_format = "%d.%m.%Y"
daily_views_thousands = "."
daily_views_ignored_ids = ["Gesamt"]

[daily_views_columns]
Datum = "date"
Inhalt = "video_id"
"Veröffentlichungszeitpunkt des Videos" = "created_date"
Aufrufe = "viewCount"
"""


def test_an_own_file_is_a_preset_too(tmp_path: Path) -> None:
    (tmp_path / "german.toml").write_text(GERMAN, "utf-8")
    rows = (
        "Datum,Inhalt,Videotitel,Veröffentlichungszeitpunkt des Videos,Dauer,Aufrufe\n"
        '2025-01-05,Gesamt,,,,1.234\n2025-01-05,abc,Film,05.01.2025,30,"1.234"\n'
    )
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("Diagrammdaten.csv", rows)
    tables = filled(
        tmp_path / "w",
        date(2025, 1, 5),
        date(2025, 1, 5),
        daily_views=str(tmp_path / "export.zip"),
        daily_views_preset=str(tmp_path / "german.toml"),
    )
    [row] = tables["daily_video_views"]
    assert (row["video_id"], row["created_date"], row["viewCount"]) == (
        "abc",
        date(2025, 1, 5),
        1234,
    )


def test_a_setting_of_ones_own_holds_before_the_preset() -> None:
    settings = Settings(
        _env_file=None, daily_views_preset="youtube_reporting", daily_views_combine="latest"
    )
    assert settings.combine_rule == "latest"
    assert settings.no_row_means == "zero"
    assert settings.daily_views_columns == {"views": "viewCount"}
    assert settings.definition_change_days == (date(2025, 3, 31), date(2026, 8, 27))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "is neither a preset"),
        ("daily_views_columns = ", "is no TOML file"),
        ('warehouse = "elsewhere"', "makes .*'warehouse'"),
    ],
)
def test_a_preset_that_cannot_be_read_is_refused_by_name(
    content: str | None, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.toml"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(ValidationError, match=rf"(?s)daily_views_preset.*{problem}"):
        Settings(_env_file=None, daily_views_preset=str(path))


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_preset_has_a_sample_and_a_place_in_the_docs(path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "sources_of_views.md"
    assert path.stem in PLATFORM_SAMPLES
    assert f"`{path.stem}`" in page.read_text("utf-8")


def test_sums_of_many_countries_equal_a_plain_sum_with_backfills_and_repeats(
    tmp_path: Path,
) -> None:
    chance = random.Random(11)  # noqa: S311 (counts are no secret)
    first = date(2025, 1, 1)
    expected: dict[tuple[str, date], int] = {}
    for made in range(3):
        for number in range(4):
            day = first + timedelta(days=number)
            rows = [
                {
                    "date": f"{day:%Y%m%d}",
                    "video_id": f"v{video}",
                    "country_code": country,
                    "views": chance.randrange(-2, 90),
                }
                for video in range(20)
                for country in range(30)
                if chance.random() < 1 / 3
            ]
            rows += rows[: 5 * (made == 1)]
            stamp = first + timedelta(days=30 + made)
            write(tmp_path / "source" / f"basic-{day:%Y%m%d}-{stamp:%Y%m%d}.csv", rows)
            for video in {row["video_id"] for row in rows}:
                views = (row["views"] for row in rows if row["video_id"] == video)
                expected[str(video), day] = sum(views)
    tables = filled(
        tmp_path / "w",
        first,
        first + timedelta(days=3),
        daily_views=str(tmp_path / "source"),
        daily_views_preset="youtube_reporting",
    )
    found = {
        (row["video_id"], row["date"]): row["viewCount"] for row in tables["daily_video_views"]
    }
    assert found == expected


def test_zero_rows_since_2007_add_no_view_and_no_missing_day(tmp_path: Path) -> None:
    uploaded, last = date(2025, 3, 3), date(2025, 3, 8)
    lines = ["Date,Content,Video publish time,Views"]
    on = date(2007, 1, 1)
    while on <= last:
        count = 1_000 * max(0, (on - uploaded).days + 1)
        lines.append(f'{on},Total,,"{count:,}"')
        lines.append(f'{on}, -serQUrgefU,"Mar 3, 2025","{count:,}"')
        on += timedelta(days=1)
    export = tmp_path / "Chart data.csv"
    export.write_text("\n".join(lines), "utf-8")
    settings = {"daily_views": str(export), "daily_views_preset": "youtube_studio"}
    tables = filled(tmp_path / "w", date(2025, 3, 1), last, **settings)
    assert [row["viewCount"] for row in tables["daily_video_views"]] == [
        1_000 * age for age in range(1, 7)
    ]
    assert [row["aggViewCount"] for row in tables["monthly_views"]] == [21_000]
    assert tables["missing_date"] == []
    assert [row["reason"] for row in tables["rejected_daily_views"]] == ["before_upload"] * 2
