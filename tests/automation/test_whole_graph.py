"""The schedule, the conditions and the sensors on the real assets."""

from pathlib import Path

import dagster as dg
import pytest

from video_assets.automation.alert_sensor import alert_sensor
from video_assets.automation.conditions import automated
from video_assets.automation.schedules import automation_sensor, daily_schedule, daily_steps
from video_assets.catalog import daily_partitions
from video_assets.definitions import build_definitions
from video_assets.report.assets import KEY as REPORT
from video_assets.settings import Settings
from video_assets.settings.alerts import AlertSettings
from video_assets.vocabulary import SCHEMA_NAME

OTHER_PARTITIONS = {"monthly_views", "lifetime_snapshots", "lifetime_view_history"}
READ_A_SOURCE = {
    "raw_events",
    "rejected_events",
    "described_videos",
    "daily_video_views",
    "rejected_daily_views",
    "source_files",
}


@pytest.fixture
def definitions(tmp_path: Path) -> dg.Definitions:
    settings = Settings(warehouse=str(tmp_path), _env_file=None)
    real = build_definitions(settings)
    assets = automated(real.assets or [])
    steps = daily_steps(assets, daily_partitions(settings.start_date))
    return dg.Definitions(
        assets=assets,
        asset_checks=real.asset_checks,
        resources=real.resources,
        executor=dg.in_process_executor,
        schedules=[daily_schedule(settings.start_date, steps)],
        sensors=[automation_sensor(), alert_sensor(settings.warehouse, AlertSettings())],
    )


def tables(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    specs = definitions.resolve_all_asset_specs()
    return {spec.key.path[-1]: spec for spec in specs if spec.key.path[0] == SCHEMA_NAME}


def test_the_wiring_loads(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_daily_run_computes_the_report_and_every_table_that_can_share_a_run(
    definitions: dg.Definitions,
) -> None:
    keys = definitions.resolve_job_def("daily").asset_layer.selected_asset_keys
    names = {key.path[-1] for key in keys - {REPORT}}
    assert names == tables(definitions).keys() - OTHER_PARTITIONS
    assert REPORT in keys


def test_every_table_that_reads_another_follows_it(definitions: dg.Definitions) -> None:
    found = tables(definitions)
    followers = {name for name, spec in found.items() if spec.automation_condition}
    assert followers == found.keys() - READ_A_SOURCE


def test_the_daily_run_has_days_as_partitions(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("daily")
    assert job.partitions_def is not None
    assert job.partitions_def.get_first_partition_key() == "2025-01-01"
