"""Events of before and after a login are one user's, and a change of aliases concerns its days."""

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import given
from hypothesis import strategies as st
from support.source_files import write
from support.world import ENGAGEMENT, RAW_EVENTS, SESSIONS, VIDEO_METADATA, Row, World

from resources.delta.erasure import occurrences
from video_assets.automation.erasure import JOB
from video_assets.deliveries.pending import pending_of
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.player_events.alias_rows import periods
from video_assets.player_events.stage_events import events_delivered
from video_assets.settings import Settings
from video_assets.sources.errors import SourceError

DAYS = tuple(date(2025, 3, day) for day in (1, 2, 3))
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
KEY = "k" * 32


def at(day: int, seconds: int = 0) -> datetime:
    return NOON + timedelta(days=day - 1, seconds=seconds)


def event(user: str, day: int, seconds: int, name: str = "play", position: float = 0) -> Row:
    return {
        "timestamp": at(day, seconds),
        "userId": user,
        "sessionId": "s",
        "videoId": "v",
        "eventName": f"video_{name}",
        "currentTime": float(position),
    }


def watched(user: str, day: int, seconds: int = 60) -> list[Row]:
    return [event(user, day, 0), event(user, day, seconds, "pause", seconds)]


def alias(anonymous: str | None, user: str | None, since: datetime | None) -> Row:
    return {"anonymousId": anonymous, "userId": user, "timestamp": since}


def world_of(folder: Path, events: Sequence[Row], **settings: Any) -> World:
    write(folder / "events.parquet", list(events))
    return World(
        folder / "warehouse",
        dg.DagsterInstance.ephemeral(),
        **{
            "events": str(folder / "events.parquet"),
            "video_metadata": None,
            "start_date": DAYS[0],
            "user_aliases": str(folder / "aliases"),
            **settings,
        },
    )


def deliver(folder: Path, rows: Sequence[Row], name: str = "1.json") -> None:
    write(folder / "aliases" / name, list(rows))


def users(world: World) -> list[tuple[str, int]]:
    return sorted({(row["userId"], row["eventDate"].day) for row in world.rows(RAW_EVENTS)})


def stale(world: World) -> dict[int, list[str]]:
    now = datetime(2025, 3, 4, 12, tzinfo=UTC)
    compared = pending_of(events_delivered(world.settings), world.settings, now)
    return {day.day: list(pending.reasons) for day, pending in compared.stale.items()}


def test_rows_of_before_and_after_a_login_are_one_users(tmp_path: Path) -> None:
    rows = [
        event("anon-1", 1, 0),
        event("anon-1", 1, 60, "heartbeat", 60),
        event("ann", 1, 90, "pause", 90),
        *watched("bob", 1),
    ]
    deliver(tmp_path, [alias("anon-1", "ann", at(1, 70))])
    world = world_of(tmp_path, rows)
    world.compute(DAYS[0], DAYS[-1], tables=(RAW_EVENTS, SESSIONS, ENGAGEMENT, VIDEO_METADATA))
    assert users(world) == [("ann", 1), ("bob", 1)]
    watch = {row["userId"]: row["totalWatchTime"] for row in world.rows(ENGAGEMENT)}
    assert watch == {"ann": 90.0, "bob": 60.0}


def test_an_id_that_several_people_share_is_at_each_time_who_logged_in_last(tmp_path: Path) -> None:
    rows = [event("tv", 1, second, "play", second) for second in (0, 10, 20, 30, 40)]
    logins = [alias("tv", "ann", at(1, 10)), alias("tv", "bob", at(1, 25))]
    deliver(tmp_path, [logins[1], logins[0], alias("tv", "bob", at(1, 35))])
    world = world_of(tmp_path, rows)
    world.compute(DAYS[0], tables=(RAW_EVENTS,))
    seen = {int(row["currentTime"]): row["userId"] for row in world.rows(RAW_EVENTS)}
    assert seen == {0: "ann", 10: "ann", 20: "ann", 30: "bob", 40: "bob"}


def test_an_event_delivered_under_both_ids_is_one(tmp_path: Path) -> None:
    deliver(tmp_path, [alias("anon-1", "ann", None)])
    world = world_of(tmp_path, [event("anon-1", 1, 0), event("ann", 1, 0)])
    world.compute(DAYS[0], tables=(RAW_EVENTS,))
    assert len(world.rows(RAW_EVENTS)) == 1
    [account] = [row for row in world.rows(SOURCE_FILES) if row["source"] == "player_events"]
    assert (account["validRows"], account["repeatedRows"]) == (1, 1)


def test_a_new_alias_makes_stale_the_days_of_its_id_and_no_other(tmp_path: Path) -> None:
    rows = [*watched("anon-1", 1), *watched("bob", 2), *watched("ann", 3)]
    deliver(tmp_path, [alias("other", "somebody", None)])
    world = world_of(tmp_path, rows)
    world.compute(DAYS[0], DAYS[-1], tables=(RAW_EVENTS,))
    assert stale(world) == {}

    deliver(tmp_path, [alias("anon-1", "ann", at(3))], "2.json")
    world.run(tables=(SOURCE_FILES,))
    assert stale(world) == {1: ["users' aliases changed"]}
    assert users(world) == [("ann", 3), ("anon-1", 1), ("bob", 2)]

    world.compute(DAYS[0], tables=(RAW_EVENTS,))
    assert stale(world) == {}
    assert users(world) == [("ann", 1), ("ann", 3), ("bob", 2)]

    deliver(tmp_path, [alias("anon-1", "ann", at(3, 50))], "3.json")
    world.run(tables=(SOURCE_FILES,))
    assert stale(world) == {}, "a login that repeats who is known changes nothing"


def test_a_corrected_or_dropped_alias_is_taken_back(tmp_path: Path) -> None:
    deliver(tmp_path, [alias("anon-1", "ann", None)])
    world = world_of(tmp_path, [*watched("anon-1", 1), *watched("bob", 2)])
    world.compute(DAYS[0], DAYS[-1], tables=(RAW_EVENTS,))

    deliver(tmp_path, [alias("anon-1", "zoe", None), alias("more", "zoe", None)])
    world.run(tables=(SOURCE_FILES,))
    assert list(stale(world)) == [1]
    world.compute(DAYS[0], tables=(RAW_EVENTS,))
    assert users(world) == [("bob", 2), ("zoe", 1)]

    without = world.with_settings(user_aliases=None)
    without.run(tables=(SOURCE_FILES,))
    assert list(stale(without)) == [1]
    without.compute(DAYS[0], tables=(RAW_EVENTS,))
    assert users(without) == [("anon-1", 1), ("bob", 2)]


def test_a_run_that_was_killed_before_it_marked_days_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(tmp_path, [alias("other", "somebody", None)])
    world = world_of(tmp_path, watched("anon-1", 1))
    world.compute(DAYS[0], DAYS[-1], tables=(RAW_EVENTS,))
    deliver(tmp_path, [alias("anon-1", "ann", None)], "2.json")
    with monkeypatch.context() as patch:
        patch.setattr("video_assets.player_events.user_aliases._mark", interrupted)
        with pytest.raises(KeyboardInterrupt):
            world.compute(DAYS[1], tables=(RAW_EVENTS,))
    assert stale(world) == {}
    world.run(tables=(SOURCE_FILES,))
    assert list(stale(world)) == [1]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_rows_that_name_nobody_are_refused_by_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(
        tmp_path,
        [
            alias("anon-1", "ann", None),
            alias(None, "ann", None),
            alias("anon-2", None, None),
            {"anonymousId": "anon-3", "userId": "eve", "timestamp": "yesterday"},
        ],
    )
    with caplog.at_level(logging.WARNING):
        world = world_of(tmp_path, watched("anon-1", 1))
        world.compute(DAYS[0], tables=(RAW_EVENTS,))
    assert "'missing_anonymous_id': 1" in caplog.text
    [account] = [row for row in world.rows(SOURCE_FILES) if row["source"] == "user_aliases"]
    assert (account["validRows"], account["rejectedRows"], account["waitingRows"]) == (1, 3, 0)


def test_a_table_without_the_columns_is_refused_with_those_that_it_has(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "aliases"), pa.table({"anon": ["a"], "user": ["u"]}))
    world = world_of(tmp_path, watched("a", 1))
    with pytest.raises(SourceError, match=r"no column 'anonymousId'.*USER_ALIASES_COLUMNS"):
        world.compute(DAYS[0], tables=(RAW_EVENTS,))
    mapped = world.with_settings(user_aliases_columns={"anon": "anonymousId", "user": "userId"})
    mapped.compute(DAYS[0], tables=(RAW_EVENTS,))
    assert users(mapped) == [("u", 1)]


def test_who_was_erased_does_not_come_back_by_an_anonymous_id(tmp_path: Path) -> None:
    rows = [*watched("anon-erica", 1), *watched("erica-smith", 2), *watched("tv-room-1", 3)]
    late = event("tv-room-1", 3, 600, "heartbeat", 100)
    deliver(
        tmp_path,
        [
            alias("anon-erica", "erica-smith", None),
            alias("tv-room-1", "erica-smith", None),
            alias("tv-room-1", "robert", at(3, 300)),
        ],
    )
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        first = world_of(tmp_path, [*rows, late], erasure_key=KEY)
        world = World(
            Path(first.settings.warehouse),
            instance,
            **first.settings.model_dump(exclude={"warehouse"}),
        )
        world.compute(DAYS[0], DAYS[-1], tables=(RAW_EVENTS, SESSIONS))
        config = {"ops": {JOB: {"config": {"user_ids": ["erica-smith"]}}}}
        world.definitions.resolve_job_def(JOB).execute_in_process(
            instance=instance, run_config=config
        )
        gone = ["erica-smith", "anon-erica"]
        assert list(occurrences(world.settings.warehouse, gone)) == []
        assert users(world) == [("robert", 3)]
        deliver(tmp_path, [alias("anon-2", "erica-smith", None)], "2.json")
        world.compute(DAYS[0], DAYS[-1], tables=(RAW_EVENTS,))
        assert users(world) == [("robert", 3)]
        assert list(occurrences(world.settings.warehouse, gone)) == []


def test_presets_cannot_name_aliases(tmp_path: Path) -> None:
    preset = tmp_path / "own.toml"
    preset.write_text('user_aliases = "x"\n')
    with pytest.raises(ValueError, match="user_aliases"):
        Settings(events_preset=str(preset), _env_file=None)


LOGINS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.none() | st.integers(0, 6)),
    max_size=12,
)


@given(LOGINS, st.sampled_from("abc"), st.integers(-1, 8))
def test_periods_name_the_user_of_the_last_login_until_then(
    logins: list[tuple[str, str, int | None]], anonymous: str, second: int
) -> None:
    rows = [alias(a, u, None if s is None else at(1, s)) for a, u, s in logins]
    table = pa.table(
        {
            "anonymousId": pa.array([row["anonymousId"] for row in rows], pa.string()),
            "userId": pa.array([row["userId"] for row in rows], pa.string()),
            "since": pa.array([row["timestamp"] for row in rows], pa.timestamp("us", "UTC")),
        }
    )
    found = [row for row in periods(table).to_pylist() if row["anonymousId"] == anonymous]
    own = sorted((-2 if s is None else s, u) for a, u, s in logins if a == anonymous)
    until = [user for since, user in own if since <= second]
    expected = until[-1] if until else next(iter(_first_instant(own)), None)
    holding = [r for r in found if r["since"] is None or r["since"] <= at(1, second)]
    assert (holding[-1]["userId"] if holding else None) == expected
    assert len({(row["since"], row["userId"]) for row in found}) == len(found)


def _first_instant(own: list[tuple[int, str]]) -> list[str]:
    """Who holds in the first instant of all: of several the last in the alphabet."""
    return [max(user for since, user in own if since == own[0][0])] if own else []
