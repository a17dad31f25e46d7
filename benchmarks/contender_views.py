"""Months and missing dates of one warehouse: `contender_views.py NAME WORK WAREHOUSE OUTPUT`.

Prints a JSON object: the seconds of the work, after a warm-up run, and where its rows are.
"""

import json
import os
import shutil
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
from deltalake import DeltaTable
from measuring import cpu_seconds

from resources.delta.commit import commit
from resources.delta.stage import StagedTable, table_location
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.daily_views.missing_dates import Expectation, newest_date
from video_assets.daily_views.stage_missing_dates import stage_missing_dates
from video_assets.daily_views.stage_months import stage_monthly_views
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MEASURES,
    MISSING_DATES,
)
from video_assets.settings import Settings

_SQL_TYPES = {"long": "BIGINT", "double": "DOUBLE"}
# The sample has no measures beside the views, and no change of what counts as one.
_UNKNOWN = ", ".join(f"NULL::{_SQL_TYPES[m.type_name]} AS {m.name}" for m in MEASURES)
_QUERIES = {
    "monthly_views": f"""
        SELECT channel_id, video_id, strftime(date_trunc('month', date), '%Y-%m') AS month,
          sum(viewCount)::BIGINT AS aggViewCount, date_trunc('month', date)::DATE AS month_start,
          {_UNKNOWN}, NULL::DATE AS viewDefinitionSince, false AS spansDefinitionChange
        FROM daily GROUP BY ALL
    """,  # noqa: S608 (ours)
    "missing_dates": """
        WITH videos AS (
          SELECT video_id, coalesce(least(min(created_date), min(date) FILTER (viewCount > 0)),
              min(date)) AS created_date,
            min_by(channel_id, (-date_diff('day', DATE '1970-01-01', date), channel_id IS NULL,
              channel_id)) AS channel_id
          FROM daily GROUP BY video_id
        ), expected AS (
          SELECT *, unnest(range(created_date, (SELECT max(date) FROM daily) + INTERVAL 1 DAY,
            INTERVAL 1 DAY))::DATE AS missing FROM videos
        )
        SELECT channel_id, video_id, created_date, list(missing ORDER BY missing) AS missing_dates
        FROM expected AS e ANTI JOIN daily AS d ON e.video_id = d.video_id AND e.missing = d.date
        GROUP BY ALL
    """,
}


def main() -> None:
    """Run what the command line names, twice."""
    name, work, *places = sys.argv[1:]
    warehouse, output = map(Path, places)
    contender = {"ours": _ours, "duckdb": _duckdb}[name]
    for _ in range(2):
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        began, cpu = time.perf_counter(), cpu_seconds(os.getpid())
        result = contender(work, str(warehouse), output)
        seconds, cpu = time.perf_counter() - began, cpu_seconds(os.getpid()) - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "result": result}))


def _ours(work: str, warehouse: str, output: Path) -> str:
    session = SparkEngine(engine="sail").spark_session
    stored = Warehouse(warehouse, lambda: session).snapshot()
    staged = _months(stored, output) if work == "monthly_views" else _missing(stored, output)
    commit(staged)
    return f"{staged.location}/**/*.parquet"


def _months(stored: Warehouse, output: Path) -> StagedTable:
    months = {day.replace(day=1) for day in stored.rows_per_day(DAILY_VIDEO_VIEWS)}
    return stage_monthly_views(stored, months, Settings(warehouse=str(output), _env_file=None))


def _missing(stored: Warehouse, output: Path) -> StagedTable:
    daily = stored.frame(DAILY_VIDEO_VIEWS)
    newest = newest_date(daily)
    expected = Expectation(newest or date.min, newest)
    return stage_missing_dates(daily, expected, str(output))[MISSING_DATES.name]


def _duckdb(work: str, warehouse: str, output: Path) -> str:
    files = DeltaTable(table_location(warehouse, DAILY_VIDEO_VIEWS)).file_uris()
    connection = duckdb.connect()
    connection.read_parquet(files, hive_partitioning=True).create_view("daily")
    result, by_month = output / "result", ""
    if work == "monthly_views":
        connection.execute("SET preserve_insertion_order = false")
        by_month = ", PARTITION_BY (month_start)"
    connection.execute(
        f"COPY ({_QUERIES[work]}) TO '{result}' (FORMAT parquet, COMPRESSION zstd{by_month})"
    )
    return f"{result}/**/*.parquet" if by_month else str(result)


if __name__ == "__main__":
    main()
