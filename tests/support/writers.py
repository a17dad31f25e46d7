"""A writer for processes of its own: both phases, without an engine."""

import os
import signal

import pyarrow as pa
from support.tables import views

from resources.delta.commit import commit
from resources.delta.data_files import DEFAULT_LIMITS, Target, TaskFiles
from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable, table_location
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS


def stage_views(warehouse: str, video: str, *days: int) -> StagedTable:
    rows = pa.Table.from_pylist(views(video, *days), DAILY_VIDEO_VIEWS.arrow_schema)
    replaced = Days(rows["date"].to_pylist())
    location = table_location(warehouse, DAILY_VIDEO_VIEWS)
    files = TaskFiles(
        {"views": Target(DAILY_VIDEO_VIEWS, location, replaced)}, "test", DEFAULT_LIMITS
    )
    files.add("views", rows)
    written = tuple(file for _, file in files.finish())
    return StagedTable(DAILY_VIDEO_VIEWS, location, written, replaced=replaced)


def write_again_and_again(warehouse: str, video: str, days: list[int], times: int) -> None:
    for _ in range(times):
        commit(stage_views(warehouse, video, *days), attempts=50)


def die_between_the_phases(warehouse: str, video: str, day_number: int) -> None:
    stage_views(warehouse, video, day_number)
    os.kill(os.getpid(), signal.SIGKILL)
