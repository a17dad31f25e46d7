"""Every query file over real tables, by every engine, against the same sums in plain Python."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import duckdb_kql
import pytest
from support.query_engines import RunQuery, about, mean, pairs
from support.world import World

from video_assets.analytics.tables import USER_ENGAGEMENT
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.rules import WatchTimeRules

Row = dict[str, Any]
ENGINES = ("duckdb", "spark_sql", "kql")
SQL_ENGINES = ("duckdb", "spark_sql")


@pytest.fixture(scope="module")
def engaged(tables: World) -> list[Row]:
    return tables.rows(ENGAGEMENT)


@pytest.fixture(scope="module")
def ranked(tables: World, engaged: list[Row]) -> list[Row]:
    """Without those whom rankings leave out."""
    users = tables.rows(USER_ENGAGEMENT)
    programs = {row["userId"] for row in users if row["exclusionReason"] is not None}
    return [row for row in engaged if row["userId"] not in programs]


def grouped(rows: list[Row], *names: str) -> dict[Any, list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def total(rows: list[Row], name: str) -> Any:
    return sum(row[name] for row in rows)


by_each_engine = pytest.mark.parametrize("query", ENGINES, indirect=True)
by_each_sql_engine = pytest.mark.parametrize("query", SQL_ENGINES, indirect=True)


@by_each_engine
def test_the_ten_videos_with_the_most_watch_time(query: RunQuery, ranked: list[Row]) -> None:
    videos = grouped(ranked, "videoId")
    most = sorted(videos, key=lambda video: (-total(videos[video], "totalWatchTime"), video))[:10]
    assert query("top_videos") == [
        {
            "videoId": video[0],
            "videoTitle": videos[video][0]["videoTitle"],
            "watchHours": about(total(videos[video], "totalWatchTime") / 3600),
            "uniqueViewers": len(videos[video]),
            "avgWatchPercentage": mean(videos[video], "watchPercentage"),
            "completions": total(videos[video], "completionCount"),
        }
        for video in most
    ]


@by_each_engine
def test_the_tiers_in_order_with_their_share(query: RunQuery, engaged: list[Row]) -> None:
    counts = Counter(row["engagementTier"] for row in engaged)
    assert query("tier_distribution") == [
        {
            "engagementTier": tier,
            "viewersOfVideos": counts[tier],
            "sharePercent": about(100 * counts[tier] / len(engaged)),
        }
        for tier in ("High", "Medium", "Low", "Minimal")
    ]


@by_each_engine
def test_where_viewers_leave_who_never_complete(query: RunQuery, engaged: list[Row]) -> None:
    leavers = [
        {**row, "bucket": int(row["maxPositionReached"] // 30) * 30}
        for row in engaged
        if not row["isCompletedAtLeastOnce"]
    ]
    of_video = grouped(leavers, "videoId")
    buckets = grouped(leavers, "videoId", "bucket")
    assert len(buckets) > len(of_video) > 1
    assert query("drop_off") == [
        {
            "videoId": video,
            "videoTitle": rows[0]["videoTitle"],
            "bucketStart": bucket,
            "bucketEnd": bucket + 30,
            "viewers": len(rows),
            "shareOfLeaversPercent": about(100 * len(rows) / len(of_video[video,])),
        }
        for (video, bucket), rows in sorted(buckets.items())
    ]


@by_each_engine
def test_power_users_and_their_videos(query: RunQuery, ranked: list[Row]) -> None:
    users = grouped([row for row in ranked if row["engagementTier"] == "High"], "userId")
    order = sorted(
        users, key=lambda user: (-len(users[user]), -total(users[user], "totalWatchTime"), user)
    )
    assert len(order) > 1
    assert query("power_users") == [
        {
            "userId": user[0],
            "videosWatched": len(users[user]),
            "avgWatchPercentage": mean(users[user], "watchPercentage"),
            "watchHours": about(total(users[user], "totalWatchTime") / 3600),
            "lastSeen": max(row["lastWatchDate"] for row in users[user]),
        }
        for user in order
    ]


@by_each_engine
def test_watch_time_above_the_duration_with_its_excess(query: RunQuery, engaged: list[Row]) -> None:
    excess = {
        (row["userId"], row["videoId"]): row["totalWatchTime"] - 1.1 * row["videoDuration"]
        for row in engaged
    }
    found = query("quality_watch_time_above_duration")
    assert found
    assert pairs(found) == sorted((p for p in excess if excess[p] > 0), key=lambda p: -excess[p])
    assert [row["excessSeconds"] for row in found] == pytest.approx(
        [excess[pair] for pair in pairs(found)], abs=0.00051
    )


@by_each_engine
def test_completions_that_watched_too_little(query: RunQuery, engaged: list[Row]) -> None:
    found = query("quality_completed_without_watching")
    wanted = [r for r in engaged if r["completionCount"] > 0 and r["watchPercentage"] < 75]
    assert found
    assert sorted(pairs(found)) == sorted(pairs(wanted))
    assert [row["watchPercentage"] for row in found] == sorted(
        row["watchPercentage"] for row in wanted
    )


@by_each_engine
def test_hours_since_the_last_processing(query: RunQuery, engaged: list[Row]) -> None:
    [row] = query("quality_hours_since_processing")
    newest = max(row["processedAt"] for row in engaged)
    assert row["lastProcessedAt"] == newest
    hours = (datetime.now(UTC) - newest) / timedelta(hours=1)
    assert row["hoursSinceProcessing"] == pytest.approx(hours, abs=0.02)


@pytest.mark.parametrize("query", ["duckdb"], indirect=True)
def test_what_events_earn_adds_up_to_the_session_rows(query: RunQuery, tables: World) -> None:
    sessions = grouped(tables.rows(SESSIONS), "userId", "videoId")
    some = sorted(sessions)[::3]
    assert len(some) > 50
    for user, video in some:
        found = query("session_events", user_id=user, video_id=video, session_id="")
        assert earned(found) == judged(sessions[user, video])


@by_each_sql_engine
def test_what_events_earn_is_the_same_on_both_engines(query: RunQuery, tables: World) -> None:
    sessions = grouped(tables.rows(SESSIONS), "userId", "videoId")
    user, video = max(sessions, key=lambda pair: total(sessions[pair], "eventCount"))
    found = query("session_events", user_id=user, video_id=video, session_id="")
    assert earned(found) == judged(sessions[user, video])


def earned(events: list[Row]) -> dict[str, Row]:
    """What `session_events` tells of each session and day, summed up."""
    for event in events:
        event["day"] = event["eventTime"].astimezone(UTC).date()
    return {
        (session, day): {
            "events": len(rows),
            "watched": pytest.approx(total(rows, "watchedSeconds"), abs=1e-6),
            "forward": sum(row["earned"].endswith("forward skip") for row in rows),
            "backward": sum(row["earned"].endswith("backward skip") for row in rows),
            "sessions": sum(row["earned"].startswith(("first", "new session")) for row in rows),
        }
        for (session, day), rows in grouped(events, "sessionId", "day").items()
    }


def judged(sessions: list[Row]) -> dict[str, Row]:
    """The same sums, from the rows that the kernel computed."""
    return {
        key: {
            "events": total(rows, "eventCount"),
            "watched": total(rows, "watchTime"),
            "forward": total(rows, "forwardSkips"),
            "backward": total(rows, "backwardSkips"),
            "sessions": sum(not row["isContinuation"] for row in rows),
        }
        for key, rows in grouped(sessions, "sessionId", "sessionDate").items()
    }


@by_each_engine
def test_the_events_of_one_session_are_in_order(query: RunQuery, tables: World) -> None:
    session = max(tables.rows(SESSIONS), key=lambda row: row["eventCount"])
    names = ("userId", "videoId", "sessionId")
    wanted = [r for r in tables.rows(RAW_EVENTS) if all(r[n] == session[n] for n in names)]
    found = query("session_events", **{f"{n.lower()[:-2]}_id": session[n] for n in names})
    assert [row["eventTime"] for row in found] == sorted(row["timestamp"] for row in wanted)
    assert {row["sessionId"] for row in found} == {session["sessionId"]}


@by_each_sql_engine
def test_the_worked_example_is_explained(query: RunQuery) -> None:
    found = query("session_events", user_id="peter", video_id="video_001", session_id="")
    assert [(row["watchedSeconds"], row["earned"]) for row in found] == [
        (0, "first event"),
        (30, "watched"),
        (0, "nothing: was paused"),
        (90, "watched"),
        (0, "backward skip"),
        (10, "watched"),
    ]


def test_the_thresholds_in_the_file_are_the_defaults_of_the_settings(queries: Path) -> None:
    defaults = WatchTimeRules().model_dump()
    words = (queries / "session_events.sql").read_text().replace(",", " ").split()
    found = {
        words[at + 1]: float(words[at - 1])
        for at, word in enumerate(words)
        if word == "AS" and words[at + 1] in defaults
    }
    assert len(found) == 6
    assert found == {name: defaults[name] for name in found}


@pytest.mark.parametrize(("language", "count"), [("sql", 30), ("kql", 10)])
def test_every_file_begins_with_the_question_that_it_answers(
    queries: Path, language: str, count: int
) -> None:
    files = sorted(queries.rglob(f"*.{language}"))
    assert len(files) == count
    for file in files:
        first = file.read_text().splitlines()[0]
        assert first.startswith(("-- ", "// "))


def test_player_events_in_log_analytics_come_out_with_our_columns(queries: Path) -> None:
    connection = duckdb.connect()
    connection.sql(
        "CREATE TABLE AppEvents AS SELECT TIMESTAMP '2025-03-04 09:00:00' AS TimeGenerated, "
        "name AS Name, '' AS UserAuthenticatedId, 'ann' AS UserId, 's1' AS SessionId, "
        """'{"videoId": "v1", "currentTime": "61.5"}' AS Properties, items AS ItemCount """
        "FROM (VALUES ('video_play', 1), ('video_pause', 4), ('click', 1)) AS sent (name, items)"
    )
    kql = queries / "kql"
    events = duckdb_kql.query(connection, (kql / "raw_player_events.kql").read_text(), {})
    rows = [dict(zip(events.columns, row, strict=True)) for row in events.fetchall()]
    assert {tuple(row) for row in rows} == {(*RAW_EVENTS.required_columns[:-1], "seekTime")}
    assert [row["eventName"] for row in rows] == ["video_play", "video_pause"]
    assert [(r["userId"], r["videoId"], r["currentTime"]) for r in rows] == [
        ("ann", "v1", 61.5)
    ] * 2
    sampled = duckdb_kql.query(connection, (kql / "raw_sampling.kql").read_text(), {}).fetchall()
    assert [row[1:] for row in sampled] == [(2, 5, 1)]
