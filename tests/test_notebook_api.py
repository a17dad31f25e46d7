"""`VideoEngagementAggregator`, against the rules said once more and on real Delta tables."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import DataFrame, SparkSession
from support import oracle
from support.events import DAY, START, ended, pause, play, resume, to_table
from support.oracle import Event
from support.tables import frame

from video_assets.engagement.tables import ENGAGEMENT
from video_assets.notebook import KEY, UNIQUE_COLUMNS, InputTableError, VideoEngagementAggregator
from video_assets.rules import WatchTimeRules
from video_assets.sample_data.worked_example import worked_example

RULES = WatchTimeRules()
FIRST = START.date()
Row = dict[str, Any]

EVENTS = [
    play(0, at=0),
    pause(30, at=30),
    resume(30, at=35),
    pause(120, at=125),
    resume(110, at=130),
    pause(120, at=140),
    play(0, at=DAY, session="s2"),
    ended(180, at=DAY + 180, session="s2"),
    play(0, at=14 * 3600 - 120, user="anna", session="a1"),
    ended(240, at=14 * 3600 + 120, user="anna", session="a1"),
    play(5, at=DAY, user="anna", session="a2", video="v2"),
    pause(65, at=DAY + 60, user="anna", session="a2", video="v2"),
]
METADATA = pa.table({"videoId": ["v1", "v1"], "duration": [240.0, None], "title": ["One", "Eins"]})

Notebook = Callable[..., VideoEngagementAggregator]


@pytest.fixture
def notebook(spark: SparkSession, tmp_path: Path) -> Notebook:
    """A notebook over some events and the metadata of v1."""

    def over(
        events: Sequence[Event] | pa.Table = EVENTS, output: str = "", **options: Any
    ) -> VideoEngagementAggregator:
        rows = events if isinstance(events, pa.Table) else to_table(events)
        for name, table in (("events", rows), ("metadata", METADATA)):
            write_deltalake(tmp_path / name, table, mode="overwrite", schema_mode="overwrite")
        return VideoEngagementAggregator(
            spark,
            str(tmp_path / "events"),
            output or str(tmp_path / "output"),
            str(tmp_path / "metadata"),
            **options,
        )

    return over


def rows_of(df: DataFrame) -> dict[tuple[str, str], Row]:
    rows = df.toArrow().to_pylist()
    found = {(row["userId"], row["videoId"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def stored(notebook: VideoEngagementAggregator) -> dict[tuple[str, str], Row]:
    rows = pa.table(DeltaTable(notebook.output_table).scan().read_all()).to_pylist()
    found = {(row["userId"], row["videoId"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def expected(events: Iterable[Event]) -> dict[tuple[str, str], Row]:
    measures = oracle.engagement_measures(
        oracle.session_rows(events, RULES), {"v1": 240.0}, {"v1": "One"}, RULES
    )
    return {(row["userId"], row["videoId"]): row for row in measures}


def engaged(spark: SparkSession, user: str, watched: float = 20.0, **changed: Any) -> DataFrame:
    """A result with one row, of video v1."""
    row = {
        **dict.fromkeys((c.name for c in ENGAGEMENT.columns if c.type == pa.int64()), 0),
        **dict.fromkeys((c.name for c in ENGAGEMENT.columns if c.type == pa.float64()), 0.0),
        **dict.fromkeys((c.name for c in ENGAGEMENT.columns if c.type == pa.bool_()), False),
        **dict.fromkeys(("firstWatchDate", "lastWatchDate", "processedAt"), START),
        "userId": user,
        "videoId": "v1",
        "videoTitle": "One",
        "engagementTier": "Low",
        "dataQualityFlag": "ok",
        "totalWatchTime": watched,
        **changed,
    }
    return frame(spark, [row], ENGAGEMENT)


def about(row: Row) -> Any:
    return pytest.approx(row, abs=1e-9)


def numbers(row: Row) -> Row:
    return {name: value for name, value in row.items() if isinstance(value, float)}


def test_all_events_give_the_rows_of_the_rules(notebook: Notebook) -> None:
    found, wanted = rows_of(notebook().run_aggregation()), expected(EVENTS)
    assert found.keys() == wanted.keys()
    for pair, row in wanted.items():
        mine = {name: found[pair][name] for name in row}
        assert numbers(mine) == about(numbers(row))
        others = row.keys() - numbers(row).keys()
        assert {n: mine[n] for n in others} == {n: row[n] for n in others}


def test_the_result_has_the_declared_columns(notebook: Notebook) -> None:
    assert notebook().run_aggregation().columns == list(ENGAGEMENT.column_names)


def test_the_worked_example_comes_out_as_specified(notebook: Notebook) -> None:
    result = notebook(worked_example(FIRST)).run_aggregation()
    [row] = rows_of(result).values()
    assert (row["totalWatchTime"], row["totalUniqueSecondsWatched"]) == (130, 120)
    assert (row["videoDuration"], row["isDurationEstimated"]) == (120, True)


@pytest.mark.parametrize("days", [(FIRST, None), (None, FIRST + timedelta(days=1))])
def test_the_first_day_counts_and_the_end_day_does_not(
    notebook: Notebook, days: tuple[date | None, date | None]
) -> None:
    found = rows_of(notebook().run_aggregation(*days))
    start, end = days
    whole = [e for e in EVENTS if e.userId == "peter"]
    kept = [e for e in whole if (start or date.min) <= e.day < (end or date.max)]
    row = found["peter", "v1"]
    assert row["totalWatchTime"] == expected(kept)["peter", "v1"]["totalWatchTime"]


def test_a_session_that_began_the_day_before_goes_on(notebook: Notebook) -> None:
    second = (FIRST + timedelta(days=1)).isoformat()
    row = rows_of(notebook().run_aggregation(second))["anna", "v1"]
    assert (row["totalWatchTime"], row["avgSessionDuration"]) == (240, 240)


def test_both_methods_give_the_same_rows(notebook: Notebook) -> None:
    over = notebook()
    efficient, other = (
        over.run_aggregation(use_efficient_method=efficient).drop("processedAt")
        for efficient in (True, False)
    )
    assert rows_of(efficient) == rows_of(other)


def test_without_unique_seconds_only_these_columns_are_null(notebook: Notebook) -> None:
    over = notebook()
    found = rows_of(over.run_aggregation(calculate_unique_seconds=False).drop("processedAt"))
    wanted = rows_of(over.run_aggregation().drop("processedAt"))
    assert found == {p: row | dict.fromkeys(UNIQUE_COLUMNS) for p, row in wanted.items()}


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (("2025-03-11", "2025-03-11"), "end_date is exclusive"),
        (("11.03.2025", None), "start_date '11.03.2025': write a day as YYYY-MM-DD"),
        ((None, datetime(2025, 3, 11, 12, tzinfo=UTC)), "only whole UTC days"),
    ],
)
def test_days_that_are_none_are_refused(
    notebook: Notebook, days: tuple[Any, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        notebook().run_aggregation(*days)


def test_days_without_events_give_no_rows(notebook: Notebook) -> None:
    assert rows_of(notebook().run_aggregation("2024-01-01", "2024-02-01")) == {}


def test_rows_that_are_no_events_are_left_out_and_counted(notebook: Notebook) -> None:
    good = to_table(EVENTS).to_pylist()
    bad = [
        {**good[0], "userId": None},
        {**good[0], "videoId": ""},
        {**good[0], "eventName": "seek"},
        {**good[0], "currentTime": -1.0},
        {**good[0], "currentTime": float("nan")},
        {**good[0], "timestamp": None},
    ]
    schema = pa.schema([f.with_nullable(True) for f in to_table(EVENTS).schema])  # noqa: FBT003 (Arrow's signature)
    over = notebook(pa.Table.from_pylist([*bad, *good, *bad], schema=schema))
    with pytest.warns(UserWarning, match="12 of 24 rows are no valid events") as told:
        found = rows_of(over.run_aggregation().drop("processedAt"))
    assert "2 missing_position, 2 missing_timestamp, 2 missing_user" in str(told[0].message)
    assert found == rows_of(notebook().run_aggregation().drop("processedAt"))


def test_a_missing_column_is_named_with_those_that_exist(notebook: Notebook) -> None:
    over = notebook(to_table(EVENTS).rename_columns({"currentTime": "position"}))
    with pytest.raises(InputTableError, match=r"no column currentTime; it has .*position"):
        over.run_aggregation()


def test_a_time_that_is_text_is_refused(notebook: Notebook) -> None:
    events = to_table(EVENTS)
    texts = events.set_column(0, "timestamp", events["timestamp"].cast(pa.string()))
    with pytest.raises(InputTableError, match="column timestamp is string, needed is a timestamp"):
        notebook(texts).run_aggregation()


def test_thresholds_can_be_changed(notebook: Notebook) -> None:
    over = notebook(rules=WatchTimeRules(max_segment=60))
    assert rows_of(over.run_aggregation())["peter", "v1"]["totalWatchTime"] == 40


def test_without_metadata_durations_are_estimated(notebook: Notebook) -> None:
    over = notebook()
    over.video_metadata_table = None
    row = rows_of(over.run_aggregation())["peter", "v1"]
    assert (row["videoDuration"], row["isDurationEstimated"]) == (240, True)


def test_metadata_that_names_a_video_twice_counts_its_viewers_once(notebook: Notebook) -> None:
    row = rows_of(notebook().run_aggregation())["peter", "v1"]
    assert (row["videoDuration"], row["totalWatchTime"], row["videoTitle"]) == (240, 310, "One")


def test_results_are_saved_with_the_time_of_saving(notebook: Notebook) -> None:
    over = notebook()
    result = over.run_aggregation()
    before = datetime.now(UTC)
    over.save_results(result)
    found = stored(over)
    assert {row["processedAt"] >= before for row in found.values()} == {True}
    wanted = rows_of(result)
    assert found == {
        pair: row | {"processedAt": found[pair]["processedAt"]} for pair, row in wanted.items()
    }


def test_overwrite_replaces_rows_and_partitions(notebook: Notebook, spark: SparkSession) -> None:
    over = notebook()
    over.save_results(engaged(spark, "anna"), partition_by="engagementTier")
    assert DeltaTable(over.output_table).metadata().partition_columns == ["engagementTier"]
    over.save_results(engaged(spark, "peter"))
    assert DeltaTable(over.output_table).metadata().partition_columns == []
    assert stored(over).keys() == {("peter", "v1")}


def test_merge_replaces_known_rows_and_keeps_the_others(
    notebook: Notebook, spark: SparkSession
) -> None:
    over = notebook()
    both = engaged(spark, "anna", 1).unionByName(engaged(spark, "peter", 2))
    over.save_results(both, mode="merge", partition_by=["engagementTier"])
    new = engaged(spark, "peter", 3).unionByName(engaged(spark, "zoe", 4))
    over.save_results(new, mode="merge")
    watched = {user: row["totalWatchTime"] for (user, _), row in stored(over).items()}
    assert watched == {"anna": 1, "peter": 3, "zoe": 4}
    assert DeltaTable(over.output_table).metadata().partition_columns == ["engagementTier"]


def test_append_adds_new_rows(notebook: Notebook, spark: SparkSession) -> None:
    over = notebook()
    over.save_results(engaged(spark, "anna"), mode="append")
    over.save_results(engaged(spark, "peter"), mode="append")
    assert stored(over).keys() == {("anna", "v1"), ("peter", "v1")}


def test_append_of_a_known_user_and_video_merges_and_says_so(
    notebook: Notebook, spark: SparkSession
) -> None:
    over = notebook()
    over.save_results(engaged(spark, "anna", 1).unionByName(engaged(spark, "peter", 1)))
    new = engaged(spark, "peter", 2).unionByName(engaged(spark, "zoe", 2))
    with pytest.warns(UserWarning, match=r"^1 of the users and videos are in .* already"):
        over.save_results(new, mode="append")
    watched = {user: row["totalWatchTime"] for (user, _), row in stored(over).items()}
    assert watched == {"anna": 1, "peter": 2, "zoe": 2}


def test_a_save_is_one_commit(notebook: Notebook, spark: SparkSession) -> None:
    over = notebook()
    over.save_results(engaged(spark, "anna"))
    versions = [DeltaTable(over.output_table).version()]
    for _ in range(2):
        over.save_results(engaged(spark, "anna"), mode="merge")
        versions.append(DeltaTable(over.output_table).version())
    assert versions == [0, 1, 2]


def test_results_with_and_without_unique_seconds_share_a_table(notebook: Notebook) -> None:
    over = notebook()
    over.save_results(over.run_aggregation(end_date=FIRST + timedelta(days=1)))
    over.save_results(over.run_aggregation(calculate_unique_seconds=False), mode="merge")
    assert {row["uniqueWatchPercentage"] for row in stored(over).values()} == {None}


@pytest.mark.parametrize("mode", ["overwrite", "append", "merge"])
def test_a_table_of_the_catalog_is_saved_like_a_path(
    notebook: Notebook,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: Any,
) -> None:
    monkeypatch.chdir(tmp_path)  # where the embedded engine keeps the tables of its catalog
    over = notebook(output=f"saved_by_{mode}")
    over.save_results(engaged(spark, "anna"), mode=mode)
    over.save_results(engaged(spark, "peter", 2), mode=mode)
    users = {row["userId"] for row in spark.table(over.output_table).collect()}
    assert users == ({"peter"} if mode == "overwrite" else {"anna", "peter"})
    spark.sql(f"DROP TABLE saved_by_{mode}")


def test_the_input_may_be_a_table_of_the_catalog(notebook: Notebook, spark: SparkSession) -> None:
    over = notebook()
    spark.read.format("delta").load(over.input_table).createOrReplaceTempView("player_events")
    by_path = rows_of(over.run_aggregation().drop("processedAt"))
    over.input_table = "player_events"
    assert rows_of(over.run_aggregation().drop("processedAt")) == by_path


def test_a_folder_may_have_any_name(
    notebook: Notebook, spark: SparkSession, tmp_path: Path
) -> None:
    over = notebook(output=str(tmp_path / "gespeicherte Zeilen" / "für 100 %"))
    for user in ("anna", "peter"):
        over.save_results(engaged(spark, user), mode="append")
    assert stored(over).keys() == {("anna", "v1"), ("peter", "v1")}


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_a_table_that_holds_something_else_stays_as_it_is(
    notebook: Notebook, spark: SparkSession, mode: Any
) -> None:
    over = notebook()
    over.output_table = over.input_table
    with pytest.raises(InputTableError, match="holds something else: its columns are timestamp"):
        over.save_results(engaged(spark, "anna"), mode=mode)
    assert DeltaTable(over.input_table).version() == 0


def test_a_mode_that_is_none_is_refused(notebook: Notebook, spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="mode 'upsert': use overwrite, append or merge"):
        notebook().save_results(engaged(spark, "anna"), mode="upsert")  # type: ignore[arg-type]


def test_a_partition_column_that_is_none_is_refused(
    notebook: Notebook, spark: SparkSession
) -> None:
    with pytest.raises(InputTableError, match="partition_by, has no column day"):
        notebook().save_results(engaged(spark, "anna"), partition_by="day")


def test_the_summary_counts_what_is_there(notebook: Notebook, spark: SparkSession) -> None:
    rows = [
        ("anna", 3600.0, 10.0, "High", "ok", "v1"),
        ("anna", 60.0, 20.0, "Low", "ok", "v2"),
        ("peter", -1.0, 40.0, "Low", "very_short_watch", "v1"),
    ]
    df = engaged(spark, "nobody").limit(0)
    for user, watched, share, tier, flag, video in rows:
        df = df.unionByName(
            engaged(
                spark,
                user,
                watched,
                videoId=video,
                watchPercentage=share,
                engagementTier=tier,
                dataQualityFlag=flag,
                isCompletedAtLeastOnce=tier == "High",
            )
        )
    stats = notebook().generate_summary_stats(df)
    assert stats == {
        "users": 2,
        "videos": 2,
        "pairs": 3,
        "tier_counts": {"High": 1, "Medium": 0, "Low": 2, "Minimal": 0},
        "flag_counts": {"ok": 2, "very_short_watch": 1},
        "completion_rate": 33.33,
        "watch_percentage_quartiles": {"q25": 15.0, "q50": 20.0, "q75": 30.0},
        "negative_watch_time": 1,
        "top_videos": [
            {"videoId": "v1", "videoTitle": "One", "watchHours": 3599 / 3600, "viewers": 2},
            {"videoId": "v2", "videoTitle": "One", "watchHours": 60 / 3600, "viewers": 1},
        ],
    }
    printed = dict(re.split("  +", line) for line in str(stats).splitlines())
    assert printed["users"] == "2"
    assert printed["tier_counts: Low"] == "2"
    assert printed["top_videos: 1"] == "v1 One: 1.00 h, 2 viewers"
    assert "<td>v1 One: 1.00 h, 2 viewers</td>" in stats._repr_html_()


def test_the_summary_of_no_rows_says_so(notebook: Notebook, spark: SparkSession) -> None:
    empty = engaged(spark, "nobody").limit(0)
    stats = notebook().generate_summary_stats(empty)
    assert (stats["pairs"], stats["completion_rate"], stats["top_videos"]) == (0, None, [])


def test_the_key_of_a_saved_row_is_user_and_video() -> None:
    assert KEY == ["userId", "videoId"]
