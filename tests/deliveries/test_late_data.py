"""Late, changed and vanished files: what is said of them, what is computed again, and how often."""

import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from support.lookout import Lookout, moment
from support.source_files import DAILY_VIEW, EVENT
from support.world import World

from video_assets.automation.delivery_sensor import TRIES
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS

START = date(2025, 1, 1)
LOOK = ("source_files", "")


def event(day: int, second: int = 0, **changed: Any) -> dict[str, Any]:
    return EVENT | {"timestamp": f"2025-01-{day:02}T10:00:{second:02}Z"} | changed


@pytest.fixture
def lookout(tmp_path: Path) -> Iterator[Lookout]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield lookout_at(tmp_path, instance)


def lookout_at(folder: Path, instance: dg.DagsterInstance, **settings: Any) -> Lookout:
    sources = {
        "events": str(folder / "events"),
        "daily_views": str(folder / "views"),
        "video_metadata": None,
        "start_date": START,
        **settings,
    }
    return Lookout(World(folder / "tables", instance, **sources), instance, moment(20))


def events_folder(lookout: Lookout) -> Path:
    return Path(lookout.world.settings.events)


def days_of(lookout: Lookout) -> list[int]:
    return sorted(row["eventDate"].day for row in lookout.world.rows(RAW_EVENTS))


def account(lookout: Lookout) -> dict[str, dict[str, Any]]:
    return {Path(row["path"]).name: row for row in lookout.world.rows(SOURCE_FILES)}


def sample(check: dg.AssetCheckEvaluation) -> Sequence[Any]:
    return [record.data for record in check.metadata["sample"].records]  # type: ignore[union-attr]


def test_more_of_a_computed_day_makes_it_stale_and_exactly_it_is_computed_again(
    lookout: Lookout,
) -> None:
    lookout.deliver(events_folder(lookout) / "first.json", [event(day) for day in range(1, 12)])
    assert lookout.work() == [LOOK, ("raw_events", "2025-01-01...2025-01-11")]
    assert lookout.checks()["no_stale_day"].passed

    lookout.deliver(events_folder(lookout) / "offline_phone.json", [event(10, 30), event(10, 31)])
    lookout.world.run(tables=(SOURCE_FILES,))
    stale = lookout.checks()["no_stale_day"]
    assert not stale.passed
    assert sample(stale) == [
        {
            "source": "player_events",
            "day": "2025-01-10",
            "files": "offline_phone.json",
            "why": "came",
        }
    ]
    assert lookout.work() == [("raw_events", "2025-01-10")]
    assert days_of(lookout).count(10) == 3
    assert lookout.checks()["no_stale_day"].passed


def test_days_are_asked_for_in_as_few_runs_as_there_are_gaps(lookout: Lookout) -> None:
    rows = [event(day) for day in (2, 3, 4, 7, 9, 10)]
    lookout.deliver(events_folder(lookout) / "a.json", rows)
    assert lookout.work() == [
        LOOK,
        ("raw_events", "2025-01-02...2025-01-04"),
        ("raw_events", "2025-01-07"),
        ("raw_events", "2025-01-09...2025-01-10"),
    ]


def test_a_changed_file_takes_its_earlier_rows_along(lookout: Lookout) -> None:
    changed = events_folder(lookout) / "a.json"
    lookout.deliver(changed, [event(2), event(3), event(4)])
    lookout.work()
    lookout.deliver(changed, [event(3), event(5)], age=timedelta(minutes=30))
    assert lookout.work() == [LOOK, ("raw_events", "2025-01-02...2025-01-05")]
    assert days_of(lookout) == [3, 5]


def test_a_file_that_vanished_warns_and_removes_nothing_by_itself(lookout: Lookout) -> None:
    gone = lookout.deliver(events_folder(lookout) / "a.json", [event(2)])
    lookout.deliver(events_folder(lookout) / "b.json", [event(3)])
    lookout.work()
    gone.unlink()
    assert lookout.work() == []
    assert days_of(lookout) == [2, 3]
    stale = lookout.checks()["no_stale_day"]
    assert [(row["day"], row["why"]) for row in sample(stale)] == [("2025-01-02", "vanished")]

    lookout.world.compute(date(2025, 1, 2), tables=(RAW_EVENTS, REJECTED_EVENTS))
    assert days_of(lookout) == [3]
    assert lookout.checks()["no_stale_day"].passed


def test_rows_before_the_first_day_wait_and_are_counted_by_day(lookout: Lookout) -> None:
    early = [EVENT | {"timestamp": f"2024-12-31T10:00:0{second}Z"} for second in range(2)]
    lookout.deliver(events_folder(lookout) / "a.json", [*early, *(event(1, n) for n in range(6))])
    lookout.work()
    [file] = lookout.world.rows(SOURCE_FILES)
    assert (file["rowCount"], file["validRows"], file["waitingRows"]) == (8, 6, 2)
    outside = lookout.checks()["no_row_outside_partitions"]
    assert not outside.passed
    assert sample(outside) == [{"source": "player_events", "day": "2024-12-31", "rows": 2}]


def test_a_file_that_still_grows_is_left_for_the_next_look(lookout: Lookout) -> None:
    path, second = events_folder(lookout) / "a.json", timedelta(seconds=1)
    lookout.deliver(path, [event(2)], age=-second)
    assert lookout.look(second * 2) == []
    lookout.deliver(path, [event(2), event(3)], age=-second)
    assert lookout.look(second * 2) == []
    assert lookout.look(second * 2) == [LOOK]


def test_what_is_running_is_not_asked_for_again(lookout: Lookout) -> None:
    lookout.deliver(events_folder(lookout) / "a.json", [event(2)])
    lookout.world.run(tables=(SOURCE_FILES,))
    running = lookout.instance.create_run_for_job(
        lookout.world.definitions.resolve_job_def("daily"),
        tags={"dagster/partition": "2025-01-02"},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert lookout.look() == []
    lookout.instance.delete_run(running.run_id)
    assert lookout.look() == [("raw_events", "2025-01-02")]


def test_a_day_that_stays_stale_is_asked_for_a_few_times_and_then_once_a_day(
    lookout: Lookout,
) -> None:
    lookout.deliver(events_folder(lookout) / "a.json", [event(2)])
    lookout.world.run(tables=(SOURCE_FILES,))
    asked = [lookout.look() for _ in range(TRIES + 2)]
    assert asked == [[("raw_events", "2025-01-02")]] * TRIES + [[], []]
    assert lookout.look(timedelta(days=1)) == [("raw_events", "2025-01-02")]

    lookout.deliver(events_folder(lookout) / "b.json", [event(2, 5)])
    lookout.world.run(tables=(SOURCE_FILES,))
    assert lookout.look() == [("raw_events", "2025-01-02")]


def test_a_run_that_was_killed_before_it_accounted_is_made_again(lookout: Lookout) -> None:
    lookout.deliver(events_folder(lookout) / "a.json", [event(2), event(3)])
    lookout.work()
    before = lookout.world.delta(SOURCE_FILES).version()
    lookout.world.compute(date(2025, 1, 2), tables=(RAW_EVENTS,))
    lookout.world.delta(SOURCE_FILES).restore(before)
    assert lookout.work() == [("raw_events", "2025-01-02")]
    assert lookout.work() == []


def test_a_file_that_cannot_be_read_keeps_no_other_one_waiting(lookout: Lookout) -> None:
    lookout.deliver(events_folder(lookout) / "a.json", [event(2)])
    damaged = lookout.deliver(events_folder(lookout) / "b.parquet", [event(3)])
    damaged.write_bytes(damaged.read_bytes()[:-9])
    write_time(damaged, damaged.stat().st_mtime_ns - 10**12)
    lookout.world.run(tables=(SOURCE_FILES,))
    assert account(lookout)["a.json"]["waitingRows"] == 1
    assert account(lookout)["b.parquet"]["waitingRows"] is None


def test_rows_without_a_day_are_sorted_out_although_no_day_waits(lookout: Lookout) -> None:
    lookout.deliver(events_folder(lookout) / "a.json", [event(2)])
    lookout.work()
    lookout.deliver(events_folder(lookout) / "b.json", [EVENT | {"timestamp": "yesterday"}])
    assert lookout.work() == [LOOK, ("raw_events", "2025-01-02")]
    assert account(lookout)["b.json"]["rejectedRows"] == 1


def test_a_dated_folder_tells_its_day_without_a_look(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        lookout = lookout_at(tmp_path, instance, events=str(tmp_path / "events/{date}"))
        lookout.deliver(tmp_path / "events/2025-01-04/a.json", [event(4)])
        assert lookout.work() == [("raw_events", "2025-01-04")]
        lookout.deliver(tmp_path / "events/2025-01-04/b.json", [event(4, 7)])
        assert lookout.work() == [("raw_events", "2025-01-04")]
        assert days_of(lookout) == [4, 4]


def test_today_s_folder_is_left_alone_until_the_day_is_over(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        lookout = lookout_at(tmp_path, instance, events=str(tmp_path / "events/{date}"))
        lookout.deliver(tmp_path / "events/2025-01-20/a.json", [event(20)])
        assert lookout.look() == []
        assert lookout.look(timedelta(days=1)) == [("raw_events", "2025-01-20")]


def test_where_arrival_decides_the_folder_a_day_reads_the_folders_after_it(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        template = str(tmp_path / "events/{date}")
        lookout = lookout_at(tmp_path, instance, events=template, arrival_days=1)
        lookout.deliver(tmp_path / "events/2025-01-04/a.json", [event(4)])
        lookout.work()
        late = EVENT | {"timestamp": "2025-01-04T23:59:50Z", "eventName": "video_pause"}
        too_late = EVENT | {"timestamp": "2025-01-02T10:00:00Z"}
        lookout.deliver(tmp_path / "events/2025-01-05/b.json", [late, event(5), too_late])
        assert lookout.work() == [LOOK, ("raw_events", "2025-01-04...2025-01-05")]
        assert days_of(lookout) == [4, 4, 5]
        [refused] = lookout.world.rows(REJECTED_EVENTS)
        assert (refused["reason"], refused["eventDate"].day) == ("outside_file_day", 5)
        assert lookout.work() == []


def test_changed_metadata_is_read_again(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        metadata = tmp_path / "videos.csv"
        lookout = lookout_at(tmp_path, instance, video_metadata=str(metadata))
        lookout.deliver(metadata, [{"videoId": "a", "duration": 5, "title": "A"}])
        assert lookout.work() == [LOOK, ("video_metadata", "")]
        lookout.deliver(metadata, [{"videoId": "a", "duration": 6, "title": "A"}], timedelta(0))
        assert lookout.work() == [LOOK, ("video_metadata", "")]
        assert account(lookout)["videos.csv"]["validRows"] == 1


def views(day: int, count: int) -> dict[str, Any]:
    return DAILY_VIEW | {"date": f"2025-01-{day:02}", "viewCount": count}


def test_of_running_totals_the_next_recorded_day_is_computed_again_too(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        lookout = lookout_at(tmp_path, instance, view_count_kind="cumulative")
        folder = tmp_path / "views"
        lookout.deliver(folder / "a.csv", [views(1, 100), views(3, 300), views(4, 310)])
        lookout.work()
        lookout.deliver(folder / "b.csv", [views(2, 180)])
        assert lookout.work() == [
            LOOK,
            ("daily_video_views", "2025-01-02"),
            ("daily_video_views", "2025-01-03"),
        ]
        rows = lookout.world.rows(DAILY_VIDEO_VIEWS)
        assert {row["date"].day: row["viewCount"] for row in rows} == {1: 100, 2: 80, 3: 120, 4: 10}


@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet", ".json.gz"])
def test_a_day_opens_only_the_files_that_have_rows_of_it(suffix: str, lookout: Lookout) -> None:
    folder = events_folder(lookout)
    for day in (2, 3, 4):
        lookout.deliver(folder / f"{day}{suffix}", [event(day), event(day, 1)])
    lookout.work()
    for day in (3, 4):
        path = folder / f"{day}{suffix}"
        stat = path.stat()
        path.write_bytes(b"\0" * stat.st_size)
        write_time(path, stat.st_mtime_ns)
    lookout.world.compute(date(2025, 1, 2), tables=(RAW_EVENTS, REJECTED_EVENTS))
    assert days_of(lookout) == [2, 2, 3, 3, 4, 4]


def write_time(path: Path, nanoseconds: int) -> None:
    os.utime(path, ns=(nanoseconds, nanoseconds))


def test_a_new_alias_has_exactly_the_days_of_its_id_computed_again(lookout: Lookout) -> None:
    aliases = Path(lookout.world.settings.warehouse).parent / "aliases"
    named = {"anonymousId": "somebody", "userId": "else"}
    lookout.deliver(aliases / "1.json", [named])
    settings = {"user_aliases": str(aliases)}
    watched = Lookout(lookout.world.with_settings(**settings), lookout.instance, lookout.now)
    rows = [event(day, userId="guest" if day == 3 else "ann") for day in (2, 3, 4)]
    watched.deliver(events_folder(watched) / "a.json", rows)
    watched.work()
    assert watched.checks()["no_stale_day"].passed

    watched.deliver(aliases / "2.json", [{"anonymousId": "guest", "userId": "bob"}])
    assert watched.work() == [LOOK, ("raw_events", "2025-01-03")]
    assert {row["userId"] for row in watched.world.rows(RAW_EVENTS)} == {"ann", "bob"}
    assert watched.checks()["no_stale_day"].passed
    assert watched.work() == []
