import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from pyspark.sql import SparkSession
from support.tables import day, delta, frame, stored, stored_days, views

from resources.delta import commit as commit_module
from resources.delta.commit import CommittedTable, commit, ensure_table
from resources.delta.errors import (
    CommitConflictError,
    RefusedRowsError,
    SchemaMismatchError,
)
from resources.delta.schema_check import Days, days_between
from resources.delta.stage import StagedTable, stage_frame, table_location
from resources.delta.warehouse import Warehouse
from resources.storage import LocationError, plain_location
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MONTHLY_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.engagement.tables import SESSIONS, VIDEO_METADATA

Stage = Callable[..., StagedTable]


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    return str(tmp_path)


@pytest.fixture
def stage_days(spark: SparkSession, warehouse: str) -> Stage:
    def staged(rows: list[dict[str, Any]], *days: int) -> StagedTable:
        replaced = Days(map(day, days))
        return stage_frame(frame(spark, rows), warehouse, DAILY_VIDEO_VIEWS, replaced)

    return staged


@pytest.fixture
def write(stage_days: Stage) -> Callable[..., CommittedTable]:
    return lambda rows, *days: commit(stage_days(rows, *days))


Write = Callable[..., CommittedTable]


def test_the_table_is_created_as_declared(write: Write, warehouse: str) -> None:
    write(views("a", 1), 1)
    table = delta(warehouse)
    assert table.metadata().name == "daily_video_views"
    assert table.metadata().description == "one video and day"
    assert table.metadata().partition_columns == ["date"]
    columns = {column.name: column for column in table.schema().fields}
    assert not columns["video_id"].nullable
    assert columns["viewCount"].nullable
    assert columns["video_id"].metadata == {"comment": "video"}


def test_a_commit_says_what_it_wrote(write: Write) -> None:
    done = write(views("a", 1, 2) + views("b", 2), 1, 2, 3)
    assert (done.version, done.rows) == (1, 3)
    assert done.rows_per_day == {day(1): 1, day(2): 2, day(3): 0}
    assert done.files >= 2
    assert done.size > 0


def test_a_day_replaces_itself_and_keeps_the_others(write: Write, warehouse: str) -> None:
    write(views("a", 1, 2, 3), 1, 2, 3)
    write(views("b", 2), 2)
    assert stored_days(warehouse) == [("a", 1), ("a", 3), ("b", 2)]


def test_a_range_replaces_all_its_days_and_then_a_single_day_one(
    write: Write, warehouse: str
) -> None:
    write(views("a", 1), 1)
    write(views("b", 1, 2, 3), 1, 2, 3)
    write(views("c", 3), 3)
    assert stored_days(warehouse) == [("b", 1), ("b", 2), ("c", 3)]


def test_a_run_without_rows_deletes_the_old_ones(write: Write, warehouse: str) -> None:
    write(views("a", 1, 2), 1, 2)
    done = write([], 2)
    assert stored_days(warehouse) == [("a", 1)]
    assert done.rows_per_day == {day(2): 0}


def test_a_day_far_away_is_replaced_along_with_the_window(write: Write, warehouse: str) -> None:
    unknown = -20088
    assert str(day(unknown)) == "1970-01-01"
    write(views("a", unknown, 1, 2), unknown, 1, 2)
    write(views("b", unknown, 2), unknown, 2)
    assert sorted((r["video_id"], str(r["date"])) for r in stored(delta(warehouse))) == [
        ("a", "2025-01-01"),
        ("b", "1970-01-01"),
        ("b", "2025-01-02"),
    ]


def test_a_table_without_partitions_is_replaced_as_a_whole(
    spark: SparkSession, warehouse: str
) -> None:
    for video in ("a", "b"):
        rows = [{"videoId": video, "duration": None, "title": None}]
        commit(stage_frame(frame(spark, rows, VIDEO_METADATA), warehouse, VIDEO_METADATA))
    assert [row["videoId"] for row in stored(delta(warehouse, VIDEO_METADATA))] == ["b"]


def test_a_partitioned_table_is_replaced_as_a_whole_when_no_days_are_named(
    spark: SparkSession, write: Write, warehouse: str
) -> None:
    write(views("a", 1, 2), 1, 2)
    commit(stage_frame(frame(spark, views("b", 3)), warehouse, DAILY_VIDEO_VIEWS))
    assert stored_days(warehouse) == [("b", 3)]


def test_a_month_is_replaced_by_its_window(spark: SparkSession, warehouse: str) -> None:
    def month(number: int, count: int) -> None:
        start = day(1).replace(month=number)
        row = {"channel_id": "c", "video_id": "a", "month": f"2025-0{number}"}
        rows = frame(spark, [{**row, "aggViewCount": count, "month_start": start}], MONTHLY_VIEWS)
        days = days_between(start, start.replace(month=number + 1))
        commit(stage_frame(rows, warehouse, MONTHLY_VIEWS, days))

    month(1, 10)
    month(2, 20)
    month(1, 11)
    assert [row["aggViewCount"] for row in stored(delta(warehouse, MONTHLY_VIEWS))] == [11, 20]


def test_nested_columns_come_back_as_written(spark: SparkSession, warehouse: str) -> None:
    values: dict[type, Any] = {}
    row = {
        column.name: values.get(type(column.type), _example(column.type))
        for column in SESSIONS.columns
    }
    row["watchedIntervals"] = [{"start": 0.5, "end": 30.0}, {"start": 40.0, "end": 50.0}]
    days = Days([row["sessionDate"]])
    commit(stage_frame(frame(spark, [row], SESSIONS), warehouse, SESSIONS, days))
    assert stored(delta(warehouse, SESSIONS)) == [row]
    location = plain_location(table_location(warehouse, SESSIONS))
    loaded = spark.read.format("delta").load(location).toArrow().to_pylist()
    assert loaded == [row]


def test_a_table_that_requires_values_inside_lists_is_taken_over_with_its_rows(
    spark: SparkSession, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []
    for number, schema_of in ((1, lambda declared: declared), (2, commit_module.stored_schema)):
        monkeypatch.setattr(commit_module, "stored_schema", schema_of)
        row = {column.name: _example(column.type) for column in SESSIONS.columns}
        row |= {"sessionDate": day(number), "watchedIntervals": [{"start": 0.5, "end": 30.0}]}
        staged = stage_frame(
            frame(spark, [row], SESSIONS), warehouse, SESSIONS, Days([day(number)])
        )
        commit(staged)
        rows.append(row)
    [intervals] = [
        column
        for column in delta(warehouse, SESSIONS).schema().fields
        if column.name == "watchedIntervals"
    ]
    assert "false" not in intervals.type.to_json()
    found = Warehouse(warehouse, lambda: spark).frame(SESSIONS).toArrow().to_pylist()
    assert sorted(found, key=lambda row: row["sessionDate"]) == rows


def _example(type_: pa.DataType) -> Any:
    if pa.types.is_string(type_):
        return "x"
    if pa.types.is_date(type_):
        return day(1)
    if pa.types.is_boolean(type_):
        return True
    if pa.types.is_nested(type_):
        return []
    return pa.scalar(1).cast(type_).as_py()


def test_a_long_range_is_staged_in_chunks_and_visible_at_once(
    stage_days: Stage, warehouse: str
) -> None:
    chunks = [stage_days(views("a", n), n) for n in (1, 2, 3)]
    merged = chunks[0].merged_with(chunks[1]).merged_with(chunks[2])
    assert commit(merged).version == 1
    assert stored_days(warehouse) == [("a", 1), ("a", 2), ("a", 3)]


def test_four_hundred_days_are_replaced_in_one_commit(spark: SparkSession, warehouse: str) -> None:
    days = days_between(day(1), day(401))
    rows = frame(spark, views("a", *range(1, 401))).coalesce(1)
    for _ in range(2):
        done = commit(stage_frame(rows, warehouse, DAILY_VIDEO_VIEWS, days))
    assert (done.version, done.rows, len(stored(delta(warehouse)))) == (2, 400, 400)


def test_committing_twice_changes_nothing(stage_days: Stage, warehouse: str) -> None:
    staged = stage_days(views("a", 1, 2), 1, 2)
    assert commit(staged) == commit(staged)
    assert stored_days(warehouse) == [("a", 1), ("a", 2)]


def test_statistics_let_readers_skip_files(write: Write, warehouse: str) -> None:
    write(views("a", 1, count=5) + views("b", 1, count=9), 1)
    actions = pa.table(delta(warehouse).get_add_actions(flatten=True)).to_pylist()
    assert sum(action["num_records"] for action in actions) == 2
    assert min(action["min.video_id"] for action in actions) == "a"
    assert max(action["max.viewCount"] for action in actions) == 9
    assert {action["null_count.viewCount"] for action in actions} == {0}
    assert delta(warehouse).file_uris(file_pruning_predicate="date = '2025-01-02'") == []


def test_the_history_names_the_run_and_its_counters(stage_days: Stage, warehouse: str) -> None:
    commit(stage_days(views("a", 1), 1), run_id="run-7")
    last = delta(warehouse).history(1)[0]
    assert last["runId"] == "run-7"
    assert json.loads(last["counters"]) == {}


def test_another_schema_is_refused_with_the_columns_and_the_old_rows_stay(
    stage_days: Stage, warehouse: str
) -> None:
    location = table_location(warehouse, DAILY_VIDEO_VIEWS)
    old = pa.schema([("video_id", pa.string()), ("date", pa.string()), ("views", pa.int64())])
    DeltaTable.create(location, schema=old)
    staged = stage_days(views("a", 1), 1)
    with pytest.raises(SchemaMismatchError) as error:
        commit(staged)
    for text in (
        f"table daily_video_views at {location}",
        "column viewCount is missing",
        "column views is not declared",
        "column date is string, declared is date32[day]",
        "partitioned by [], declared is ['date']",
        "Move the folder away",
    ):
        assert text in str(error.value)
    assert delta(warehouse).version() == 0
    assert not list(Path(location).rglob("*.parquet"))


def test_a_table_gets_columns_that_its_declaration_added_with_the_next_commit(
    spark: SparkSession, warehouse: str
) -> None:
    young = VIDEO_METADATA
    old = replace(young, columns=tuple(c for c in young.columns if c.name != "title"))
    rows = [{"videoId": "v1", "duration": 5.0}]
    first = commit(stage_frame(frame(spark, rows, old), warehouse, old))
    assert Warehouse(warehouse, lambda: spark).frame(young).collect()[0]["title"] is None
    rows = [{"videoId": "v2", "duration": 5.0, "title": "Two"}]
    done = commit(stage_frame(frame(spark, rows, young), warehouse, young))
    assert done.version == first.version + 1
    [row] = Warehouse(warehouse, lambda: spark).frame(young).collect()
    assert row.asDict() == rows[0]


def test_refused_rows_leave_the_old_ones_whole(write: Write, warehouse: str) -> None:
    write(views("a", 1, 2), 1, 2)
    with pytest.raises(RefusedRowsError):
        write(views("b", 1, 3), 1)
    assert stored_days(warehouse) == [("a", 1), ("a", 2)]


def test_staged_files_are_invisible_and_the_next_run_is_right(
    stage_days: Stage, write: Write, warehouse: str
) -> None:
    write(views("a", 1), 1)
    lost = stage_days(views("lost", 1), 1)
    assert stored_days(warehouse) == [("a", 1)]
    write(views("b", 1), 1)
    assert stored_days(warehouse) == [("b", 1)]
    table = delta(warehouse)
    unseen = table.vacuum(0, enforce_retention_duration=False, dry_run=True, full=True)
    assert {file.path for file in lost.files} <= set(unseen)


def test_a_conflict_is_retried_without_staging_again(
    stage_days: Stage, write: Write, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(views("a", 1), 1)
    ours, theirs = stage_days(views("ours", 1), 1), stage_days(views("theirs", 1), 1)
    snapshots = _rival_commits_after_the_first_look(monkeypatch, theirs)
    commit(ours)
    assert stored_days(warehouse) == [("ours", 1)]
    assert len(snapshots) == 2


def test_two_first_writers_of_a_day_never_double_its_rows(
    stage_days: Stage, write: Write, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(views("a", 2), 2)
    ours, theirs = stage_days(views("ours", 1), 1), stage_days(views("theirs", 1), 1)
    _rival_commits_after_the_first_look(monkeypatch, theirs)
    commit(ours)
    assert stored_days(warehouse) == [("a", 2), ("ours", 1)]


def test_a_new_day_of_another_writer_is_no_conflict(
    stage_days: Stage, write: Write, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(views("a", 1), 1)
    ours, theirs = stage_days(views("ours", 1), 1), stage_days(views("theirs", 2), 2)
    snapshots = _rival_commits_after_the_first_look(monkeypatch, theirs)
    assert commit(ours).version == 3
    assert stored_days(warehouse) == [("ours", 1), ("theirs", 2)]
    assert len(snapshots) == 1


def test_another_day_replaced_meanwhile_stays_replaced(
    stage_days: Stage, write: Write, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(views("a", 1, 2), 1, 2)
    ours, theirs = stage_days(views("ours", 1), 1), stage_days(views("theirs", 2), 2)
    _rival_commits_after_the_first_look(monkeypatch, theirs)
    commit(ours)
    assert stored_days(warehouse) == [("ours", 1), ("theirs", 2)]


def _rival_commits_after_the_first_look(
    monkeypatch: pytest.MonkeyPatch, rival: StagedTable
) -> list[int]:
    snapshots: list[int] = []

    def look(*arguments: Any) -> DeltaTable:
        table = ensure_table(*arguments)
        snapshots.append(table.version())
        if len(snapshots) == 1:
            monkeypatch.setattr(commit_module, "ensure_table", ensure_table)
            commit(rival)
            monkeypatch.setattr(commit_module, "ensure_table", look)
        return table

    monkeypatch.setattr(commit_module, "ensure_table", look)
    return snapshots


def test_endless_conflicts_end_with_the_days_and_a_remedy(
    stage_days: Stage, write: Write, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(views("a", 1), 1)
    staged = stage_days(views("b", 1), 1)

    def conflict(*_: object, **__: object) -> None:
        raise CommitFailedError("someone was faster")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", conflict)
    with pytest.raises(CommitConflictError, match=r"2025-01-01 during each of 3 .*faster"):
        commit(staged, attempts=3)
    assert stored_days(warehouse) == [("a", 1)]
    assert not any((Path(staged.location) / file.key).exists() for file in staged.files)


def test_a_commit_that_landed_although_it_failed_is_not_made_twice(
    stage_days: Stage, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = DeltaTable.create_write_transaction

    def land_and_fail(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        raise CommitFailedError("the answer was lost")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", land_and_fail)
    assert commit(stage_days(views("a", 1), 1)).version == 1
    assert stored_days(warehouse) == [("a", 1)]


def test_compaction_and_vacuum_between_runs_change_no_row(write: Write, warehouse: str) -> None:
    for number in (1, 2, 3):
        write(views("a", number) + views("b", number), number)
    table = delta(warehouse)
    table.optimize.compact()
    table.vacuum(0, enforce_retention_duration=False, dry_run=False, full=True)
    write(views("c", 2), 2)
    assert stored_days(warehouse) == [("a", 1), ("a", 3), ("b", 1), ("b", 3), ("c", 2)]


@pytest.mark.parametrize("name", ["sp ace", "ünï", "100% sure", "[b]", "q?#&x"])
def test_a_warehouse_of_any_name_is_written_and_read(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    warehouse = str(tmp_path / name)
    days = Days([day(1), day(2)])
    rows = frame(spark, views("a", 1, 2))
    for _ in range(2):
        commit(stage_frame(rows, warehouse, DAILY_VIDEO_VIEWS, days))
    assert stored_days(warehouse) == [("a", 1), ("a", 2)]
    location = table_location(warehouse, DAILY_VIDEO_VIEWS)
    assert (Path(location) / "_delta_log").is_dir()
    assert spark.read.format("delta").load(plain_location(location)).count() == 2


def test_a_percent_escape_in_the_path_is_refused_before_anything_is_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(LocationError, match="reads %20 in a path"):
        stage_frame(frame(spark, []), str(tmp_path / "a%20b"), DAILY_VIDEO_VIEWS, Days())
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_never_had_rows_is_there_and_empty(
    spark: SparkSession, warehouse: str
) -> None:
    rows = frame(spark, [], REJECTED_DAILY_VIEWS)
    done = commit(stage_frame(rows, warehouse, REJECTED_DAILY_VIEWS, Days([day(1)])))
    assert (done.rows, done.files) == (0, 0)
    assert stored(delta(warehouse, REJECTED_DAILY_VIEWS)) == []
    location = table_location(warehouse, REJECTED_DAILY_VIEWS)
    loaded = spark.read.format("delta").load(location)
    assert loaded.columns == list(REJECTED_DAILY_VIEWS.column_names)


def test_days_of_a_leap_year_are_all_there() -> None:
    start = day(1).replace(year=2024)
    assert len(days_between(start, start.replace(year=2025))) == 366
    assert start + timedelta(days=59) in days_between(start, start.replace(month=3))
