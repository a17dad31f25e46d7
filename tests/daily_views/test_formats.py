"""The same views in any format, under any names, give the same tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from support.source_files import write
from support.view_oracle import expect
from support.views import restless_views, wanted
from support.world import MISSING, MONTHS, VIEWS, Row, months_of, world

FIRST = date(2025, 1, 28)
DAYS = tuple(FIRST + timedelta(days=n) for n in range(6))
LAST = DAYS[-1]
RENAMED = {
    "channel": "channel_id",
    "clip": "video_id",
    "uploaded at": "created_date",
    "trending.date": "date",
    "views": "viewCount",
}

Deliver = Callable[[Path, Sequence[Row]], str]


def one_file(name: str, root: Path, rows: Sequence[Row]) -> str:
    return str(write(root / name, rows))


def folder(suffix: str, root: Path, rows: Sequence[Row]) -> str:
    """Two files, the later one delivered later."""
    half = len(rows) // 2
    write(root / f"a{suffix}", rows[:half])
    write(root / f"b{suffix}", rows[half:])
    return str(root)


def delta_table(root: Path, rows: Sequence[Row]) -> str:
    write_deltalake(str(root), pa.Table.from_pylist(list(rows)))
    return str(root)


def foreign(row: Row, date_format: str) -> Row:
    """The row as another platform sends it: other names, its own dates, a column too many."""
    day, created = row["date"], row["created_date"]
    return {
        "channel": row["channel_id"],
        "clip": row["video_id"],
        "uploaded at": created and f"{created}T23:59:59.000Z",
        "trending.date": day and day.strftime(date_format),
        "views": row["viewCount"],
        "likes": 3,
    }


@dataclass(frozen=True)
class Source:
    """A way to deliver the rows; with a date format also under other names."""

    deliver: Deliver
    date_format: str | None = None

    def write(self, root: Path, rows: Sequence[Row]) -> dict[str, Any]:
        if self.date_format is None:
            return {"daily_views": self.deliver(root, rows)}
        theirs = [foreign(row, self.date_format) for row in rows]
        return {
            "daily_views": self.deliver(root, theirs),
            "daily_views_columns": RENAMED,
            "daily_views_date_format": self.date_format,
        }


SOURCES: Mapping[str, Source] = {
    "json lines": Source(partial(folder, ".jsonl")),
    "json lines, gzipped": Source(partial(one_file, "views.json.gz")),
    "csv": Source(partial(folder, ".csv")),
    "csv, gzipped": Source(partial(one_file, "views.csv.gz")),
    "delta": Source(delta_table),
    "other names, parquet": Source(partial(folder, ".parquet"), "%y.%d.%m"),
    "other names, json lines": Source(partial(folder, ".jsonl.gz"), "%d/%m/%Y"),
    "other names, csv": Source(partial(one_file, "views.csv"), "%y.%d.%m"),
    "other names, delta": Source(delta_table, "%Y%m%d"),
}
BY_DAGSTER = "csv"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """A Delta table has no order, so no two rows tie in their count."""
    rows = restless_views(3, FIRST - timedelta(days=4), len(DAYS) + 4)
    return [row for row in rows if row["channel_id"] != "c2"]


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_rows_in_any_format_give_the_same_tables(
    name: str, rows: list[Row], tmp_path: Path
) -> None:
    """Of running totals, because they need every row: those of other days too."""
    settings = SOURCES[name].write(tmp_path / "source", rows)
    expected = wanted(expect(rows, FIRST, LAST, "cumulative"))
    with world(
        tmp_path / "warehouse", view_count_kind="cumulative", start_date=FIRST, **settings
    ) as views:
        fill = views.run if name == BY_DAGSTER else views.compute
        fill(FIRST, LAST, tables=VIEWS)
        fill(DAYS[3], tables=VIEWS)
        fill(DAYS[1], tables=VIEWS)
        fill(*months_of(FIRST, LAST), tables=MONTHS)
        fill(tables=MISSING)
        assert views.view_results() == expected
