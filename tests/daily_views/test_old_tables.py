"""Tables of before the second edition are continued without a rebuild."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from support.source_files import write
from support.views import view
from support.world import MISSING, MONTHS, VIEWS, world

from resources.delta.table import Table
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATES, MONTHLY_VIEWS

OLD_DAY, NEW_DAY = date(2025, 1, 1), date(2025, 1, 2)
OLD = {"channel_id": "c1", "video_id": "v", "created_date": OLD_DAY}


def store_old(folder: Path, table: Table, row: dict[str, Any]) -> None:
    """A table as the first edition wrote it: without the columns that came later."""
    fields = [field for field in table.arrow_schema.remove_metadata() if field.name in row]
    rows = pa.Table.from_pylist([row], pa.schema(fields))
    write_deltalake(str(folder), rows, partition_by=table.partition_by)


def test_old_days_and_months_stay_and_new_ones_join_them(tmp_path: Path) -> None:
    source = str(write(tmp_path / "views.parquet", [view("v", NEW_DAY, 5, likes=3)]))
    settings = {"start_date": OLD_DAY, "daily_views_measures": {"likes": "likes"}}
    with world(tmp_path / "warehouse", daily_views=source, **settings) as views:
        day = {**OLD, "date": OLD_DAY, "viewCount": 7, "reportedCount": 7}
        store_old(views.folder(DAILY_VIDEO_VIEWS), DAILY_VIDEO_VIEWS, day)
        month = {"channel_id": "c1", "video_id": "v", "month": "2024-12", "aggViewCount": 1}
        month["month_start"] = date(2024, 12, 1)
        store_old(views.folder(MONTHLY_VIEWS), MONTHLY_VIEWS, month)
        views.compute(NEW_DAY, tables=VIEWS)
        views.compute(OLD_DAY, tables=MONTHS)
        views.compute(tables=MISSING)
        days = views.rows(DAILY_VIDEO_VIEWS)
        assert sorted((row["date"], row["viewCount"], row["likes"]) for row in days) == [
            (OLD_DAY, 7, None),
            (NEW_DAY, 5, 3),
        ]
        months = {row["month"]: row for row in views.rows(MONTHLY_VIEWS)}
        assert (months["2025-01"]["aggViewCount"], months["2025-01"]["likes"]) == (12, 3)
        assert months["2024-12"]["spansDefinitionChange"] is None
        assert views.rows(MISSING_DATES) == []
