"""`aggregated_user_video_engagement`: one trustworthy row per user and video."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from resources.delta.staging import Emission, StagedTable, stage
from resources.delta.volume import opened, rows_per_day, stored_rows
from resources.spark import SparkEngine
from video_assets.assets.catalog import ENGAGEMENT as GROUP
from video_assets.assets.catalog import asset_key, column_lineage, declared
from video_assets.assets.chunks import stage_in_parts
from video_assets.frames import engagement as frames
from video_assets.frames.kernels import tasks_for
from video_assets.frames.summaries import rows_per_flag, watch_hours_per_day
from video_assets.plots import bars_per_day, bars_per_name
from video_assets.schemas import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.settings import Settings
from video_assets.watch_time.rules import WatchTimeRules

DAYS_SHOWN = 90
SESSIONS_AT_ONCE = 5_000_000


def engagement_asset() -> dg.AssetsDefinition:
    """The asset `video/aggregated_user_video_engagement`."""

    @dg.asset(
        **declared(ENGAGEMENT, GROUP),
        pool=ENGAGEMENT.name,
        description="How long, how much, how often and how engaged: one row per user and video "
        "over all sessions, with score, tier and a flag for rows that cannot be quite right.",
        ins={
            SESSIONS.name: dg.AssetIn(
                asset_key(SESSIONS), partition_mapping=dg.AllPartitionMapping()
            ),
            VIDEO_METADATA.name: dg.AssetIn(asset_key(VIDEO_METADATA)),
        },
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def aggregated_user_video_engagement(
        context: dg.AssetExecutionContext,
        sessions: DataFrame,
        video_metadata: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        stored = rows_per_day(SESSIONS, opened(settings.warehouse, SESSIONS))
        staged = stage_engagement(sessions, video_metadata, spark, settings, context.log)
        context.add_output_metadata(
            {
                **column_lineage(ENGAGEMENT),
                **_watch_hours(sessions, stored),
                **_flags(spark.spark_session, staged),
            }
        )
        return staged

    return aggregated_user_video_engagement


def stage_engagement(
    sessions: DataFrame,
    video_metadata: DataFrame,
    spark: SparkEngine,
    settings: Settings,
    log: logging.Logger,
) -> StagedTable:
    """Write the engagement rows of all session rows for one commit; many rows in chunks of users.

    Args:
        sessions: all rows of `sessions`.
        video_metadata: rows of `video_metadata`.
        spark: the engine.
        settings: rules and warehouse.
        log: where progress is told.
    """
    rows = stored_rows(settings.warehouse, SESSIONS)
    log.info("%d session rows", rows)
    chunks = max(1, -(-rows // SESSIONS_AT_ONCE))
    tasks = tasks_for(rows // chunks, spark.cores)
    route = partial(_engagement_task, rules=settings.rules, processed_at=datetime.now(UTC))
    name = ENGAGEMENT.name

    def stage_chunk(chunk: int) -> Mapping[str, StagedTable]:
        described = frames.sessions_by_user(
            sessions, video_metadata, settings.rules, tasks, share=(chunk, chunks)
        )
        targets = {name: ENGAGEMENT}
        return stage(described, settings.warehouse, targets, route, {name: None}, sort={name})

    parts = {f"users {n + 1}/{chunks}": partial(stage_chunk, n) for n in range(chunks)}
    return stage_in_parts(parts, log)[name]


def _engagement_task(
    batches: Iterator[pa.RecordBatch], rules: WatchTimeRules, processed_at: datetime
) -> Iterator[Emission]:
    yield Emission(ENGAGEMENT.name, frames.engagement_of_task(batches, rules, processed_at))


def _watch_hours(sessions: DataFrame, days: Iterable[date | None]) -> dict[str, Any]:
    newest = max((day for day in days if day), default=None)
    if newest is None:
        return {}
    watched = watch_hours_per_day(sessions, newest - timedelta(days=DAYS_SHOWN - 1))
    hours = {row["day"]: row["hours"] for row in watched.collect()}
    plot = bars_per_day(hours, f"Hours watched by day, the last {DAYS_SHOWN} days", "hours")
    return {"hours_watched": dg.MetadataValue.md(plot)}


def _flags(session: SparkSession, staged: StagedTable) -> dict[str, Any]:
    """The quality flags, told by the files that were just written."""
    if not staged.files:
        return {}
    written = session.read.parquet(*staged.file_locations)
    flags = {row["flag"]: row["rows"] for row in rows_per_flag(written).collect()}
    plot = bars_per_name(flags, "Rows of user and video by quality flag", "rows")
    return {"quality_flags": dg.MetadataValue.md(plot)}
