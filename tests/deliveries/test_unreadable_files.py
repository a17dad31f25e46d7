"""Files that cannot be read: the days that need them stay as they were, the others are written."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import dagster as dg
import pytest
from support.lookout import Lookout, moment
from support.source_files import DAILY_VIEW, EVENT, json_bytes
from support.tables import Row
from support.world import SORTED_OUT, VIEWS, Run, World

from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.player_events.tables import RAW_EVENTS

START = date(2025, 1, 1)
DAYS = [START + timedelta(days=n) for n in range(12)]
DAMAGED = DAYS[6]


def event(day: date, second: int = 0) -> Row:
    return {**EVENT, "timestamp": f"{day}T10:00:{second:02}Z"}


def view(day: date, second: int = 0) -> Row:
    return {**DAILY_VIEW, "date": str(day), "created_date": str(START), "viewCount": second}


SOURCES = {
    "events": (event, "timestamp", SORTED_OUT, RAW_EVENTS),
    "daily_views": (view, "date", VIEWS, DAILY_VIDEO_VIEWS),
}


@pytest.fixture
def lookout(tmp_path: Path) -> Iterator[Lookout]:
    with dg.DagsterInstance.ephemeral() as instance:
        sources = {"events": str(tmp_path / "events"), "daily_views": str(tmp_path / "daily_views")}
        world = World(tmp_path / "tables", instance, **sources, start_date=START)
        yield Lookout(world.with_settings(video_metadata=None), instance, moment(20))


def damage(file: Path) -> None:
    """Cut a file in the middle, as a broken transfer does."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def said(run: Run) -> str:
    """What the one failed step of a run says."""
    [failure] = run.result.get_step_failure_events()
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    return str(told.description)


def days_in(lookout: Lookout, source: str = "events") -> list[date]:
    _, _, _, table = SOURCES[source]
    return sorted({row[table.partition_by] for row in lookout.world.rows(table)})


def unread(lookout: Lookout) -> list[str]:
    """The files that a check names."""
    check = lookout.checks()["every_file_is_read"]
    records = [] if check.passed else check.metadata["sample"].records  # type: ignore[union-attr]
    return [Path(str(record.data["file"])).name for record in records]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("suffix", [".parquet", ".json.gz", ".csv.zst", ".json.bz2"])
def test_the_days_of_the_other_files_are_written(
    suffix: str, source: str, lookout: Lookout, tmp_path: Path
) -> None:
    row, _, tables, _ = SOURCES[source]
    files = {
        day: lookout.deliver(tmp_path / source / f"part-{place:x}{suffix}", [row(day), row(day, 1)])
        for place, day in enumerate(DAYS)
    }
    damage(files[DAMAGED])
    run = lookout.world.attempt(DAYS[0], DAYS[-1], tables=tables)
    assert days_in(lookout, source) == [day for day in DAYS if day != DAMAGED]
    named = ("1 of 12 days", str(DAMAGED), files[DAMAGED].name, "11 of 12 days")
    assert [part for part in named if part not in said(run)] == []
    assert unread(lookout) == [files[DAMAGED].name]

    lookout.deliver(files[DAMAGED], [row(DAMAGED)], age=timedelta(minutes=9))
    [_, (_, days)] = lookout.work()
    assert days == str(DAMAGED)
    assert days_in(lookout, source) == DAYS
    assert unread(lookout) == []


def test_the_days_of_its_earlier_version_stay_as_they_were(
    lookout: Lookout, tmp_path: Path
) -> None:
    changed = tmp_path / "events" / "a.json.gz"
    lookout.deliver(changed, [event(DAYS[1]), event(DAYS[2])])
    lookout.deliver(tmp_path / "events" / "b.json.gz", [event(day, 1) for day in DAYS[:4]])
    lookout.world.run(DAYS[0], DAYS[3], tables=SORTED_OUT)
    damage(changed)
    lookout.deliver(tmp_path / "events" / "c.json.gz", [event(day, 2) for day in DAYS[:4]])
    run = lookout.world.attempt(DAYS[0], DAYS[3], tables=SORTED_OUT)
    assert f"2 of 4 days of raw_events stay as they were: {DAYS[1]}, {DAYS[2]}: " in said(run)
    by_day = [row["eventDate"] for row in lookout.world.rows(RAW_EVENTS)]
    assert [by_day.count(day) for day in DAYS[:4]] == [2, 2, 2, 2]


def test_the_date_in_its_name_tells_its_day(lookout: Lookout, tmp_path: Path) -> None:
    damaged = lookout.deliver(tmp_path / "events" / f"{DAMAGED}.json.gz", [event(DAMAGED)])
    damage(damaged)
    lookout.deliver(tmp_path / "events" / "others.json", [event(day, 1) for day in DAYS])
    run = lookout.world.attempt(DAYS[0], DAYS[-1], tables=SORTED_OUT)
    assert f"1 of 12 days of raw_events stay as they were: {DAMAGED}: " in said(run)
    assert days_in(lookout) == [day for day in DAYS if day != DAMAGED]


def test_where_nothing_tells_its_days_the_run_fails_and_days_with_other_rows_are_written(
    lookout: Lookout, tmp_path: Path
) -> None:
    damaged = lookout.deliver(tmp_path / "events" / "late.parquet", [event(DAMAGED, 1)])
    damage(damaged)
    lookout.deliver(tmp_path / "events" / "others.parquet", [event(day) for day in DAYS])
    run = lookout.world.attempt(DAYS[0], DAYS[-1], tables=SORTED_OUT)
    assert "12 of 12 days of raw_events are written without files" in said(run)
    assert str(damaged) in said(run)
    assert days_in(lookout) == DAYS
    assert unread(lookout) == ["late.parquet"]
    [count] = [row["rowCount"] for row in lookout.world.rows(SOURCE_FILES) if "late" in row["path"]]
    assert count is None

    lookout.deliver(damaged, [event(DAMAGED, 1)], age=timedelta(minutes=9))
    assert lookout.work()[1:] == [("raw_events", str(DAMAGED))]
    assert [row["eventDate"] for row in lookout.world.rows(RAW_EVENTS)].count(DAMAGED) == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (str(DAMAGED), f"1 of 12 days of daily_video_views stay as they were: {DAMAGED}: "),
        ("odd", "12 of 12 days of daily_video_views are written without files"),
    ],
)
def test_a_look_at_a_file_of_other_columns_hides_nothing(
    name: str, told: str, lookout: Lookout, tmp_path: Path
) -> None:
    odd = tmp_path / "daily_views" / f"{name}.json.gz"
    lookout.deliver(odd, [{"a": 1}] * 50, age=timedelta(days=9))
    lookout.deliver(tmp_path / "daily_views" / "others.json", [view(day) for day in DAYS])
    lookout.world.run(tables=(SOURCE_FILES,))
    [seen] = [row for row in lookout.world.rows(SOURCE_FILES) if row["path"] == str(odd)]
    assert seen["rowCount"] == 50
    run = lookout.world.attempt(DAYS[0], DAYS[-1], tables=VIEWS)
    assert told in said(run)
    assert "no column 'video_id', 'date', 'viewCount'" in said(run)


def test_of_an_archive_a_day_the_damaged_one_alone_fails(lookout: Lookout, tmp_path: Path) -> None:
    for day in DAYS[:3]:
        with ZipFile(tmp_path / f"{day}.zip", "w", ZIP_DEFLATED) as archive:
            archive.writestr("rows.json", json_bytes([event(day)] * 50))
    damage(tmp_path / f"{DAYS[1]}.zip")
    world = lookout.world.with_settings(events=str(tmp_path / "{date}.zip"))
    run = world.attempt(DAYS[0], DAYS[2], tables=SORTED_OUT)
    assert f"1 of 3 days of raw_events stay as they were: {DAYS[1]}: " in said(run)
    assert days_in(lookout) == [DAYS[0], DAYS[2]]


def test_a_file_with_known_rows_concerns_their_days_alone(lookout: Lookout, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{**event(day), "userId": "u" * 99_999} for day in DAYS[2:4]]
    known = lookout.deliver(tmp_path / "events" / "a.json.gz", rows)
    lookout.deliver(tmp_path / "events" / "b.json.gz", [event(day) for day in DAYS[:5]])
    lookout.world.run(tables=(SOURCE_FILES,))
    version = known.stat()
    content = bytearray(known.read_bytes())
    content[-5] ^= 0xFF  # of the length that the archive notes, so that only its end is wrong
    known.write_bytes(content)
    os.utime(known, ns=(version.st_atime_ns, version.st_mtime_ns))
    run = lookout.world.attempt(DAYS[0], DAYS[4], tables=SORTED_OUT)
    assert f"2 of 5 days of raw_events stay as they were: {DAYS[2]}, {DAYS[3]}: " in said(run)
    assert days_in(lookout) == [DAYS[0], DAYS[1], DAYS[4]]
