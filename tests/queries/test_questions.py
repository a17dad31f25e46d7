"""The questions of the README: each query against the same numbers in plain Python."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest
from pyspark.sql import SparkSession
from support.checks import Checked, viewed
from support.query_engines import RunQuery, about, by_duckdb, by_spark_sql, mean
from support.tables import Row
from support.world import World

from resources.delta.duckdb_views import SqlViews
from resources.delta.table import Table
from video_assets.analytics.tables import (
    COMPLETION_FORECAST,
    EXPERIMENT_RESULTS,
    VIDEO_DAILY,
    VIDEO_POSITION_CURVE,
    VIEWER_COHORTS,
)
from video_assets.daily_views.tables import MISSING_DATE, MONTHLY_VIEWS
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.docs import QUESTIONS, ROOT, question_of, questions_reference, tables_of
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.lifetime_views.tables import LIFETIME_VIEW_HISTORY
from video_assets.player_events.tables import REJECTED_EVENTS
from video_assets.tables import ALL_TABLES, TABLES

HOUR = 3600
FIRST = date(2025, 1, 1)
both_engines = pytest.mark.parametrize("query", ["duckdb", "spark_sql"], indirect=True)


def grouped(rows: Sequence[Row], name: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[name]].append(row)
    return groups


def share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> Any:
    return about(100 * sum(map(holds, rows)) / len(rows))


@both_engines
def test_who_completes_and_who_watches_most_of_it(query: RunQuery, tables: World) -> None:
    videos = grouped(tables.rows(ENGAGEMENT), "videoId")
    found = {row["videoId"]: row for row in query("completion")}
    assert found.keys() == videos.keys()
    for video, rows in videos.items():
        assert found[video]["viewers"] == len(rows)
        assert found[video]["completedPercent"] == share(rows, lambda r: r["completionCount"] > 0)
        watched = share(rows, lambda row: row["uniqueWatchPercentage"] >= 75)
        assert found[video]["watchedThreeQuartersPercent"] == watched
    shares = [row["completedPercent"] for row in query("completion")]
    assert shares == sorted(shares, reverse=True)


@both_engines
def test_who_leaves_in_the_first_half_minute(query: RunQuery, tables: World) -> None:
    videos = grouped(tables.rows(ENGAGEMENT), "videoId")
    found = query("left_early")
    assert {row["videoId"]: row["leftEarly"] for row in found} == {
        video: sum(row["totalWatchTime"] < 30 for row in rows) for video, rows in videos.items()
    }
    for row in found:
        early = share(videos[row["videoId"]], lambda viewer: viewer["totalWatchTime"] < 30)
        assert row["leftEarlyPercent"] == early


@both_engines
def test_the_moments_that_are_watched_again(query: RunQuery, tables: World) -> None:
    curve = tables.rows(VIDEO_POSITION_CURVE)
    ranked = [row for row in curve if row["hotspotRank"] and row["hotspotRank"] <= 3]
    wanted = sorted(ranked, key=lambda row: (row["videoId"], row["hotspotRank"]))
    names = ("videoId", "hotspotRank", "bucketStart", "bucketEnd", "viewers", "rewatches")
    assert query("moments_watched_again") == [{n: row[n] for n in names} for row in wanted]


@both_engines
def test_the_moments_that_lose_most_viewers(query: RunQuery, tables: World) -> None:
    wanted = []
    for video, parts in sorted(grouped(before_the_end(tables), "videoId").items()):
        last = max(part["bucketStart"] for part in parts)
        losing = [part for part in parts if part["exits"] and part["bucketStart"] < last]
        losing.sort(key=lambda part: (-part["exits"], part["bucketStart"]))
        wanted += [(video, n + 1, p["bucketStart"], p["exits"]) for n, p in enumerate(losing[:3])]
    found = query("moments_that_lose_viewers")
    names = ("videoId", "exitRank", "bucketStart", "exits")
    assert [tuple(row[name] for name in names) for row in found] == wanted


def before_the_end(tables: World) -> list[Row]:
    curve = tables.rows(VIDEO_POSITION_CURVE)
    return [row for row in curve if (row["positionPercent"] or 0) < 100]


@both_engines
def test_the_moments_that_are_skipped_over(query: RunQuery, tables: World) -> None:
    wanted = []
    for video, parts in sorted(grouped(before_the_end(tables), "videoId").items()):
        parts.sort(key=lambda part: part["bucketStart"])
        runs: list[tuple[int, float, float]] = []
        is_open = False
        for at, part in enumerate(parts):
            skipped = max(later["viewers"] for later in parts[at:]) - part["viewers"]
            if skipped and is_open:
                most, start, _ = runs.pop()
                runs.append((max(most, skipped), start, part["bucketEnd"]))
            elif skipped:
                runs.append((skipped, part["bucketStart"], part["bucketEnd"]))
            is_open = skipped > 0
        runs.sort(key=lambda run: (-run[0], run[1]))
        wanted += [(video, n, *place, most) for n, (most, *place) in enumerate(runs[:3], 1)]
    assert wanted
    assert [tuple(row.values()) for row in query("moments_skipped_over")] == wanted


@both_engines
def test_videos_beside_others_of_their_length(query: RunQuery, tables: World) -> None:
    curve = [r for r in tables.rows(VIDEO_POSITION_CURVE) if r["relativeRetention"] is not None]
    wanted = {
        video: fmean(part["relativeRetention"] for part in parts)
        for video, parts in grouped(curve, "videoId").items()
    }
    found = {row["videoId"]: row["relativeRetention"] for row in query("retention_beside_similar")}
    assert found == pytest.approx(wanted, abs=0.000501)


@both_engines
def test_people_and_new_people_of_each_day(query: RunQuery, tables: World) -> None:
    by_day = grouped(tables.rows(SESSIONS), "sessionDate")
    seen: set[str] = set()
    wanted = []
    for day, rows in sorted(by_day.items()):
        users = {row["userId"] for row in rows}
        hours = about(sum(row["watchTime"] for row in rows) / HOUR)
        wanted.append((day, len(users), len(users - seen), hours))
        seen |= users
    assert len(wanted) > 1
    assert [tuple(row.values()) for row in query("viewers_by_day")] == wanted


@both_engines
def test_whether_viewers_come_back(query: RunQuery, tables: World) -> None:
    names = ("cohortWeek", "weeksSince", "cohortViewers", "returningViewers")
    wanted = sorted(tuple(row[n] for n in names) for row in tables.rows(VIEWER_COHORTS))
    assert [tuple(row[n] for n in names) for row in query("returning_viewers")] == wanted


@both_engines
def test_the_hours_at_which_people_watch(query: RunQuery, tables: World) -> None:
    begun = [row for row in tables.rows(SESSIONS) if not row["isContinuation"]]
    hours = Counter(row["firstEventTime"].astimezone(UTC).hour for row in begun)
    found = query("hours_of_day")
    assert [(row["hourOfDay"], row["sessions"]) for row in found] == sorted(hours.items())
    watched = sum(row["watchTime"] for row in begun) / HOUR
    assert sum(row["watchHours"] for row in found) == pytest.approx(watched, abs=0.13)


@both_engines
def test_how_long_sessions_are(query: RunQuery, tables: World) -> None:
    by_day = grouped(tables.rows(SESSIONS), "sessionDate")
    assert [tuple(row.values()) for row in query("visits")] == [
        (
            day,
            len(rows),
            about(fmean(row["watchTime"] for row in rows) / 60),
            about(fmean(row["elapsedSeconds"] for row in rows) / 60),
            mean(rows, "pauseCount"),
        )
        for day, rows in sorted(by_day.items())
    ]


@both_engines
def test_what_viewers_on_phones_do_otherwise(query: RunQuery, tables: World) -> None:
    def device(row: Row) -> str:
        return json.loads(row["dimensions"] or "{}").get("device", "unknown")

    devices = grouped([{**row, "on": device(row)} for row in tables.rows(SESSIONS)], "on")
    found = query("by_device")
    assert {row["device"] for row in found} == {*devices} > {"phone", "computer"}
    for row in found:
        rows = devices[row["device"]]
        begun = sum(not each["isContinuation"] for each in rows)
        assert row["sessions"] == begun
        watched, ended, skipped = (
            sum(each[name] for each in rows) / begun
            for name in ("watchTime", "endedCount", "forwardSkips")
        )
        assert row["secondsPerSession"] == pytest.approx(watched, abs=0.051)
        assert row["completionsPer100Sessions"] == pytest.approx(100 * ended, abs=0.051)
        assert row["forwardSkipsPer100Sessions"] == pytest.approx(100 * skipped, abs=0.051)


@both_engines
def test_whether_the_new_player_helps_and_how_sure_that_is(query: RunQuery, tables: World) -> None:
    results = [row for row in tables.rows(EXPERIMENT_RESULTS) if not row["isControl"]]
    results.sort(key=lambda row: row["metric"])
    renamed = {"anytimeLowerBound": "atLeast", "anytimeUpperBound": "atMost"}
    rows = [{renamed.get(name, name): value for name, value in row.items()} for row in results]
    found = query("experiments")
    assert len(found) == 3
    assert found == [{name: row[name] for name in found[0]} for row in rows]


@both_engines
def test_videos_that_are_skipped_through(query: RunQuery, tables: World) -> None:
    videos = grouped(tables.rows(ENGAGEMENT), "videoId")
    found = query("skipped_videos")
    assert len(found) == len(videos)
    for row in found:
        viewers = videos[row["videoId"]]
        assert row["forwardSkipsPerViewer"] == mean(viewers, "totalForwardSkips")
        assert row["backwardSkipsPerViewer"] == mean(viewers, "totalBackwardSkips")


@both_engines
def test_what_else_viewers_watch(query: RunQuery, tables: World) -> None:
    rows = tables.rows(ENGAGEMENT)
    viewers = Counter(row["videoId"] for row in rows)
    both: Counter[tuple[str, str]] = Counter()
    for watched in grouped(rows, "userId").values():
        both.update(permutations([row["videoId"] for row in watched], 2))
    wanted = sorted(both.items(), key=lambda item: (-item[1], item[0]))[:20]
    assert [tuple(row.values()) for row in query("watched_together")] == [
        (*pair, count, about(100 * count / viewers[pair[0]])) for pair, count in wanted
    ]


@both_engines
def test_what_was_refused_and_why(query: RunQuery, tables: World) -> None:
    names = ("eventDate", "reason", "source")
    counts = Counter(tuple(row[n] for n in names) for row in tables.rows(REJECTED_EVENTS))
    found = query("refused_rows")
    assert counts
    assert {(r["day"], r["reason"], r["source"]): r["refusedRows"] for r in found} == counts
    assert all(earlier["refusedRows"] >= row["refusedRows"] for earlier, row in pairwise(found))


class Counts:
    """Views of a few videos, stored by hand, and the queries over them."""

    def __init__(self, spark: SparkSession, folder: Path, queries: Path) -> None:
        self.spark, self.queries = spark, queries
        self.checked = Checked(spark, folder)

    def holds(self, table: Table, *rows: Row) -> None:
        nothing = dict.fromkeys(table.column_names)
        self.checked.holds(table, [{**nothing, **row} for row in rows])

    def answers(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of a query, which both engines agree on."""
        warehouse = self.checked.settings.warehouse
        by_sql = by_duckdb(self.queries, SqlViews.of(warehouse, ALL_TABLES))(name)
        assert by_spark_sql(self.queries, self.spark, warehouse)(name) == by_sql
        return [tuple(row.values()) for row in by_sql]


@pytest.fixture
def counts(spark: SparkSession, tmp_path: Path, queries: Path) -> Counts:
    return Counts(spark, tmp_path, queries)


def on(day: int) -> date:
    return FIRST + timedelta(days=day - 1)


def day_of_video(video: str, day: int, first: int, viewers: int) -> Row:
    return {
        **dict.fromkeys(VIDEO_DAILY.column_names, 0),
        "videoId": video,
        "date": on(day),
        "newViewers": viewers,
        "viewers": viewers,
        "watchSeconds": 3600.0 * viewers,
        "uniqueSeconds": 0.0,
        "daysSinceFirst": day - first,
        "isUnfinished": None,
    }


def test_first_days_are_compared_among_videos_that_had_seven(counts: Counts) -> None:
    counts.holds(
        VIDEO_DAILY,
        day_of_video("old", 1, 1, 4),
        day_of_video("old", 3, 1, 2),
        day_of_video("old", 8, 1, 100),
        day_of_video("second", 4, 4, 2),
        day_of_video("young", 5, 5, 9),
        day_of_video("last", 10, 10, 1),
        {**day_of_video("today", 16, 10, 1), "isUnfinished": True},
    )
    wanted = median([6, 2])
    assert counts.answers("first_seven_days") == [
        ("old", 6, wanted, 6.0, wanted),
        ("second", 2, wanted, 2.0, wanted),
    ]


def test_the_three_moments_of_a_video_that_are_watched_again_most(counts: Counts) -> None:
    def part(video: str, start: int, rank: int | None) -> Row:
        place = {"videoId": video, "bucketStart": start, "bucketEnd": start + 5}
        counted = {**dict.fromkeys(VIDEO_POSITION_CURVE.required_columns, 0), "viewers": 9}
        return {**counted, **place, "rewatches": start + 1, "hotspotRank": rank}

    ranks = (None, 3, 1, 4, 2)
    of_a = [part("a", 5 * at, rank) for at, rank in enumerate(ranks)]
    counts.holds(VIDEO_POSITION_CURVE, part("b", 0, 1), *of_a)
    assert counts.answers("moments_watched_again") == [
        ("a", 1, 10, 15, 9, 11),
        ("a", 2, 20, 25, 9, 21),
        ("a", 3, 5, 10, 9, 6),
        ("b", 1, 0, 5, 9, 1),
    ]


def test_months_of_a_channel_beside_the_month_before(counts: Counts) -> None:
    def month(video: str, number: int, views: int | None, *, spans: bool = False) -> Row:
        start = date(2025, number, 1)
        text, channel = f"{start:%Y-%m}", "c1"
        named = {"channel_id": channel, "video_id": video, "month": text, "month_start": start}
        return {**named, "aggViewCount": views, "spansDefinitionChange": spans}

    counts.holds(
        MONTHLY_VIEWS,
        month("a", 1, 10),
        month("b", 1, 5),
        month("a", 2, 7, spans=True),
        month("b", 2, None),
    )
    assert counts.answers("views_by_month") == [
        ("c1", "2025-01", 15, None, False),
        ("c1", "2025-02", 7, -8, True),
    ]


def test_videos_that_win_views_now(counts: Counts) -> None:
    days = [viewed("falling", on(day), 10 if day <= 7 else 1) for day in range(1, 15)]
    rising = [viewed("rising", on(7), 3), viewed("rising", on(8), 8), viewed("rising", on(9), None)]
    counts.checked.views(*days, *rising, viewed("before", on(0), 50))
    assert counts.answers("growing_videos") == [("rising", 8, 3, 5), ("falling", 7, 70, -63)]


def test_videos_with_missing_days(counts: Counts) -> None:
    def gap(video: str, day: int) -> Row:
        named = {"channel_id": "c1", "video_id": video, "created_date": FIRST}
        return {**named, "missing_date": on(day)}

    counts.holds(MISSING_DATE, gap("a", 4), gap("b", 2), gap("b", 9))
    assert counts.answers("dates_missing") == [
        ("b", 2, on(2), on(9), None),
        ("a", 1, on(4), on(4), None),
    ]


def test_days_beside_the_count_of_a_life(counts: Counts) -> None:
    def count(video: str, day: int, source: str, views: int | None) -> Row:
        named = {"channel_id": "c1", "video_id": video, "created_date": FIRST}
        return {**named, "date": on(day), "source": source, "viewCount": views}

    counts.holds(
        LIFETIME_VIEW_HISTORY,
        *(count("a", day, "daily", 10) for day in (1, 2, 3, 4)),
        count("a", 3, "lifetime", 20),
        count("a", 4, "lifetime", 33),
        count("b", 1, "daily", 5),
        count("b", 4, "lifetime", None),
    )
    assert counts.answers("lifetime_beside_days") == [("a", 33, 30, 3)]


def test_who_will_probably_not_finish(counts: Counts) -> None:
    chances = {"ann": 0.61, "ben": 0.123456, "cleo": 0.61}
    rows = [
        {"userId": u, "videoId": "v", "completionProbability": p, "forecastDate": FIRST}
        for u, p in chances.items()
    ]
    counts.holds(COMPLETION_FORECAST, *rows)
    assert counts.answers("left_unfinished") == [
        ("ben", "v", 0.1235, FIRST),
        ("ann", "v", 0.61, FIRST),
        ("cleo", "v", 0.61, FIRST),
    ]


def test_files_that_wait(counts: Counts) -> None:
    came = datetime(2025, 1, 2, tzinfo=UTC)

    def file(path: str, rows: int | None, waiting: int | None) -> Row:
        fates = ("validRows", "repeatedRows", "rejectedRows", "ignoredRows", "erasedRows", "size")
        told = {"source": "player_events", "path": path, "version": "1", "readAs": ""}
        counted = {"firstSeenAt": came, "rowCount": rows, "waitingRows": waiting}
        return {**dict.fromkeys(fates, 0), **told, **counted}

    counts.holds(SOURCE_FILES, file("done", 5, 0), file("late", 5, 2), file("broken", None, None))
    answers = counts.answers("files_waiting")
    assert [(path, waiting) for _, path, _, _, _, waiting, _ in answers] == [
        ("broken", None),
        ("late", 2),
    ]


def test_every_question_of_the_readme_has_a_query_that_a_test_runs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert questions_reference() in readme
    assert len(QUESTIONS) >= 20
    assert len({question_of(name) for name in QUESTIONS}) == len(QUESTIONS)
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in QUESTIONS if f'"{name}"' not in tests] == []
    assert all(table in TABLES for name in QUESTIONS for table in tables_of(name))
