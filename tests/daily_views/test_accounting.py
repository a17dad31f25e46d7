"""Every source row is kept, repeated or rejected, as the sample's generator counted them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from pathlib import Path

import pytest
from support.samples import Sample, make_sample
from support.source_files import write
from support.views import LARGE, view
from support.world import MISSING, VIEWS, Run, World, world

from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    REJECTED_DAILY_VIEWS,
)
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS

VIEW_DAYS = 34
KINDS = ("daily", "cumulative")


@dataclass(frozen=True)
class Ran:
    sample: Sample
    views: World
    range: Run
    days: dict[date, Run]


@pytest.fixture(scope="module", params=KINDS)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("accounting")
    sizes = {"events": 20, "days": 1, "users": 2, "videos": 2}
    sample = make_sample(
        folder / "sample",
        **sizes,
        view_days=VIEW_DAYS,
        channel_videos=300,
        cumulative=request.param == "cumulative",
    )
    first = sample.spec.first_day
    source = {"daily_views": str(sample.folder / "daily_views"), "view_count_kind": request.param}
    with world(folder / "warehouse", **source) as views:
        whole = views.run(first, first + timedelta(days=VIEW_DAYS - 1), tables=VIEWS)
        days = (first + timedelta(days=n) for n in (30, 2, 16))
        yield Ran(sample, views, whole, {day: views.run(day, tables=VIEWS) for day in days})


def test_a_range_reports_what_the_sample_holds(ran: Ran) -> None:
    counts = ran.sample.summary.views
    assert ran.range.counted(DAILY_VIDEO_VIEWS, "source_rows") == counts.rows
    assert ran.range.counted(DAILY_VIDEO_VIEWS, "rows_written") == counts.distinct
    assert ran.range.counted(DAILY_VIDEO_VIEWS, "duplicates") == counts.duplicates
    assert ran.range.counted(DAILY_VIDEO_VIEWS, "conflicts") == counts.conflicts
    rejected = sum(counts.rejected.values())
    assert ran.range.counted(DAILY_VIDEO_VIEWS, "rejected_rows") == rejected
    assert ran.range.counted(REJECTED_DAILY_VIEWS, "rows_written") == rejected
    assert ran.range.counted(REJECTED_DAILY_VIEWS, "reasons") == counts.rejected
    share = ran.range.counted(DAILY_VIDEO_VIEWS, "share_rejected_percent")
    assert share == pytest.approx(100 * rejected / counts.rows, abs=0.001)
    assert rejected > 0
    assert counts.conflicts > 0


def test_each_day_of_a_range_reports_its_own_numbers_as_a_run_of_it_alone_would(ran: Ran) -> None:
    table, undated = ran.sample.views, ran.sample.views["date"].null_count
    delivered = Counter(table["date"].to_pylist())
    of_range = ran.range.metadata_by_partition(DAILY_VIDEO_VIEWS)
    for day, run in ran.days.items():
        of_day = of_range[str(day)]
        assert of_day["source_rows"] == delivered[day]
        [alone] = run.metadata_by_partition(DAILY_VIDEO_VIEWS).values()
        for name in ("rows_written", "duplicates", "conflicts", "ignored_rows"):
            assert of_day[name] == alone[name], name
        # A run of one day has the rows without a date too, and refuses them.
        assert of_day["rejected_rows"] == alone["rejected_rows"] - undated
        share = 100 * of_day["rejected_rows"] / delivered[day]
        assert of_day["share_rejected_percent"] == pytest.approx(share, abs=0.001)
    previews = [day for day, said in of_range.items() if "preview" in said]
    assert len(previews) == 1
    assert len({said["source_rows"] for said in of_range.values()}) > 1


def test_a_day_reports_its_own_rows_and_those_without_a_date(ran: Ran) -> None:
    table = ran.sample.views
    undated = table["date"].null_count
    delivered = Counter(table["date"].to_pylist())
    for day, run in ran.days.items():
        source_rows = run.counted(DAILY_VIDEO_VIEWS, "source_rows")
        assert source_rows == delivered[day] + undated
        kept = run.counted(DAILY_VIDEO_VIEWS, "rows_written")
        rejected = run.counted(REJECTED_DAILY_VIEWS, "rows_written")
        assert source_rows == kept + run.counted(DAILY_VIDEO_VIEWS, "duplicates") + rejected
        assert run.counted(DAILY_VIDEO_VIEWS, "rejected_rows") == rejected


def test_the_tables_hold_what_the_runs_report(ran: Ran) -> None:
    counts = ran.sample.summary.views
    rows = ran.views.rows(DAILY_VIDEO_VIEWS)
    assert len(rows) == counts.distinct
    assert Counter(row["reason"] for row in ran.views.rows(REJECTED_DAILY_VIEWS)) == counts.rejected
    if counts.total_views is not None:
        assert sum(row["viewCount"] for row in rows) == counts.total_views
    unknown = sum(row["viewCount"] is None for row in rows)
    assert ran.range.counted(DAILY_VIDEO_VIEWS, "rows_without_known_views") == unknown


def test_each_day_of_a_range_shows_its_own_rows(ran: Ran) -> None:
    days = Counter(str(row["date"]) for row in ran.views.rows(DAILY_VIDEO_VIEWS))
    assert ran.range.row_count_by_partition(DAILY_VIDEO_VIEWS) == dict(days)


def test_missing_days_and_videos_are_those_of_the_sample(ran: Ran) -> None:
    run = ran.views.run(tables=MISSING)
    counts = ran.sample.summary.views
    for table in MISSING:
        assert run.counted(table, "dates") == counts.missing_days
    assert run.counted(MISSING_DATE, "rows_written") == counts.missing_days
    assert run.counted(MISSING_DATES, "videos") == run.counted(MISSING_DATES, "rows_written")


def test_lifetime_counts_are_asked_for_every_video_of_the_sample(ran: Ran) -> None:
    run = ran.views.run(datetime.now(UTC).date(), tables=[LIFETIME_SNAPSHOTS])
    videos = ran.sample.summary.views.videos
    assert run.counted(LIFETIME_SNAPSHOTS, "rows_written") == videos
    assert run.counted(LIFETIME_SNAPSHOTS, "calls") == ceil(videos / 10)


def test_running_totals_report_falls_and_days_without_a_predecessor(tmp_path: Path) -> None:
    first = date(2025, 2, 27)
    totals = {"fell": (100, 90, 95), "began earlier": (7, 7, 9), "new": (None, LARGE, LARGE + 2)}
    rows = [
        view(video, first + timedelta(days=n), total, created_date=uploaded(video, first))
        for video, counts in totals.items()
        for n, total in enumerate(counts)
        if total is not None
    ]
    source = str(write(tmp_path / "views.parquet", rows))
    with world(tmp_path / "w", daily_views=source, view_count_kind="cumulative") as views:
        run = views.run(first, first + timedelta(days=2), tables=VIEWS)
        found = views.rows(DAILY_VIDEO_VIEWS)
    assert run.counted(DAILY_VIDEO_VIEWS, "negative_days") == 1
    assert run.counted(DAILY_VIDEO_VIEWS, "rows_without_known_views") == 1
    assert sorted((row["video_id"], row["date"].day, row["viewCount"]) for row in found) == [
        ("began earlier", 1, 2),
        ("began earlier", 27, None),
        ("began earlier", 28, 0),
        ("fell", 1, 5),
        ("fell", 27, 100),
        ("fell", 28, -10),
        ("new", 1, 2),
        ("new", 28, LARGE),
    ]


def uploaded(video: str, first: date) -> date:
    days = {"began earlier": -2, "fell": 0, "new": 1}
    return first + timedelta(days=days[video])
