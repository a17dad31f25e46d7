"""Small assets with the partitions and dependencies of the real ones, which compute nothing."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import dagster as dg

from resources.runs.passing_faults import retries_passing_faults
from video_assets.automation.conditions import (
    asks_once_a_day,
    follows_its_day,
    follows_its_inputs,
)
from video_assets.catalog import (
    DAYS_OF_THE_MONTH,
    DAYS_THAT_ARE_THERE,
    OF_NO_PARTITION,
    daily_partitions,
    days_until_today,
    monthly_partitions,
)

START = date(2025, 1, 1)
DAILY = daily_partitions(START)
DAILY_STEPS = [
    dg.AssetKey(name) for name in ("events", "sessions", "engagement", "days", "views", "gaps")
]


@dataclass
class Behaviour:
    """What the stand-ins do: which steps fail how often, and which checks fail."""

    failures: dict[str, int] = field(default_factory=dict)
    failing_checks: set[str] = field(default_factory=set)
    computed: list[str] = field(default_factory=list)

    def compute(self, context: dg.AssetExecutionContext) -> None:
        name = context.asset_key.to_user_string()
        if self.failures.get(name, 0) > 0:
            self.failures[name] -= 1
            raise ConnectionError(f"{name} does not answer")
        self.computed.append(name)


def stand_ins(behaviour: Behaviour) -> list[dg.AssetsDefinition]:
    def asset(name: str, **arguments: object) -> dg.AssetsDefinition:
        @dg.asset(name=name, **arguments)
        @retries_passing_faults
        def compute(context: dg.AssetExecutionContext) -> None:
            behaviour.compute(context)

        return compute

    every = dg.AllPartitionMapping()
    today = days_until_today(START)
    follows = follows_its_inputs()

    @dg.asset(
        name="views",
        partitions_def=DAILY,
        check_specs=[_no_nulls()],
    )
    @retries_passing_faults
    def views(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
        behaviour.compute(context)
        yield dg.Output(None)
        passed = "no_nulls" not in behaviour.failing_checks
        yield dg.AssetCheckResult(passed=passed, check_name="no_nulls")

    return [
        asset("events", partitions_def=DAILY),
        asset("sessions", partitions_def=DAILY, deps=["events"]),
        asset(
            "engagement",
            deps=[dg.AssetDep("sessions", partition_mapping=every)],
            automation_condition=follows,
        ),
        asset(
            "days",
            partitions_def=DAILY,
            deps=["sessions", "engagement"],
            automation_condition=follows_its_day(dg.AssetKey("engagement")),
        ),
        views,
        asset(
            "gaps",
            deps=[dg.AssetDep("views", partition_mapping=every)],
            automation_condition=follows,
        ),
        asset(
            "months",
            partitions_def=monthly_partitions(START),
            deps=[dg.AssetDep("views", partition_mapping=DAYS_OF_THE_MONTH)],
            automation_condition=follows,
        ),
        asset(
            "snapshots",
            partitions_def=today,
            deps=[dg.AssetDep("views", partition_mapping=OF_NO_PARTITION)],
            automation_condition=asks_once_a_day(dg.AssetKey("gaps")),
        ),
        asset(
            "history",
            partitions_def=today,
            deps=[
                dg.AssetDep(name, partition_mapping=DAYS_THAT_ARE_THERE)
                for name in ("views", "snapshots")
            ],
            automation_condition=follows,
        ),
    ]


def _no_nulls() -> dg.AssetCheckSpec:
    """A blocking check with a verdict for each day, as the real ones have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec("no_nulls", asset="views", blocking=True, partitions_def=DAILY)
