from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from support.events import shuffled
from support.tables import day, delta, frame, stored, views

from resources.delta.commit import commit
from resources.delta.data_files import DataFile, Limits, Target
from resources.delta.errors import RefusedRowsError, SchemaMismatchError, StagingError
from resources.delta.schema_check import Days, days_between
from resources.delta.small_files import planned_merges
from resources.delta.stage import Emission, StagedTable, stage, stage_frame, table_location, target
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.engagement.tables import VIDEO_METADATA

THREE_DAYS = days_between(day(1), day(4))
NO_DAYS = Days()
GOOD, BAD = DAILY_VIDEO_VIEWS.name, REJECTED_DAILY_VIEWS.name


def targets(warehouse: Path, more: Days = NO_DAYS) -> tuple[Target, Target]:
    good = target(str(warehouse), DAILY_VIDEO_VIEWS, THREE_DAYS)
    return good, target(str(warehouse), REJECTED_DAILY_VIEWS, THREE_DAYS | more)


def files_of(warehouse: Path) -> list[Path]:
    return [path for path in warehouse.rglob("*") if path.is_file()]


def by_count(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        for row in rows.to_pylist():
            if row["viewCount"] < 0:
                bad = {"reason": "negative", "rowText": None, "source": "s", "sourceRow": 1}
                bad["date"] = row["date"]
                yield Emission(BAD, pa.Table.from_pylist([bad], REJECTED_DAILY_VIEWS.arrow_schema))
            else:
                good = pa.Table.from_pylist([row], rows.schema)
                yield Emission(GOOD, good, {"kept": 1, "duplicates": 0})


def test_files_lie_in_the_folder_of_their_day_without_the_partition_column(
    spark: SparkSession, tmp_path: Path
) -> None:
    staged = stage_frame(
        frame(spark, views("a", 1, 2)), str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS
    )
    folder = Path(table_location(str(tmp_path), DAILY_VIDEO_VIEWS))
    assert {file.path.split("/")[0] for file in staged.files} == {
        "date=2025-01-01",
        "date=2025-01-02",
    }
    for file in staged.files:
        on_disk = pq.read_metadata(folder / file.path)
        assert "date" not in on_disk.schema.names
        assert on_disk.num_rows == file.rows == 1
        assert (folder / file.path).stat().st_size == file.size


def test_all_files_of_one_staging_carry_the_same_token(spark: SparkSession, tmp_path: Path) -> None:
    rows = frame(spark, views("a", 1, 2, 3)).repartition(3)
    staged = stage_frame(rows, str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)
    assert len({file.path.split("part-")[1].split("-")[0] for file in staged.files}) == 1
    assert len({file.path for file in staged.files}) == len(staged.files)


def test_rows_are_counted_for_every_day_of_the_run(spark: SparkSession, tmp_path: Path) -> None:
    rows = frame(spark, views("a", 1, 3) + views("b", 1))
    staged = stage_frame(rows, str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)
    assert staged.rows_per_day() == {day(1): 2, day(2): 0, day(3): 1}


def test_rows_of_a_file_are_sorted_by_the_key(spark: SparkSession, tmp_path: Path) -> None:
    rows = frame(spark, [row for name in "dbca" for row in views(name, 1)]).coalesce(1)
    staged = stage_frame(rows, str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)
    written = pq.read_table(Path(staged.location) / staged.files[0].path, partitioning=None)
    assert written["video_id"].to_pylist() == ["a", "b", "c", "d"]


MERGING = Limits(many_files=1)


def test_texts_have_a_dictionary_unless_no_two_rows_of_a_file_share_one(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = frame(spark, views("a", 1))
    (file,) = stage_frame(rows, str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS).file_locations
    group = pq.read_metadata(file).row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    with_dictionary = {c.path_in_schema for c in columns if c.has_dictionary_page}
    assert "channel_id" in with_dictionary
    assert "video_id" not in with_dictionary


def test_many_small_files_of_a_day_become_one_sorted_by_the_key(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [row for n in range(40) for row in views(f"v{n:02d}", 1, 2, 3)]
    spread = frame(spark, shuffled(rows)).repartition(4, "video_id")
    apart = stage_frame(spread, str(tmp_path / "apart"), DAILY_VIDEO_VIEWS, THREE_DAYS)
    staged = stage_frame(
        spread, str(tmp_path / "merged"), DAILY_VIDEO_VIEWS, THREE_DAYS, limits=MERGING
    )
    assert len(apart.files) > len(staged.files) == 3
    assert staged.rows_per_day() == apart.rows_per_day() == {day(n): 40 for n in (1, 2, 3)}
    assert len(files_of(tmp_path / "merged")) == 3
    for file in staged.files:
        written = pq.read_table(Path(staged.location) / file.path, partitioning=None)
        assert written["video_id"].to_pylist() == [f"v{n:02d}" for n in range(40)]


def test_merging_small_files_keeps_every_value_and_the_counters(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = frame(spark, views("a", 1, 2, 3) + views("b", 2, count=-1) + views("c", 1, count=-2))
    spread = rows.repartition(3, "video_id", "date")
    staged, apart = (
        stage(spread, by_count, *targets(tmp_path / name, Days({day(-400)})), limits=limits)
        for name, limits in (("merged", MERGING), ("apart", Limits()))
    )
    for name, table in ((GOOD, DAILY_VIDEO_VIEWS), (BAD, REJECTED_DAILY_VIEWS)):
        commit(staged[name])
        commit(apart[name])
        merged, alone = (delta(str(tmp_path / place), table) for place in ("merged", "apart"))
        assert stored(merged) == stored(alone)
        assert staged[name].counters == apart[name].counters


def test_a_merge_that_fails_leaves_no_file(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise StagingError("the engine went away")

    monkeypatch.setattr("resources.delta.stage._merged", broken)
    rows = frame(spark, views("a", 1) + views("b", 1)).repartition(2, "video_id")
    with pytest.raises(StagingError, match="went away"):
        stage_frame(rows, str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS, limits=MERGING)
    assert files_of(tmp_path) == []


@pytest.mark.parametrize(
    ("sizes_of_days", "merged"),
    [
        ([[9] * 51], [51]),
        ([[9] * 50], []),
        ([[9] * 26, [9] * 26], [26, 26]),
        ([[9] * 51, [9]], [51]),
        ([[10] * 51, [9] * 51], [51]),
    ],
)
def test_files_are_merged_where_they_are_small_and_many(
    sizes_of_days: list[list[int]], merged: list[int]
) -> None:
    files = [
        DataFile(f"part-{n}-{place}", size, 1, day(n), 0, "{}")
        for n, sizes in enumerate(sizes_of_days, 1)
        for place, size in enumerate(sizes)
    ]
    merges = planned_merges("t", files, Limits(small_file=10, many_files=50))
    assert [len(merge.keys) for merge in merges] == merged


def test_a_table_without_partitions_has_files_in_its_folder(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [{"videoId": "v", "duration": 1.0, "title": "t"}]
    staged = stage_frame(frame(spark, rows, VIDEO_METADATA), str(tmp_path), VIDEO_METADATA)
    assert [file.day for file in staged.files] == [None]
    assert staged.rows_per_day() == {}


def test_one_pass_routes_rows_to_two_tables_and_sums_the_counters(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = frame(spark, views("a", 1, 2, 3) + views("b", 2, count=-1)).repartition(3)
    staged = stage(rows, by_count, *targets(tmp_path, Days({day(-400)})))
    assert {name: table.rows for name, table in staged.items()} == {GOOD: 3, BAD: 1}
    assert staged[GOOD].counters == {"kept": 3, "duplicates": 0}
    assert staged[BAD].replaced == THREE_DAYS | {day(-400)}


def test_a_frame_without_rows_stages_no_file(spark: SparkSession, tmp_path: Path) -> None:
    staged = stage_frame(frame(spark, []), str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)
    assert (staged.files, staged.rows, staged.replaced) == ((), 0, THREE_DAYS)


def test_chunks_of_a_range_merge_into_one_table_to_commit(
    spark: SparkSession, tmp_path: Path
) -> None:
    first = stage_frame(frame(spark, views("a", 1)), str(tmp_path), DAILY_VIDEO_VIEWS, {day(1)})
    second = stage_frame(frame(spark, views("a", 2)), str(tmp_path), DAILY_VIDEO_VIEWS, {day(2)})
    merged = first.merged_with(second)
    assert merged.rows_per_day() == {day(1): 1, day(2): 1}
    assert merged.files == first.files + second.files


def test_merging_sums_counters_and_keeps_zeros() -> None:
    one = StagedTable(DAILY_VIDEO_VIEWS, "/x", counters={"rejected": 0, "read": 2})
    assert one.merged_with(one).counters == {"rejected": 0, "read": 4}


def test_files_of_two_tables_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="cannot merge video_metadata"):
        StagedTable(DAILY_VIDEO_VIEWS, "/x").merged_with(StagedTable(VIDEO_METADATA, "/y"))


def test_a_row_outside_the_days_is_refused_and_no_file_stays(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = frame(spark, views("a", 1, 2, 4)).repartition(3)
    with pytest.raises(RefusedRowsError, match="date 2025-01-04 lie outside the days of this run"):
        stage_frame(rows, str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)
    assert files_of(tmp_path) == []


def test_a_null_key_is_refused_and_no_file_stays(spark: SparkSession, tmp_path: Path) -> None:
    broken = views("a", 1, 2)
    broken[1]["video_id"] = None
    with pytest.raises(RefusedRowsError, match="video_id is null in 1 row"):
        stage_frame(frame(spark, broken), str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)
    assert files_of(tmp_path) == []


def test_a_null_partition_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    broken = [*views("a", 1), {**views("a", 1)[0], "date": None}]
    with pytest.raises(RefusedRowsError, match="date is null"):
        stage_frame(frame(spark, broken), str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"viewCount": 2.7}, "viewCount is double, declared is int64"),
        ({"viewCount": "7"}, "viewCount is string, declared is int64"),
        ({"date": "2025-01-01"}, "date is string, declared is date32"),
        ({"extra": 1}, "extra is not declared"),
    ],
)
def test_a_frame_of_another_schema_is_refused_before_any_task_runs(
    spark: SparkSession, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    columns = {name: F.lit(value) for name, value in change.items()}
    rows = frame(spark, views("a", 1)).withColumns(columns)
    with pytest.raises(SchemaMismatchError, match=message):
        stage_frame(rows, str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)


def test_an_emission_of_another_schema_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    def without_source(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
        for emission in by_count(batches):
            yield Emission(emission.table, emission.rows.drop_columns(["date"]))

    with pytest.raises(SchemaMismatchError, match="column date is missing"):
        stage(frame(spark, views("a", 1)), without_source, *targets(tmp_path))


def test_a_failing_kernel_is_reported_with_the_table_and_leaves_no_file(
    spark: SparkSession, tmp_path: Path
) -> None:
    def fail_late(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
        yield from by_count(batches)
        raise ValueError("row 3 is odd")

    with pytest.raises(StagingError, match=r"daily_video_views.*ValueError: row 3 is odd"):
        stage(frame(spark, views("a", 1, 2)), fail_late, *targets(tmp_path))
    assert files_of(tmp_path) == []


def test_rows_for_an_unknown_table_are_an_error(spark: SparkSession, tmp_path: Path) -> None:
    only_good, _ = targets(tmp_path)
    expected = f"rows were emitted for '{BAD}'; the targets are"
    with pytest.raises(StagingError, match=expected):
        stage(frame(spark, views("a", 1, count=-1)), by_count, only_good)


def test_a_frame_that_the_engine_cannot_resolve_names_the_table(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = frame(spark, views("a", 1)).select("nothing")
    with pytest.raises(StagingError, match=r"daily_video_views: the engine cannot.*nothing"):
        stage_frame(rows, str(tmp_path), DAILY_VIDEO_VIEWS, THREE_DAYS)


def test_a_table_without_partitions_takes_no_days(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="video_metadata is not partitioned"):
        stage_frame(frame(spark, [], VIDEO_METADATA), str(tmp_path), VIDEO_METADATA, THREE_DAYS)


@pytest.mark.parametrize(
    ("limits", "files_of_a_day"),
    [
        (Limits(), {1}),
        (Limits(file_rows=100), {10}),
        (Limits(file_bytes=1, buffered_bytes=1), {4}),
        (Limits(buffered_bytes=1), {1}),
        (Limits(buffered_bytes=1, unfinished_bytes=0), {4}),
    ],
)
def test_limits_split_files_and_lose_no_row(
    spark: SparkSession, tmp_path: Path, limits: Limits, files_of_a_day: set[int]
) -> None:
    def in_four(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
        rows = pa.Table.from_batches(list(batches))
        for start in range(0, rows.num_rows, 500):
            yield Emission(GOOD, rows.slice(start, 500))

    rows = [row for n in range(1000) for row in views(f"v{n:04d}", 1, 2)]
    only_good, _ = targets(tmp_path)
    staged = stage(frame(spark, rows).coalesce(1), in_four, only_good, limits=limits)[GOOD]
    assert staged.rows_per_day() == {day(1): 1000, day(2): 1000, day(3): 0}
    assert set(Counter(file.day for file in staged.files).values()) == files_of_a_day
