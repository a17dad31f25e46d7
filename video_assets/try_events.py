"""A sample of player events, taken through the tables of events and engagement."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from pyspark.sql import DataFrame
from rich.table import Table as Grid

from resources.delta.commit import commit
from resources.delta.stage import StagedTable
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.days import DayRange
from video_assets.engagement.stage_engagement import stage_engagement
from video_assets.engagement.stage_sessions import stage_sessions
from video_assets.engagement.stage_video_metadata import stage_video_metadata
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.stage_events import REJECTED, VALID, stage_events
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.sample_data.player_logs.story import PlayerSample
from video_assets.settings import Settings
from video_assets.try_views import fates, write

_SHOWN: Mapping[Table, Sequence[str]] = {
    SESSIONS: (
        "userId",
        "videoId",
        "sessionDate",
        "watchTime",
        "maxPosition",
        "pauseCount",
        "forwardSkips",
        "endedCount",
    ),
    ENGAGEMENT: (
        "userId",
        "videoId",
        "videoTitle",
        "videoDuration",
        "totalWatchTime",
        "watchPercentage",
        "dataQualityFlag",
    ),
}
_ROWS_SHOWN = 12
_IDS = ("userId", "videoId")
_END_CHARACTERS = 6
_LOG = logging.getLogger(__name__)


def try_events(name: str, sample: PlayerSample, warehouse: Path) -> Iterator[Grid | str]:
    """Compute the tables of a sample; yield the fates of its rows, then what came out.

    Args:
        name: of the preset.
        sample: what was written.
        warehouse: where the tables go.
    """
    settings = settings_of(name, sample, warehouse)
    yield fates(name, compute(settings, sample), VALID, REJECTED)
    for table, columns in _SHOWN.items():
        grid = Grid(title=table.name)
        for column in columns:
            grid.add_column(column, overflow="fold")
        rows = _frame(settings, table).select(*columns).orderBy(*columns[:3])
        for row in rows.limit(_ROWS_SHOWN).collect():
            grid.add_row(*(_cell(column, row[column]) for column in columns))
        yield grid
    yield f"tables in {settings.warehouse}"


def _cell(column: str, value: object) -> str:
    """A value; of a long id its ends, which tell it from others."""
    text = str(value)
    if column not in _IDS or len(text) <= 2 * _END_CHARACTERS + 1:
        return text
    return f"{text[:_END_CHARACTERS]}…{text[-_END_CHARACTERS:]}"


def settings_of(name: str, sample: PlayerSample, warehouse: Path) -> Settings:
    """What a user sets for such a source: where it is, the preset, and the first day."""
    return Settings(
        events=sample.source,
        events_preset=name,
        video_metadata=None,
        start_date=sample.first_day,
        warehouse=str(warehouse),
    )


def compute(settings: Settings, sample: PlayerSample) -> Mapping[str, StagedTable]:
    """Fill the tables; what was written of the events."""
    spark = SparkEngine.from_settings(settings)
    run = DayRange(sample.first_day, sample.last_day + timedelta(days=1))
    staged = stage_events(spark, settings, run, _LOG)
    write(staged)
    # What the events tell of their videos is among what was just written.
    write(stage_video_metadata(spark, settings, _LOG))
    commit(stage_sessions(_frame(settings, RAW_EVENTS), spark, settings, run, _LOG))
    inputs = (_frame(settings, SESSIONS), _frame(settings, VIDEO_METADATA))
    commit(stage_engagement(*inputs, spark, settings, _LOG))
    return staged.tables


def _frame(settings: Settings, table: Table) -> DataFrame:
    spark = SparkEngine.from_settings(settings)
    return Warehouse(settings.warehouse, lambda: spark.spark_session).frame(table)
