"""Other tools have worked on the tables; the next run gives what a clean warehouse holds."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from support.checks import Checked
from support.foreign_spark import ForeignSpark, foreign_spark
from support.restless import bits, delivered_events, lonely_visit, restless_visitors
from support.source_files import write
from support.steps import Staged
from support.views import view
from support.world import MONTHS, SORTED_OUT, UNDIVIDED, VIEWS, Row, World, copy_of, world

from resources.delta.commit import open_table
from resources.delta.deletion_vectors import rows_marked_deleted
from resources.delta.errors import UnsupportedTableError
from resources.delta.maintenance import tidy
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.daily_views.tables import MONTHLY_VIEWS
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS

DAYS = tuple(date(2025, 3, 1) + timedelta(days=n) for n in range(6))
FIRST, LAST, LONELY = DAYS[0], DAYS[-1], DAYS[3]
NOTHING_STAYS = timedelta(0)

# Statements by what they do; a name in braces stands for a table.
MARKING = "ALTER TABLE {sessions} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"
DELETE = "DELETE FROM {sessions} WHERE userId LIKE 'eve%'"
MERGE = (
    "MERGE INTO {sessions} AS known USING (SELECT 'eve' AS gone) ON known.userId = gone "
    "WHEN MATCHED THEN DELETE"
)
DELETED = {"marked": (MARKING, DELETE), "deleted": (DELETE,), "merged": (MERGE,)}
UPDATED = (
    "UPDATE {raw_events} SET currentTime = currentTime",
    "UPDATE {sessions} SET maxPosition = maxPosition",
    "UPDATE {aggregated_user_video_engagement} SET engagementScore = 0",
)
TIDIED = (
    "ALTER TABLE {sessions} ALTER COLUMN userId COMMENT 'who'",
    "OPTIMIZE {sessions} ZORDER BY (videoId)",
    "VACUUM {sessions} RETAIN 0 HOURS",
)
KEPT = {"updated": UPDATED, "z-ordered and vacuumed": TIDIED}

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def other() -> Iterator[ForeignSpark]:
    with foreign_spark() as spark:
        yield spark


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [*restless_visitors(7, DAYS), *lonely_visit(LONELY)]


@pytest.fixture(scope="module")
def original(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A warehouse that no other tool has seen."""
    return computed_from(rows, tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def without_eve(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A clean warehouse of the same events but those of one viewer."""
    others = [row for row in rows if row["userId"] != "eve"]
    return computed_from(others, tmp_path_factory.mktemp("without"))


@pytest.fixture
def used(original: World, tmp_path: Path) -> Iterator[World]:
    """A copy of the original, for other tools."""
    with copy_of(original, tmp_path / "warehouse") as events:
        yield events


def computed_from(rows: Sequence[Row], folder: Path) -> World:
    events = World(folder / "warehouse", **delivered_events(folder, rows, FIRST))
    events.compute(FIRST, LAST)
    return events


def continue_with(events: World, *days: date) -> Staged:
    for day in days:
        events.compute(day, tables=(*SORTED_OUT, SESSIONS))
    return events.compute(tables=UNDIVIDED)


def computed(staged: Staged) -> int:
    return staged[ENGAGEMENT.name].counters["rows_computed"]


def results(events: World, *tables: Table) -> dict[str, list[str]]:
    return {table.name: bits(events)[table.name] for table in tables}


@pytest.mark.parametrize("name", DELETED)
def test_sessions_that_spark_deleted_are_gone_from_engagement_and_come_back_with_their_day(
    name: str, other: ForeignSpark, used: World, original: World, without_eve: World
) -> None:
    other.sql(used.settings.warehouse, *DELETED[name])
    stored = Warehouse(used.settings.warehouse)
    assert stored.row_count(SESSIONS) == len(without_eve.rows(SESSIONS))
    assert 0 < computed(continue_with(used)) < len(original.rows(ENGAGEMENT))
    assert results(used, SESSIONS, ENGAGEMENT) == results(without_eve, SESSIONS, ENGAGEMENT)
    assert 0 < computed(continue_with(used, LONELY)) < len(original.rows(ENGAGEMENT))
    assert bits(used) == bits(original)
    assert other.count(used.settings.warehouse, SESSIONS) == stored.row_count(SESSIONS)


@pytest.mark.parametrize("name", KEPT)
def test_files_that_spark_wrote_again_are_read_as_ours(
    name: str, other: ForeignSpark, used: World, original: World
) -> None:
    other.sql(used.settings.warehouse, *KEPT[name])
    continue_with(used)
    assert results(used, SESSIONS, ENGAGEMENT) == results(original, SESSIONS, ENGAGEMENT)
    assert computed(continue_with(used, LONELY)) < len(original.rows(ENGAGEMENT))
    assert bits(used) == bits(original)


def test_maintenance_writes_files_without_the_rows_that_spark_marked(
    other: ForeignSpark, spark: SparkSession, used: World, without_eve: World
) -> None:
    warehouse, location = used.settings.warehouse, str(used.folder(SESSIONS))
    other.sql(warehouse, MARKING, DELETE)
    checks = Checked(spark, Path(warehouse))
    assert checks.fails("sums_match_sessions", ENGAGEMENT)
    reader = open_table(location)
    tidy(location, SESSIONS, NOTHING_STAYS)
    assert not rows_marked_deleted(open_table(location))
    assert rows_marked_deleted(reader)  # a running step still has them
    tidy(location, SESSIONS, NOTHING_STAYS)
    assert not list(Path(location).glob("*.bin"))
    continue_with(used)
    assert not checks.fails("sums_match_sessions", ENGAGEMENT)
    assert results(used, SESSIONS, ENGAGEMENT) == results(without_eve, SESSIONS, ENGAGEMENT)
    assert other.count(warehouse, SESSIONS) == len(without_eve.rows(SESSIONS))


def test_what_spark_set_is_refused_at_once_and_written_after_the_remedies_that_are_named(
    other: ForeignSpark, used: World, original: World
) -> None:
    warehouse = used.settings.warehouse
    other.sql(
        warehouse,
        "ALTER TABLE {sessions} ADD CONSTRAINT known CHECK (watchTime >= 0)",
        "ALTER TABLE {sessions} SET TBLPROPERTIES "
        "('delta.appendOnly' = 'true', 'delta.enableInCommitTimestamps' = 'true')",
    )
    with pytest.raises(UnsupportedTableError) as refused:
        used.compute(LONELY, tables=(SESSIONS,))
    assert "CHECK constraint known (watchTime >= 0)" in str(refused.value)
    remedies = re.findall("ALTER TABLE delta[^;]*?(?=;|\\. Or move)", str(refused.value))
    assert len(remedies) == 3
    other.sql(warehouse, *remedies)
    continue_with(used, LONELY)
    assert bits(used) == bits(original)


def test_a_shallow_clone_that_spark_made_is_a_source_as_its_original_is(
    other: ForeignSpark, original: World, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    other.sql(
        original.settings.warehouse, f"CREATE TABLE delta.`{clone}` SHALLOW CLONE {{raw_events}}"
    )
    kept = original.settings.model_dump(exclude={"warehouse", "events"})
    with world(tmp_path / "warehouse", events=str(clone), **kept) as cloned:
        cloned.compute(FIRST, LAST)
        assert results(cloned, SESSIONS, ENGAGEMENT) == results(original, SESSIONS, ENGAGEMENT)


def test_views_that_spark_marked_as_deleted_are_in_no_month(
    other: ForeignSpark, tmp_path: Path
) -> None:
    source = write(tmp_path / "views.parquet", [view(v, FIRST, 5) for v in ("kept", "gone")])
    with world(tmp_path / "warehouse", daily_views=str(source), start_date=FIRST) as views:
        views.compute(FIRST, tables=VIEWS)
        other.sql(
            views.settings.warehouse,
            "ALTER TABLE {daily_video_views} "
            "SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
            "DELETE FROM {daily_video_views} WHERE video_id = 'gone'",
        )
        views.compute(FIRST, tables=MONTHS)
        assert [row["video_id"] for row in views.rows(MONTHLY_VIEWS)] == ["kept"]
