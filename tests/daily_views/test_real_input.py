"""Daily snapshots of trending videos, mapped by settings alone."""

import csv
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.tables import in_order
from support.view_oracle import NO_MEASURES
from support.world import MISSING, MONTHS, VIEWS, Row, Run, World, months_of, world

from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATES, MONTHLY_VIEWS
from video_assets.settings import load_settings

FILE = Path(__file__).parents[3] / "shared" / "data" / "youtube_trending_us_2017.csv"
FIRST, LAST = date(2017, 11, 14), date(2017, 11, 28)
ENVIRONMENT = {
    "VIDEO_ASSETS_DAILY_VIEWS": str(FILE),
    "VIDEO_ASSETS_DAILY_VIEWS_COLUMNS": '{"trending_date": "date", "channel_title": "channel_id", '
    '"publish_time": "created_date", "views": "viewCount"}',
    "VIDEO_ASSETS_DAILY_VIEWS_DATE_FORMAT": "%y.%d.%m",
    "VIDEO_ASSETS_VIEW_COUNT_KIND": "cumulative",
    "VIDEO_ASSETS_START_DATE": str(FIRST),
}

pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason="the snapshots of trending videos are not beside the repository"
)


@dataclass(frozen=True)
class Ran:
    views: World
    run: Run


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    warehouse = tmp_path_factory.mktemp("trending")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(warehouse)  # where no .env is
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        settings = load_settings().model_dump(exclude={"warehouse"})
    with world(warehouse, **settings) as views:
        run = views.run(FIRST, LAST, tables=VIEWS)
        views.run(*months_of(FIRST, LAST), tables=MONTHS)
        views.run(tables=MISSING)
        yield Ran(views, run)


@pytest.fixture(scope="module")
def source() -> list[Mapping[str, str]]:
    with FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def counters(source: list[Mapping[str, str]]) -> Mapping[str, dict[date, Row]]:
    """By video and day the row with the largest counter, of several the last one."""
    videos: dict[str, dict[date, Row]] = defaultdict(dict)
    for line in source:
        year, day, month = line["trending_date"].split(".")
        on = date(2000 + int(year), int(month), int(day))
        row = {
            "channel_id": line["channel_title"],
            "video_id": line["video_id"],
            "created_date": date.fromisoformat(line["publish_time"][:10]),
            "date": on,
            "reportedCount": int(line["views"]),
        }
        before = videos[line["video_id"]].get(on)
        if before is None or row["reportedCount"] >= before["reportedCount"]:
            videos[line["video_id"]][on] = row
    return videos


def growth_of(row: Row, others: Mapping[date, Row]) -> Row:
    """The views of a day, and over how many days they go."""
    earlier = [day for day in others if day < row["date"]]
    if earlier:
        views = row["reportedCount"] - others[max(earlier)]["reportedCount"]
        return {"viewCount": views, "daysCovered": (row["date"] - max(earlier)).days}
    age = (row["date"] - row["created_date"]).days
    is_first = age in (0, 1)
    views = row["reportedCount"] if is_first else None
    return {"viewCount": views, "daysCovered": age + 1 if is_first else None}


def test_no_real_row_is_lost(ran: Ran, source: list[Mapping[str, str]]) -> None:
    counted = {
        name: ran.run.counted(DAILY_VIDEO_VIEWS, name)
        for name in ("source_rows", "rows_written", "duplicates", "rejected_rows")
    }
    days = {(line["video_id"], line["trending_date"]) for line in source}
    assert counted == {
        "source_rows": len(source),
        "rows_written": len(days),
        "duplicates": len(source) - len(days),
        "rejected_rows": 0,
    }


def test_views_are_the_growth_of_the_counters(
    ran: Ran, counters: Mapping[str, dict[date, Row]]
) -> None:
    expected = [
        {**NO_MEASURES, **row, **growth_of(row, days), "viewDefinitionSince": None}
        for days in counters.values()
        for row in days.values()
    ]
    assert ran.views.rows(DAILY_VIDEO_VIEWS) == in_order(expected)
    known = [row["viewCount"] for row in expected if row["viewCount"] is not None]
    assert sum(row["aggViewCount"] or 0 for row in ran.views.rows(MONTHLY_VIEWS)) == sum(known)


def test_days_out_of_the_charts_are_missing(
    ran: Ran, counters: Mapping[str, dict[date, Row]]
) -> None:
    expected = {}
    for video, days in counters.items():
        created = min(row["created_date"] for row in days.values())
        span = (created + timedelta(days=n) for n in range((LAST - created).days + 1))
        if missing := [day for day in span if day not in days]:
            expected[video] = missing
    found = {row["video_id"]: row["missing_dates"] for row in ran.views.rows(MISSING_DATES)}
    assert found == expected


def test_days_one_by_one_in_any_order_give_the_same_rows(ran: Ran, tmp_path: Path) -> None:
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    random.Random(9).shuffle(days)  # noqa: S311 (an order is no secret)
    settings = ran.views.settings.model_dump(exclude={"warehouse"})
    with world(tmp_path / "warehouse", **settings) as views:
        for day in days:
            views.compute(day, tables=VIEWS)
        assert views.rows(DAILY_VIDEO_VIEWS) == ran.views.rows(DAILY_VIDEO_VIEWS)
