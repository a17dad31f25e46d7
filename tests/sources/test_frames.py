"""Sources on the real engine."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from support.engine import only_embedded
from support.source_files import (
    DAILY_VIEW,
    END_DAY,
    EVENT,
    FIRST_DAY,
    collect,
    write,
    write_table,
)

from video_assets.daily_views.source_rows import DAILY_VIEW_ROWS
from video_assets.delta_clones import with_files_of_clone
from video_assets.player_events.source_rows import EVENT_ROWS, TAGGED_EVENTS
from video_assets.sources import frames
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError, reraise_source_error
from video_assets.sources.fields import Layout
from video_assets.sources.frames import count_days, read_rows
from video_assets.sources.listing import Listing, list_source
from video_assets.sources.reading import Reading
from video_assets.sources.times import Window

SUFFIXES = ["parquet", "json", "jsonl.gz", "csv", "csv.gz"]


def read_events(
    spark: SparkSession,
    source: SourceConfig,
    first_day: date,
    end_day: date,
    listing: Listing | None = None,
) -> DataFrame:
    return read_rows(spark, Layout(EVENT_ROWS, source), Window(first_day, end_day), listing)


def read_views(
    spark: SparkSession, source: SourceConfig, first_day: date, end_day: date
) -> DataFrame:
    return read_rows(spark, Layout(DAILY_VIEW_ROWS, source), Window(first_day, end_day))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_events_of_every_format_are_read(spark: SparkSession, tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"events.{suffix}", [EVENT, {**EVENT, "userId": ""}])
    frame = read_events(spark, SourceConfig(str(path)), FIRST_DAY, END_DAY)
    assert frame.columns == TAGGED_EVENTS.names
    outcome = collect(frame)
    assert [row["userId"] for row in outcome.valid] == ["peter"]
    assert [row["timestamp"] for row in outcome.valid] == [
        datetime(2025, 1, 3, 10, 0, 0, 1, tzinfo=UTC)
    ]
    assert [(row["reason"], row["source"]) for row in outcome.rejected] == [
        ("missing_user", str(path))
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_daily_views_of_every_format_are_read(
    spark: SparkSession, tmp_path: Path, suffix: str
) -> None:
    path = write(tmp_path / f"views.{suffix}", [DAILY_VIEW, {**DAILY_VIEW, "viewCount": None}])
    frame = read_views(spark, SourceConfig(str(path)), FIRST_DAY, END_DAY)
    assert frame.columns == DAILY_VIEW_ROWS.tagged.arrow.names
    outcome = collect(frame)
    assert [row["reportedCount"] for row in outcome.valid] == [7]
    assert outcome.reasons == ["missing_count"]


def delta_table(folder: Path) -> SourceConfig:
    for day in range(1, 6):
        moments = [datetime(2025, 1, day, 12, tzinfo=UTC), None, datetime(1800, 1, 1, tzinfo=UTC)]
        rows: dict[str, Any] = {
            **{name: [value] * 3 for name, value in EVENT.items()},
            "timestamp": pa.array(moments, pa.timestamp("us", "UTC")),
            "person.id": ["peter", "paul", "mary"],
        }
        write_deltalake(str(folder), pa.table(rows), mode="append")
    return SourceConfig(str(folder), columns={"person.id": "userId"})


def test_a_delta_table_is_read_for_the_days_and_the_unreadable_times(
    spark: SparkSession, tmp_path: Path
) -> None:
    source = delta_table(tmp_path / "events")
    outcome = collect(read_events(spark, source, date(2025, 1, 2), date(2025, 1, 4)))
    assert sorted(row["eventDate"].day for row in outcome.valid) == [2, 3]
    assert outcome.reasons == ["missing_timestamp"] * 5 + ["unreadable_timestamp"] * 5
    assert {row["sourceRow"] for row in outcome.rejected} == {None}
    assert {row["source"] for row in outcome.rejected} == {source.uri}
    assert '"person.id":"paul"' in "".join(outcome.texts)


def test_daily_views_of_a_delta_table_are_read(spark: SparkSession, tmp_path: Path) -> None:
    rows = [{**DAILY_VIEW, "date": date(2025, 1, day)} for day in range(1, 6)]
    write_deltalake(str(tmp_path / "views"), pa.Table.from_pylist(rows))
    source = SourceConfig(str(tmp_path / "views"))
    outcome = collect(read_views(spark, source, date(2025, 1, 2), date(2025, 1, 4)))
    assert sorted(row["date"].day for row in outcome.valid) == [2, 3]
    assert outcome.source_rows == 2


@pytest.mark.parametrize("name", ["sp ace", "100% ü", "a%20b", "in[1]"])
def test_a_delta_table_is_read_under_any_path(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    write_deltalake(
        str(tmp_path / "plain"), pa.table({key: [value] for key, value in EVENT.items()})
    )
    folder = (tmp_path / "plain").rename(tmp_path / name)
    outcome = collect(read_events(spark, SourceConfig(str(folder)), FIRST_DAY, END_DAY))
    assert [row["userId"] for row in outcome.valid] == ["peter"]


def shallow_clone(original: Path, folder: Path, base: str) -> Path:
    """A clone as Spark makes it: its log names the files of the original."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    for commit in sorted((original / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in commit.read_text("utf-8").splitlines()]
        for action in actions:
            if "add" in action:
                action["add"]["path"] = f"{base}/{action['add']['path']}"
        (log / commit.name).write_text("\n".join(map(json.dumps, actions)), "utf-8")
    return folder


def listed_clone(source: SourceConfig) -> Listing:
    return with_files_of_clone(list_source(source, EVENT_ROWS, FIRST_DAY, END_DAY))


@pytest.mark.parametrize("scheme", ["file://", "file:"], ids=["delta-rs", "spark"])
@pytest.mark.parametrize("name", ["plain", "sp ace", "100% ü", "a%20b"])
def test_a_shallow_clone_is_read_wherever_its_files_are(
    spark: SparkSession, tmp_path: Path, name: str, scheme: str
) -> None:
    rows = pa.Table.from_pylist([{**EVENT, "userId": user, "kind": "x y"} for user in ("a", "b")])
    write_deltalake(str(tmp_path / "made"), rows, partition_by=["kind"])
    original = (tmp_path / "made").rename(tmp_path / name)
    clone = shallow_clone(original, tmp_path / "clone", f"{scheme}{quote(str(original))}")
    own = pa.Table.from_pylist([{**EVENT, "userId": "own", "kind": "z"}, {**EVENT, "userId": ""}])
    write_deltalake(str(clone), own, mode="append")
    source = SourceConfig(str(clone))
    listing = listed_clone(source)
    outcome = collect(read_events(spark, source, FIRST_DAY, END_DAY, listing))
    assert sorted(row["userId"] for row in outcome.valid) == ["a", "b", "own"]
    assert (outcome.source_rows, outcome.reasons) == (4, ["missing_user"])
    counted = count_days(spark, Layout(EVENT_ROWS, source), listing)
    assert {(cell.file, rows) for cell, rows in counted.items()} == {(0, 4)}


def test_a_shallow_clone_whose_files_are_gone_names_one_and_the_remedy(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "made"), pa.Table.from_pylist([EVENT]))
    clone = shallow_clone(tmp_path / "made", tmp_path / "clone", f"file://{tmp_path / 'made'}")
    [file] = (tmp_path / "made").glob("*.parquet")
    file.unlink()
    with pytest.raises(SourceError, match=rf"clone of which {file} is gone.* make the clone again"):
        listed_clone(SourceConfig(str(clone)))


def test_a_delta_table_without_a_needed_column_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    write_deltalake(str(tmp_path / "events"), pa.table({"user": ["x"]}))
    with pytest.raises(SourceError, match="no column 'timestamp'"):
        read_events(spark, SourceConfig(str(tmp_path / "events")), FIRST_DAY, END_DAY)


def test_numeric_times_of_a_delta_table_need_the_unit(spark: SparkSession, tmp_path: Path) -> None:
    moment = int(datetime(2025, 1, 3, tzinfo=UTC).timestamp())
    rows = pa.Table.from_pylist([{**EVENT, "timestamp": moment + day * 86400} for day in range(40)])
    write_deltalake(str(tmp_path / "events"), rows)
    uri = str(tmp_path / "events")
    with pytest.raises(SourceError, match="TIMESTAMP_UNIT"):
        read_events(spark, SourceConfig(uri), FIRST_DAY, END_DAY)
    source = SourceConfig(uri, timestamp_unit="s")
    assert len(collect(read_events(spark, source, FIRST_DAY, END_DAY)).valid) == 29


def test_every_file_of_a_folder_of_mixed_formats_is_read_once(
    spark: SparkSession, tmp_path: Path
) -> None:
    for place in range(40):
        rows = [{**EVENT, "userId": f"{place}-{row}"} for row in range(3)]
        write(tmp_path / f"part{place}.{SUFFIXES[place % 5]}", rows)
    outcome = collect(read_events(spark, SourceConfig(str(tmp_path)), FIRST_DAY, END_DAY))
    users = [row["userId"] for row in outcome.valid]
    assert len(users) == len(set(users)) == outcome.source_rows == 120


@only_embedded("tasks of Apache Spark run in other processes, which no patch reaches")
def test_tasks_run_in_parallel_and_each_once(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_read(_: Reading, units: tuple[int, ...]) -> Iterator[pa.RecordBatch]:
        began = time.time_ns() // 1000
        time.sleep(1.5)
        columns = {
            "sourceRow": pa.array(units),
            "sourceRows": pa.array([began]),
            "ignoredRows": pa.array([0]),
            "waitingRows": pa.array([0]),
        }
        arrays = [columns.get(f.name, pa.nulls(1, f.type)) for f in TAGGED_EVENTS]
        yield pa.RecordBatch.from_arrays(arrays, schema=TAGGED_EVENTS)

    monkeypatch.setattr(Reading, "read_units", slow_read)
    reading = Reading(Layout(EVENT_ROWS, SourceConfig("x")), Window(FIRST_DAY, END_DAY))
    read_files = frames._read_files  # noqa: SLF001 (how tasks are spread is what is tested)
    rows = read_files(spark, reading, [(0,), (1,)]).collect()  # type: ignore[list-item]
    assert sorted(row.sourceRow for row in rows) == [0, 1]
    began = [row.sourceRows for row in rows]
    assert abs(began[0] - began[1]) < 1_400_000


def test_days_without_files_and_empty_sources_fail_before_any_job(
    spark: SparkSession, tmp_path: Path
) -> None:
    write(tmp_path / "2025-01-03.csv", [EVENT])
    template = SourceConfig(f"{tmp_path}/{{date}}.csv")
    with pytest.raises(SourceError, match="no file for 2025-01-04"):
        read_events(spark, template, date(2025, 1, 3), date(2025, 1, 5))
    header = write(tmp_path / "header.csv", [EVENT])
    header.write_bytes(header.read_bytes().splitlines()[0])
    with pytest.raises(SourceError, match=r"header\.csv: holds no rows"):
        read_events(spark, SourceConfig(str(header)), FIRST_DAY, END_DAY)


def test_an_empty_day_of_a_template_has_no_rows(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "2025-01-03.csv").touch()
    template = SourceConfig(f"{tmp_path}/{{date}}.csv")
    frame = read_events(spark, template, date(2025, 1, 3), date(2025, 1, 4))
    assert collect(frame).source_rows == 0


def test_the_first_file_of_each_format_is_checked_before_any_job(
    spark: SparkSession, tmp_path: Path
) -> None:
    write(tmp_path / "a.json", [EVENT])
    write_table(tmp_path / "b.parquet", {"currentTime": pa.array([True])})
    with pytest.raises(SourceError, match=r"b\.parquet: column 'currentTime' is bool"):
        read_events(spark, SourceConfig(str(tmp_path)), FIRST_DAY, END_DAY)


def count_rows(frame: DataFrame) -> None:
    try:
        frame.agg(F.count(F.lit(1)).alias("rows")).collect()
    except Exception as error:
        reraise_source_error(error)
        raise


def test_what_only_a_task_finds_out_is_told_as_clearly(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [EVENT])
    write(tmp_path / "b.csv", [{"user": "x"}])
    frame = read_events(spark, SourceConfig(str(tmp_path)), FIRST_DAY, END_DAY)
    with pytest.raises(SourceError) as clear:
        count_rows(frame)
    assert str(clear.value).startswith(f"{tmp_path}/b.csv: no column 'timestamp'")
    assert str(clear.value).endswith('such as {"its name": "timestamp"}.')


def test_other_errors_are_left_alone() -> None:
    reraise_source_error(ValueError("something else"))


def test_the_listing_tells_the_bytes_and_is_not_made_twice(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "events.csv", [EVENT])
    source = SourceConfig(str(path))
    listing = list_source(source, EVENT_ROWS, FIRST_DAY, END_DAY)
    assert listing.total_bytes == path.stat().st_size
    monkeypatch.setattr(frames, "list_source", None)
    assert collect(read_events(spark, source, FIRST_DAY, END_DAY, listing)).source_rows == 1


@pytest.mark.parametrize("suffix", ["parquet", "json", "csv.gz"])
@pytest.mark.parametrize("by_renaming", [False, True])
def test_a_file_that_changes_while_it_is_read_is_an_error_that_says_so(
    spark: SparkSession, tmp_path: Path, suffix: str, *, by_renaming: bool
) -> None:
    path = write(tmp_path / f"events.{suffix}", [EVENT])
    frame = read_events(spark, SourceConfig(str(path)), FIRST_DAY, END_DAY)
    other = write(tmp_path / f"other.{suffix}", [EVENT, {**EVENT, "userId": "another"}])
    if by_renaming:
        other.rename(path)
    else:
        path.write_bytes(other.read_bytes())
    with pytest.raises(SourceError, match=f"{path}: changed while it was read. Run this again"):
        count_rows(frame)
