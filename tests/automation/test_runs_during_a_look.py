"""A run that ends while the sensor looks at the graph: what it computed is not computed again."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import dagster as dg
import pytest
from dagster._utils.caching_instance_queryer import CachingInstanceQueryer
from support.hollow_graph import START, hollow_graph
from support.world import range_tags

from resources.delta.table import Table
from video_assets.catalog import asset_key
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS

DAYS = (START, START + timedelta(days=1))


class Graph:
    """Empty steps, and the sensor's looks at what became of them."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._graph = hollow_graph()
        self._cursor = None

    def compute(self, table: Table) -> None:
        assets = [a for a in self._graph.assets or () if isinstance(a, dg.AssetsDefinition)]
        keys = self._graph.resolve_asset_graph().get(asset_key(table)).assets_def.keys
        tags = range_tags(*DAYS)
        dg.materialize(assets, instance=self._instance, selection=list(keys), tags=tags)

    def look(self) -> set[str | None]:
        """The days of sessions that are asked for."""
        found = dg.evaluate_automation_conditions(
            self._graph, self._instance, dg.AssetSelection.all(), cursor=self._cursor
        )
        self._cursor = found.cursor
        return found.get_requested_partitions(asset_key(SESSIONS))


def after_reading_what_changed(patch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Let something happen in the middle of the next look, as another process would."""
    read = CachingInstanceQueryer.prefetch_asset_records

    def read_and_wait(self: CachingInstanceQueryer, keys: list[dg.AssetKey]) -> None:
        patch.setattr(CachingInstanceQueryer, "prefetch_asset_records", read)
        read(self, keys)
        # A look is a coroutine, and a run starts an event loop of its own.
        other = Thread(target=happens)
        other.start()
        other.join()

    patch.setattr(CachingInstanceQueryer, "prefetch_asset_records", read_and_wait)


def test_sessions_that_are_computed_during_a_look_are_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        graph = Graph(instance)
        graph.look()
        graph.compute(RAW_EVENTS)
        after_reading_what_changed(monkeypatch, lambda: graph.compute(SESSIONS))
        assert [graph.look() for _ in range(4)] == [set()] * 4


def test_sessions_of_changed_events_are_asked_for_once() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        graph = Graph(instance)
        graph.look()
        graph.compute(RAW_EVENTS)
        asked = [graph.look() for _ in range(4)]
        assert asked == [set(), {str(day) for day in DAYS}, set(), set()]
