"""`aggregated_user_video_engagement`: one trustworthy row per user and video."""

from datetime import UTC, datetime

import dagster as dg
from pyspark.sql import DataFrame

from resources.delta.volume import stored_rows
from resources.spark import SparkEngine
from video_assets.assets.catalog import ENGAGEMENT as GROUP
from video_assets.assets.catalog import asset_key, column_lineage, declared
from video_assets.frames import engagement as frames
from video_assets.frames.kernels import tasks_for
from video_assets.schemas import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.settings import Settings


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
    ) -> DataFrame:
        rows = stored_rows(settings.warehouse, SESSIONS)
        tasks = tasks_for(rows, spark.cores)
        context.log.info("%d session rows in %d tasks", rows, tasks)
        context.add_output_metadata(column_lineage(ENGAGEMENT))
        processed_at = datetime.now(UTC)
        return frames.engagement(sessions, video_metadata, settings.rules, processed_at, tasks)

    return aggregated_user_video_engagement
