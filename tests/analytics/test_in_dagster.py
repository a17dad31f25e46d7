"""The analysts' tables through Dagster: complete, in agreement with each other, repeatable."""

from collections import Counter
from collections.abc import Iterator

import pytest
from support.samples import Sample
from support.tables import in_order
from support.world import TABLES, Run, World, world

from resources.delta.table import Table
from video_assets.analytics.tables import (
    ANALYTICS_TABLES,
    DAILY_ANALYTICS_TABLES,
    USER_ENGAGEMENT,
    VIDEO_ENGAGEMENT_BI,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
    VIEWER_COHORTS,
)
from video_assets.catalog import ANALYTICS, asset_key
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.report.assets import KEY as REPORT


@pytest.fixture(scope="module")
def filled(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = {
        "events": str(sample.folder / "events"),
        "video_metadata": str(sample.folder / "video_metadata.parquet"),
    }
    with world(tmp_path_factory.mktemp("analytics"), **settings) as events:
        first, *_, last = sample.spec.event_days
        events.compute(first, last, tables=TABLES)
        yield events


@pytest.fixture(scope="module")
def ran(filled: World) -> Run:
    return filled.run(tables=ANALYTICS_TABLES)


@pytest.mark.usefixtures("ran")
def test_every_viewer_of_every_video_is_counted_once(filled: World) -> None:
    pairs = filled.rows(ENGAGEMENT)
    videos, users = filled.rows(VIDEO_PERFORMANCE), filled.rows(USER_ENGAGEMENT)
    assert {row["videoId"]: row["viewers"] for row in videos} == Counter(
        row["videoId"] for row in pairs
    )
    assert {row["userId"]: row["videos"] for row in users} == Counter(
        row["userId"] for row in pairs
    )


@pytest.mark.usefixtures("ran")
def test_every_table_adds_up_to_the_watch_time_of_the_sessions(filled: World) -> None:
    seconds = sum(row["watchTime"] for row in filled.rows(SESSIONS))
    hours = sum(row["watchHours"] for row in filled.rows(VIDEO_PERFORMANCE))
    assert hours * 3600 == pytest.approx(seconds, rel=1e-5)
    for table in (USER_ENGAGEMENT, VIEWER_COHORTS):
        found = sum(row["watchSeconds"] for row in filled.rows(table))
        assert found == pytest.approx(seconds, rel=1e-5)


@pytest.mark.usefixtures("ran")
def test_plays_add_up_to_the_play_events(filled: World) -> None:
    plays = sum(row["eventName"] == "video_play" for row in filled.rows(RAW_EVENTS))
    assert sum(row["plays"] for row in filled.rows(VIDEO_PERFORMANCE)) == plays > 0


@pytest.mark.usefixtures("ran")
def test_the_curve_has_one_exit_for_each_viewer_who_watched(filled: World) -> None:
    watched = sum(row["totalUniqueSecondsWatched"] > 0 for row in filled.rows(ENGAGEMENT))
    assert sum(row["exits"] for row in filled.rows(VIDEO_POSITION_CURVE)) == watched > 0


@pytest.mark.usefixtures("ran")
def test_the_curve_agrees_with_the_performance_in_what_a_viewer_is(filled: World) -> None:
    viewers = {row["videoId"]: row["viewers"] for row in filled.rows(VIDEO_PERFORMANCE)}
    curve = filled.rows(VIDEO_POSITION_CURVE)
    assert {row["videoId"] for row in curve} == viewers.keys()
    for row in curve:
        share = 100 * row["viewers"] / viewers[row["videoId"]]
        assert row["audienceRetention"] == pytest.approx(share, abs=0.006)


@pytest.mark.usefixtures("ran")
def test_cohorts_hold_every_user_once(filled: World) -> None:
    first_weeks = [row for row in filled.rows(VIEWER_COHORTS) if row["weeksSince"] == 0]
    users = {row["userId"] for row in filled.rows(SESSIONS)}
    assert sum(row["cohortViewers"] for row in first_weeks) == len(users)


@pytest.mark.usefixtures("ran")
def test_the_report_holds_the_rows_without_a_flag(filled: World) -> None:
    trusted = [row for row in filled.rows(ENGAGEMENT) if row["dataQualityFlag"] == "ok"]
    assert {(row["userId"], row["videoId"]) for row in filled.rows(VIDEO_ENGAGEMENT_BI)} == {
        (row["userId"], row["videoId"]) for row in trusted
    }
    assert len(filled.rows(VIDEO_ENGAGEMENT_BI)) == len(trusted) > 0


@pytest.mark.parametrize("table", ANALYTICS_TABLES, ids=lambda table: table.name)
def test_a_run_reports_its_rows_and_where_the_columns_come_from(
    filled: World, ran: Run, table: Table
) -> None:
    assert ran.counted(table, "rows_written") == len(filled.rows(table))
    lineage = ran.counted(table, "dagster/column_lineage").deps_by_column
    assert lineage.keys() == set(table.column_names)


def test_the_group_of_the_analysts_holds_their_tables_and_the_report(filled: World) -> None:
    specs = filled.definitions.resolve_all_asset_specs()
    of_group = {spec.key for spec in specs if spec.group_name == ANALYTICS}
    tables = (*DAILY_ANALYTICS_TABLES, *ANALYTICS_TABLES)
    assert of_group == {REPORT, *map(asset_key, tables)}


@pytest.mark.usefixtures("ran")
def test_a_second_run_gives_the_same_rows_to_the_last_digit(filled: World) -> None:
    before = {table.name: filled.rows(table) for table in ANALYTICS_TABLES}
    filled.run(tables=ANALYTICS_TABLES)
    for table in ANALYTICS_TABLES:
        assert in_order(filled.rows(table)) == before[table.name]
