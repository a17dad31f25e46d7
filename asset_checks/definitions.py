"""Every asset check, and the schedule that asks each morning whether yesterday is there."""

from collections.abc import Iterable, Mapping

import dagster as dg

from asset_checks import (
    analytics,
    daily_views,
    deliveries,
    engagement,
    experiments,
    forecasts,
    lifetime_views,
    player_events,
    video_metadata,
    view_deliveries,
)
from asset_checks.dagster_checks import Partitions, checks_of
from asset_checks.freshness import (
    DEADLINE_CRON,
    DELIVERED_IN_TIME,
    YESTERDAY_IS_THERE,
    yesterday_is_there,
)
from asset_checks.growth import TABLES_ARE_TIDY
from asset_checks.rules import Rule
from video_assets.analytics.tables import (
    COMPLETION_FORECAST,
    DIMENSION_DAILY,
    EXPERIMENT_RESULTS,
    VIDEO_DAILY,
)
from video_assets.catalog import asset_key
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATES, MONTHLY_VIEWS
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.tables import TABLES
from video_assets.unfinished_days import TIME_ZONE, lag_of_views

RULES: Mapping[str, tuple[Rule, ...]] = {
    RAW_EVENTS.name: (*player_events.RULES, TABLES_ARE_TIDY),
    VIDEO_METADATA.name: video_metadata.RULES,
    SOURCE_FILES.name: deliveries.RULES,
    SESSIONS.name: engagement.SESSION_RULES,
    ENGAGEMENT.name: engagement.ENGAGEMENT_RULES,
    VIDEO_DAILY.name: analytics.RULES,
    DIMENSION_DAILY.name: analytics.DIMENSION_RULES,
    EXPERIMENT_RESULTS.name: experiments.RULES,
    COMPLETION_FORECAST.name: forecasts.RULES,
    DAILY_VIDEO_VIEWS.name: view_deliveries.RULES,
    MONTHLY_VIEWS.name: daily_views.MONTHLY_RULES,
    MISSING_DATES.name: daily_views.MISSING_RULES,
    LIFETIME_SNAPSHOTS.name: lifetime_views.RULES,
    LIFETIME_VIEW_HISTORY.name: (yesterday_is_there(LIFETIME_VIEW_HISTORY, lag_of_views),),
}

_ASKED_BY_TIME = (
    YESTERDAY_IS_THERE,
    DELIVERED_IN_TIME,
    daily_views.AS_OF_MOVES,
    engagement.UP_TO_DATE.name,
    forecasts.MODEL_IS_RECENT,
    deliveries.NO_STALE_DAY,
    deliveries.EVERY_FILE_IS_READ,
)


def build_checks(assets: Iterable[object]) -> list[dg.AssetChecksDefinition]:
    """All checks, a step for each table; they need the resources `spark` and `settings`.

    Args:
        assets: the definitions of the tables' assets, of which the checks have the partitions.
    """
    partitions: dict[dg.AssetKey, Partitions | None] = {
        spec.key: spec.partitions_def
        for definition in assets
        if isinstance(definition, dg.AssetsDefinition)
        for spec in definition.specs
    }
    return [
        checks_of(TABLES[name], rules, partitions.get(asset_key(TABLES[name])))
        for name, rules in RULES.items()
    ]


def build_freshness() -> dg.ScheduleDefinition:
    """Asks at the deadline for yesterday's partitions, and how old engagement is.

    A day that arrives later is asked for again by the run that brings it.
    """
    keys = (
        dg.AssetCheckKey(asset_key(rule.table), rule.name)
        for rules in RULES.values()
        for rule in rules
        if rule.name in _ASKED_BY_TIME
    )
    job = dg.define_asset_job(
        "check_freshness",
        selection=dg.AssetSelection.checks(*keys),
        description="Is yesterday there, is engagement up to date, and is no day stale?",
    )
    return dg.ScheduleDefinition(
        name="freshness_at_the_deadline",
        job=job,
        cron_schedule=DEADLINE_CRON,
        execution_timezone=TIME_ZONE,
        description="Asks whether yesterday is there and no day is stale, and warns otherwise.",
    )
