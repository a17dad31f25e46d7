"""The daily rows and every snapshot in one table, told apart by their source."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.source_files import write
from support.tables import in_order
from support.view_oracle import NO_MEASURES
from support.views import view
from support.world import VIEWS, Row, World, copy_of, world

from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.lifetime_views import assets as lifetime_views
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY

FIRST = date(2025, 1, 30)
DAYS = tuple(FIRST + timedelta(days=n) for n in range(5))
WITH_VIEWS = DAYS[:3]
WITH_SNAPSHOTS = DAYS[1:4]
HISTORY = (LIFETIME_VIEW_HISTORY,)

# Days of snapshots run one by one, those of other tables together.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Asset job .* materializes assets with varying BackfillPolicies:UserWarning"
)


@pytest.fixture(scope="module")
def without_history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Days with views alone, with both, with a snapshot alone, and with neither."""
    folder = tmp_path_factory.mktemp("without_history")
    rows = [view(video, day, 7) for video in ("v", "w") for day in WITH_VIEWS]
    source = str(write(folder / "views.parquet", rows))
    with (
        pytest.MonkeyPatch.context() as patch,
        world(folder / "warehouse", daily_views=source, start_date=FIRST) as made,
    ):
        made.compute(DAYS[0], DAYS[-1], tables=VIEWS)
        for day in WITH_SNAPSHOTS:
            patch.setattr(lifetime_views, "_today", today_is(day))
            made.run(day, tables=[LIFETIME_SNAPSHOTS])
        yield made


@pytest.fixture
def views(
    without_history: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.setattr(lifetime_views, "_today", today_is(WITH_SNAPSHOTS[-1]))
    with copy_of(without_history, tmp_path / "warehouse") as views:
        yield views


def today_is(day: date) -> Callable[[], date]:
    return lambda: day


def wanted(views: World) -> list[Row]:
    daily = views.rows(DAILY_VIDEO_VIEWS, ["reportedCount", "daysCovered"])
    unknown = {**NO_MEASURES, "viewDefinitionSince": None}
    lifetime = [{**row, **unknown} for row in views.rows(LIFETIME_SNAPSHOTS)]
    rows = [{**row, "source": "daily"} for row in daily]
    return in_order(rows + [{**row, "source": "lifetime"} for row in lifetime])


def days_of(views: World, source: str) -> set[date]:
    rows = views.rows(LIFETIME_VIEW_HISTORY)
    return {row["date"] for row in rows if row["source"] == source}


def test_a_range_holds_every_daily_row_and_every_snapshot(views: World) -> None:
    run = views.run(DAYS[0], DAYS[-1], tables=HISTORY)
    assert views.rows(LIFETIME_VIEW_HISTORY) == wanted(views)
    assert days_of(views, "daily") == set(WITH_VIEWS)
    assert days_of(views, "lifetime") == set(WITH_SNAPSHOTS)
    rows = dict(zip(map(str, DAYS), (2, 4, 4, 2, 0), strict=True))
    assert run.row_count_by_partition(LIFETIME_VIEW_HISTORY) == rows


def test_days_one_by_one_give_the_same_rows(views: World) -> None:
    for day in (DAYS[3], DAYS[0], DAYS[4], DAYS[2], DAYS[1], DAYS[3]):
        views.run(day, tables=HISTORY)
    assert views.rows(LIFETIME_VIEW_HISTORY) == wanted(views)


def test_a_day_that_runs_again_leaves_the_others_as_they_are(
    views: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    views.run(DAYS[0], DAYS[-1], tables=HISTORY)
    monkeypatch.setattr(lifetime_views, "_today", today_is(DAYS[4]))
    views.run(DAYS[4], tables=[LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY])
    assert days_of(views, "lifetime") == {*WITH_SNAPSHOTS, DAYS[4]}
    assert views.rows(LIFETIME_VIEW_HISTORY) == wanted(views)


def test_without_any_snapshots_the_history_is_that_of_the_days(tmp_path: Path) -> None:
    source = str(write(tmp_path / "views.parquet", [view("v", FIRST, 7)]))
    with world(tmp_path / "warehouse", daily_views=source, start_date=FIRST) as views:
        views.compute(FIRST, tables=VIEWS)
        views.run(FIRST, DAYS[1], tables=HISTORY)
        [row] = views.rows(LIFETIME_VIEW_HISTORY)
        assert (row["source"], row["date"], row["viewCount"]) == ("daily", FIRST, 7)


def test_a_kept_snapshot_and_its_history_run_together(views: World) -> None:
    run = views.run(DAYS[1], tables=[LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY])
    [said] = run.metadata_by_partition(LIFETIME_VIEW_HISTORY).values()
    assert said["dagster/row_count"] == 4
    assert days_of(views, "lifetime") == {DAYS[1]}
