"""The assets of the group `engagement`: what users watched, by session and by video."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg
from pyspark.sql import DataFrame, SparkSession

from resources.delta.stage import StagedTable
from resources.delta.step_outputs import Written
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from resources.runs.passing_faults import retries_passing_faults
from video_assets.catalog import ENGAGEMENT as GROUP
from video_assets.catalog import (
    WIDENED_BY_A_DAY,
    asset_key,
    being_computed,
    days_of,
    days_that_follow,
    declared,
    input_changed,
    moves,
)
from video_assets.engagement.stage_engagement import stage_engagement
from video_assets.engagement.stage_sessions import EventsChangedError, stage_loaded_sessions
from video_assets.engagement.stage_video_metadata import stage_video_metadata
from video_assets.engagement.summaries import rows_per_flag, watch_hours_per_day
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS, REJECTED_EVENTS
from video_assets.plots import bars_per_day, bars_per_name, get_ready_to_draw
from video_assets.settings import Settings
from video_assets.written_days import Advice, written

SOURCE_KEY = dg.AssetKey(["source", "video_metadata"])
DAYS_SHOWN = 90
_TRIES_WHILE_EVENTS_CHANGE = 3
_ADVICE = Advice(
    SESSIONS, "load the events of these days, from which their sessions follow.", RAW_EVENTS
)

video_metadata_source = dg.AssetSpec(
    key=SOURCE_KEY,
    group_name=GROUP,
    description="Duration and title of the videos, at `VIDEO_ASSETS_VIDEO_METADATA`; optional.",
)


def video_metadata_asset() -> dg.AssetsDefinition:
    """The asset `video/video_metadata`."""

    @dg.asset(
        **declared(VIDEO_METADATA, GROUP),
        description="Duration and title of each video, as delivered last; what the source does not "
        "say is taken from `described_videos`. A duration that is no number above 0 is null: "
        "engagement then estimates it and says so.",
        deps=[SOURCE_KEY, asset_key(DESCRIBED_VIDEOS)],
    )
    @retries_passing_faults
    def video_metadata(
        context: dg.AssetExecutionContext, spark: SparkEngine, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.Output[StagedTable]]:
        staged = stage_video_metadata(spark, settings, context.log)
        yield dg.Output(staged.tables[VIDEO_METADATA.name])
        staged.note()

    return video_metadata


def sessions_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `video/sessions`."""

    @dg.asset(
        **declared(SESSIONS, GROUP),
        description="What each user watched of each video in each session, a row per day: a "
        "session that runs past midnight continues in a row of the next day, so that every "
        "measure adds up across rows. Watched stretches are kept as intervals.",
        ins={
            RAW_EVENTS.name: dg.AssetIn(asset_key(RAW_EVENTS), partition_mapping=WIDENED_BY_A_DAY)
        },
        partitions_def=daily,
        automation_condition=_when_an_event_day_changes(),
    )
    @retries_passing_faults
    def sessions(
        context: dg.AssetExecutionContext,
        raw_events: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> Iterator[Written]:
        run = days_of(context)
        try:
            staged = stage_loaded_sessions(raw_events, spark, settings, run, context.log)
        except EventsChangedError as change:
            # The automation takes what this run writes for newer than the events.
            raise dg.RetryRequested(_TRIES_WHILE_EVENTS_CHANGE) from change
        # A day without events, after the days that were chosen: its sessions come with its events.
        staged = staged.leaving(days_that_follow(context, asset_key(RAW_EVENTS)))
        yield from written(context, staged, {}, _ADVICE)

    return sessions


def engagement_asset() -> dg.AssetsDefinition:
    """The asset `video/aggregated_user_video_engagement`."""

    @dg.asset(
        **declared(ENGAGEMENT, GROUP),
        description="How long, how much, how often and how engaged: one row per user and video "
        "over all sessions, with score, tier and a flag for rows that cannot be quite right.",
        ins={
            SESSIONS.name: dg.AssetIn(
                asset_key(SESSIONS), partition_mapping=dg.AllPartitionMapping()
            ),
            VIDEO_METADATA.name: dg.AssetIn(asset_key(VIDEO_METADATA)),
        },
    )
    @retries_passing_faults
    def aggregated_user_video_engagement(
        context: dg.AssetExecutionContext,
        sessions: DataFrame,
        video_metadata: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        get_ready_to_draw()
        stored = Warehouse(settings.warehouse).snapshot()
        staged = stage_engagement(sessions, video_metadata, spark, settings, context.log)
        context.add_output_metadata(
            {
                **_watch_hours(sessions, stored.rows_per_day(SESSIONS)),
                **_so_far(stored),
                **_flags(spark.spark_session, staged),
            }
        )
        return staged

    return aggregated_user_video_engagement


def _when_an_event_day_changes() -> dg.AutomationCondition[Any]:
    """Compute a day when its events, or those of the day before, arrive or change.

    A run that brings the events and computes the sessions asks for nothing. A day whose own events
    were never sorted out waits for them.
    """
    condition = dg.AutomationCondition
    is_loaded = condition.asset_matches(asset_key(REJECTED_EVENTS), ~condition.missing())
    follows = (
        input_changed()
        & (~condition.missing() | is_loaded)
        & ~condition.any_deps_match(moves())
        & ~being_computed()
    )
    return follows.with_label("events of the day or the day before changed")


def _watch_hours(sessions: DataFrame, days: Iterable[date | None]) -> dict[str, Any]:
    newest = max((day for day in days if day), default=None)
    if newest is None:
        return {}
    watched = watch_hours_per_day(sessions, newest - timedelta(days=DAYS_SHOWN - 1))
    hours = {row["day"]: row["hours"] for row in watched.collect()}
    plot = bars_per_day(hours, f"Hours watched by day, the last {DAYS_SHOWN} days", "hours")
    return {"hours_watched": dg.MetadataValue.md(plot)}


def _so_far(stored: Warehouse) -> dict[str, Any]:
    """The days whose sessions are in every row, and will become more."""
    unfinished = sorted(stored.unfinished_days(SESSIONS))
    return {"unfinished_days": ", ".join(map(str, unfinished))} if unfinished else {}


def _flags(session: SparkSession, staged: StagedTable) -> dict[str, Any]:
    """The quality flags, told by the files that were just written."""
    if not staged.files:
        return {}
    written = session.read.parquet(*staged.file_locations)
    flags = {row["flag"]: row["rows"] for row in rows_per_flag(written).collect()}
    plot = bars_per_name(flags, "Rows of user and video by quality flag", "rows")
    return {"quality_flags": dg.MetadataValue.md(plot)}
