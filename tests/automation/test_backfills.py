"""What Dagster's backfills ask for: more than was chosen, by the lineage."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from dagster._core.execution.backfill import PartitionBackfill
from support.restless import delivered_events, restless_events
from support.world import SORTED_OUT, World, world

from resources.delta.table import Table
from resources.delta.write_metadata import LEFT_AS_IT_WAS
from video_assets.catalog import BACKFILL_TAG, asset_key
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.engagement.tables import SESSIONS
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY
from video_assets.player_events.tables import RAW_EVENTS

TABLES_OF_DAYS = (DAILY_VIDEO_VIEWS, LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY)
# Dagster's own call of a name that it is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`")
FIRST = date(2025, 1, 1)
CHOSEN = [FIRST + timedelta(days=n) for n in range(2)]
NEXT_DAY = CHOSEN[-1] + timedelta(days=1)


@pytest.fixture
def events(tmp_path: Path) -> Iterator[World]:
    """The events of two days are there; those of the next were never loaded."""
    settings = delivered_events(tmp_path, restless_events(1, [*CHOSEN, NEXT_DAY]), FIRST)
    with world(tmp_path / "warehouse", **settings) as made:
        made.compute(CHOSEN[0], CHOSEN[-1], tables=SORTED_OUT)
        yield made


def backfill(of: World, days: Sequence[date], tables: Sequence[Table]) -> PartitionBackfill:
    """A backfill as the dialog of the lineage asks for it."""
    asked = PartitionBackfill.from_asset_partitions(
        backfill_id="chosen",
        asset_graph=of.definitions.resolve_asset_graph(),
        partition_names=[str(day) for day in days],
        asset_selection=[asset_key(table) for table in tables],
        backfill_timestamp=datetime.now().timestamp(),  # noqa: DTZ005 (any moment)
        tags={},
        dynamic_partitions_store=of.instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    of.instance.add_backfill(asked)
    return asked


def targeted(asked: PartitionBackfill, table: Table) -> set[str]:
    assert asked.asset_backfill_data
    subset = asked.asset_backfill_data.target_subset
    days = subset.partitions_subsets_by_asset_key.get(asset_key(table))
    return set(days.get_partition_keys()) if days else set()


def test_past_days_of_all_tables_ask_for_no_snapshot(events: World) -> None:
    asked = backfill(events, CHOSEN, TABLES_OF_DAYS)
    assert targeted(asked, LIFETIME_SNAPSHOTS) == set()
    assert targeted(asked, LIFETIME_VIEW_HISTORY) == {str(day) for day in CHOSEN}


def test_a_day_without_events_after_the_chosen_ones_fails_nothing(events: World) -> None:
    asked = backfill(events, CHOSEN, (RAW_EVENTS, SESSIONS))
    assert targeted(asked, SESSIONS) == {str(day) for day in (*CHOSEN, NEXT_DAY)}
    tags = {BACKFILL_TAG: asked.backfill_id}
    run = events.attempt(CHOSEN[0], NEXT_DAY, tables=(SESSIONS,), tags=tags)
    assert run.succeeded
    assert {row["sessionDate"] for row in events.rows(SESSIONS)} == set(CHOSEN)
    of_next_day = run.metadata_by_partition(SESSIONS)[str(NEXT_DAY)]
    assert of_next_day[LEFT_AS_IT_WAS] is True


def test_a_day_without_events_that_was_chosen_fails(events: World) -> None:
    asked = backfill(events, [*CHOSEN, NEXT_DAY], (SESSIONS,))
    tags = {BACKFILL_TAG: asked.backfill_id}
    run = events.attempt(CHOSEN[0], NEXT_DAY, tables=(SESSIONS,), tags=tags)
    assert not run.succeeded
