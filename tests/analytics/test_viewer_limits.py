"""Who does more than a person can is told, counted, and left out unless asked for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession
from support.checks import session
from support.events import MIDNIGHT, START, ended, pause, play
from support.oracle import Event
from support.restless import delivered_events
from support.tables import Row, frame
from support.world import TABLES, World, world

from resources.storage import StorageError
from video_assets.analytics.tables import (
    USER_ENGAGEMENT,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
)
from video_assets.analytics.viewer_habits import SESSIONS_TAKEN, habits_of_users
from video_assets.analytics.viewer_limits import excluded_viewers, listed_viewers
from video_assets.player_events.pseudonyms import Pseudonyms
from video_assets.settings.viewers import ViewerLimits

USERS = (USER_ENGAGEMENT,)
RANKED = (USER_ENGAGEMENT, VIDEO_PERFORMANCE, VIDEO_POSITION_CURVE)
FIRST = START.date()
LENGTH = 600.0
LOADING = 0.25
KEY = "a secret of sixteen letters"


def habits(*rows: Row) -> Row:
    sessions = pa.Table.from_pylist(rows, schema=SESSIONS_TAKEN)
    [found] = habits_of_users(sessions).to_pylist()
    return dict(found)


def test_the_day_with_most_hours_counts_over_all_videos() -> None:
    found = habits(
        session(1, watchTime=100.0, elapsedSeconds=120.0),
        session(1, videoId="v2", watchTime=50.0, elapsedSeconds=50.0),
        session(2, watchTime=149.0, elapsedSeconds=149.0),
    )
    assert found["mostSecondsInADay"] == 150


def test_at_double_speed_an_hour_of_video_is_half_an_hour_of_the_day() -> None:
    assert habits(session(1, watchTime=3600.0, elapsedSeconds=1800.0))["mostSecondsInADay"] == 1800


def test_a_video_is_played_as_often_as_it_was_begun_or_ended() -> None:
    begun = [session(1, sessionId=f"s{n}", endedCount=0) for n in range(4)]
    assert habits(*begun, session(1, videoId="v2", endedCount=3))["mostPlaysOfAVideo"] == 4
    assert habits(*begun, session(1, videoId="v2", endedCount=5))["mostPlaysOfAVideo"] == 5
    assert habits(session(1), session(2, isContinuation=True))["mostPlaysOfAVideo"] == 1


def test_sessions_overlap_by_what_their_wall_clocks_share() -> None:
    later = session(1)["lastEventTime"] + timedelta(seconds=15)
    apart = session(1, videoId="v2", lastEventTime=later + timedelta(seconds=5))
    assert habits(session(1), apart)["overlapSeconds"] == 0
    assert habits(session(1), session(1, videoId="v2", lastEventTime=later))["overlapSeconds"] == 5


def loops(user: str, times: int) -> list[Event]:
    """A client that plays the video again and again, from a midnight on."""
    begins = (MIDNIGHT + n * (LENGTH + LOADING) for n in range(times))
    return [
        event
        for at in begins
        for event in (play(0, at=at, user=user), ended(LENGTH, at=at + LENGTH, user=user))
    ]


def audience() -> list[Event]:
    """People who watch 25.0 hours: 120 half of the video, 90 all of it."""
    left = [(f"half {n}", pause, LENGTH / 2) for n in range(120)]
    stayed = [(f"all {n}", ended, LENGTH) for n in range(90)]
    return [
        event
        for user, last, position in (*left, *stayed)
        for event in (play(0, at=0, user=user), last(position, at=position, user=user))
    ]


def computed(root: Path, events: Sequence[Event], **settings: Any) -> World:
    """The tables of the audience and of these events, by their steps."""
    rows = [vars(event) for event in (*audience(), *events)]
    delivered = delivered_events(root, rows, FIRST)
    with world(root / "warehouse", **delivered, **settings) as made:
        made.compute(FIRST, FIRST + timedelta(days=1), tables=TABLES)
        made.compute(tables=RANKED)
        return made


def reasons(made: World) -> dict[str, str]:
    rows = made.rows(USER_ENGAGEMENT)
    return {row["userId"]: row["exclusionReason"] for row in rows if row["exclusionReason"]}


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One client adds 16.5 h to a video of 25.0 h, another one opens a video of its own."""
    alone = [replace(event, videoId="v2") for event in loops("alone", 60)]
    return computed(tmp_path_factory.mktemp("looped"), [*loops("robot", 99), *alone])


def test_a_looping_client_is_left_out_of_its_video_and_both_figures_are_there(
    looped: World,
) -> None:
    assert reasons(looped) == {"robot": "hours_a_day", "alone": "plays_of_a_video"}
    videos = {row["videoId"]: row for row in looped.rows(VIDEO_PERFORMANCE)}
    first = videos["v1"]
    assert (first["watchHours"], first["excludedWatchHours"]) == (25.0, 16.5)
    assert (first["viewers"], first["excludedViewers"]) == (210, 1)
    assert (first["plays"], first["completions"], first["completionRate"]) == (210, 90, 42.86)
    until = MIDNIGHT + 99 * LENGTH + 98 * LOADING
    assert (first["lastSeen"] - first["firstSeen"]).total_seconds() == until


def test_a_video_that_only_a_program_opened_keeps_its_row(looped: World) -> None:
    videos = {row["videoId"]: row for row in looped.rows(VIDEO_PERFORMANCE)}
    row = videos["v2"]
    assert (row["viewers"], row["watchHours"], row["avgWatchPercentage"]) == (0, 0.0, 0.0)
    assert (row["excludedViewers"], row["excludedWatchHours"]) == (1, 10.0)
    assert (row["videoDuration"], row["dropOffPosition"]) == (LENGTH, None)


def test_a_looping_client_does_not_flatten_the_curve(looped: World) -> None:
    curve = {(r["videoId"], r["bucketStart"]): r for r in looped.rows(VIDEO_POSITION_CURVE)}
    early, late, alone = curve["v1", 0.0], curve["v1", 595.0], curve["v2", 0.0]
    assert (early["viewers"], early["rewatches"], early["audienceRetention"]) == (210, 0, 100)
    assert (late["viewers"], late["views"], late["audienceRetention"]) == (90, 90, 42.86)
    assert (early["excludedViews"], late["excludedViews"]) == (99, 99)
    assert (alone["viewers"], alone["audienceRetention"], alone["excludedViews"]) == (0, 0, 60)


def test_who_asks_for_them_has_them_in_rankings_and_curves(looped: World) -> None:
    asked = looped.with_settings(count_excluded_viewers=True)
    asked.compute(tables=RANKED)
    assert reasons(asked) == {"robot": "hours_a_day", "alone": "plays_of_a_video"}
    videos = {row["videoId"]: row for row in asked.rows(VIDEO_PERFORMANCE)}
    assert (videos["v1"]["watchHours"], videos["v1"]["excludedViewers"]) == (41.5, 0)
    curve = {(r["videoId"], r["bucketStart"]): r for r in asked.rows(VIDEO_POSITION_CURVE)}
    assert (curve["v1", 595.0]["views"], curve["v1", 595.0]["excludedViews"]) == (189, 0)


def test_staff_are_left_out_by_a_list_or_a_file_whatever_they_do(
    looped: World, tmp_path: Path
) -> None:
    file = tmp_path / "staff.txt"
    file.write_text("\ufeffall 3\n\n half 7 \r\nnobody\n", "utf-8")
    listed = looped.with_settings(
        excluded_viewers=("robot", "all 1"), excluded_viewers_file=str(file)
    )
    listed.compute(tables=USERS)
    assert reasons(listed) == {
        **dict.fromkeys(("robot", "all 1", "all 3", "half 7"), "listed"),
        "alone": "plays_of_a_video",
    }


def test_ids_on_the_list_find_the_hashes_that_stand_for_them(looped: World) -> None:
    settings = looped.settings.model_copy(
        update={"user_id_key": SecretStr(KEY), "excluded_viewers": ("ann",)}
    )
    assert listed_viewers(settings) == ["ann", Pseudonyms(KEY.encode()).of_user("ann")]


def test_a_list_that_is_not_there_stops_the_step(looped: World, tmp_path: Path) -> None:
    missing = looped.with_settings(excluded_viewers_file=str(tmp_path / "gone.txt"))
    with pytest.raises(StorageError, match=r"gone\.txt"):
        missing.compute(tables=USERS)


def test_who_plays_in_more_places_than_a_person_is_left_out(tmp_path: Path) -> None:
    family = [watched("family", f"tv {n}", at=100 * n) for n in range(3)]
    farm = [watched("farm", f"tab {n}", at=100 * n) for n in range(4)]
    made = computed(tmp_path, [event for visit in (*family, *farm) for event in visit])
    assert reasons(made) == {"farm": "places_at_once"}
    rows = {row["userId"]: row for row in made.rows(USER_ENGAGEMENT)}
    assert rows["family"]["watchSeconds"] == 3 * LENGTH
    assert rows["family"]["simultaneousSeconds"] == 2 * (LENGTH - 100)
    assert (rows["farm"]["mostPlacesAtOnce"], rows["farm"]["simultaneousSessions"]) == (4, 4)
    assert (rows["all 1"]["mostPlacesAtOnce"], rows["all 1"]["simultaneousSeconds"]) == (1, 0.0)


def watched(user: str, session: str, at: float) -> list[Event]:
    place = {"user": user, "session": session}
    return [play(0, at=at, **place), ended(LENGTH, at=at + LENGTH, **place)]


def test_a_table_of_before_has_no_reasons_and_leaves_nobody_out(spark: SparkSession) -> None:
    rows = [{"userId": "ann", "exclusionReason": None}]
    assert excluded_viewers(frame(spark, rows, USER_ENGAGEMENT), ViewerLimits()) is None
