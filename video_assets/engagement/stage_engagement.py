"""`aggregated_user_video_engagement`: rows that a change concerns are computed, others copied."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from resources.delta.changes import ChangedFiles
from resources.delta.keyed_rows import Keys
from resources.delta.stage import StagedTable, stage, stage_frame, target
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.arrow.kernels import is_worth_processes, tasks_for
from video_assets.chunks import StagedChunks, one_by_one, stage_side_by_side
from video_assets.engagement import engagement_frames as frames
from video_assets.engagement.refresh import planned_refresh
from video_assets.engagement.routes import COMPUTED, computed_engagement, kept_engagement
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.settings import Settings
from video_assets.sizes import MOST_KEYS, SESSIONS_AT_ONCE, SESSIONS_OF_A_PAIR

OUTDATED_VIDEOS = 1_000


def stage_engagement(
    sessions: DataFrame,
    video_metadata: DataFrame,
    spark: Engine,
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
    videos = _known_videos(frames.seen_videos(sessions, video_metadata), spark)
    work = _Work(videos, spark, settings, log)
    if refresh.changed is None:
        log.info("computing the rows of %d session rows: %s", refresh.rows, refresh.reason)
        staged = work.compute(sessions, refresh.rows)
    else:
        log.info("computing the rows that changes concern: %s", refresh.reason)
        staged = work.compute_changed(sessions, refresh.rows, refresh.changed)
    return replace(staged, origin=refresh.origin, counters={COMPUTED: 0, **staged.counters})


def _known_videos(videos: DataFrame, spark: Engine) -> DataFrame:
    """The same videos: asked for once, where they are not too many, of all session rows.

    The embedded engine does not know how few they are: of a share of the users it held all session
    rows beside them, in twice the time and six times the memory.
    """
    few = videos.limit(MOST_KEYS + 1).toArrow()
    return videos if few.num_rows > MOST_KEYS else _frame(few, spark)


def _frame(rows: pa.Table, spark: Engine) -> DataFrame:
    """Rows as a frame; Spark infers no schema of an empty table."""
    return spark.spark_session.createDataFrame(rows, from_arrow_schema(rows.schema))


@dataclass(frozen=True)
class _Work:
    """What both ways to fill the table share."""

    videos: DataFrame
    spark: Engine
    settings: Settings
    log: logging.Logger

    def compute_changed(self, sessions: DataFrame, rows: int, changed: ChangedFiles) -> StagedTable:
        """Rows of the users and videos that the changes concern, and the other stored ones."""
        session = self.spark.spark_session
        table = Warehouse(self.settings.warehouse, lambda: session).snapshot()
        stored = table.frame(ENGAGEMENT)
        outdated = frames.outdated_videos(stored, self.videos)
        found = outdated.limit(OUTDATED_VIDEOS + 1).collect()
        if len(found) > OUTDATED_VIDEOS:
            self.log.info("more than %d videos changed: computing all rows", OUTDATED_VIDEOS)
            return self.compute(sessions, rows)
        tasks = tasks_for(changed.rows, self.spark.cores)
        replaced = frames.pairs_in_files(session, changed.locations, tasks)
        pairs = frames.pairs_to_compute(replaced, stored, [row["videoId"] for row in found])
        few = pairs.limit(MOST_KEYS + 1).toArrow()
        if few.num_rows <= MOST_KEYS:
            rows = min(rows, few.num_rows * SESSIONS_OF_A_PAIR)
            keep = partial(self.keep, few, table)
        else:
            rows = frames.rows_of(pairs, sessions.select(*ENGAGEMENT.key)).count()
            keep = partial(self.keep_by_join, pairs, table)
        compute = partial(self.compute, frames.rows_of(pairs, sessions), rows)
        return stage_side_by_side(compute, keep)

    def keep(self, pairs: pa.Table, table: Warehouse) -> StagedTable:
        """The stored rows of all other users and videos, taken from the files themselves."""
        files = table.file_locations(ENGAGEMENT)
        if files is None:
            return self.keep_by_join(_frame(pairs, self.spark), table)
        # They hold what they are just reading, and not a share of the rows.
        tasks = min(self.spark.cores, tasks_for(table.row_count(ENGAGEMENT), self.spark.cores))
        parts = self.spark.spark_session.range(0, tasks, 1, tasks)
        route = partial(kept_engagement, without=Keys.of(pairs), locations=files, parts=tasks)
        return stage(parts, route, target(table.root, ENGAGEMENT))[ENGAGEMENT.name]

    @staticmethod
    def keep_by_join(pairs: DataFrame, table: Warehouse) -> StagedTable:
        """The same where the pairs are many, or the engine has to read the files."""
        kept = frames.rows_without(pairs, table.frame(ENGAGEMENT))
        return stage_frame(kept, table.root, ENGAGEMENT, sort=False)

    def compute(self, sessions: DataFrame, rows: int) -> StagedTable:
        """The engagement rows of so many session rows; many in chunks of users."""
        chunks = max(1, -(-rows // SESSIONS_AT_ONCE))
        tasks = tasks_for(rows // chunks, self.spark.cores)
        apart = is_worth_processes(rows)
        is_named = bool(self.settings.events_dimensions)
        taken = frames.sessions_taken(self.settings.rules, with_dimensions=is_named)
        into = target(self.settings.warehouse, ENGAGEMENT, sort=True)
        with StagedChunks() as staged:
            for share in one_by_one([frames.UserShare(n, chunks) for n in range(chunks)], self.log):
                rules, now = self.settings.rules, datetime.now(UTC)
                by_user = frames.sessions_by_user(sessions, self.videos, taken, tasks, share)
                route = partial(computed_engagement, rules=rules, processed_at=now, taken=taken)
                staged.add(stage(by_user, route, into, apart=apart))
        return staged.merged()[ENGAGEMENT.name]
