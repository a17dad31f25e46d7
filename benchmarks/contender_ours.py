"""Ours, without Dagster: the functions that the assets call."""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
from direct import engagement_of_videos, sessions_by_video
from pyspark.sql import DataFrame, SparkSession

from resources.delta.commit import commit
from resources.delta.stage import Emission, StagedTable, stage, target
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.arrow.blocks import Shares
from video_assets.days import DayRange
from video_assets.engagement.stage_engagement import stage_engagement
from video_assets.engagement.stage_sessions import stage_sessions
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.sort_out import events_in_blocks
from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.player_events.stage_events import stage_events
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.rules import WatchTimeRules
from video_assets.settings import Settings
from video_assets.sources.config import SourceConfig
from video_assets.sources.estimated_rows import rows_of_source
from video_assets.sources.listing import list_source
from video_assets.sources.times import Window

_LOG = logging.getLogger(__name__)


def start() -> SparkSession:
    """The engine, started."""
    return _engine().spark_session


def engagement_only(events: Path, metadata: Path, output: Path) -> Path:
    """Engagement rows; nothing is kept on the way."""
    run, rules = days_of(events), WatchTimeRules()
    source = SourceConfig(uri=str(events))
    listing = list_source(source, EVENT_ROWS, run.first, run.end)
    shares = Shares.of(rows_of_source(listing), _engine().cores)
    window = Window(run.first, run.end)
    blocks = events_in_blocks(start(), source, window, shares=shares, listing=listing)
    by_video = sessions_by_video(
        blocks, _metadata(metadata), rules, run.first, run.end, shares=shares
    )
    route = partial(_engagement_task, rules=rules, processed_at=datetime.now(UTC))
    staged = stage(by_video, route, target(str(output), ENGAGEMENT))[ENGAGEMENT.name]
    return _committed(staged)


def whole_pipeline(events: Path, metadata: Path, output: Path) -> Path:
    """The three stored tables, each from the one before it, as the assets do."""
    run = days_of(events)
    settings = Settings(warehouse=str(output), events=str(events), _env_file=None)
    delivered = stage_events(_engine(), settings, run, _LOG)
    for staged in delivered.tables.values():
        _committed(staged)
    delivered.note()
    _committed(stage_sessions(_stored(output, RAW_EVENTS), _engine(), settings, run, _LOG))
    videos, sessions = _metadata(metadata), _stored(output, SESSIONS)
    return _committed(stage_engagement(sessions, videos, _engine(), settings, _LOG))


def days_of(events: Path) -> DayRange:
    """The days that a folder of sample events was made for."""
    days = [date.fromisoformat(path.name.partition(".")[0][-10:]) for path in events.iterdir()]
    return DayRange(min(days), DayRange.single(max(days)).end)


def _engine() -> SparkEngine:
    return SparkEngine.from_settings(Settings(_env_file=None))


def _metadata(path: Path) -> DataFrame:
    return start().read.parquet(str(path)).select(*VIDEO_METADATA.column_names)


def _stored(warehouse: Path, table: Table) -> DataFrame:
    return Warehouse(str(warehouse), start).frame(table)


def _committed(staged: StagedTable) -> Path:
    commit(staged)
    return Path(staged.location)


def _engagement_task(
    batches: Iterable[pa.RecordBatch], rules: WatchTimeRules, processed_at: datetime
) -> Iterator[Emission]:
    for rows in engagement_of_videos(batches, rules, processed_at):
        yield Emission(ENGAGEMENT.name, rows)
