"""Deliveries as they come, by Dagster's command line: what is written, and what is said."""

import json
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from dagster._cli import cli
from support.command_line import MODULE, CommandLine
from support.source_files import DAILY_VIEW, EVENT, write

from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATES
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS

Row = dict[str, Any]
Line = Callable[..., CommandLine]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    def with_settings(**settings: str) -> CommandLine:
        paths = {"EVENTS": "events", "DAILY_VIEWS": "views", "WAREHOUSE": "warehouse"}
        ours = {name: str(tmp_path / path) for name, path in paths.items()}
        return CommandLine.at(
            tmp_path, **ours | {"VIDEO_METADATA": "", "START_DATE": "2025-01-01"} | settings
        )

    return with_settings


def run(line: CommandLine, select: str, first: str = "", last: str = "", **settings: str) -> Result:
    """What the command prints and ends with, without the start of a process."""
    days = ["--partition-range", f"{first}...{last}"] if last else ["--partition", first]
    chosen = ["--select", select, *(days if first else [])]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in {**line.settings, **settings}.items():
            patch.setenv(f"VIDEO_ASSETS_{name}", value)
        patch.setenv("DAGSTER_HOME", str(line.home))
        return CliRunner().invoke(cli, ["asset", "materialize", *MODULE, *chosen])


def event(day: date | int, second: int = 0, **changed: Any) -> Row:
    text = f"2025-01-{day:02}" if isinstance(day, int) else str(day)
    return EVENT | {"timestamp": f"{text}T10:00:{second:02}Z"} | changed


def days_of(line: CommandLine) -> list[int]:
    return sorted(row["eventDate"].day for row in line.rows(RAW_EVENTS))


def test_rows_before_the_first_day_wait_and_are_warned_of(line: Line, tmp_path: Path) -> None:
    events = line(START_DATE="2025-01-02")
    rows = [event(1), event(1, 1), *(event(2, second) for second in range(6))]
    write(tmp_path / "events/a.json", rows)
    assert run(events, "video/raw_events", "2025-01-02").exit_code == 0
    [file] = events.rows(SOURCE_FILES)
    assert (file["rowCount"], file["validRows"], file["waitingRows"]) == (8, 6, 2)
    assert run(events, "video/source_files").exit_code == 0
    assert "no_row_outside_partitions" in events.failed_checks(SOURCE_FILES)


def test_more_of_a_computed_day_is_said_to_be_stale(line: Line, tmp_path: Path) -> None:
    events = line()
    write(tmp_path / "events/a.json", [event(2)])
    run(events, "video/raw_events", "2025-01-02")
    write(tmp_path / "events/b.json", [event(2, 1)])
    run(events, "video/source_files")
    assert "no_stale_day" in events.failed_checks(SOURCE_FILES)
    run(events, "video/raw_events", "2025-01-02")
    assert days_of(events) == [2, 2]
    run(events, "video/source_files")
    assert "no_stale_day" not in events.failed_checks(SOURCE_FILES)


def test_the_next_day_s_folder_is_read_where_arrival_decides(line: Line, tmp_path: Path) -> None:
    events = line(EVENTS=str(tmp_path / "events/{date}"), ARRIVAL_DAYS="1")
    late = EVENT | {"timestamp": "2025-01-01T23:59:50Z", "eventName": "video_pause"}
    write(tmp_path / "events/2025-01-01/a.json", [event(1)])
    write(tmp_path / "events/2025-01-02/a.json", [late, event(2)])
    assert run(events, "video/raw_events", "2025-01-01", "2025-01-02").exit_code == 0
    assert days_of(events) == [1, 1, 2]


def test_times_in_another_unit_are_an_error_that_keeps_the_good_rows(
    line: Line, tmp_path: Path
) -> None:
    events = line(EVENTS_TIMESTAMP_UNIT="s")
    times = [datetime(2025, 1, day, tzinfo=UTC).timestamp() for day in range(1, 6)]
    write(tmp_path / "events/a.json", [EVENT | {"timestamp": int(time)} for time in times])
    assert run(events, "video/raw_events", "2025-01-01", "2025-01-05").exit_code == 0
    wrong = run(events, "video/raw_events", "2025-01-01", "2025-01-05", EVENTS_TIMESTAMP_UNIT="ms")
    assert wrong.exit_code != 0
    assert "1970-01-21" in wrong.stderr
    assert "as seconds" in wrong.stderr
    assert days_of(events) == [1, 2, 3, 4, 5]


def test_many_objects_on_a_line_are_all_read(line: Line, tmp_path: Path) -> None:
    events = line()
    on_a_line = "".join(json.dumps(event(1, userId=f"u{n}")) for n in range(5_000))
    lines = [json.dumps(event(1, userId=f"w{n}")) for n in range(100)]
    (tmp_path / "events").mkdir()
    (tmp_path / "events/firehose.json").write_text("\n".join([on_a_line, *lines, ""]), "utf-8")
    assert run(events, "video/raw_events", "2025-01-01").exit_code == 0
    assert len(events.rows(RAW_EVENTS)) == 5_100


def test_a_platform_that_is_late_is_said_to_be_overdue(line: Line, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    late, asked = today - timedelta(days=4), today - timedelta(days=2)
    platform = line(START_DATE=str(today - timedelta(days=30)))
    write(tmp_path / "events/a.json", [event(late)])
    write(tmp_path / "views/a.json", [DAILY_VIEW | {"date": str(late)}])
    for table in (RAW_EVENTS, DAILY_VIDEO_VIEWS):
        name = f"video/{table.name}"
        assert run(platform, name, str(late)).exit_code == 0
        assert run(platform, name, str(asked)).exit_code == 0
        assert "delivered_in_time" in platform.failed_checks(table)
    assert run(platform, "video/missing_dates").exit_code == 0
    assert "as_of_date_moves" in platform.failed_checks(MISSING_DATES)


def test_sessions_of_a_day_whose_events_were_never_loaded_are_an_error(
    line: Line, tmp_path: Path
) -> None:
    events = line()
    write(tmp_path / "events/a.json", [event(1), event(3)])
    assert run(events, "video/raw_events", "2025-01-03").exit_code == 0
    sessions = run(events, "video/sessions", "2025-01-01")
    assert sessions.exit_code != 0
    assert "1 of 1 days of sessions stay as they were: 2025-01-01" in sessions.stderr
    assert "video/raw_events" in sessions.stderr


def test_of_a_range_with_a_day_without_a_file_the_others_are_written(
    line: Line, tmp_path: Path
) -> None:
    events = line(EVENTS=str(tmp_path / "events/{date}.json"))
    for day in (*range(1, 7), *range(8, 13)):
        write(tmp_path / f"events/2025-01-{day:02}.json", [event(day)])
    range_run = run(events, "video/raw_events", "2025-01-01", "2025-01-12")
    assert range_run.exit_code != 0
    assert "1 of 12 days of raw_events stay as they were: 2025-01-07" in range_run.stderr
    assert days_of(events) == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12]


def test_of_a_folder_a_day_more_reads_only_the_files_with_rows_of_that_day(
    line: Line, tmp_path: Path
) -> None:
    events = line()
    for day in range(1, 21):
        write(tmp_path / f"events/part-{day:02}.json", [event(day)])
    assert run(events, "video/raw_events", "2025-01-01", "2025-01-20").exit_code == 0
    write(tmp_path / "events/part-21.json", [event(21), event(22)])
    another = run(events, "video/raw_events", "2025-01-21")
    assert another.exit_code == 0
    assert "in 1 files: " in another.stderr
    assert "part-21.json" in another.stderr
    assert days_of(events) == [*range(1, 22)]


def test_a_damaged_file_costs_a_range_its_days_alone(line: Line, tmp_path: Path) -> None:
    events = line()
    for day in range(1, 6):
        write(tmp_path / f"events/part-{day}.json.gz", [event(day)])
    damaged = tmp_path / "events/part-3.json.gz"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    range_run = run(events, "video/raw_events", "2025-01-01", "2025-01-05")
    assert range_run.exit_code != 0
    assert "1 of 5 days of raw_events stay as they were: 2025-01-03" in range_run.stderr
    assert str(damaged) in range_run.stderr
    assert days_of(events) == [1, 2, 4, 5]


def test_an_unreadable_text_among_times_costs_its_row_alone(line: Line, tmp_path: Path) -> None:
    events = line()
    times = pa.array([b"2025-01-01T10:00:00Z", b"\xff\xfe", b"2025-01-01T10:00:01Z"], pa.binary())
    others = {name: [value] * 3 for name, value in EVENT.items() if name != "timestamp"}
    table = pa.table({"timestamp": times.view(pa.string()), **others})
    (tmp_path / "events").mkdir()
    pq.write_table(table, tmp_path / "events/a.parquet")
    assert run(events, "video/raw_events", "2025-01-01").exit_code == 0
    assert days_of(events) == [1, 1]
    assert len(events.rows(REJECTED_EVENTS)) == 1


def test_a_day_of_refusals_and_an_unknown_upstream_end_with_a_line_that_says_so(
    line: Line, tmp_path: Path
) -> None:
    platform = line()
    never = run(platform, "video/missing_dates")
    assert never.exit_code != 0
    assert "Materialize the asset video/daily_video_views first" in never.stderr
    good = DAILY_VIEW | {"date": "2025-01-01"}
    write(tmp_path / "views/a.json", [good])
    assert run(platform, "video/daily_video_views", "2025-01-01").exit_code == 0
    write(tmp_path / "views/a.json", [good | {"viewCount": "many"}])
    refused = run(platform, "video/daily_video_views", "2025-01-01")
    assert refused.exit_code != 0
    assert len(platform.rows(DAILY_VIDEO_VIEWS)) == 1
    assert "1 of 1 days of daily_video_views stay as they were" in refused.stderr
