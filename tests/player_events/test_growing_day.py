"""An unfinished day grows by the files that came: it is what it were if it had been read whole."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.source_files import EVENT, write
from support.tables import Row
from support.world import ORIGIN, SORTED_OUT, World, world

from resources.delta.commit import commit
from resources.delta.errors import CommitConflictError
from resources.delta.stage import StagedTable
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.player_events import growing_day
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS, REJECTED_EVENTS

TODAY = datetime.now(UTC).date()
BEGAN = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[World]:
    with world_at(tmp_path / "parts", tmp_path / "events") as parts:
        yield parts


def world_at(warehouse: Path, events: Path, **settings: Any) -> Any:
    return world(
        warehouse,
        events=str(events),
        video_metadata=None,
        start_date=TODAY - timedelta(days=5),
        events_other_names="ignore",
        events_columns={"length": "videoDuration"},
        include_today=True,
        **settings,
    )


def deliver(growing: World, number: int, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A file of the day, each one a minute younger than the one before."""
    path = Path(growing.settings.events) / f"{number}.json"
    write(path, rows)
    modified = (BEGAN + timedelta(minutes=number)).timestamp()
    os.utime(path, (modified, modified))
    return path


def grow(growing: World) -> Mapping[str, StagedTable]:
    return growing.compute(TODAY, tables=SORTED_OUT)


def event(second: int, **changed: Any) -> dict[str, Any]:
    return EVENT | {"timestamp": (BEGAN + timedelta(seconds=second)).isoformat()} | changed


def rows_of_all_fates(chance: Random, earlier: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = [
        event(chance.randrange(50_000), userId=f"user{chance.randrange(4)}", length=n or None)
        for n in range(12)
    ]
    refused = [event(5, userId=None), event(5, timestamp="soon"), event(5, currentTime=-1)]
    others = [event(5, eventName="video_zoom"), event(-5)]
    again = [dict(row) for row in chance.choices(earlier or rows, k=4)]
    return chance.sample([*rows, *refused, *others, *again], k=19)


def result(of: World) -> dict[str, list[Row]]:
    when = ("firstSeenAt", "readAt", "fatesByDay")
    return {
        "events": of.rows(RAW_EVENTS),
        "rejected": of.rows(REJECTED_EVENTS, ORIGIN),
        "described": of.rows(DESCRIBED_VIDEOS),
        "account": of.rows(SOURCE_FILES, when),
    }


def test_parts_of_a_day_add_up_to_the_day(growing: World, tmp_path: Path) -> None:
    chance = Random(7)  # noqa: S311 (a test wants the same rows again)
    rows: list[dict[str, Any]] = []
    for number in range(4):
        some = rows_of_all_fates(chance, rows)
        deliver(growing, number, some)
        staged = grow(growing)
        assert bool(staged[RAW_EVENTS.name].beside) == (number > 0)
        rows += some
    with world_at(tmp_path / "whole", tmp_path / "events") as whole:
        whole.compute(TODAY, tables=SORTED_OUT)
        assert result(growing) == result(whole)


def test_what_a_run_reports_of_a_day_that_grew_is_of_the_whole_day(growing: World) -> None:
    deliver(growing, 0, [event(1), event(2), event(3, userId=None)])
    grow(growing)
    deliver(growing, 1, [event(2), event(4), event(4, eventName="video_zoom")])
    run = growing.run(TODAY, tables=SORTED_OUT)
    counted = {name: run.counted(RAW_EVENTS, name) for name in ("source_rows", "duplicates")}
    assert counted == {"source_rows": 6, "duplicates": 1}
    assert run.row_count_by_partition(RAW_EVENTS) == {str(TODAY): 3}
    checks = {c.check_name: c.passed for c in run.result.get_asset_check_evaluations()}
    assert checks["source_rows_accounted_for"]


def test_only_the_files_that_came_are_opened(growing: World) -> None:
    old = deliver(growing, 0, [event(1), event(2)])
    grow(growing)
    stat = old.stat()
    old.write_bytes(b"\0" * stat.st_size)
    os.utime(old, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    deliver(growing, 1, [event(3)])
    grow(growing)
    assert len(growing.rows(RAW_EVENTS)) == 3


def test_a_day_of_which_a_file_changed_is_read_whole(growing: World) -> None:
    deliver(growing, 0, [event(1), event(2)])
    deliver(growing, 1, [event(3)])
    grow(growing)
    deliver(growing, 0, [event(1), event(2), event(4)]).touch()
    assert not grow(growing)[RAW_EVENTS.name].beside
    assert len(growing.rows(RAW_EVENTS)) == 4


def test_a_day_that_other_settings_made_is_read_whole(growing: World) -> None:
    deliver(growing, 0, [event(1)])
    grow(growing)
    deliver(growing, 1, [event(3)])
    other = growing.with_settings(event_names={"video_play": "video_resume"})
    assert not grow(other)[RAW_EVENTS.name].beside
    assert {row["eventName"] for row in growing.rows(RAW_EVENTS)} == {"video_resume"}


def test_rows_are_not_added_to_a_day_that_another_run_wrote_meanwhile(growing: World) -> None:
    deliver(growing, 0, [event(1)])
    grow(growing)
    deliver(growing, 1, [event(3)])
    added = grow(growing)[RAW_EVENTS.name]
    with pytest.raises(CommitConflictError, match="another run wrote"):
        commit(replace(added, files=()))
    assert len(growing.rows(RAW_EVENTS)) == 2


def test_a_day_of_which_most_rows_are_refused_does_not_grow(growing: World) -> None:
    deliver(growing, 0, [event(1)])
    grow(growing)
    deliver(growing, 1, [event(n, userId=None) for n in range(9)])
    assert not grow(growing)[RAW_EVENTS.name].beside, "its refused rows would be added at each look"


def test_what_many_looks_added_is_joined(growing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_day, "MOST_FILES", 2)
    for number in range(4):
        deliver(growing, number, [event(number), event(number, userId=None)])
        grow(growing)
    assert len(growing.delta(RAW_EVENTS).file_uris()) <= 3
    assert len(growing.rows(RAW_EVENTS)) == len(growing.rows(REJECTED_EVENTS)) == 4


def test_a_day_from_which_rows_were_taken_away_is_read_whole(growing: World) -> None:
    deliver(growing, 0, [event(1), event(2, userId="ann")])
    grow(growing)
    growing.delta(RAW_EVENTS).delete("userId = 'ann'")
    deliver(growing, 1, [event(3)])
    assert not grow(growing)[RAW_EVENTS.name].beside
    assert len(growing.rows(RAW_EVENTS)) == 3


def test_a_file_that_may_still_grow_is_left_for_the_next_look(growing: World) -> None:
    deliver(growing, 0, [event(1)])
    grow(growing)
    deliver(growing, 1, [event(2)])
    deliver(growing, 2, [event(3)]).touch()
    grow(growing)
    assert len(growing.rows(RAW_EVENTS)) == 2
