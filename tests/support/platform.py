"""Assets and all checks on one Dagster instance, over rows that nobody validated."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dagster as dg
from dagster import ExecuteInProcessResult
from pyspark.sql import DataFrame, SparkSession
from support.checks import Checked
from support.engine import engine_of_tests
from support.tables import frame
from support.world import deprecations_of_dagster_itself, range_tags

from asset_checks.definitions import build_checks
from resources.delta.io_manager import build_io_manager
from video_assets.catalog import PLAYER_EVENTS, daily_partitions, declared
from video_assets.engagement.assets import engagement_asset, sessions_asset, video_metadata_asset
from video_assets.player_events.assets import player_events_asset
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.tables import TABLES

START = date(2025, 1, 1)


class Platform:
    """Assets and all checks on one instance, without anything else."""

    def __init__(self, checked: Checked, instance: dg.DagsterInstance) -> None:
        self.checked = checked
        self.settings = checked.settings
        self.instance = instance
        self.daily = daily_partitions(START)

    def assets(self) -> list[dg.AssetsDefinition]:
        return [
            player_events_asset(self.daily),
            video_metadata_asset(),
            sessions_asset(self.daily),
            engagement_asset(),
        ]

    def assets_over(self, rows: Sequence[dict[str, object]]) -> list[dg.AssetsDefinition]:
        """The same, but raw events are these rows, whatever they are worth."""
        return [_stored_as_given(rows, self.checked.spark, self.daily), *self.assets()[1:]]

    def run(self, assets: Sequence[dg.AssetsDefinition], *days: date) -> ExecuteInProcessResult:
        with deprecations_of_dagster_itself():
            return dg.materialize(
                [*assets, *build_checks(assets)],
                selection=dg.AssetSelection.assets(*assets),
                resources=self.resources(),
                instance=self.instance,
                partition_key=str(days[0]) if len(days) == 1 else None,
                tags=range_tags(days[0], days[-1]) if len(days) > 1 else None,
                raise_on_error=False,
            )

    def run_events(self, rows: Sequence[dict[str, object]], *days: date) -> ExecuteInProcessResult:
        """Store rows as the raw events of some days, and check them."""
        return self.run(self.assets_over(rows)[:1], *days)

    def check_alone(self, *names: str) -> ExecuteInProcessResult:
        """Run checks without their assets and without partitions, as the UI's button does."""
        with deprecations_of_dagster_itself():
            definitions = dg.Definitions(
                assets=self.assets(),
                asset_checks=build_checks(self.assets()),
                resources=self.resources(),
                jobs=[dg.define_asset_job("alone", selection=_checks_named(*names))],
                executor=dg.in_process_executor,
            )
            job = definitions.resolve_job_def("alone")
            return job.execute_in_process(instance=self.instance, raise_on_error=False)

    def resources(self) -> dict[str, object]:
        spark = engine_of_tests()
        io_manager = build_io_manager(self.settings.warehouse, spark, TABLES)
        return {"spark": spark, "settings": self.settings, "io_manager": io_manager}


def print_check_alone(warehouse: str, name: str) -> None:
    """Run a check as `check_alone` does, where no engine has started yet, and print its verdict."""
    checked = Checked(None, Path(warehouse))  # type: ignore[arg-type]
    with dg.DagsterInstance.ephemeral() as instance:
        for one in Platform(checked, instance).check_alone(name).get_asset_check_evaluations():
            print(one.check_name, one.passed)  # noqa: T201 (what it is for)


def _checks_named(*names: str) -> dg.AssetSelection:
    keys = (key for check in build_checks([]) for key in check.check_keys)
    return dg.AssetSelection.checks(*(key for key in keys if key.name in names))


def _stored_as_given(
    rows: Sequence[dict[str, object]], spark: SparkSession, daily: dg.DailyPartitionsDefinition
) -> dg.AssetsDefinition:
    @dg.asset(**declared(RAW_EVENTS, PLAYER_EVENTS), partitions_def=daily)
    def raw_events() -> DataFrame:
        return frame(spark, rows, RAW_EVENTS)

    return raw_events
