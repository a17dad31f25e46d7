"""`aggregated_user_video_engagement`: one trustworthy row per user and video."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from resources.delta.changes import ChangedFiles
from resources.delta.stage import Emission, StagedTable, stage, stage_frame
from resources.delta.warehouse import opened, rows_per_day, stored_frame
from resources.engine.session import SparkEngine
from video_assets.arrow.kernels import tasks_for
from video_assets.catalog import ENGAGEMENT as GROUP
from video_assets.catalog import asset_key, column_lineage, declared
from video_assets.chunks import stage_in_parts, stage_side_by_side
from video_assets.engagement import engagement_frames as frames
from video_assets.engagement.refresh import planned_refresh
from video_assets.engagement.summaries import rows_per_flag, watch_hours_per_day
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.engagement.watch_time.rules import WatchTimeRules
from video_assets.plots import bars_per_day, bars_per_name
from video_assets.settings import Settings

DAYS_SHOWN = 90
SESSIONS_AT_ONCE = 10_000_000
OUTDATED_VIDEOS = 1_000
COMPUTED = "rows_computed"


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
    """Write all engagement rows for one commit: computed where a change concerns them, else kept.

    Args:
        sessions: all rows of `sessions`.
        video_metadata: rows of `video_metadata`.
        spark: the engine.
        settings: rules and warehouse.
        log: where progress is told.
    """
    refresh = planned_refresh(settings)
    work = _Work(frames.seen_videos(sessions, video_metadata), spark, settings, log)
    if refresh.changed is None:
        log.info("computing the rows of %d session rows: %s", refresh.rows, refresh.reason)
        staged = work.compute(sessions, refresh.rows)
    else:
        log.info("computing the rows that changes concern: %s", refresh.reason)
        staged = work.compute_changed(sessions, refresh.rows, refresh.changed)
    return replace(staged, origin=refresh.origin, counters={COMPUTED: 0, **staged.counters})


@dataclass(frozen=True)
class _Work:
    """What both ways to fill the table share."""

    videos: DataFrame
    spark: SparkEngine
    settings: Settings
    log: logging.Logger

    def compute_changed(self, sessions: DataFrame, rows: int, changed: ChangedFiles) -> StagedTable:
        """Rows of the users and videos that the changes concern, and the other stored ones."""
        session, warehouse = self.spark.spark_session, self.settings.warehouse
        stored = stored_frame(session, warehouse, ENGAGEMENT)
        found = frames.outdated_videos(stored, self.videos).limit(OUTDATED_VIDEOS + 1).collect()
        if len(found) > OUTDATED_VIDEOS:
            self.log.info("more than %d videos changed: computing all rows", OUTDATED_VIDEOS)
            return self.compute(sessions, rows)
        replaced = sessions.limit(0)
        if changed.locations:
            replaced = session.read.parquet(*changed.locations)
        pairs = frames.pairs_to_compute(replaced, stored, [row["videoId"] for row in found])
        if rows > SESSIONS_AT_ONCE:
            rows = frames.rows_of(pairs, sessions.select(*ENGAGEMENT.key)).count()
        kept = frames.rows_without(pairs, stored)
        parts: list[Callable[[], StagedTable]] = [
            partial(self.compute, frames.rows_of(pairs, sessions), rows),
            partial(stage_frame, kept, warehouse, ENGAGEMENT, sort=False),
        ]
        return stage_side_by_side([partial(_by_name, part) for part in parts])[ENGAGEMENT.name]

    def compute(self, sessions: DataFrame, rows: int) -> StagedTable:
        """The engagement rows of so many session rows; many in chunks of users."""
        chunks = max(1, -(-rows // SESSIONS_AT_ONCE))
        tasks = tasks_for(rows // chunks, self.spark.cores)
        parts = {
            f"users {n + 1}/{chunks}": partial(self._chunk, sessions, tasks, (n, chunks))
            for n in range(chunks)
        }
        named = {part: partial(_by_name, stage_part) for part, stage_part in parts.items()}
        return stage_in_parts(named, self.log)[ENGAGEMENT.name]

    def _chunk(self, sessions: DataFrame, tasks: int, share: tuple[int, int]) -> StagedTable:
        rules, name = self.settings.rules, ENGAGEMENT.name
        described = frames.sessions_by_user(sessions, self.videos, rules, tasks, share)
        route = partial(_engagement_task, rules=rules, processed_at=datetime.now(UTC))
        targets = {name: ENGAGEMENT}
        staged = stage(
            described, self.settings.warehouse, targets, route, {name: None}, sort={name}
        )
        return staged[name]


def _by_name(stage_part: Callable[[], StagedTable]) -> Mapping[str, StagedTable]:
    return {ENGAGEMENT.name: stage_part()}


def _engagement_task(
    batches: Iterator[pa.RecordBatch], rules: WatchTimeRules, processed_at: datetime
) -> Iterator[Emission]:
    rows = frames.engagement_of_task(batches, rules, processed_at)
    yield Emission(ENGAGEMENT.name, rows, {COMPUTED: rows.num_rows})


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
