"""The current day while it happens: files come, engagement has them, and midnight passes."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from support.lookout import Lookout
from support.source_files import EVENT
from support.world import World

from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.analytics.tables import VIDEO_DAILY
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events import stage_events
from video_assets.player_events.tables import RAW_EVENTS

TODAY = datetime.now(UTC).date()
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RUN_OF_TODAY = ("raw_events", str(TODAY))
SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets the time at which a run begins to read."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(stage_events, "_now", lambda: moment)

    set_to(NOON)
    return set_to


@pytest.fixture
def lookout(tmp_path: Path, set_clock: SetClock) -> Iterator[Lookout]:  # noqa: ARG001 (the clock is set before a run)
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(
            tmp_path / "tables",
            instance,
            events=str(tmp_path / "events"),
            daily_views=str(tmp_path / "views"),
            video_metadata=None,
            start_date=TODAY - timedelta(days=10),
            include_today=True,
        )
        world.compute(tables=(VIDEO_METADATA,))
        yield Lookout(world, instance, NOON)


def event(name: str, second: int, day: date = TODAY) -> dict[str, Any]:
    time = f"{day}T10:{second // 60:02}:{second % 60:02}Z"
    position = {"currentTime": float(second)}
    return EVENT | {"timestamp": time, "eventName": name} | position


def deliver(lookout: Lookout, name: str, *rows: dict[str, Any], age: timedelta = SECOND) -> None:
    lookout.deliver(Path(lookout.world.settings.events) / name, rows, age)


def watched(lookout: Lookout) -> list[float]:
    return [row["totalWatchTime"] for row in lookout.world.rows(ENGAGEMENT)]


def is_unfinished(lookout: Lookout, table: Table) -> bool:
    return Warehouse(lookout.world.settings.warehouse).is_unfinished(table, TODAY)


def said_of_today(lookout: Lookout, table: Table) -> Any:
    key = dg.AssetKey(["video", table.name])
    wanted = dg.AssetRecordsFilter(key, asset_partitions=[str(TODAY)])
    [record] = lookout.instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization
    said = record.asset_materialization.metadata.get("is_unfinished")
    return said and said.value


def test_a_file_of_today_is_in_engagement_after_one_run_and_midnight_makes_the_day_final(
    lookout: Lookout, set_clock: SetClock
) -> None:
    deliver(lookout, "10-01.json", event("video_play", 0), event("video_pause", 30))
    assert lookout.look(10 * SECOND) == [], "it may still grow"
    assert lookout.work() == [RUN_OF_TODAY]
    assert watched(lookout) == [30.0]
    assert said_of_today(lookout, RAW_EVENTS) is True
    assert said_of_today(lookout, SESSIONS) is True

    lookout.world.compute(TODAY, tables=(VIDEO_DAILY,))
    assert [row["isUnfinished"] for row in lookout.world.rows(VIDEO_DAILY)] == [True]

    late = event("video_play", 0, TODAY - timedelta(days=1))
    deliver(lookout, "10-02.json", event("video_resume", 31), event("video_pause", 41), late)
    assert lookout.work() == [RUN_OF_TODAY, ("raw_events", str(TODAY - timedelta(days=1)))]
    assert watched(lookout) == [40.0]
    assert lookout.work() == []

    lookout.now = NOON + timedelta(days=1)
    set_clock(lookout.now)
    assert lookout.checks()["no_stale_day"].passed, "no file came: the day merely has its mark"
    assert lookout.work() == [RUN_OF_TODAY]
    assert not is_unfinished(lookout, RAW_EVENTS)
    assert is_unfinished(lookout, SESSIONS), "its turn comes by its condition"
    lookout.world.run(TODAY, tables=(SESSIONS,))
    assert not is_unfinished(lookout, SESSIONS)
    assert said_of_today(lookout, SESSIONS) is None
    lookout.world.compute(TODAY, tables=(VIDEO_DAILY,))
    assert [row["isUnfinished"] for row in lookout.world.rows(VIDEO_DAILY)] == [False]
    assert lookout.work() == []


def test_a_day_stays_unfinished_while_its_deliveries_may_come(
    lookout: Lookout, set_clock: SetClock
) -> None:
    later = Lookout(lookout.world.with_settings(delivery_lag=3), lookout.instance, NOON)
    deliver(later, "a.json", event("video_play", 0), age=timedelta(hours=1))
    later.world.compute(TODAY, tables=(RAW_EVENTS,))
    for days in (1, 2):
        later.now = NOON + timedelta(days=days)
        set_clock(later.now)
        assert later.look() == []
    later.now = NOON + timedelta(days=3)
    assert later.look() == [RUN_OF_TODAY]


def test_old_files_are_looked_into_before_today_is_asked_for(lookout: Lookout) -> None:
    deliver(lookout, "a.json", event("video_play", 0), age=timedelta(days=2))
    assert lookout.look() == [("source_files", "")]


def test_the_day_that_is_not_over_is_no_stale_day(lookout: Lookout) -> None:
    deliver(lookout, "a.json", event("video_play", 0), age=timedelta(hours=1))
    lookout.world.compute(TODAY, tables=(RAW_EVENTS,))
    deliver(lookout, "b.json", event("video_pause", 9), age=timedelta(minutes=30))
    lookout.world.run(tables=(SOURCE_FILES,))
    assert lookout.checks()["no_stale_day"].passed


def test_today_is_a_partition_and_the_daily_run_is_the_same(lookout: Lookout) -> None:
    included, world = lookout.world, lookout.world.with_settings(include_today=False)
    for table in (RAW_EVENTS, SESSIONS, VIDEO_DAILY):
        until_yesterday = world.partition_keys(table)
        assert included.partition_keys(table) == [*until_yesterday, str(TODAY)]
    with_today, without = (
        w.definitions.resolve_job_def("daily").asset_layer.selected_asset_keys
        for w in (included, world)
    )
    assert with_today == without
