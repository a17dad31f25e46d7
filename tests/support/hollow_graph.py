"""The real graph with its partitions, conditions and jobs, of steps that compute nothing.

A code location of its own: Dagster's daemon loads it as it does the real one.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from video_assets.automation.schedules import automation_sensor, daily_schedule, daily_steps
from video_assets.catalog import daily_partitions
from video_assets.definitions import build_definitions
from video_assets.settings import Settings

START = date(2025, 1, 1)


def hollow_graph(*, seconds_between_looks: int = 30) -> dg.Definitions:
    """What `build_definitions` wires, without engine, tables and checks."""
    settings = Settings(warehouse="nowhere", start_date=START, _env_file=None)
    real = [
        a for a in build_definitions(settings).assets or () if isinstance(a, dg.AssetsDefinition)
    ]
    assets = [_hollow(asset) for asset in real]
    steps = daily_steps(assets, daily_partitions(START))
    return dg.Definitions(
        assets=assets,
        schedules=[daily_schedule(START, steps)],
        sensors=[automation_sensor(seconds_between_looks)],
        executor=dg.in_process_executor,
    )


def _hollow(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=asset.op.name,
        specs=list(asset.specs),
        backfill_policy=asset.backfill_policy,
        can_subset=asset.can_subset,
    )
    def nothing(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        for spec in asset.specs:
            if spec.key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=spec.key)

    return nothing


@dg.definitions
def defs() -> dg.Definitions:
    """The graph that a daemon looks at often, so that tests need not wait."""
    return hollow_graph(seconds_between_looks=1)
