"""The Dagster command line, as a user at the repository's root calls it."""

from datetime import date

import pytest
from support.command_line import MODULE, PLAYER_EVENTS, CommandLine
from support.samples import Sample
from support.world import Row

from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.sample_data.worked_example import USER

pytestmark = pytest.mark.processes

WORKED_EXAMPLE = {
    "videoId": "video_001",
    "videoDuration": 300.0,
    "totalWatchTime": 130.0,
    "totalUniqueSecondsWatched": 120.0,
    "maxPositionReached": 120.0,
    "watchPercentage": 43.33,
    "completionPercentage": 40.0,
    "uniqueWatchPercentage": 40.0,
    "sessionCount": 1,
    "completionCount": 0,
    "totalForwardSkips": 0,
    "totalBackwardSkips": 1,
    "engagementScore": 17.17,
    "engagementTier": "Low",
    "dataQualityFlag": "ok",
}


@pytest.fixture(scope="module")
def command_line(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    folder = tmp_path_factory.mktemp("command_line")
    settings = {
        "WAREHOUSE": str(folder / "warehouse"),
        "EVENTS": str(sample.folder / "events"),
        "VIDEO_METADATA": str(sample.folder / "video_metadata.parquet"),
        "START_DATE": sample.spec.first_day.isoformat(),
    }
    return CommandLine.at(folder, **settings)


def days_of(rows: list[Row], column: str) -> set[date]:
    return {row[column] for row in rows}


def worked_example(rows: list[Row]) -> Row:
    [row] = [row for row in rows if row["userId"] == USER]
    return {name: row[name] for name in WORKED_EXAMPLE}


def test_the_definitions_are_valid(command_line: CommandLine) -> None:
    done = command_line.call("definitions", "validate")
    assert done.returncode == 0, done.stderr[-5_000:]
    assert "All code locations passed validation" in done.stderr + done.stdout


def test_a_day_then_a_range_that_holds_it(command_line: CommandLine, sample: Sample) -> None:
    first, second, last = sample.spec.event_days
    command_line.materialize("--partition", str(first))
    assert days_of(command_line.rows(SESSIONS), "sessionDate") == {first}
    assert worked_example(command_line.rows(ENGAGEMENT)) == WORKED_EXAMPLE

    command_line.materialize("--partition-range", f"{first}...{last}")
    assert days_of(command_line.rows(RAW_EVENTS), "eventDate") == {first, second, last}
    assert days_of(command_line.rows(SESSIONS), "sessionDate") == {first, second, last}
    assert len(command_line.rows(RAW_EVENTS)) == sample.summary.events.distinct
    assert worked_example(command_line.rows(ENGAGEMENT)) == WORKED_EXAMPLE
    known = {str(day) for day in sample.spec.event_days}
    assert command_line.days_that_dagster_knows(RAW_EVENTS) == known
    assert command_line.days_that_dagster_knows(SESSIONS) == known


def test_a_wrong_setting_stops_the_command_with_its_name(command_line: CommandLine) -> None:
    day = ("--partition", "2025-01-01")
    select = ("--select", PLAYER_EVENTS)
    wrong = {"SESSION_TIMEOUT": "soon"}
    done = command_line.call("asset", "materialize", *MODULE, *select, *day, **wrong)
    assert done.returncode != 0
    assert "SettingsError: VIDEO_ASSETS_SESSION_TIMEOUT = 'soon'" in done.stderr


def test_a_day_that_no_partition_has_stops_the_command(command_line: CommandLine) -> None:
    select = ("--select", PLAYER_EVENTS)
    done = command_line.call("asset", "materialize", *MODULE, *select, "--partition", "2024-12-31")
    assert done.returncode != 0
    assert "2024-12-31" in done.stderr


def test_a_table_that_was_never_written_stops_the_command_with_its_name(
    command_line: CommandLine,
) -> None:
    month = ("--partition", "2025-01-01")
    select = ("--select", "video/monthly_views")
    empty = {"WAREHOUSE": str(command_line.folder / "empty")}
    done = command_line.call("asset", "materialize", *MODULE, *select, *month, **empty)
    assert done.returncode != 0
    assert "Materialize the asset video/daily_video_views first" in done.stderr


def test_a_day_of_refusals_stops_the_command_with_its_reason(
    command_line: CommandLine, sample: Sample
) -> None:
    day = str(sample.spec.first_day)
    select = ("--select", "video/raw_events")
    wrong = {"EVENT_NAMES": '{"video_play": "ignore"}', "EVENTS_TIME_ZONE": "UTC"}
    wrong["WAREHOUSE"] = str(command_line.folder / "refused")
    wrong["EVENTS_COLUMNS"] = '{"eventName": "userId", "userId": "eventName"}'
    run = ("asset", "materialize", *MODULE, *select, "--partition", day)
    done = command_line.call(*run, **wrong)
    assert done.returncode != 0
    assert "1 of 1 days of raw_events stay as they were" in done.stderr
    assert "unknown_event" in done.stderr
