"""Real tables, filled once by the pipeline from a small sample, of any seed: `SAMPLE_SEED=1`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from support.query_engines import RunQuery, by_duckdb, by_kql, by_spark_sql
from support.samples import make_sample
from support.world import World, world

from resources.delta.duckdb_views import SqlViews
from video_assets.analytics.tables import ANALYTICS_TABLES, DAILY_ANALYTICS_TABLES
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.tables import ALL_TABLES

QUERIES = Path(__file__).parents[2] / "queries"
FILLED = (RAW_EVENTS, REJECTED_EVENTS, VIDEO_METADATA, SESSIONS, ENGAGEMENT)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("queries")
    seed = int(os.environ.get("SAMPLE_SEED", "2"))
    sample = make_sample(folder / "sample", events=4_000, days=3, users=60, videos=10, seed=seed)
    sources = {
        "events": str(sample.folder / "events"),
        "video_metadata": str(sample.folder / "video_metadata.parquet"),
        "events_dimensions": {"device": "device", "player": "player"},
        "experiments": {"player": {"control": "4.2", "split": {"4.2": 1, "5.0": 1}}},
    }
    with world(folder / "warehouse", **sources) as filled:
        first, *_, last = sample.spec.event_days
        filled.compute(first, last, tables=(*FILLED, *DAILY_ANALYTICS_TABLES))
        filled.run(tables=ANALYTICS_TABLES)
        yield filled


@pytest.fixture(scope="session")
def views(tables: World) -> Iterator[SqlViews]:
    views = SqlViews.of(tables.settings.warehouse, ALL_TABLES)
    with closing(views.connection):
        yield views


@pytest.fixture(scope="session")
def queries() -> Path:
    return QUERIES


@pytest.fixture(scope="module")
def engines(
    tables: World, views: SqlViews, queries: Path, spark: SparkSession
) -> Mapping[str, RunQuery]:
    return {
        "duckdb": by_duckdb(queries, views),
        "spark_sql": by_spark_sql(queries, spark, tables.settings.warehouse),
        "kql": by_kql(queries, views),
    }


@pytest.fixture
def query(engines: Mapping[str, RunQuery], request: pytest.FixtureRequest) -> RunQuery:
    return engines[request.param]
