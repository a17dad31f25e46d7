import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster import ExecuteInProcessResult
from pyspark.sql import DataFrame
from support import forked
from support.checks import Checked, event, events, session
from support.platform import Platform, print_check_alone
from support.tables import day, frame

from asset_checks.definitions import build_checks
from video_assets.catalog import ENGAGEMENT as GROUP
from video_assets.catalog import asset_key, declared
from video_assets.engagement.assets import engagement_asset, video_metadata_asset
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS

START = date(2025, 1, 1)


@pytest.fixture
def platform(checked: Checked, tmp_path: Path) -> Iterator[Platform]:
    checked.settings = checked.settings.model_copy(
        update={"events": str(tmp_path / "events"), "video_metadata": None}
    )
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(checked, instance)


def materialized(run: ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.path[-1] for event in run.get_asset_materialization_events()}


def said(run: ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        f"{one.asset_key.path[-1]}:{one.check_name}": one
        for one in run.get_asset_check_evaluations()
    }


def failing(run: ExecuteInProcessResult) -> set[str]:
    return {name for name, one in said(run).items() if not one.passed}


def deliver(platform: Platform, *rows: dict[str, object]) -> None:
    folder = Path(platform.settings.events)
    folder.mkdir(exist_ok=True)
    kept = [{k: v for k, v in row.items() if k != "eventDate"} for row in rows]
    pq.write_table(pa.Table.from_pylist(kept), folder / "events.parquet")


GOOD = [*events(1, 3), *events(2, 4), *events(3, 3)]
WRONG_DAY = [*events(1, 3), event(2, timestamp=event(4)["timestamp"]), *events(3, 3)]
WARNINGS_OF_LONE_PLAYS = {"aggregated_user_video_engagement:few_flagged_rows"}


@pytest.mark.parametrize("days", [[day(1)], [day(1), day(3)]], ids=["one day", "a range"])
def test_good_data_passes_every_check_in_the_run_that_brings_it(
    platform: Platform, days: list[date]
) -> None:
    deliver(platform, *GOOD)
    run = platform.run(platform.assets(), *days)
    assert run.success
    assert failing(run) == WARNINGS_OF_LONE_PLAYS
    checked = said(run)["raw_events:events_on_their_day"].metadata["checked"].value
    assert checked == ("2025-01-01" if len(days) == 1 else "2025-01-01 to 2025-01-03")
    assert said(run)["raw_events:source_rows_accounted_for"].metadata["checked_rows"].value > 0


@pytest.mark.parametrize(
    ("days", "rows"),
    [([day(2)], WRONG_DAY[3:4]), ([day(1), day(3)], WRONG_DAY)],
    ids=["one day", "a range"],
)
def test_a_wrong_row_stops_everything_downstream_in_the_same_run(
    platform: Platform, days: list[date], rows: list[dict[str, object]]
) -> None:
    run = platform.run(platform.assets_over(rows), *days)
    assert not run.success
    assert materialized(run) == {"raw_events", "video_metadata"}
    [problem] = [one for one in said(run).values() if not one.passed]
    assert problem.check_name == "events_on_their_day"
    assert problem.metadata["days"].value == "2025-01-02"


def test_wrong_sessions_stop_engagement(platform: Platform) -> None:
    platform.checked.raw(*events(1, 1))

    @dg.asset(**declared(SESSIONS, GROUP), partitions_def=platform.daily)
    def sessions() -> DataFrame:
        return frame(platform.checked.spark, [session(1, watchTime=-1.0)], SESSIONS)

    run = platform.run([sessions, video_metadata_asset(), engagement_asset()], day(1))
    assert not run.success
    assert materialized(run) == {"sessions", "video_metadata"}
    assert failing(run) == {
        "sessions:watch_time_not_negative",
        "sessions:unique_within_watch_time",
        "sessions:events_accounted_for",
    }


def test_a_warning_stops_nothing(platform: Platform) -> None:
    deliver(platform, *GOOD)
    run = platform.run(platform.assets(), day(3))
    assert run.success
    assert "sessions:previous_day_present" in failing(run)
    assert "aggregated_user_video_engagement" in materialized(run)


def test_checks_run_alone_look_at_the_whole_table(platform: Platform) -> None:
    platform.checked.raw(*WRONG_DAY)
    platform.checked.sessions(session(1), session(3, watchTime=-1.0, uniqueSecondsWatched=-1.0))
    run = platform.check_alone("events_on_their_day", "watch_time_not_negative")
    assert failing(run) == {
        "raw_events:events_on_their_day",
        "sessions:watch_time_not_negative",
    }
    for one in said(run).values():
        assert one.metadata["checked"].value == "the whole table"


def test_a_check_can_run_without_the_others_of_its_table(platform: Platform) -> None:
    platform.checked.raw(*GOOD)
    run = platform.check_alone("no_null_key")
    assert set(said(run)) == {"raw_events:no_null_key"}


def test_checks_run_alone_in_a_process_that_has_computed_nothing(platform: Platform) -> None:
    platform.checked.raw(*GOOD)
    # A session says in the environment that it is one of Spark Connect.
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("SPARK_")}
    warehouse = platform.settings.warehouse
    done = forked.run(print_check_alone, warehouse, "no_null_key", environment=inherited)
    assert done.stdout.strip() == "no_null_key True", done.stderr[-3_000:]


def test_checks_run_alone_compare_with_what_the_newest_run_reported(platform: Platform) -> None:
    deliver(platform, *GOOD)
    platform.run(platform.assets(), day(1), day(3))
    assert failing(platform.check_alone("source_rows_accounted_for")) == set()
    platform.checked.raw(*events(2, 3))
    run = platform.check_alone("source_rows_accounted_for")
    assert failing(run) == {"raw_events:source_rows_accounted_for"}
    table = said(run)["raw_events:source_rows_accounted_for"].metadata["sample"]
    assert isinstance(table, dg.TableMetadataValue)
    assert table.records[0].data == {"rows": "raw_events", "reported": 10, "found": 9}


def test_every_check_belongs_to_a_declared_table_and_says_what_must_hold() -> None:
    specs = [spec for check in build_checks([]) for spec in check.check_specs]
    assert len({spec.key for spec in specs}) == len(specs)
    assert all(spec.description for spec in specs)
    assert {spec.asset_key for spec in specs} >= {asset_key(ENGAGEMENT), asset_key(SESSIONS)}
