"""The Dagster command line, as a user at the repository's root calls it."""

from datetime import date
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from support.command_line import PLAYER_EVENTS, CommandLine
from support.samples import Sample
from support.world import Row

from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.sample_data.worked_example import USER

pytestmark = pytest.mark.processes

SCREEN = 24
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
    done = command_line.call("check", "defs", "--no-check-yaml")
    assert done.returncode == 0, done.stderr[-5_000:]
    assert "All definitions loaded successfully" in done.stdout


@pytest.fixture(scope="module")
def said_of_the_first_day(command_line: CommandLine, sample: Sample) -> list[str]:
    """What a run of it prints, without the times."""
    first = str(sample.spec.first_day)
    done = command_line.call("launch", "--assets", PLAYER_EVENTS, "--partition", first)
    assert done.returncode == 0, done.stderr[-5_000:]
    return [line.partition(" ")[2] for line in done.stderr.splitlines()]


def test_a_run_says_on_a_screen_what_it_read_wrote_and_refused(
    said_of_the_first_day: list[str],
) -> None:
    beginnings = ("player_events: reading ", "raw_events: ", "rejected_events: ", "warning: check ")
    for beginning in beginnings:
        assert any(line.startswith(beginning) for line in said_of_the_first_day), beginning
    assert len(said_of_the_first_day) <= SCREEN


@pytest.mark.usefixtures("said_of_the_first_day")
def test_a_day_then_a_range_that_holds_it(command_line: CommandLine, sample: Sample) -> None:
    first, second, last = sample.spec.event_days
    assert days_of(command_line.rows(SESSIONS), "sessionDate") == {first}
    assert worked_example(command_line.rows(ENGAGEMENT)) == WORKED_EXAMPLE

    done = command_line.launch(PLAYER_EVENTS, "--partition-range", f"{first}...{last}")
    assert done.returncode == 0, done.stderr[-5_000:]
    assert days_of(command_line.rows(RAW_EVENTS), "eventDate") == {first, second, last}
    assert days_of(command_line.rows(SESSIONS), "sessionDate") == {first, second, last}
    assert len(command_line.rows(RAW_EVENTS)) == sample.summary.events.distinct
    assert worked_example(command_line.rows(ENGAGEMENT)) == WORKED_EXAMPLE
    known = {str(day) for day in sample.spec.event_days}
    assert command_line.days_that_dagster_knows(RAW_EVENTS) == known
    assert command_line.days_that_dagster_knows(SESSIONS) == known


def refused(done: CompletedProcess[str]) -> str:
    """What a command says that ended before a run began."""
    assert done.returncode != 0
    [said] = done.stderr.splitlines()
    return said


def test_a_wrong_setting_stops_the_command_with_its_name(command_line: CommandLine) -> None:
    done = command_line.launch(PLAYER_EVENTS, "--partition", "2025-01-01", SESSION_TIMEOUT="soon")
    assert refused(done).startswith("Error: VIDEO_ASSETS_SESSION_TIMEOUT = 'soon'")


def test_a_day_that_no_partition_has_stops_the_command_with_the_setting(
    command_line: CommandLine,
) -> None:
    said = refused(command_line.launch(PLAYER_EVENTS, "--partition", "2024-12-31"))
    assert said.startswith("Error: 2024-12-31 lies before VIDEO_ASSETS_START_DATE")


def test_a_wrong_path_ends_in_three_lines(command_line: CommandLine, sample: Sample) -> None:
    day = ("--partition", str(sample.spec.first_day))
    done = command_line.launch('key:"video/raw_events"', *day, EVENTS="/nowhere/*.parquet")
    failed, run, error = done.stderr.splitlines()
    assert done.returncode != 0
    assert "player_events failed: /nowhere/*.parquet: no file matches this glob" in failed
    assert "the run failed; its whole log is in the UI" in run
    assert error == "Error: Materialization failed."


def test_a_table_that_was_never_written_stops_the_command_with_its_name(
    command_line: CommandLine,
) -> None:
    empty = {"WAREHOUSE": str(command_line.folder / "empty")}
    done = command_line.launch('key:"video/monthly_views"', "--partition", "2025-01-01", **empty)
    assert done.returncode != 0
    assert "Materialize the asset video/daily_video_views first" in done.stderr


def test_a_day_of_refusals_stops_the_command_with_its_reason(
    command_line: CommandLine, sample: Sample
) -> None:
    wrong = {"EVENT_NAMES": '{"video_play": "ignore"}', "EVENTS_TIME_ZONE": "UTC"}
    wrong["WAREHOUSE"] = str(command_line.folder / "refused")
    wrong["EVENTS_COLUMNS"] = '{"eventName": "userId", "userId": "eventName"}'
    day = ("--partition", str(sample.spec.first_day))
    done = command_line.launch('key:"video/raw_events"', *day, **wrong)
    assert done.returncode != 0
    assert "1 of 1 days of raw_events stay as they were" in done.stderr
    assert "unknown_event" in done.stderr


@pytest.mark.parametrize("options", [(), ("--partition", "2025-01-01")])
def test_a_misspelt_selection_starts_no_run_of_everything(
    command_line: CommandLine, options: tuple[str, ...]
) -> None:
    done = command_line.launch("group:player_event", *options)
    assert done.returncode != 0
    said = done.stderr.strip().splitlines()
    assert [
        line.startswith("Error: no asset is selected by group:player_event") for line in said
    ] == [True]


def test_a_job_of_days_that_is_started_without_one_says_so(command_line: CommandLine) -> None:
    done = command_line.call("launch", "--job", "daily")
    assert "the run names no day: name one, as --partition DAY" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_home_a_run_says_that_nothing_knows_of_it(
    command_line: CommandLine, sample: Sample, tmp_path: Path
) -> None:
    homeless = CommandLine(tmp_path, {**command_line.settings, "WAREHOUSE": str(tmp_path / "w")})
    day = str(sample.spec.first_day)
    done = homeless.call(
        *("launch", "--assets", 'key:"video/raw_events"', "--partition", day), has_home=False
    )
    assert done.returncode == 0, done.stderr[-5_000:]
    assert done.stderr.count("DAGSTER_HOME is not set: tables are written, but no page") == 1
    assert "STEP_START" not in done.stderr
    assert len(done.stderr.splitlines()) < SCREEN
