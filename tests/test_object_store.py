"""The same commands with everything in an S3 bucket, over real HTTP on loopback."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path

import obstore
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from obstore.store import from_url
from support import forked
from support.engine import only_embedded
from support.samples import make_sample
from support.source_files import EVENT, json_bytes, write
from support.steps import Steps
from support.tables import Row, stored
from support.views import view

from resources.delta.commit import open_table
from resources.delta.duckdb_views import SqlViews
from resources.delta.stage import table_location
from resources.engine.session import SparkEngine
from resources.storage import StorageError, native_file, storage_options
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.deliveries.account import key_of
from video_assets.deliveries.look import look_into
from video_assets.deliveries.pending import pending_of
from video_assets.deliveries.stale import Comparison
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.stage_events import events_delivered
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.sources.fates import Fate
from video_assets.tables import ALL_TABLES

pytestmark = pytest.mark.processes

MOTO = Path(sys.executable).with_name("moto_server")
BUCKET = "s3://videos"
RANGE = (
    "--select=group:player_events or group:engagement",
    "--partition-range=2025-01-01...2025-01-02",
)


@pytest.fixture(scope="module")
def object_store() -> Iterator[None]:
    """An S3 server of our own, found by the standard environment variables alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        }.items():
            environment.setenv(name, value)
        server = subprocess.Popen(
            [MOTO, "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
        )
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


def _upload(folder: Path, to: str) -> None:
    store = from_url(to)
    for path in filter(Path.is_file, folder.rglob("*")):
        obstore.put(store, str(path.relative_to(folder)), path.read_bytes())


@only_embedded("Apache Spark reads tables in S3 by Hadoop's jars, half a gigabyte of them")
@pytest.mark.usefixtures("object_store")
@pytest.mark.timeout(240)
def test_sources_and_tables_may_lie_in_an_object_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = make_sample(tmp_path / "sample", events=2_000, days=2, users=60)
    _upload(tmp_path / "sample", f"{BUCKET}/sample")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("VIDEO_ASSETS_WAREHOUSE", f"{BUCKET}/warehouse")
    monkeypatch.setenv("VIDEO_ASSETS_EVENTS", f"{BUCKET}/sample/events/*.parquet")
    monkeypatch.setenv("VIDEO_ASSETS_VIDEO_METADATA", f"{BUCKET}/sample/video_metadata.parquet")
    command = ("dagster", "asset", "materialize", "-m", "video_assets.definitions", *RANGE)
    done = forked.run(*command, environment=os.environ)
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "not-a-secret" not in done.stdout + done.stderr
    events = sample.summary.events
    tables = f"{BUCKET}/warehouse/video"
    assert len(stored(open_table(f"{tables}/{RAW_EVENTS.name}"))) == events.distinct
    rejected = stored(open_table(f"{tables}/{REJECTED_EVENTS.name}"))
    assert len(rejected) == sum(events.rejected.values())
    users = {row["userId"] for row in stored(open_table(f"{tables}/{ENGAGEMENT.name}"))}
    assert "peter" in users


FIRST, SECOND, THIRD = (date(2025, 1, day) for day in (1, 2, 3))
NOON = datetime(2025, 1, 7, 12, tzinfo=UTC)


def _event(day: date, second: int = 0) -> Row:
    time = datetime.combine(day, clock(10, 0, second), UTC)
    return {**EVENT, "timestamp": time.isoformat()}


class Delivered:
    """Events in the bucket, and the tables that are made of them."""

    def __init__(self, folder: str) -> None:
        root = f"{BUCKET}/{folder}"
        self._store = from_url(root)
        self._settings = Settings(
            warehouse=f"{root}/tables",
            events=f"{root}/events",
            daily_views=f"{root}/none",
            video_metadata=None,
            start_date=FIRST,
            _env_file=None,
        )
        self.source = events_delivered(self._settings)

    def put(self, name: str, rows: Sequence[Row]) -> None:
        obstore.put(self._store, f"events/{name}", json_bytes(rows))

    def delete(self, name: str) -> None:
        obstore.delete(self._store, f"events/{name}")

    def append(self, rows: Sequence[Row]) -> None:
        """Rows for a Delta table, one commit each time."""
        location = self._settings.events
        write_deltalake(
            location,
            pa.Table.from_pylist(list(rows)),
            mode="append",
            storage_options=storage_options(location),
        )

    def look(self) -> Comparison:
        spark = SparkEngine.from_settings(self._settings)
        look_into(spark.spark_session, self.source, self.source.every_file())
        return pending_of(self.source, self._settings, NOON)

    def compute(self, *days: date) -> None:
        spark = SparkEngine.from_settings(self._settings)
        Steps(self._settings, days, spark).compute((RAW_EVENTS, REJECTED_EVENTS))

    def rows_by_day(self) -> list[int]:
        table = open_table(table_location(self._settings.warehouse, RAW_EVENTS))
        days = [row["eventDate"] for row in stored(table)]
        return [days.count(day) for day in (FIRST, SECOND, THIRD)]

    def valid_and_waiting(self) -> dict[str, tuple[int, int | None]]:
        """Of each file that is there, by its name."""
        there = {key_of(file) for file in self.source.every_file()}
        versions = self.source.account().versions
        return {
            key.path.rpartition("/")[2]: (versions[key].rows_of(Fate.VALID), versions[key].waiting)
            for key in there
        }


@only_embedded("Apache Spark reads tables in S3 by Hadoop's jars, half a gigabyte of them")
@pytest.mark.usefixtures("object_store")
def test_late_restated_and_vanished_objects_are_accounted_for() -> None:
    delivered = Delivered("late_files")
    delivered.put("a.json", [_event(FIRST), _event(SECOND)])
    delivered.put("b.json", [_event(SECOND, 1)])
    delivered.compute(FIRST, SECOND)
    assert delivered.valid_and_waiting() == {"a.json": (2, 0), "b.json": (1, 0)}
    assert delivered.look().to_run == []

    delivered.put("b.json", [_event(THIRD, 1), _event(THIRD, 2)])
    delivered.put("late.json", [_event(FIRST, 3)])
    stale = delivered.look()
    assert stale.to_run == [FIRST, SECOND, THIRD]
    assert {day: pending.reasons for day, pending in stale.stale.items()} == {
        FIRST: ["came"],
        SECOND: ["changed"],
    }
    delivered.compute(FIRST, THIRD)
    assert delivered.rows_by_day() == [2, 1, 2]
    counts = {"a.json": (2, 0), "b.json": (2, 0), "late.json": (1, 0)}
    assert delivered.valid_and_waiting() == counts

    delivered.delete("late.json")
    vanished = delivered.look()
    assert {day: pending.reasons for day, pending in vanished.stale.items()} == {
        FIRST: ["vanished"]
    }
    assert vanished.to_run == []


@only_embedded("Apache Spark reads tables in S3 by Hadoop's jars, half a gigabyte of them")
@pytest.mark.usefixtures("object_store")
def test_a_commit_to_a_delta_source_in_an_object_store_makes_its_days_alone_stale() -> None:
    delivered = Delivered("late_commits")
    delivered.append([_event(FIRST), _event(SECOND)])
    delivered.compute(FIRST, SECOND)
    assert delivered.look().to_run == []
    delivered.append([_event(SECOND, 1)])
    assert delivered.look().to_run == [SECOND]
    delivered.compute(SECOND)
    assert delivered.rows_by_day() == [1, 2, 0]
    assert delivered.valid_and_waiting() == {"events": (3, 0)}
    assert delivered.look().to_run == []


@only_embedded("Apache Spark reads tables in S3 by Hadoop's jars, half a gigabyte of them")
@pytest.mark.usefixtures("object_store")
def test_months_are_added_up_from_days_in_an_object_store(tmp_path: Path) -> None:
    days = [FIRST + timedelta(days=n) for n in range(40)]
    rows = [view(video, day, day.day) for day in days for video in ("v", "w")]
    settings = Settings(
        warehouse=f"{BUCKET}/months",
        daily_views=str(write(tmp_path / "views.json", rows)),
        video_metadata=None,
        start_date=FIRST,
        _env_file=None,
    )
    spark = SparkEngine.from_settings(settings)
    Steps(settings, days, spark).compute((DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS))
    Steps(settings, days, spark).compute((MONTHLY_VIEWS,))
    months = stored(open_table(table_location(settings.warehouse, MONTHLY_VIEWS)))
    assert {(row["video_id"], row["month"], row["aggViewCount"]) for row in months} == {
        (video, *month) for video in "vw" for month in (("2025-01", 496), ("2025-02", 45))
    }


@pytest.mark.usefixtures("object_store")
@pytest.mark.parametrize("fetched_below", [0, 1, 1024], ids=["never", "too large", "at once"])
def test_an_object_is_read_by_ranges_or_fetched_at_once(fetched_below: int) -> None:
    obstore.put(from_url(BUCKET), "objects/some", b"0123456789")
    with native_file(f"{BUCKET}/objects/some", fetched_below) as file:
        file.seek(4)
        assert file.read(3) == b"456"
        assert file.size() == 10


@pytest.mark.usefixtures("object_store")
@pytest.mark.parametrize("fetched_below", [0, 1024])
def test_an_object_that_is_gone_is_named(fetched_below: int) -> None:
    with pytest.raises(StorageError, match="objects/none: is not there any more"):
        native_file(f"{BUCKET}/objects/none", fetched_below)


FOLLOWING = (RAW_EVENTS, REJECTED_EVENTS, SESSIONS, ENGAGEMENT)


def _computed(settings: Settings, *days: date) -> None:
    Steps(settings, days, SparkEngine.from_settings(settings)).compute(FOLLOWING)


@only_embedded("Apache Spark reads tables in S3 by Hadoop's jars, half a gigabyte of them")
@pytest.mark.usefixtures("object_store")
@pytest.mark.parametrize("place", ["an object store", "another folder"])
def test_tables_that_were_taken_to_another_place_go_on_there(place: str, tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "sample", events=500, days=2, users=20)
    settings = Settings(
        warehouse=str(tmp_path / "first"),
        events=str(sample.folder / "events"),
        daily_views=str(tmp_path / "none"),
        video_metadata=str(sample.folder / "video_metadata.parquet"),
        start_date=FIRST,
        _env_file=None,
    )
    spark = SparkEngine.from_settings(settings)
    Steps(settings, [FIRST], spark).compute([VIDEO_METADATA])
    _computed(settings, FIRST)
    elsewhere = f"{BUCKET}/taken" if place == "an object store" else str(tmp_path / "second")
    if place == "an object store":
        _upload(tmp_path / "first", elsewhere)
    else:
        (tmp_path / "first").rename(elsewhere)
    there = settings.model_copy(update={"warehouse": elsewhere})
    clean = settings.model_copy(update={"warehouse": str(tmp_path / "clean")})
    Steps(clean, [FIRST], spark).compute([VIDEO_METADATA])
    _computed(clean, FIRST, SECOND)

    _computed(there, SECOND)

    for table in FOLLOWING:
        rows, expected = (
            stored(open_table(table_location(at.warehouse, table)), ["processedAt"])
            for at in (there, clean)
        )
        assert rows == expected, table.name


@pytest.mark.usefixtures("object_store")
def test_sql_views_read_an_object_store_without_extensions() -> None:
    rows = pa.Table.from_pylist(
        [{"videoId": "v", "duration": 300.0, "title": "a title"}],
        schema=VIDEO_METADATA.arrow_schema,
    )
    location = table_location(BUCKET, VIDEO_METADATA)
    write_deltalake(location, rows, storage_options=storage_options(location))
    views = SqlViews.of(BUCKET, ALL_TABLES)
    with closing(views.connection) as connection:
        assert connection.sql("SELECT title FROM video_metadata").fetchall() == [("a title",)]
        assert list(views.shown) == [VIDEO_METADATA]
