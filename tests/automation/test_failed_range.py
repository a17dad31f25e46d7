"""What follows from a range of which a day failed: the days that were written, and no other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from support.hollow_graph import START, hollow_graph
from support.world import range_tags

from video_assets.automation.schedules import JOB
from video_assets.catalog import asset_key
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS

NOW = datetime.now(UTC)
WRITTEN = [str(START), str(START + timedelta(days=2))]


def failing_in_part(step: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """A step that writes some days of its range, and fails by the name of the others."""

    @dg.multi_asset(
        name=step.op.name,
        specs=list(step.specs),
        backfill_policy=step.backfill_policy,
        can_subset=True,
    )
    def fails() -> Iterator[dg.AssetMaterialization]:
        for spec in step.specs:
            for day in WRITTEN:
                yield dg.AssetMaterialization(spec.key, partition=day)
        raise dg.Failure("a day failed", allow_retries=False)

    return fails


def test_sessions_follow_for_the_days_that_a_failed_range_wrote() -> None:
    graph = hollow_graph()
    steps = graph.resolve_job_def(JOB).asset_layer.selected_asset_keys
    events = graph.resolve_asset_graph().get(asset_key(RAW_EVENTS)).assets_def
    assets = [a for a in graph.assets or () if isinstance(a, dg.AssetsDefinition)]
    failing = [failing_in_part(a) if a.keys == events.keys else a for a in assets]
    requested: list[set[str]] = []
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = None
        for look in range(4):
            result = dg.evaluate_automation_conditions(
                defs=graph,
                instance=instance,
                cursor=cursor,
                evaluation_time=NOW + timedelta(seconds=30 * look),
                asset_selection=dg.AssetSelection.all(),
            )
            cursor = result.cursor
            requested.append(set(map(str, result.get_requested_partitions(asset_key(SESSIONS)))))
            if look == 0:
                dg.materialize(
                    failing,
                    instance=instance,
                    selection=list(steps),
                    tags=range_tags(START, START + timedelta(days=2)),
                    raise_on_error=False,
                )
    assert requested == [set(), set(), set(WRITTEN), set()]
