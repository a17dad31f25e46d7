"""The report through Dagster: its numbers are those of the tables."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from support.html_pages import parsed
from support.samples import Sample, make_sample
from support.world import TABLES, World, deprecations_of_dagster_itself, world

from resources.delta.errors import MissingTableError
from video_assets.analytics.tables import (
    ANALYTICS_TABLES,
    TIERS,
    USER_ENGAGEMENT,
    VIDEO_DAILY,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
)
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    REJECTED_DAILY_VIEWS,
)
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.report.addresses import page_of, report_location
from video_assets.report.assets import KEY
from video_assets.report.build import build_report
from video_assets.report.facts import Report
from video_assets.report.files import report_files

NOW = datetime(2025, 1, 4, 2, 30, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script> & more'


@dataclass(frozen=True)
class Made:
    """A page and what Dagster shows of it, before there are daily views."""

    html: str
    metadata: Mapping[str, Any]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    made = make_sample(
        folder, events=4_000, days=3, users=60, videos=10, channel_videos=20, view_days=20
    )
    _retitle_all(folder / "video_metadata.parquet")
    return made


def _retitle_all(path: Path) -> None:
    videos = pq.read_table(path)
    at = videos.schema.get_field_index("title")
    titles = [[f"{HOSTILE} {number}" for number in range(len(videos))]]
    pq.write_table(videos.set_column(at, "title", titles), path)


@pytest.fixture(scope="module")
def filled(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = {
        "events": str(sample.folder / "events"),
        "video_metadata": str(sample.folder / "video_metadata.parquet"),
        "daily_views": str(sample.folder / "daily_views"),
    }
    with world(tmp_path_factory.mktemp("report"), **settings) as filled:
        first, *_, last = sample.spec.event_days
        filled.run(first, last, tables=(*TABLES, *ANALYTICS_TABLES))
        filled.compute(first, last, tables=(VIDEO_DAILY,))
        yield filled


@pytest.fixture(scope="module")
def made(filled: World) -> Made:
    with deprecations_of_dagster_itself():
        result = dg.materialize(
            list(filled.definitions.assets or ()),  # type: ignore[arg-type]
            resources=filled.definitions.resources,
            selection=[KEY],
        )
    [event] = result.get_asset_materialization_events()
    html = Path(report_location(filled.settings.warehouse)).read_text("utf-8")
    return Made(html, event.step_materialization_data.materialization.metadata)


@pytest.fixture(scope="module")
def report(filled: World, made: Made, spark: SparkSession) -> Report:
    assert made.html
    return build_report(spark, filled.settings, NOW).report


def test_the_page_lies_below_the_warehouse_and_is_linked(filled: World, made: Made) -> None:
    path = Path(filled.settings.warehouse) / "report" / "index.html"
    assert made.metadata["report"] == dg.MetadataValue.path(str(path))
    assert made.metadata["page_bytes"].value == path.stat().st_size


def test_dagster_shows_the_answers_of_the_page(made: Made) -> None:
    text = " ".join(parsed(made.html).text.split())
    for answer in ("which_videos_hold_people", "where_they_leave", "power_users", "trust"):
        assert " ".join(made.metadata[answer].value.split()) in text


def test_dagster_shows_small_previews(made: Made) -> None:
    for name in ("watch_time", "retention"):
        picture = made.metadata[name].value
        assert picture.startswith("![")
        assert "](data:image/png;base64," in picture
        assert len(picture) < 40_000


def test_a_title_with_markup_is_shown_as_it_is(made: Made) -> None:
    read = parsed(made.html)
    assert HOSTILE in read.text
    assert "script" not in read.names()
    assert not any(target.startswith(("http", "//", "data:")) for target in read.loads())


def test_the_headline_is_that_of_the_engagement_rows(filled: World, report: Report) -> None:
    rows = filled.rows(ENGAGEMENT)
    totals = report.totals
    assert totals.viewers == len({row["userId"] for row in rows})
    assert totals.videos == len({row["videoId"] for row in rows})
    assert totals.pairs == len(rows)
    assert totals.completed_pairs == sum(row["isCompletedAtLeastOnce"] for row in rows)
    assert totals.flagged_pairs == sum(row["dataQualityFlag"] != "ok" for row in rows)
    seconds = sum(row["totalWatchTime"] for row in rows)
    assert totals.watch_hours == pytest.approx(seconds / 3600, rel=1e-6)
    assert totals.newest_event == max(row["lastWatchDate"] for row in rows)
    assert totals.computed_at == max(row["processedAt"] for row in rows)


def test_the_newest_period_is_that_of_its_sessions(
    filled: World, sample: Sample, report: Report
) -> None:
    rows = filled.rows(SESSIONS)
    first, *_, last = sample.spec.event_days
    [choice] = report.choices
    trend, now = choice.trend, choice.trend.now
    assert (now.first, now.last, trend.before) == (first, last, None)
    assert now.viewers == len({row["userId"] for row in rows})
    assert now.returning is None
    assert now.sessions == sum(not row["isContinuation"] for row in rows)
    assert now.seconds == pytest.approx(sum(row["watchTime"] for row in rows), rel=1e-6)


def test_each_day_has_the_watch_time_of_its_sessions(
    filled: World, sample: Sample, report: Report
) -> None:
    rows = filled.rows(SESSIONS)
    assert [day.day for day in report.days] == list(sample.spec.event_days)
    for day in report.days:
        of_day = [row for row in rows if row["sessionDate"] == day.day]
        hours = sum(row["watchTime"] for row in of_day) / 3600
        assert day.hours == pytest.approx(hours, rel=1e-5)
        assert day.viewers == len({row["userId"] for row in of_day})


def test_the_top_videos_are_those_watched_longest(filled: World, report: Report) -> None:
    rows = sorted(filled.rows(VIDEO_PERFORMANCE), key=lambda row: -row["watchHours"])[:10]
    assert [
        (v.video_id, v.title, v.viewers, v.hours, v.watched, v.completion_rate, v.drop_off)
        for v in report.top_videos
    ] == [
        (
            row["videoId"],
            row["videoTitle"],
            row["viewers"],
            row["watchHours"],
            row["avgUniqueWatchPercentage"],
            row["completionRate"],
            row["dropOffPosition"],
        )
        for row in rows
    ]


def test_the_list_holds_every_video_with_the_numbers_of_its_row(
    filled: World, made: Made, report: Report
) -> None:
    rows = {row["videoId"]: row for row in filled.rows(VIDEO_PERFORMANCE)}
    assert {video.video_id for video in report.videos} == rows.keys()
    for video in report.videos:
        row = rows[video.video_id]
        assert (video.viewers, video.plays, video.sessions) == (
            row["viewers"],
            row["plays"],
            row["sessions"],
        )
        seconds = row["watchHours"] * 3600 / row["sessions"]
        assert video.average_view == pytest.approx(seconds)
    assert made.html
    path = Path(report_location(filled.settings.warehouse, "videos.html"))
    html = path.read_text("utf-8")
    assert html.count("<tr data-id=") == len(rows)
    for video in rows:
        assert f"<a href={page_of(video)}>" in html
        assert video in (path.parent / page_of(video)).read_text("utf-8")


def test_videos_hold_people_by_how_much_of_them_is_watched(filled: World, report: Report) -> None:
    comparable = [
        row
        for row in filled.rows(VIDEO_PERFORMANCE)
        if row["viewers"] >= 20 and not row["isDurationEstimated"]
    ]
    ranked = sorted(comparable, key=lambda row: -row["avgUniqueWatchPercentage"])
    names = [row["videoId"] for row in ranked]
    shown = [video.video_id for video in (*report.best_held, *reversed(report.worst_held))]
    assert shown == (names if len(names) <= 10 else names[:5] + names[-5:])
    assert shown


def test_a_curve_holds_every_exit_and_the_largest_counts_of_its_video(
    filled: World, report: Report
) -> None:
    rows = filled.rows(VIDEO_POSITION_CURVE)
    assert [curve.video for curve in report.curves] == list(report.top_videos[:6])
    for curve in report.curves:
        video = curve.video
        own = [
            row
            for row in rows
            if row["videoId"] == video.video_id and row["bucketStart"] < video.duration
        ]
        assert sum(s.exits for s in curve.stretches) == sum(row["exits"] for row in own)
        assert max(s.viewers for s in curve.stretches) == max(row["viewers"] for row in own)
        assert max(s.rewatches for s in curve.stretches) == max(row["rewatches"] for row in own)
        assert len(curve.stretches) <= 240
        assert [s.start for s in curve.stretches] == sorted(s.start for s in curve.stretches)


def test_a_curve_knows_who_is_missing_at_its_beginning(filled: World, report: Report) -> None:
    engagement, buckets = filled.rows(ENGAGEMENT), filled.rows(VIDEO_POSITION_CURVE)
    for curve in report.curves:
        video = curve.video.video_id
        watched = [row["totalWatchTime"] for row in engagement if row["videoId"] == video]
        first = [row for row in buckets if row["videoId"] == video and row["bucketStart"] == 0]
        assert curve.idle == watched.count(0)
        assert [curve.opening] == [row["viewers"] for row in first]
        assert curve.opening + curve.idle + curve.later == len(watched)
        assert curve.later >= 0


def test_a_short_video_s_curve_is_the_table_row_by_row(filled: World, report: Report) -> None:
    curve = min(report.curves, key=lambda curve: curve.video.duration)
    assert curve.video.duration <= 1200
    assert [(s.start, s.end, s.viewers, s.rewatches, s.exits) for s in curve.stretches] == sorted(
        (row["bucketStart"], row["bucketEnd"], row["viewers"], row["rewatches"], row["exits"])
        for row in filled.rows(VIDEO_POSITION_CURVE)
        if row["videoId"] == curve.video.video_id and row["bucketStart"] < curve.video.duration
    )


def test_tiers_and_flags_are_counted(filled: World, report: Report) -> None:
    rows = filled.rows(ENGAGEMENT)
    tiers = Counter(row["engagementTier"] for row in rows)
    assert report.tiers == tuple((tier, tiers[tier]) for tier in TIERS)
    flags = Counter(row["dataQualityFlag"] for row in rows if row["dataQualityFlag"] != "ok")
    assert dict(report.flags) == flags
    assert sum(day.pairs for day in report.flag_days) == len(rows)
    assert sum(day.flagged for day in report.flag_days) == flags.total()


def test_power_users_have_the_most_videos_in_tier_high(filled: World, report: Report) -> None:
    rows = sorted(
        filled.rows(USER_ENGAGEMENT),
        key=lambda row: (-row["highTierVideos"], -row["watchSeconds"], row["userId"]),
    )
    with_high = [row for row in rows if row["highTierVideos"]]
    assert [user.user_id for user in report.audience.power_users] == [
        row["userId"] for row in with_high[:10]
    ]
    assert report.audience.users == len(rows)
    assert report.audience.users_with_high == len(with_high)


def test_every_source_row_is_kept_or_rejected(filled: World, report: Report) -> None:
    kept, rejected = filled.rows(RAW_EVENTS), filled.rows(REJECTED_EVENTS)
    intake = report.intake
    assert (intake.kept, intake.rejected) == (len(kept), len(rejected))
    assert sum(day.kept for day in intake.days) == len(kept)
    assert sum(day.rejected for day in intake.days) + intake.undated == len(rejected)
    assert intake.undated > 0
    assert dict(intake.reasons) == Counter(row["reason"] for row in rejected)
    assert intake.days_without_events == ()


def test_missing_dates_are_left_out_until_there_are_daily_views(
    filled: World, made: Made, report: Report, sample: Sample, spark: SparkSession
) -> None:
    assert report.missing is None
    assert report.views is None
    assert "daily views" not in parsed(made.html).text.lower()
    views = (DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS, MISSING_DATES, MISSING_DATE)
    first = sample.spec.first_day
    filled.run(first, first.replace(day=sample.spec.view_days), tables=views)
    complete = build_report(spark, filled.settings, NOW).report
    missing, views = complete.missing, complete.views
    rows = filled.rows(MISSING_DATE)
    assert missing is not None
    assert missing.dates == len(rows) > 0
    assert missing.videos == len({row["video_id"] for row in rows})
    by_day = Counter(row["missing_date"] for row in rows)
    assert {day: videos for day, videos in missing.per_day if videos} == by_day
    rows = filled.rows(DAILY_VIDEO_VIEWS)
    assert missing.rows_there == len(rows)
    by_day = Counter()
    for row in rows:
        by_day[row["date"]] += row["viewCount"]
    assert views is not None
    assert dict(views.per_day) == by_day
    assert views.total == by_day.total()


def test_a_table_that_is_not_there_yet_is_named(tmp_path: Path, spark: SparkSession) -> None:
    with world(tmp_path) as empty:
        message = "Materialize the asset video/aggregated_user_video_engagement before the report"
        with pytest.raises(MissingTableError, match=message):
            build_report(spark, empty.settings, NOW)


def test_a_video_of_unknown_length_that_was_opened_alone_has_a_page(
    tmp_path: Path, spark: SparkSession
) -> None:
    day = NOW.date()
    event = {"timestamp": f"{day}T01:00:00Z", "userId": "ann", "sessionId": "s", "videoId": "v"}
    opened = tmp_path / "events.json"
    opened.write_text(json.dumps({**event, "eventName": "video_play", "currentTime": 0}), "utf-8")
    with world(tmp_path, events=str(opened), video_metadata="", start_date=day) as tables:
        tables.compute(day, tables=TABLES)
        tables.compute(tables=ANALYTICS_TABLES)
        built = build_report(spark, tables.settings, NOW)
    pages = dict(report_files(built.report, built.details, built.lists))
    assert "Nothing was watched yet." in parsed(pages[page_of("v")]).text
