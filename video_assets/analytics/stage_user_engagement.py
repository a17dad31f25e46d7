"""`user_engagement`: summed up from engagement, and checked for what no person can do."""

import logging

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.stage import StagedTable, stage_frame
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.analytics.side_by_side import side_by_side
from video_assets.analytics.tables import USER_ENGAGEMENT
from video_assets.analytics.user_engagement import user_engagement, with_habits, with_side_by_side
from video_assets.analytics.viewer_habits import viewer_habits
from video_assets.analytics.viewer_limits import listed_viewers, with_reasons
from video_assets.arrow.kernels import tasks_for
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.settings import Settings


def stage_user_engagement(
    engagement: DataFrame, spark: Engine, settings: Settings, log: logging.Logger
) -> StagedTable:
    """Write the rows of all users for one commit.

    Sessions tell whose wall clocks overlap at all. Events are read only where there are such
    users, and only of them.
    """
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session).snapshot()
    listed = _frame_of(listed_viewers(settings), spark)

    def staged(users: DataFrame) -> StagedTable:
        known = with_reasons(users, listed, settings)
        columns = known.select(*USER_ENGAGEMENT.column_names)
        return stage_frame(columns, settings.warehouse, USER_ENGAGEMENT)

    habits = viewer_habits(
        stored.frame(SESSIONS), tasks_for(stored.row_count(SESSIONS), spark.cores)
    )
    by_sessions = staged(with_habits(user_engagement(engagement), habits))
    if not by_sessions.files:
        return by_sessions
    users = spark.spark_session.read.parquet(*by_sessions.file_locations)
    overlapping = users.where(F.col("simultaneousSeconds") > F.lit(0.0)).select("userId")
    count = overlapping.count()
    if not count:
        return by_sessions
    log.info("%d users have sessions that overlap in wall clock", count)
    try:
        events = stored.frame(RAW_EVENTS).join(F.broadcast(overlapping), "userId", "left_semi")
        tasks = tasks_for(stored.row_count(RAW_EVENTS), spark.cores)
        return staged(with_side_by_side(users, side_by_side(events, settings.rules, tasks)))
    finally:
        by_sessions.discard()


def _frame_of(users: list[str], spark: Engine) -> DataFrame | None:
    if not users:
        return None
    return spark.spark_session.createDataFrame(pa.table({"userId": users}))
