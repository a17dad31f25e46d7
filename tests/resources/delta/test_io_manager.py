from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_pyspark import PySparkResource
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from support.engine import engine_of_tests
from support.tables import day, delta, frame, stored, stored_days, views

from resources.delta.errors import MissingTableError, SchemaMismatchError, TableError
from resources.delta.io_manager import MAY_BE_ABSENT, VideoDeltaIOManager, build_io_manager
from resources.delta.schema_check import Days, days_between
from resources.delta.stage import StagedTable, stage_frame, table_location
from video_assets.arrow.kernels import spark_schema
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MONTHLY_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.tables import TABLES

# Dagster's own code asks for it when a resource holds another resource.

DAILY = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-03-01")
MONTHLY = dg.MonthlyPartitionsDefinition("2025-01-01", end_date="2025-04-01")
UNKNOWN_DAY = date(1970, 1, 1)
BY_DATE = {"partition_expr": "date"}


class Engine(PySparkResource):
    spark_config: dict[str, Any] = {}  # noqa: RUF012 (a pydantic field)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        pass

    @property
    def spark_session(self) -> SparkSession:
        return engine_of_tests().spark_session


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    return str(tmp_path / "warehouse")


@pytest.fixture
def instance() -> Any:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def run(warehouse: str, instance: dg.DagsterInstance) -> Any:
    def materialize(
        *assets: dg.AssetsDefinition, only: str | None = None, **options: Any
    ) -> dg.ExecuteInProcessResult:
        if isinstance(only, str):
            options["selection"] = dg.AssetSelection.assets(f"video/{only}")
        return dg.materialize(
            assets,
            instance=instance,
            resources={"io_manager": build_io_manager(warehouse, Engine(), TABLES)},
            **options,
        )

    return materialize


def days_tags(first: int, last: int) -> dict[str, Any]:
    return {
        "tags": {
            "dagster/asset_partition_range_start": str(day(first)),
            "dagster/asset_partition_range_end": str(day(last)),
        }
    }


def one_day(number: int) -> dict[str, Any]:
    return {"partition_key": str(day(number))}


def daily_asset(spark: SparkSession, video: str = "a") -> dg.AssetsDefinition:
    @dg.asset(
        name=DAILY_VIDEO_VIEWS.name,
        key_prefix="video",
        partitions_def=DAILY,
        metadata=BY_DATE,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def views_of_days(context: dg.AssetExecutionContext) -> DataFrame:
        start, end = context.partition_time_window
        numbers = range((start.date() - day(0)).days, (end.date() - day(0)).days)
        return frame(spark, views(video, *numbers))

    return views_of_days


def metadata_of(result: dg.ExecuteInProcessResult, table: str) -> Mapping[str, Any]:
    """What the run tells of the newest partition."""
    events = result.asset_materializations_for_node(f"video__{table}")
    return {name: value.value for name, value in events[-1].metadata.items()}


def test_a_day_is_written_and_keeps_the_other_days(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    for number in (1, 2):
        run(daily_asset(spark), **one_day(number))
    run(daily_asset(spark, "b"), **one_day(2))
    assert stored_days(warehouse) == [("a", 1), ("b", 2)]


def test_a_range_is_written_in_one_run_and_one_commit(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    run(daily_asset(spark), **days_tags(1, 3))
    assert stored_days(warehouse) == [("a", 1), ("a", 2), ("a", 3)]
    assert delta(warehouse).version() == 1


def test_a_single_day_after_a_range_replaces_only_itself(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    run(daily_asset(spark), **days_tags(1, 3))
    run(daily_asset(spark, "b"), **one_day(2))
    assert stored_days(warehouse) == [("a", 1), ("a", 3), ("b", 2)]


def test_the_output_is_described(spark: SparkSession, run: Any, warehouse: str) -> None:
    result = run(daily_asset(spark), **days_tags(1, 3))
    shown = metadata_of(result, DAILY_VIDEO_VIEWS.name)
    assert (shown["rows_written"], shown["rows_written_of_run"]) == (1, 3)
    assert shown["dagster/uri"] == table_location(warehouse, DAILY_VIDEO_VIEWS)
    assert shown["dagster/table_name"] == "deltalake.video.daily_video_views"
    assert shown["delta_version"] == 1
    assert min(shown["files_of_run"], shown["size_bytes_of_run"]) > 0
    lines = [record.data for record in shown["rows_per_day"].records]
    assert lines == [{"day": str(day(n)), "rows": 1} for n in (3, 2, 1)]
    first = shown["preview"].records[0].data
    assert list(first)[:4] == ["channel_id", "video_id", "created_date", "date"]
    assert (first["channel_id"], first["video_id"], first["created_date"]) == (
        "c1",
        "a",
        "2025-01-01",
    )
    assert first["date"].startswith("2025-01-0")


HOSTILE = "![x](https://evil.example/x.png) <img src=x> | [a](b)"


def test_what_players_send_is_shown_as_text(spark: SparkSession, run: Any) -> None:
    result = run(daily_asset(spark, HOSTILE), **days_tags(1, 1))
    events = result.asset_materializations_for_node(f"video__{DAILY_VIDEO_VIEWS.name}")
    metadata = events[0].metadata
    holding = [name for name, value in metadata.items() if HOSTILE in str(value)]
    assert holding == ["preview"]
    assert isinstance(metadata["preview"], dg.TableMetadataValue)
    assert metadata["preview"].records[0].data["video_id"] == HOSTILE


def test_many_days_are_summed_up_in_the_last_line(spark: SparkSession, run: Any) -> None:
    shown = metadata_of(run(daily_asset(spark), **days_tags(1, 40)), DAILY_VIDEO_VIEWS.name)
    records = [record.data for record in shown["rows_per_day"].records]
    assert len(records) == 31
    assert records[-1] == {"day": "10 earlier days", "rows": 10}
    assert len(shown["preview"].records) <= 10


def test_the_run_is_named_in_the_history(spark: SparkSession, run: Any, warehouse: str) -> None:
    result = run(daily_asset(spark), **one_day(1))
    assert delta(warehouse).history(1)[0]["runId"] == result.run_id


def seen_downstream(
    spark: SparkSession, seen: list[Any], **input_options: Any
) -> dg.AssetsDefinition:
    @dg.asset(
        name=REJECTED_DAILY_VIEWS.name,
        key_prefix="video",
        partitions_def=DAILY,
        metadata=BY_DATE,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"daily": dg.AssetIn(["video", DAILY_VIDEO_VIEWS.name], **input_options)},
    )
    def downstream(daily: DataFrame) -> DataFrame:
        seen.append(daily.toArrow().to_pylist())
        return frame(spark, [], REJECTED_DAILY_VIEWS)

    return downstream


def days_seen(seen: list[Any]) -> list[int]:
    return sorted(row["date"].day for row in seen[0])


def test_an_input_of_several_days_holds_all_of_them(spark: SparkSession, run: Any) -> None:
    seen: list[Any] = []
    assets = daily_asset(spark), seen_downstream(spark, seen)
    run(assets[0], **days_tags(1, 5))
    run(*assets, only=REJECTED_DAILY_VIEWS.name, **days_tags(2, 4))
    assert days_seen(seen) == [2, 3, 4]


def test_an_input_of_one_day_holds_that_day(spark: SparkSession, run: Any) -> None:
    seen: list[Any] = []
    assets = daily_asset(spark), seen_downstream(spark, seen)
    run(assets[0], **days_tags(1, 3))
    run(*assets, only=REJECTED_DAILY_VIEWS.name, **one_day(2))
    assert days_seen(seen) == [2]


@pytest.mark.parametrize(("number", "expected"), [(3, [2, 3]), (1, [1])])
def test_an_input_widened_by_a_mapping_holds_the_day_before_too(
    spark: SparkSession, run: Any, number: int, expected: list[int]
) -> None:
    mapping = dg.TimeWindowPartitionMapping(
        start_offset=-1, end_offset=0, allow_nonexistent_upstream_partitions=True
    )
    seen: list[Any] = []
    assets = daily_asset(spark), seen_downstream(spark, seen, partition_mapping=mapping)
    run(assets[0], **days_tags(1, 3))
    run(*assets, only=REJECTED_DAILY_VIEWS.name, **one_day(number))
    assert days_seen(seen) == expected


def test_an_input_may_ask_for_some_columns(spark: SparkSession, run: Any) -> None:
    seen: list[Any] = []
    columns = {"columns": ["video_id", "date"]}
    assets = daily_asset(spark), seen_downstream(spark, seen, metadata=columns)
    run(*assets, **one_day(1))
    assert seen == [[{"video_id": "a", "date": day(1)}]]


def test_an_input_that_asks_for_an_unknown_column_names_those_that_exist(
    spark: SparkSession, run: Any
) -> None:
    assets = daily_asset(spark), seen_downstream(spark, [], metadata={"columns": ["vidoe_id"]})
    with pytest.raises(SchemaMismatchError, match="no column vidoe_id; it has channel_id, vid"):
        run(*assets, **one_day(1))


def test_a_table_never_written_is_an_error_also_for_a_partition_of_it(
    spark: SparkSession, run: Any
) -> None:
    assets = daily_asset(spark), seen_downstream(spark, [])
    with pytest.raises(MissingTableError, match="Materialize the asset video/daily_video"):
        run(*assets, only=REJECTED_DAILY_VIEWS.name, **one_day(1))


def test_a_table_that_may_be_absent_is_empty_and_warned_of(
    spark: SparkSession, run: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[Any] = []
    assets = daily_asset(spark), seen_downstream(spark, seen, metadata={MAY_BE_ABSENT: True})
    run(*assets, only=REJECTED_DAILY_VIEWS.name, **one_day(1))
    assert seen == [[]]
    assert "daily_video_views" in (warning := capfd.readouterr().err)
    assert "was never written: no rows" in warning


def test_an_unpartitioned_table_never_written_is_an_error_that_says_what_to_do(
    spark: SparkSession, run: Any
) -> None:
    @dg.asset(key_prefix="video")
    def video_metadata() -> DataFrame:
        return frame(spark, [], VIDEO_METADATA)

    @dg.asset(key_prefix="video", ins={"upstream": dg.AssetIn(["video", "video_metadata"])})
    def video_performance(upstream: DataFrame) -> None:
        raise AssertionError(upstream)

    with pytest.raises(MissingTableError, match=r"Materialize the asset video/video_metadata"):
        run(video_metadata, video_performance, only="video_performance")


def test_an_unpartitioned_asset_replaces_its_table(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    videos = iter("ab")

    @dg.asset(key_prefix="video")
    def video_metadata() -> DataFrame:
        row = {"videoId": next(videos), "duration": 1.0, "title": None}
        return frame(spark, [row], VIDEO_METADATA)

    for _ in range(2):
        run(video_metadata)
    assert [row["videoId"] for row in stored(delta(warehouse, VIDEO_METADATA))] == ["b"]


def monthly_asset() -> dg.AssetsDefinition:
    @dg.asset(
        name=MONTHLY_VIEWS.name,
        key_prefix="video",
        partitions_def=MONTHLY,
        metadata={"partition_expr": "month_start"},
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"daily": dg.AssetIn(["video", DAILY_VIDEO_VIEWS.name])},
    )
    def monthly(daily: DataFrame) -> DataFrame:
        month = F.date_trunc("month", "date").cast("date").alias("month_start")
        months = (
            daily.groupBy("channel_id", "video_id", month)
            .agg(F.sum("viewCount").alias("aggViewCount"))
            .withColumn("month", F.date_format("month_start", "yyyy-MM"))
        )
        unknown = [f for f in spark_schema(MONTHLY_VIEWS) if f.name not in months.columns]
        nulls = (F.lit(None).cast(field.dataType).alias(field.name) for field in unknown)
        return months.select("*", *nulls)

    return monthly


def test_months_are_read_and_written_by_their_windows(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    assets = daily_asset(spark), monthly_asset()
    run(assets[0], **days_tags(1, 59))
    for month in ("2025-01-01", "2025-02-01", "2025-01-01"):
        run(*assets, only=MONTHLY_VIEWS.name, partition_key=month)
    found = {row["month"]: row["aggViewCount"] for row in stored(delta(warehouse, MONTHLY_VIEWS))}
    assert found == {"2025-01": 31, "2025-02": 28}


def test_all_partitions_reach_an_unpartitioned_asset(spark: SparkSession, run: Any) -> None:
    seen: list[int] = []

    @dg.asset(key_prefix="video", ins={"daily": dg.AssetIn(["video", DAILY_VIDEO_VIEWS.name])})
    def missing_date(daily: DataFrame) -> None:
        seen.append(daily.count())

    daily = daily_asset(spark)
    run(daily, **days_tags(1, 40))
    run(daily, missing_date, only="missing_date")
    assert seen == [40]


def staging_assets(
    spark: SparkSession, warehouse: str, days: Days, extra: Days = frozenset()
) -> dg.AssetsDefinition:
    specs = {
        name: dg.AssetOut(key=["video", name], metadata=BY_DATE)
        for name in (DAILY_VIDEO_VIEWS.name, REJECTED_DAILY_VIEWS.name)
    }

    @dg.multi_asset(outs=specs, partitions_def=DAILY)
    def ingest() -> tuple[StagedTable, StagedTable]:
        rejected = {"reason": "r", "rowText": None, "source": "s", "sourceRow": 1}
        bad = frame(spark, [{**rejected, "date": UNKNOWN_DAY}], REJECTED_DAILY_VIEWS)
        good = stage_frame(frame(spark, views("a", 1)), warehouse, DAILY_VIDEO_VIEWS, days)
        counted = StagedTable(good.table, good.location, counters={"duplicates": 4}, replaced=days)
        refused = stage_frame(bad, warehouse, REJECTED_DAILY_VIEWS, days | extra)
        return good.merged_with(counted), refused

    return ingest


def test_staged_files_are_committed_with_the_extra_day_that_the_asset_names(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    assets = staging_assets(spark, warehouse, Days([day(1)]), Days([UNKNOWN_DAY]))
    for _ in range(2):
        result = run(assets, **one_day(1))
    assert stored_days(warehouse) == [("a", 1)]
    assert [row["date"] for row in stored(delta(warehouse, REJECTED_DAILY_VIEWS))] == [UNKNOWN_DAY]
    shown = {
        event.asset_key.path[-1]: event.metadata
        for event in result.asset_materializations_for_node("ingest")
    }
    assert shown[DAILY_VIDEO_VIEWS.name]["duplicates"].value == 4
    assert shown[REJECTED_DAILY_VIEWS.name]["rows_written"].value == 1


def test_files_staged_for_fewer_days_than_the_run_are_refused_and_deleted(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    assets = staging_assets(spark, warehouse, Days([day(1)]), Days([UNKNOWN_DAY]))
    with pytest.raises(TableError, match="replace 2025-01-01, but the run is for 2025-01-02"):
        run(assets, **one_day(2))
    location = Path(table_location(warehouse, DAILY_VIDEO_VIEWS))
    assert not list(location.rglob("*.parquet"))


def test_files_staged_in_another_warehouse_are_refused(
    spark: SparkSession, run: Any, tmp_path: Path
) -> None:
    days = days_between(day(1), day(2))
    assets = staging_assets(spark, str(tmp_path / "elsewhere"), days, Days([UNKNOWN_DAY]))
    with pytest.raises(TableError, match=r"files staged for daily_video_views at .*elsewhere"):
        run(assets, **one_day(1))


def test_a_failing_kernel_fails_the_run_and_keeps_the_old_rows(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    run(daily_asset(spark), **days_tags(1, 2))

    @dg.asset(
        name=DAILY_VIDEO_VIEWS.name, key_prefix="video", partitions_def=DAILY, metadata=BY_DATE
    )
    def broken() -> DataFrame:
        def fail(_: Any) -> Any:
            raise ValueError("odd row")
            yield

        rows = frame(spark, views("b", 1))
        return rows.mapInArrow(fail, rows.schema)

    with pytest.raises(TableError, match=r"daily_video_views .*nothing was committed.*odd row"):
        run(broken, **one_day(1))
    assert stored_days(warehouse) == [("a", 1), ("a", 2)]


@pytest.mark.parametrize(
    ("name", "expression", "message"),
    [
        ("unheard_of", "date", "video/unheard_of: no such table is declared"),
        (
            DAILY_VIDEO_VIEWS.name,
            "day",
            "partition_expr is 'day', the table is partitioned by 'date'",
        ),
    ],
)
def test_an_asset_that_fits_no_declared_table_is_refused(
    spark: SparkSession, run: Any, name: str, expression: str, message: str
) -> None:
    @dg.asset(
        name=name,
        key_prefix="video",
        partitions_def=DAILY,
        metadata={"partition_expr": expression},
    )
    def unfit() -> DataFrame:
        return frame(spark, [])

    with pytest.raises(TableError, match=message):
        run(unfit, **one_day(1))


def test_partitions_of_hours_are_refused(spark: SparkSession, run: Any) -> None:
    @dg.asset(
        name=DAILY_VIDEO_VIEWS.name,
        key_prefix="video",
        partitions_def=dg.HourlyPartitionsDefinition("2025-01-01-00:00"),
        metadata=BY_DATE,
    )
    def hourly() -> DataFrame:
        return frame(spark, [])

    with pytest.raises(TableError, match="are no whole days"):
        run(hourly, partition_key="2025-01-01-05:00")


def test_a_table_that_the_engine_cannot_read_is_named_with_its_path(
    spark: SparkSession, run: Any, warehouse: str
) -> None:
    location = table_location(warehouse, DAILY_VIDEO_VIEWS)
    assets = daily_asset(spark), seen_downstream(spark, [])
    run(assets[0], **one_day(1))
    for log in (Path(location) / "_delta_log").glob("*.json"):
        log.write_text("not a log\n")
    with pytest.raises(TableError, match=rf"table daily_video_views at {location}"):
        run(*assets, only=REJECTED_DAILY_VIEWS.name, **one_day(1))


@pytest.mark.parametrize(
    ("warehouse", "provider"),
    [
        ("data/warehouse", "local"),
        ("s3://bucket/warehouse", "s3"),
        ("abfss://c@account.dfs.core.windows.net/x", "azure"),
        ("gs://bucket/x", "gcs"),
    ],
)
def test_the_storage_follows_from_the_warehouse(warehouse: str, provider: str) -> None:
    manager = build_io_manager(warehouse, Engine(), TABLES)
    assert isinstance(manager, VideoDeltaIOManager)
    assert manager.storage_options.provider == provider


def test_the_loaded_table_is_a_delta_table(spark: SparkSession, run: Any, warehouse: str) -> None:
    run(daily_asset(spark), **one_day(1))
    assert DeltaTable.is_deltatable(table_location(warehouse, DAILY_VIDEO_VIEWS))


def test_each_day_of_a_range_reports_its_own_rows(spark: SparkSession, run: Any) -> None:
    result = run(daily_asset(spark), **days_tags(1, 3))
    events = result.asset_materializations_for_node(f"video__{DAILY_VIDEO_VIEWS.name}")
    rows = {event.partition: event.metadata["dagster/row_count"].value for event in events}
    assert rows == {str(day(number)): 1 for number in (1, 2, 3)}
