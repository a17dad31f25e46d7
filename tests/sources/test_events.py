from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from support.source_files import EVENT, read, write

from video_assets.player_events.source_rows import (
    EVENT_ROWS,
    IS_SAMPLED,
    TAGGED_EVENTS,
    UNREADABLE_DURATION,
)
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.tagged import COUNTERS

UNREADABLE_DAY = date(1970, 1, 1)


def test_tagged_events_hold_the_columns_of_both_tables_and_the_count() -> None:
    both = {*RAW_EVENTS.column_names, *REJECTED_EVENTS.column_names, *COUNTERS}
    described = {"videoDuration", "videoTitle", UNREADABLE_DURATION, IS_SAMPLED}
    assert set(TAGGED_EVENTS.names) == both | described
    assert len(TAGGED_EVENTS.names) == len(both | described)
    assert all(field.nullable for field in TAGGED_EVENTS)


def test_a_valid_event_keeps_its_values_and_gets_its_day(tmp_path: Path) -> None:
    (event,) = read(write(tmp_path / "events.json", [EVENT])).valid
    assert {name: event[name] for name in RAW_EVENTS.column_names} == {
        **EVENT,
        "timestamp": datetime(2025, 1, 3, 10, 0, 0, 1, tzinfo=UTC),
        "seekTime": None,
        "eventDate": date(2025, 1, 3),
        "dimensions": None,
        "reportedSeconds": None,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": None}, "missing_timestamp"),
        ({"timestamp": "  "}, "missing_timestamp"),
        ({"timestamp": "soon"}, "unreadable_timestamp"),
        ({"timestamp": "1735898400"}, "unreadable_timestamp"),
        ({"userId": None}, "missing_user"),
        ({"userId": ""}, "missing_user"),
        ({"userId": "   "}, "missing_user"),
        ({"sessionId": None}, "missing_session"),
        ({"videoId": None}, "missing_video"),
        ({"eventName": "video_rewind"}, "unknown_event"),
        ({"eventName": None}, "unknown_event"),
        ({"currentTime": None}, "missing_position"),
        ({"currentTime": ""}, "missing_position"),
        ({"currentTime": "abc"}, "unreadable_position"),
        ({"currentTime": "inf"}, "unreadable_position"),
        ({"currentTime": -0.001}, "negative_position"),
        ({"eventName": "video_seek"}, "missing_position"),
        ({"eventName": "video_seek", "seekTime": ""}, "missing_position"),
        ({"eventName": "video_seek", "seekTime": "abc"}, "unreadable_position"),
        ({"eventName": "video_seek", "seekTime": -0.001}, "negative_position"),
    ],
)
def test_a_row_that_breaks_a_rule_is_rejected_with_the_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = write(tmp_path / "events.json", [EVENT, {**EVENT, **change}])
    outcome = read(path)
    assert len(outcome.valid) == 1
    (row,) = outcome.rejected
    expected_day = UNREADABLE_DAY if reason.endswith("_timestamp") else date(2025, 1, 3)
    assert (row["reason"], row["source"], row["sourceRow"]) == (reason, str(path), 2)
    assert row["eventDate"] == expected_day
    assert row["userId"] is None


def test_the_first_failing_reason_counts(tmp_path: Path) -> None:
    order = {
        "timestamp": "missing_timestamp",
        "userId": "missing_user",
        "sessionId": "missing_session",
        "videoId": "missing_video",
        "eventName": "unknown_event",
        "currentTime": "missing_position",
    }
    names = list(order)
    rows = [{**EVENT, **dict.fromkeys(names[place:], None)} for place in range(len(names))]
    outcome = read(write(tmp_path / "events.json", rows))
    assert [row["reason"] for row in outcome.rejected] == list(order.values())


SEEK = {**EVENT, "eventName": "video_seek", "seekTime": 30.0}


@pytest.mark.parametrize("suffix", ["parquet", "json", "csv"])
def test_a_seek_keeps_where_it_went_and_no_other_event_does(tmp_path: Path, suffix: str) -> None:
    heartbeat = {**SEEK, "eventName": "video_heartbeat"}
    outcome = read(write(tmp_path / f"events.{suffix}", [SEEK, heartbeat]))
    found = {event["eventName"]: event["seekTime"] for event in outcome.valid}
    assert found == {"video_seek": 30.0, "video_heartbeat": None}


@pytest.mark.parametrize("suffix", ["parquet", "json", "csv"])
def test_a_source_without_seeks_needs_no_column_for_them(tmp_path: Path, suffix: str) -> None:
    outcome = read(write(tmp_path / f"events.{suffix}", [EVENT] * 30))
    assert {event["seekTime"] for event in outcome.valid} == {None}


def test_minus_zero_is_a_valid_position_of_zero(tmp_path: Path) -> None:
    (event,) = read(write(tmp_path / "events.json", [{**EVENT, "currentTime": -0.0}])).valid
    assert str(event["currentTime"]) == "0.0"


def test_columns_and_event_names_are_mapped(tmp_path: Path) -> None:
    row = {**EVENT, "ts": EVENT["timestamp"], "eventName": "started"}
    del row["timestamp"]
    path = write(tmp_path / "events.csv", [row, {**row, "eventName": "video_pause"}])
    config = SourceConfig(
        str(path), columns={"ts": "timestamp"}, event_names={"started": "video_play"}
    )
    assert [event["eventName"] for event in read(config).valid] == ["video_play", "video_pause"]


def test_a_mapped_column_wins_over_one_that_has_our_name(tmp_path: Path) -> None:
    path = write(tmp_path / "events.json", [{**EVENT, "viewer": "paul"}])
    (event,) = read(SourceConfig(str(path), columns={"viewer": "userId"})).valid
    assert event["userId"] == "paul"


def dimensions_of(path: Path, **named: tuple[str, ...]) -> list[str | None]:
    config = SourceConfig(str(path), dimensions=named)
    return [row["dimensions"] for row in read(config).valid]


@pytest.mark.parametrize("suffix", [".json", ".parquet", ".csv"])
def test_an_event_has_the_values_of_the_dimensions_that_are_named(
    tmp_path: Path, suffix: str
) -> None:
    rows = [
        {"kind": "tv", "screen": 'a "b"', "other": "x"},
        {"kind": "", "screen": "s"},
        {"kind": None, "screen": " "},
    ]
    path = write(tmp_path / f"events{suffix}", [{**EVENT, "other": None, **row} for row in rows])
    found = dimensions_of(path, device=("kind", "screen"), size=("screen",), none=("nowhere",))
    assert found == [
        '{"device":"tv","size":"a \\"b\\""}',
        '{"device":"s","size":"s"}',
        None,
    ]


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_a_dimension_may_be_a_number_or_true_or_false(tmp_path: Path, suffix: str) -> None:
    row = {**EVENT, "context": {"paid": True, "build": 7, "rate": 1.5}}
    paths = {name: (f"context.{name}",) for name in ("paid", "build", "rate")}
    path = write(tmp_path / f"events{suffix}", [row])
    assert dimensions_of(path, **paths) == ['{"build":"7","paid":"true","rate":"1.5"}']


def test_a_column_of_lists_is_no_dimension(tmp_path: Path) -> None:
    path = write(tmp_path / "events.parquet", [{**EVENT, "tags": ["a", "b"]}])
    with pytest.raises(SourceError, match=r"column .tags. is list.*must be text, numbers, or true"):
        dimensions_of(path, tag=("tags",))


def test_rows_of_other_days_are_not_this_runs(tmp_path: Path) -> None:
    moments = [
        "2025-01-02T23:59:59.999999Z",
        "2025-01-03T00:00:00Z",
        "2025-01-03T23:59:59.999999999Z",
        "2025-01-04T01:59:59+02:00",
        "2025-01-04T00:00:00Z",
    ]
    rows = [{**EVENT, "timestamp": moment} for moment in moments]
    path = write(tmp_path / "events.json", [*rows, {**rows[0], "userId": None}])
    outcome = read(path, EVENT_ROWS, date(2025, 1, 3), date(2025, 1, 4))
    assert len(outcome.valid) == outcome.source_rows == 3


def test_a_row_without_a_readable_time_is_every_runs_and_kept_under_1970(tmp_path: Path) -> None:
    path = write(tmp_path / "events.json", [EVENT, {**EVENT, "timestamp": None}])
    for day in (3, 4):
        outcome = read(path, EVENT_ROWS, date(2025, 1, day), date(2025, 1, day + 1))
        assert [row["eventDate"] for row in outcome.rejected] == [UNREADABLE_DAY]


def test_in_a_file_of_a_day_every_row_is_the_runs_and_kept_under_that_day(
    tmp_path: Path,
) -> None:
    elsewhere = "2025-01-04T00:00:00Z"
    rows = [
        EVENT,
        {**EVENT, "timestamp": elsewhere},
        {**EVENT, "timestamp": elsewhere, "currentTime": -1},
        {**EVENT, "timestamp": None},
    ]
    write(tmp_path / "2025-01-03.json", rows)
    with (tmp_path / "2025-01-03.json").open("ab") as file:
        file.write(b"broken\n")
    outcome = read(f"{tmp_path}/{{date}}.json", EVENT_ROWS, date(2025, 1, 3), date(2025, 1, 4))
    assert len(outcome.valid) == 1
    assert sorted((row["reason"], row["eventDate"]) for row in outcome.rejected) == [
        ("missing_timestamp", date(2025, 1, 3)),
        ("negative_position", date(2025, 1, 3)),
        ("outside_file_day", date(2025, 1, 3)),
        ("unparseable_row", date(2025, 1, 3)),
    ]


def test_names_that_are_mapped_to_ignore_are_counted_and_kept_nowhere(tmp_path: Path) -> None:
    rows = [EVENT, {**EVENT, "eventName": "loaded", "userId": None}, {**EVENT, "eventName": "odd"}]
    for suffix in ("json", "csv", "parquet"):
        path = write(tmp_path / f"events.{suffix}", rows)
        outcome = read(SourceConfig(str(path), event_names={"loaded": "ignore"}))
        assert (len(outcome.valid), outcome.reasons, outcome.ignored) == (1, ["unknown_event"], 1)


def test_all_other_names_may_be_ignored_but_not_a_missing_one(tmp_path: Path) -> None:
    rows = [{**EVENT, "eventName": name} for name in ("video_play", "odd", "", None, "started")]
    config = SourceConfig(
        str(write(tmp_path / "events.parquet", rows)),
        event_names={"started": "video_play"},
        other_names="ignore",
    )
    outcome = read(config)
    assert (len(outcome.valid), outcome.ignored) == (2, 1)
    assert outcome.reasons == ["unknown_event"] * 2


def test_ignored_rows_of_other_days_are_counted_in_their_own_run(tmp_path: Path) -> None:
    rows = [{**EVENT, "eventName": "x", "timestamp": f"2025-01-0{day}"} for day in range(1, 6)]
    config = SourceConfig(str(write(tmp_path / "e.parquet", rows)), other_names="ignore")
    outcome = read(config, first_day=date(2025, 1, 2), end_day=date(2025, 1, 4))
    assert (outcome.ignored, outcome.source_rows) == (2, 2)
