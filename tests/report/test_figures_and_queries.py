"""What periods and the pages of videos show is what queries over the tables answer."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from support.query_engines import RunQuery, by_duckdb
from support.samples import make_sample
from support.tables import Row
from support.world import TABLES, VIEWS, World, world

from resources.delta.duckdb_views import SqlViews
from video_assets.analytics.tables import (
    DIMENSION_DAILY,
    USER_ENGAGEMENT,
    VIDEO_DAILY,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
)
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.engagement.tables import SESSIONS
from video_assets.report.build import build_report
from video_assets.report.facts import Choice, Filter, Moment, Report, Sums
from video_assets.report.first_days import first_days
from video_assets.report.moments import left, skipped_over, watched_again
from video_assets.report.period_lists import PeriodList
from video_assets.report.video_facts import VideoDetail
from video_assets.tables import ALL_TABLES

NOW = datetime(2025, 1, 12, tzinfo=UTC)
QUERIES = Path(__file__).parents[2] / "queries"
OF_VIDEOS = (VIDEO_PERFORMANCE, VIDEO_POSITION_CURVE, VIDEO_DAILY)
FILLED = (*TABLES, USER_ENGAGEMENT, *OF_VIDEOS, DIMENSION_DAILY, *VIEWS)


@dataclass(frozen=True)
class Made:
    """Details of all videos, and queries over the tables that they were made from."""

    report: Report
    details: dict[str, VideoDetail]
    lists: list[PeriodList]
    query: RunQuery
    world: World


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("details")
    sizes = {"events": 3_000, "days": 10, "users": 60, "videos": 12, "channel_videos": 12}
    sample = make_sample(folder / "sample", **sizes, view_days=10)
    sources: dict[str, Any] = {
        "events": str(sample.folder / "events"),
        "video_metadata": str(sample.folder / "video_metadata.parquet"),
        "daily_views": str(sample.folder / "daily_views"),
        "events_dimensions": {"device": "device"},
    }
    with world(folder / "warehouse", **sources) as filled:
        first, *_, last = sample.spec.event_days
        filled.compute(first, last, tables=FILLED)
        built = build_report(spark, filled.settings, NOW)
        query = by_duckdb(QUERIES, SqlViews.of(filled.settings.warehouse, ALL_TABLES))
        details = {detail.video.video_id: detail for detail in built.details}
        yield Made(built.report, details, list(built.lists), query, filled)


def places(found: list[dict[str, Any]], number: str) -> dict[str, list[Moment]]:
    moments: dict[str, list[Moment]] = {}
    for row in found:
        moment = Moment(row["bucketStart"], row["bucketEnd"], row[number])
        moments.setdefault(row["videoId"], []).append(moment)
    return moments


def test_every_video_of_the_list_has_its_page(made: Made) -> None:
    assert list(made.details) == [video.video_id for video in made.report.videos]


def test_ranked_moments_are_those_of_the_queries(made: Made) -> None:
    again = places(made.query("moments_watched_again"), "rewatches")
    lost = places(made.query("moments_that_lose_viewers"), "exits")
    skipped = places(made.query("moments_skipped_over"), "viewersAtLeast")
    assert lost
    assert skipped
    for video, detail in made.details.items():
        assert watched_again(detail.buckets) == again.get(video, [])
        assert left(detail.buckets) == lost.get(video, [])
        assert skipped_over(detail.buckets) == skipped.get(video, [])


def test_the_curve_is_the_table_row_by_row(made: Made) -> None:
    stored = made.world.rows(VIDEO_POSITION_CURVE)
    for video, detail in made.details.items():
        rows = [r for r in stored if r["videoId"] == video and (r["positionPercent"] or 0) < 100]
        rows.sort(key=lambda row: row["bucketStart"])
        columns = {"viewers": "viewers", "rewatches": "rewatches", "exits": "exits"}
        columns |= {"started": "started", "stopped": "stopped", "start": "bucketStart"}
        for ours, theirs in columns.items():
            assert getattr(detail.buckets, ours).tolist() == [row[theirs] for row in rows]


def test_retention_beside_similar_videos_is_that_of_the_query(made: Made) -> None:
    wanted = {r["videoId"]: r["relativeRetention"] for r in made.query("retention_beside_similar")}
    assert wanted
    for video, mean in wanted.items():
        relative = made.details[video].buckets.relative
        assert float(np.nanmean(relative)) == pytest.approx(mean, abs=0.00051)


def test_first_days_are_those_of_the_query_and_of_the_channel(made: Made) -> None:
    wanted = {row["videoId"]: row for row in made.query("first_seven_days")}
    assert len(wanted) > 5
    groups = made.report.groups
    for video, detail in made.details.items():
        found = {first.days: first for first in detail.first_days}
        assert (7 in found) == (video in wanted)
        assert 28 not in found
        if first := found.get(7):
            others = [v for v in wanted if first.group in (None, groups.get(v))]
            assert first.viewers == wanted[video]["viewers"]
            assert first.hours == pytest.approx(wanted[video]["watchHours"], abs=0.0051)
            assert first.videos == len(others)
            assert first.median_viewers == median(wanted[v]["viewers"] for v in others)
    assert {first.group for d in made.details.values() for first in d.first_days} > {None}


def test_without_channels_first_days_stand_beside_those_of_all(
    made: Made, spark: SparkSession
) -> None:
    daily = spark.read.format("delta").load(str(made.world.folder(VIDEO_DAILY)))
    wanted = {row["videoId"]: row for row in made.query("first_seven_days")}
    for row in first_days(daily, None, 7).collect():
        assert (row["group"], row["videos"]) == (None, len(wanted))
        assert row["medianViewers"] == wanted[row["videoId"]]["medianViewers"]
        median_hours = wanted[row["videoId"]]["medianWatchHours"]
        assert row["medianHours"] == pytest.approx(median_hours, abs=0.0051)


def test_days_and_views_are_the_rows_of_their_tables(made: Made) -> None:
    days, views = made.world.rows(VIDEO_DAILY), made.world.rows(DAILY_VIDEO_VIEWS)
    for video, detail in made.details.items():
        wanted = [
            (row["date"], row["viewers"], row["plays"], row["watchSeconds"] / 3600)
            for row in days
            if row["videoId"] == video
        ]
        assert [(d.day, d.viewers, d.plays, d.hours) for d in detail.days] == sorted(wanted)
        counted = [(r["date"], r["viewCount"]) for r in views if r["video_id"] == video]
        assert list(detail.views) == sorted(pair for pair in counted if pair[1] is not None)
    assert any(detail.views for detail in made.details.values())


def within(rows: Sequence[Row], day: str, choice: Choice) -> list[Row]:
    """The rows of a period."""
    now = choice.trend.now
    return [row for row in rows if now.first <= row[day] <= now.last]


def test_a_period_is_what_its_sessions_add_up_to(made: Made) -> None:
    week, everything = made.report.choices
    assert (week.key, everything.key) == ("7", "all")
    sessions = made.world.rows(SESSIONS)
    seen = {row["userId"]: row["firstSeen"].date() for row in made.world.rows(USER_ENGAGEMENT)}
    for choice in (week, everything):
        rows, now = within(sessions, "sessionDate", choice), choice.trend.now
        viewers = {row["userId"] for row in rows}
        assert now.viewers == len(viewers)
        assert now.plays == sum(row["playCount"] for row in rows)
        assert now.sessions == sum(not row["isContinuation"] for row in rows)
        assert now.seconds == pytest.approx(sum(row["watchTime"] for row in rows), abs=0.1)
    returning = sum(seen[user] < week.trend.now.first for user in _users(sessions, week))
    assert week.trend.now.returning == returning > 0
    assert everything.trend.now.returning is None


def _users(sessions: Sequence[Row], choice: Choice) -> set[str]:
    return {row["userId"] for row in within(sessions, "sessionDate", choice)}


def test_the_views_of_a_period_are_the_rows_of_its_days(made: Made) -> None:
    rows = [r for r in made.world.rows(DAILY_VIDEO_VIEWS) if r["viewCount"] is not None]
    for choice in made.report.choices:
        found = choice.views
        assert found is not None
        counted = [r["viewCount"] for r in rows if found.first <= r["date"] <= found.last]
        assert found.views == sum(counted) > 0


def test_the_videos_of_a_period_are_those_watched_longest_in_it(made: Made) -> None:
    daily = made.world.rows(VIDEO_DAILY)
    titles = {row["videoId"]: row["videoTitle"] for row in made.world.rows(VIDEO_PERFORMANCE)}
    for choice in made.report.choices:
        seconds: Counter[str] = Counter()
        plays: Counter[str] = Counter()
        for row in within(daily, "date", choice):
            seconds[row["videoId"]] += row["watchSeconds"]
            plays[row["videoId"]] += row["plays"]
        most = [video for video, _ in seconds.most_common(10)]
        assert [video.video_id for video in choice.videos] == most
        for video in choice.videos:
            assert video.title == titles[video.video_id]
            assert video.now.plays == plays[video.video_id]
            assert video.now.seconds == pytest.approx(seconds[video.video_id])


def test_the_dimensions_of_a_period_are_the_rows_of_its_days(made: Made) -> None:
    daily = made.world.rows(DIMENSION_DAILY)
    for choice in made.report.choices:
        sessions: Counter[str] = Counter()
        for row in within(daily, "date", choice):
            sessions[row["value"]] += row["sessions"]
        [device] = choice.dimensions
        assert {group.value: group.sessions for group in device.groups} == sessions


def added_up(rows: Sequence[Row]) -> Sums:
    """Rows of a table of days together."""
    return Sums(
        sessions=sum(row["sessions"] for row in rows),
        seconds=pytest.approx(sum(row["watchSeconds"] for row in rows)),
        plays=sum(row["plays"] for row in rows),
        completions=sum(row["completions"] for row in rows),
        new_viewers=sum(row["newViewers"] for row in rows),
        forward_skips=sum(row["forwardSkips"] for row in rows),
    )


def with_value(rows: Sequence[Row], of: Filter | None) -> list[Row]:
    """The rows of a filter; of everybody all."""
    return [row for row in rows if of is None or row["value"] == of.value]


def test_the_report_can_be_narrowed_to_each_value(made: Made) -> None:
    daily = made.world.rows(DIMENSION_DAILY)
    assert {each.value for each in made.report.filters} == {row["value"] for row in daily}
    for each, hours in made.report.filters.items():
        wanted: Counter[date] = Counter()
        for row in with_value(daily, each):
            wanted[row["date"]] += row["watchSeconds"] / 3600
        assert hours == pytest.approx(wanted)


def test_what_a_filter_leaves_of_a_period_is_the_rows_of_its_value_and_days(made: Made) -> None:
    daily = made.world.rows(DIMENSION_DAILY)
    for choice in made.report.choices:
        rows = within(daily, "date", choice)
        assert {each.filter.value for each in choice.narrowed} == {row["value"] for row in rows}
        for each in choice.narrowed:
            assert added_up(with_value(rows, each.filter)) == each.now
            assert each.before is None
            [whole] = [of for of in made.lists if (of.choice, of.filter) == (choice, each.filter)]
            assert whole.videos[: len(each.videos)] == each.videos
            assert len(each.videos) == min(10, whole.number)


def test_every_list_has_the_videos_of_its_period_and_filter_with_their_rows(made: Made) -> None:
    tables = {False: made.world.rows(VIDEO_DAILY), True: made.world.rows(DIMENSION_DAILY)}
    known = {row["videoId"]: row for row in made.world.rows(VIDEO_PERFORMANCE)}
    whole, filters = {choice.key for choice in made.report.choices}, list(made.report.filters)
    shown = {(of.choice.key, of.filter) for of in made.lists}
    assert shown == {("7", None), *((key, each) for key in whole for each in filters)}
    for found in made.lists:
        rows = with_value(tables[found.filter is not None], found.filter)
        of_days = within(rows, "date", found.choice)
        assert len(found.videos) == found.number == len({row["videoId"] for row in of_days})
        for video in found.videos:
            own = [row for row in of_days if row["videoId"] == video.video_id]
            assert added_up(own) == video.now
            assert video.title == known[video.video_id]["videoTitle"]
            assert video.duration == known[video.video_id]["videoDuration"]
        seconds = [video.now.seconds for video in found.videos]
        assert seconds == sorted(seconds, reverse=True)


def test_the_curves_of_the_page_say_what_the_queries_answer(
    made: Made,
) -> None:
    wanted = {r["videoId"]: r["relativeRetention"] for r in made.query("retention_beside_similar")}
    lost = places(made.query("moments_that_lose_viewers"), "exits")
    for curve in made.report.curves:
        found = wanted.get(curve.video.video_id)
        assert curve.relative == (found and pytest.approx(found, abs=0.00051))
        assert [curve.lost] == lost[curve.video.video_id][:1]
