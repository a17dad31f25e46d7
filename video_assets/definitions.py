"""The one `Definitions`: what exists, wired together from the settings."""

import gc

# What is imported stays: to look for garbage among it took a third of a command's time.
_COLLECTED = gc.isenabled()
gc.disable()

import logging
import os
import sys
from datetime import date
from functools import cache, partial
from typing import Any

import dagster as dg

from asset_checks.definitions import build_checks, build_freshness
from asset_checks.freshness import freshness_policy_for
from resources.delta.io_manager import build_io_manager
from resources.engine.session import SparkEngine
from resources.file_access import open_new_files_to
from resources.runs.console import end_commands_with_a_sentence
from resources.runs.executor import one_process_executor
from resources.runs.home import note_warehouse, of_another_warehouse
from resources.view_counts.resource import ViewCounts
from video_assets.analytics.assets import analytics_assets
from video_assets.automation.alert_sensor import alert_sensor
from video_assets.automation.conditions import automated
from video_assets.automation.delivery_sensor import delivery_sensor
from video_assets.automation.erasure import compute_from_sessions, erasure_job
from video_assets.automation.maintenance import maintenance_schedule
from video_assets.automation.schedules import automation_sensor, daily_schedule, daily_steps
from video_assets.catalog import (
    daily_partitions,
    days_until_today,
    monthly_partitions,
    with_source_code,
)
from video_assets.daily_views.assets import (
    daily_video_views_asset,
    daily_views_source_spec,
    missing_dates_asset,
    monthly_views_asset,
)
from video_assets.engagement.assets import (
    engagement_asset,
    sessions_asset,
    video_metadata_asset,
    video_metadata_source,
)
from video_assets.lifetime_views.assets import (
    lifetime_snapshots_asset,
    lifetime_view_history_asset,
    view_count_api,
)
from video_assets.partition_errors import (
    CommandError,
    KnownDays,
    explain,
    launches,
    refuse_what_selects_nothing,
)
from video_assets.player_events.assets import player_events_asset, player_events_source
from video_assets.report.assets import engagement_report_asset
from video_assets.settings import Settings, SettingsError, load_settings
from video_assets.source_files.assets import source_files_asset
from video_assets.tables import TABLES
from video_assets.vocabulary import SCHEMA_NAME

gc.freeze()
if _COLLECTED:
    gc.enable()

_LOG = logging.getLogger(__name__)


def build_definitions(settings: Settings) -> dg.Definitions:
    """Everything that exists, for these settings."""
    spark = SparkEngine.from_settings(settings)
    daily = daily_partitions(settings.start_date, include_today=settings.include_today)
    assets = _assets(daily, settings.start_date)
    steps = daily_steps(assets, daily)
    resources = {
        "spark": spark,
        "settings": settings,
        "view_counts": ViewCounts.from_settings(settings),
        "io_manager": build_io_manager(settings.warehouse, spark, TABLES),
    }
    return dg.Definitions(
        assets=_followed(daily, settings.start_date),
        asset_checks=_checks(daily, settings.start_date),
        schedules=[
            daily_schedule(settings.start_date, steps),
            build_freshness(),
            maintenance_schedule(),
        ],
        sensors=[
            automation_sensor(),
            alert_sensor(settings.warehouse, settings),
            delivery_sensor(settings),
        ],
        jobs=[erasure_job(partial(compute_from_sessions, assets, resources, settings))],
        resources=resources,
        # One engine a process: steps share it, and none pays for starting Python again.
        executor=one_process_executor,
    )


# Assets and checks depend on no setting but the days: several definitions share them.
@cache
def _assets(
    daily: dg.DailyPartitionsDefinition, start: date
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    until_today = days_until_today(start)
    return [
        player_events_source,
        video_metadata_source,
        player_events_asset(daily),
        video_metadata_asset(),
        source_files_asset(),
        sessions_asset(daily),
        engagement_asset(),
        *analytics_assets(daily),
        daily_views_source_spec,
        daily_video_views_asset(daily),
        monthly_views_asset(monthly_partitions(start)),
        missing_dates_asset(),
        view_count_api,
        lifetime_snapshots_asset(until_today),
        lifetime_view_history_asset(until_today),
        engagement_report_asset(),
    ]


@cache
def _followed(daily: dg.DailyPartitionsDefinition, start: date) -> list[Any]:
    """The assets with what runs them, what watches over them, and where their code is."""
    return [with_source_code(asset) for asset in _watched(automated(_assets(daily, start)))]


@cache
def _checks(daily: dg.DailyPartitionsDefinition, start: date) -> list[dg.AssetChecksDefinition]:
    return build_checks(_assets(daily, start))


def _watched(assets: list[Any]) -> list[Any]:
    """Each table with the time by which it must have been materialized; others have none."""

    def with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
        schema, name = spec.key.path
        if schema != SCHEMA_NAME:
            return spec
        return spec.replace_attributes(freshness_policy=freshness_policy_for(TABLES[name]))

    return list(dg.map_asset_specs(with_policy, assets))


@dg.definitions
def defs() -> dg.Definitions:
    """Read the settings when Dagster loads the code location, not when Python imports it."""
    end_commands_with_a_sentence((SettingsError, CommandError), _explained)
    settings = load_settings()
    open_new_files_to(settings.file_access)
    return _built(settings)


_newest: list[tuple[Settings, dg.Definitions]] = []


def _built(settings: Settings) -> dg.Definitions:
    """The definitions, built once: for one run Dagster's command line asks for them six times."""
    if not _newest or _newest[0][0] != settings:
        _warn_of_another_warehouse(settings.warehouse)
        _warn_without_home(sys.argv[1:])
        _newest[:] = [(settings, build_definitions(settings))]
        refuse_what_selects_nothing(sys.argv[1:], _selects_any)
    return _newest[0][1]


def _selects_any(selection: str) -> bool:
    _, definitions = _newest[0]
    try:
        named = dg.AssetSelection.from_coercible(selection.split(","))
        return bool(named.resolve(definitions.resolve_asset_graph()))
    except dg.DagsterError:
        # What is wrong with it is said by Dagster, in words of its own.
        return True


def _explained(message: str, arguments: list[str]) -> str:
    if not _newest:
        return message
    settings, _ = _newest[0]
    days = KnownDays.now(settings.start_date, include_today=settings.include_today)
    return explain(message, arguments, days)


def _warn_without_home(arguments: list[str]) -> None:
    if launches(arguments) and not os.environ.get("DAGSTER_HOME"):
        _LOG.warning(
            "DAGSTER_HOME is not set: tables are written, but no page of Dagster knows of this "
            "run. `export DAGSTER_HOME=$PWD/.dagster_home` before the next one."
        )


def _warn_of_another_warehouse(warehouse: str) -> None:
    if other := note_warehouse(warehouse):
        _LOG.warning(of_another_warehouse(other, warehouse))
