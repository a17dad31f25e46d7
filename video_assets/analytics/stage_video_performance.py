"""`video_performance`: of viewers, their sessions and their plays."""

from pyspark.sql import functions as F

from resources.delta.stage import StagedTable, stage_frame
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.analytics.tables import USER_ENGAGEMENT, VIDEO_PERFORMANCE
from video_assets.analytics.video_performance import video_performance
from video_assets.analytics.video_plays import video_plays
from video_assets.analytics.viewer_limits import excluded_viewers
from video_assets.arrow.kernels import tasks_for
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.settings import Settings


def stage_video_performance(spark: Engine, settings: Settings) -> StagedTable:
    """Write the rows of all videos for one commit."""
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session).snapshot()
    excluded = excluded_viewers(stored.frame(USER_ENGAGEMENT), settings)
    sessions = stored.frame(SESSIONS)
    if excluded is not None:
        sessions = sessions.join(F.broadcast(excluded), "userId", "left_anti")
    tasks = tasks_for(stored.row_count(SESSIONS), spark.cores)
    rows = video_performance(
        stored.frame(ENGAGEMENT),
        stored.frame(RAW_EVENTS),
        video_plays(sessions, settings.valid_play_seconds, tasks),
        settings.reached_end,
        excluded,
    )
    return stage_frame(rows, settings.warehouse, VIDEO_PERFORMANCE)
