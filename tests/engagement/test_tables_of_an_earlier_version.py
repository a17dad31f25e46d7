"""Tables from before a column was added are read and continued as they are."""

from datetime import date
from pathlib import Path

import pyarrow as pa
from deltalake import WriterProperties, write_deltalake
from support.samples import make_sample
from support.steps import Steps
from support.tables import stored

from resources.delta.commit import open_table
from resources.delta.stage import table_location
from resources.delta.table import Table
from resources.engine.session import SparkEngine
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings

FIRST, SECOND = date(2025, 1, 1), date(2025, 1, 2)
ADDED = {
    RAW_EVENTS: ("seekTime", "dimensions", "reportedSeconds"),
    SESSIONS: ("dimensions", "playedSeconds"),
    ENGAGEMENT: ("hasReachedEnd", "firstDimensions"),
}
FOLLOWING = (RAW_EVENTS, REJECTED_EVENTS, SESSIONS, ENGAGEMENT)


def _as_of_an_earlier_version(warehouse: str, table: Table) -> None:
    """The same rows in a table without the columns that were added."""
    location = table_location(warehouse, table)
    rows = pa.table(open_table(location).scan().read_all())
    partition = [table.partition_by] if table.partition_by else None
    write_deltalake(
        location,
        rows.drop_columns(list(ADDED[table])),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=partition,
        writer_properties=WriterProperties(compression="ZSTD"),
    )


def test_a_warehouse_without_seeks_goes_on_without_a_rebuild(tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "sample", events=1_000, days=2, users=40)
    old, clean = (
        Settings(
            warehouse=str(tmp_path / name),
            events=str(sample.folder / "events"),
            daily_views=str(tmp_path / "none"),
            video_metadata=str(sample.folder / "video_metadata.parquet"),
            start_date=FIRST,
            _env_file=None,
        )
        for name in ("old", "clean")
    )
    spark = SparkEngine.from_settings(old)
    Steps(clean, [FIRST, SECOND], spark).compute([VIDEO_METADATA, *FOLLOWING])
    Steps(old, [FIRST], spark).compute([VIDEO_METADATA, *FOLLOWING])
    for table in ADDED:
        _as_of_an_earlier_version(old.warehouse, table)

    Steps(old, [SECOND], spark).compute(FOLLOWING)

    for table in FOLLOWING:
        rows, expected = (
            stored(
                open_table(table_location(settings.warehouse, table)),
                ["processedAt", *ADDED.get(table, ())],
            )
            for settings in (old, clean)
        )
        assert rows == expected, table.name
    columns = open_table(table_location(old.warehouse, RAW_EVENTS)).schema().fields
    assert [column.name for column in columns][-3:] == list(ADDED[RAW_EVENTS])
