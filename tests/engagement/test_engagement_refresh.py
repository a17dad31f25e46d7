"""Engagement computes what changed, and has the rows of a table computed as a whole."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree, rmtree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.restless import (
    bits,
    delivered_events,
    lonely_visit,
    restless_visitors,
)
from support.source_files import deliver
from support.steps import Staged
from support.world import DAILY, SORTED_OUT, UNDIVIDED, Row, World, copy_of, world

from resources.delta.maintenance import tidy
from video_assets.engagement import stage_engagement
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA

DAYS = tuple(date(2025, 3, 1) + timedelta(days=n) for n in range(10))
FIRST, LAST = DAYS[0], DAYS[-1]
LONELY = DAYS[4]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [*restless_visitors(7, DAYS), *lonely_visit(LONELY)]


@pytest.fixture(scope="module")
def computed_once(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A warehouse that no test changes, and its events as they were delivered."""
    folder = tmp_path_factory.mktemp("computed_once")
    made = World(folder / "warehouse", **delivered_events(folder, rows, FIRST))
    made.compute(FIRST, LAST)
    copytree(made.settings.events, folder / "as_delivered")
    return made


@pytest.fixture
def used(computed_once: World, tmp_path: Path) -> Iterator[World]:
    """A copy of it, whose events lie where they were read."""
    events = Path(computed_once.settings.events)
    rmtree(events)
    copytree(events.with_name("as_delivered"), events)
    with copy_of(computed_once, tmp_path / "warehouse") as used:
        yield used


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[Sequence[Row]], dict[str, list[str]]]:
    """The tables of a warehouse that has never seen other events."""

    def tables(rows: Sequence[Row]) -> dict[str, list[str]]:
        settings = delivered_events(tmp_path / "fresh", rows, FIRST)
        with world(tmp_path / "fresh" / "warehouse", **settings) as events:
            events.compute(FIRST, LAST)
            return dict(bits(events))

    return tables


def compute_days(events: World, *days: date) -> Staged:
    for day in days:
        events.compute(day, tables=SORTED_OUT)
    for day in days:
        events.compute(day, tables=(SESSIONS,))
    return events.compute(tables=UNDIVIDED)


def computed(staged: Staged) -> int:
    return staged[ENGAGEMENT.name].counters["rows_computed"]


def titled(events: World, folder: Path, **titles: str) -> World:
    folder.mkdir(exist_ok=True)
    described = {"videoId": list(titles), "duration": 300.0, "title": list(titles.values())}
    described["duration"] = [300.0] * len(titles)
    pq.write_table(pa.table(described), folder / "metadata.parquet")
    return events.with_settings(video_metadata=str(folder / "metadata.parquet"))


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_day_delivered_anew_gives_the_rows_of_a_fresh_warehouse(
    seed: int,
    used: World,
    rows: list[Row],
    fresh: Callable[[Sequence[Row]], object],
) -> None:
    changed = DAYS[seed % len(DAYS)]
    other = [row for row in restless_visitors(seed, DAYS) if row["timestamp"].date() == changed]
    new = [row for row in rows if row["timestamp"].date() != changed] + other
    deliver(Path(used.settings.events), new)
    run = compute_days(
        used, *(day for day in DAYS if changed <= day <= changed + timedelta(days=1))
    )
    assert 0 < computed(run) < len(used.rows(ENGAGEMENT))
    assert bits(used) == fresh(new)


def test_users_and_videos_too_many_to_hold_are_told_apart_by_the_engine(
    used: World,
    rows: list[Row],
    fresh: Callable[[Sequence[Row]], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stage_engagement, "MOST_KEYS", 1)
    new = [row for row in rows if row["userId"] != "eve"]
    deliver(Path(used.settings.events), new)
    run = compute_days(used, LONELY)
    assert 0 < computed(run) < len(used.rows(ENGAGEMENT))
    assert bits(used) == fresh(new)


def test_rows_that_no_change_concerns_stay_as_they_were(used: World) -> None:
    before = {(row["userId"], row["videoId"]): row for row in used.rows(ENGAGEMENT)}
    assert computed(compute_days(used, LONELY)) < len(before)
    after = {(row["userId"], row["videoId"]): row for row in used.rows(ENGAGEMENT)}
    anew = {
        pair for pair, row in after.items() if row["processedAt"] != before[pair]["processedAt"]
    }
    of_day = {
        (row["userId"], row["videoId"])
        for row in used.rows(SESSIONS)
        if row["sessionDate"] == LONELY
    }
    assert anew == of_day


def test_without_a_change_nothing_is_computed(used: World) -> None:
    before = used.rows(ENGAGEMENT)
    assert used.run(tables=UNDIVIDED).counted(ENGAGEMENT, "rows_computed") == 0
    assert used.rows(ENGAGEMENT) == before


def test_a_viewer_whose_only_day_is_gone_has_no_row_any_more(used: World, rows: list[Row]) -> None:
    deliver(Path(used.settings.events), [row for row in rows if row["userId"] != "eve"])
    compute_days(used, LONELY)
    assert "eve" not in {row["userId"] for row in used.rows(ENGAGEMENT)}


def test_a_new_ending_renews_all_viewers_of_a_video_of_unknown_length(
    used: World, rows: list[Row], fresh: Callable[[Sequence[Row]], object]
) -> None:
    further = [{**row, "videoId": "v1"} for row in lonely_visit(LAST, 1e6, "video_ended")]
    deliver(Path(used.settings.events), [*rows, *further])
    compute_days(used, LAST)
    viewers = [row for row in used.rows(ENGAGEMENT) if row["videoId"] == "v1"]
    assert {row["videoDuration"] for row in viewers} == {1e6}
    assert len(viewers) > 1
    assert bits(used) == fresh([*rows, *further])


def test_a_new_title_renews_the_rows_of_its_video_alone(used: World, tmp_path: Path) -> None:
    described = titled(used, tmp_path / "metadata", v1="one", v2="two")
    described.compute(tables=UNDIVIDED)
    titled(used, tmp_path / "metadata", v1="one", v2="the second")
    run = described.compute(tables=UNDIVIDED)
    of_second = [row for row in described.rows(ENGAGEMENT) if row["videoId"] == "v2"]
    assert {row["videoTitle"] for row in of_second} == {"the second"}
    assert computed(run) == len(of_second)


def test_other_rules_compute_all_rows(used: World) -> None:
    stricter = used.with_settings(score_weight_sessions=0.0)
    before = [row["engagementScore"] for row in used.rows(ENGAGEMENT)]
    assert computed(stricter.compute(tables=UNDIVIDED)) == len(before)
    assert before != [row["engagementScore"] for row in used.rows(ENGAGEMENT)]


def test_the_setting_asks_for_all_rows(used: World) -> None:
    thorough = used.with_settings(engagement_refresh="all")
    assert computed(thorough.compute(tables=UNDIVIDED)) == len(used.rows(ENGAGEMENT))


def delete_old_files(events: World) -> None:
    for table in (SESSIONS, ENGAGEMENT):
        delta = events.delta(table)
        delta.vacuum(0, enforce_retention_duration=False, dry_run=False, full=True)


def delete_a_row(events: World) -> None:
    events.delta(ENGAGEMENT).delete("userId = 'eve'")


def forget_old_versions(events: World) -> None:
    """What the clean-up of a Delta log leaves: a checkpoint, and the commits after it."""
    delta = events.delta(SESSIONS)
    delta.create_checkpoint()
    log = Path(events.folder(SESSIONS)) / "_delta_log"
    for version in range(delta.version()):
        (log / f"{version:020}.json").unlink()


def test_maintenance_of_the_tables_does_not_undo_what_is_known(used: World) -> None:
    for table in (SESSIONS, ENGAGEMENT):
        tidy(str(used.folder(table)), table, timedelta(0))
    assert computed(used.compute(tables=UNDIVIDED)) == 0


def test_sessions_of_a_backup_that_reach_the_same_version_again_compute_all_rows(
    used: World, rows: list[Row], computed_once: World, tmp_path: Path
) -> None:
    copytree(used.folder(SESSIONS), tmp_path / "backup")
    deliver(Path(used.settings.events), [row for row in rows if row["userId"] != "eve"])
    compute_days(used, LONELY)
    version = used.delta(SESSIONS).version()
    rmtree(used.folder(SESSIONS))
    copytree(tmp_path / "backup", used.folder(SESSIONS))
    deliver(Path(used.settings.events), rows)
    while used.delta(SESSIONS).version() < version:
        used.compute(LAST, tables=(SESSIONS,))
    assert computed(used.compute(tables=UNDIVIDED)) == len(used.rows(ENGAGEMENT))
    assert bits(used)[ENGAGEMENT.name] == bits(computed_once)[ENGAGEMENT.name]


@pytest.mark.parametrize("accident", [delete_a_row, delete_old_files, forget_old_versions])
def test_all_rows_are_computed_where_changes_cannot_be_told(
    accident: Callable[[World], None], used: World, computed_once: World
) -> None:
    used.compute(LONELY, tables=DAILY)
    accident(used)
    run = used.compute(tables=(VIDEO_METADATA, ENGAGEMENT))
    assert computed(run) == len(used.rows(ENGAGEMENT))
    assert bits(used) == bits(computed_once)
