"""With `USER_ID_KEY` no table holds a user's id, and all else is as without it."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError
from support.restless import delivered_events, restless_events
from support.source_files import write
from support.tables import Row
from support.world import DAILY, ENGAGEMENT, RAW_EVENTS, REJECTED_EVENTS, SESSIONS, UNDIVIDED, World

from resources.delta.erasure import occurrences
from video_assets.automation.erasure import JOB
from video_assets.player_events.pseudonyms import WITHHELD, Pseudonyms
from video_assets.player_events.tables import USER_ALIASES

DAYS = tuple(date(2025, 3, 1) + timedelta(days=n) for n in range(3))
KEY = "a key of more than sixteen"
PSEUDONYMS = Pseudonyms(KEY.encode())
COMPUTED = ("processedAt",)


def rows() -> list[Row]:
    events = restless_events(3, DAYS)
    return [*events, *({**row, "currentTime": -1.0} for row in events[:5])]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def filled(folder: Path, delivered: Sequence[Row], instance: Any, **settings: Any) -> World:
    world = World(
        folder / "warehouse", instance, **(delivered_events(folder, delivered, DAYS[0]) | settings)
    )
    world.compute(DAYS[0], DAYS[-1], tables=DAILY)
    world.compute(tables=UNDIVIDED)
    return world


def test_tables_are_those_without_a_key_under_other_ids_and_hold_no_id(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    plain = filled(tmp_path / "plain", rows(), instance)
    hidden = filled(tmp_path / "hidden", rows(), instance, user_id_key=KEY)
    for table in (RAW_EVENTS, SESSIONS, ENGAGEMENT):
        renamed = [
            {**row, "userId": PSEUDONYMS.of_user(row["userId"])}
            for row in plain.rows(table, COMPUTED)
        ]
        assert sorted(map(str, renamed)) == sorted(map(str, hidden.rows(table, COMPUTED)))
    refused = hidden.rows(REJECTED_EVENTS)
    assert {row["rowText"] for row in refused} == {WITHHELD}
    assert len(refused) == len(plain.rows(REJECTED_EVENTS))
    users = sorted({row["userId"] for row in rows()})
    assert list(occurrences(plain.settings.warehouse, users))
    assert list(occurrences(hidden.settings.warehouse, users)) == []


def test_aliases_are_hidden_too_and_name_the_same_person(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    logins = [{"anonymousId": "ann", "userId": "bob", "timestamp": f"{DAYS[0]}T00:00:00Z"}]
    aliases = str(write(tmp_path / "logins.json", logins))
    settings = {"user_id_key": KEY, "user_aliases": aliases}
    hidden = filled(tmp_path, rows(), instance, **settings)
    users = {row["userId"] for row in hidden.rows(RAW_EVENTS)}
    assert PSEUDONYMS.of_user("ann") not in users
    assert PSEUDONYMS.of_user("bob") in users
    [alias] = hidden.rows(USER_ALIASES)
    assert (alias["anonymousId"], alias["userId"]) == tuple(
        PSEUDONYMS.of_user(user) for user in ("ann", "bob")
    )
    assert list(occurrences(hidden.settings.warehouse, ["ann", "bob"])) == []


def test_a_person_is_erased_by_the_id_that_people_know(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    hidden = filled(tmp_path, rows(), instance, user_id_key=KEY, erasure_key="k" * 16)
    hidden.definitions.resolve_job_def(JOB).execute_in_process(
        instance=instance, run_config={"ops": {JOB: {"config": {"user_ids": ["ann"]}}}}
    )
    assert PSEUDONYMS.of_user("ann") not in {row["userId"] for row in hidden.rows(RAW_EVENTS)}
    before = hidden.rows(RAW_EVENTS)
    hidden.compute(DAYS[0], DAYS[-1], tables=DAILY)
    assert hidden.rows(RAW_EVENTS) == before


def test_another_key_makes_other_users_and_the_same_key_the_same(tmp_path: Path) -> None:
    other = Pseudonyms(b"another key of some length")
    assert PSEUDONYMS.of_user("ann") == Pseudonyms(KEY.encode()).of_user("ann")
    assert len({PSEUDONYMS.of_user("ann"), PSEUDONYMS.of_user("bob"), other.of_user("ann")}) == 3
    assert KEY not in repr(PSEUDONYMS)
    assert KEY not in repr(World(tmp_path, user_id_key=KEY).settings)


def test_a_short_key_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="user_id_key") as refused:
        World(tmp_path, user_id_key="guessable")
    assert "guessable" not in str(refused.value)
