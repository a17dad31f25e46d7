"""The same commands with everything in an S3 bucket, over real HTTP on loopback."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import obstore
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from obstore.store import from_url
from support.engine import only_embedded
from support.samples import make_sample
from support.tables import stored

from resources.delta.commit import open_table
from resources.delta.duckdb_views import SqlViews
from resources.delta.stage import table_location
from resources.storage import storage_options
from video_assets.engagement.tables import ENGAGEMENT, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.tables import ALL_TABLES

pytestmark = pytest.mark.processes

DAGSTER = Path(sys.executable).with_name("dagster")
MOTO = Path(sys.executable).with_name("moto_server")
BUCKET = "s3://videos"
RANGE = (
    "--select=group:player_events or group:engagement",
    "--partition-range=2025-01-01...2025-01-02",
)


@pytest.fixture
def object_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 server of our own, found by the standard environment variables alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    }.items():
        monkeypatch.setenv(name, value)
    server = subprocess.Popen([MOTO, "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        _make_bucket(endpoint)
        yield
    finally:
        server.kill()
        server.wait()


def _make_bucket(endpoint: str) -> None:
    request = urllib.request.Request(f"{endpoint}/videos", method="PUT")
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _upload(folder: Path) -> None:
    store = from_url(f"{BUCKET}/sample")
    for path in folder.rglob("*.parquet"):
        obstore.put(store, str(path.relative_to(folder)), path.read_bytes())


@only_embedded("Apache Spark reads tables in S3 by Hadoop's jars, half a gigabyte of them")
@pytest.mark.usefixtures("object_store")
@pytest.mark.timeout(240)
def test_sources_and_tables_may_lie_in_an_object_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = make_sample(tmp_path / "sample", events=2_000, days=2, users=60)
    _upload(tmp_path / "sample")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("VIDEO_ASSETS_WAREHOUSE", f"{BUCKET}/warehouse")
    monkeypatch.setenv("VIDEO_ASSETS_EVENTS", f"{BUCKET}/sample/events/*.parquet")
    monkeypatch.setenv("VIDEO_ASSETS_VIDEO_METADATA", f"{BUCKET}/sample/video_metadata.parquet")
    done = subprocess.run(
        [DAGSTER, "asset", "materialize", "-m", "video_assets.definitions", *RANGE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "not-a-secret" not in done.stdout + done.stderr
    events = sample.summary.events
    tables = f"{BUCKET}/warehouse/video"
    assert len(stored(open_table(f"{tables}/{RAW_EVENTS.name}"))) == events.distinct
    rejected = stored(open_table(f"{tables}/{REJECTED_EVENTS.name}"))
    assert len(rejected) == sum(events.rejected.values())
    users = {row["userId"] for row in stored(open_table(f"{tables}/{ENGAGEMENT.name}"))}
    assert "peter" in users


@pytest.mark.usefixtures("object_store")
def test_sql_views_read_an_object_store_without_extensions() -> None:
    rows = pa.Table.from_pylist(
        [{"videoId": "v", "duration": 300.0, "title": "a title"}],
        schema=VIDEO_METADATA.arrow_schema,
    )
    location = table_location(BUCKET, VIDEO_METADATA)
    write_deltalake(location, rows, storage_options=storage_options(location))
    views = SqlViews.of(BUCKET, ALL_TABLES)
    assert views.connection.sql("SELECT title FROM video_metadata").fetchall() == [("a title",)]
    assert list(views.shown) == [VIDEO_METADATA]
