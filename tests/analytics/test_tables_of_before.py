"""Analysts' tables of before, and sessions without their wall clock, go on without a rebuild."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake
from support.events import START, pause, play
from support.source_files import write
from support.world import TABLES, World, world

from resources.delta.table import Table
from video_assets.analytics.tables import (
    USER_ENGAGEMENT,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
)
from video_assets.engagement.tables import SESSIONS

FIRST = START.date()
ADDED = {
    SESSIONS: {"playedSeconds"},
    USER_ENGAGEMENT: {"exclusionReason", "simultaneousSeconds", "mostSecondsInADay"},
    VIDEO_PERFORMANCE: {"excludedViewers", "validPlays", "playbackSpeed"},
    VIDEO_POSITION_CURVE: {"excludedViews"},
}


def taken_back(made: World, table: Table, added: Collection[str]) -> None:
    """The table as it was written before it had these columns."""
    rows = pa.table(made.delta(table).scan().read_all()).drop_columns(sorted(added))
    write_deltalake(
        str(made.folder(table)),
        rows,
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=table.partition_by,
    )


def test_tables_get_new_columns_with_their_next_write(tmp_path: Path) -> None:
    events = [
        *(play(0, at=0), pause(60, at=30)),
        *(play(0, at=86_400, session="s2"), pause(30, at=86_430, session="s2")),
    ]
    source = str(write(tmp_path / "events.parquet", [vars(event) for event in events]))
    settings = {"events": source, "video_metadata": None, "start_date": FIRST}
    with world(tmp_path / "warehouse", **settings) as made:
        ranked = (USER_ENGAGEMENT, VIDEO_PERFORMANCE, VIDEO_POSITION_CURVE)
        made.compute(FIRST, FIRST + timedelta(days=1), tables=TABLES)
        made.compute(tables=ranked)
        for table, added in ADDED.items():
            taken_back(made, table, added)
        made.compute(tables=ranked)
        [old] = made.rows(VIDEO_PERFORMANCE)
        assert (old["playbackSpeed"], old["playedHours"], old["validPlays"]) == (None, None, 2)
        made.compute(FIRST, tables=(SESSIONS,))
        made.compute(tables=ranked)
        [row] = made.rows(VIDEO_PERFORMANCE)
        assert (row["playbackSpeed"], row["playedHours"], row["excludedViewers"]) == (2, None, 0)
        [user] = made.rows(USER_ENGAGEMENT)
        assert (user["exclusionReason"], user["mostSecondsInADay"]) == (None, 30)
        assert made.rows(VIDEO_POSITION_CURVE)[0]["excludedViews"] == 0
