"""A source that cannot be read fails with one clear error, and leaves the old tables whole."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from support.broken_sources import (
    Build,
    Case,
    Reading,
    delta,
    file_behind,
    lone_file,
    nothing,
    rows_without,
)
from support.source_files import csv_bytes, json_bytes, write
from support.steps import Steps
from support.world import DAILY, Row, world

from resources.engine.session import SparkEngine
from video_assets.days import UNDATED
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.sources.errors import SourceError

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 2)
FORMATS = ("parquet", "jsonl", "jsonl.gz", "csv", "csv.gz")


def event(second: int = 0, **changed: Any) -> Row:
    return {
        "timestamp": datetime(2025, 1, 1, 23, 50, tzinfo=UTC) + timedelta(seconds=second),
        "userId": "peter",
        "sessionId": "s1",
        "videoId": "video_001",
        "eventName": "video_play",
        "currentTime": float(second),
    } | changed


# Some of them on each day, and enough of them for any fair look at a file.
EVENTS = [event(60 * minute) for minute in range(25)]
without = partial(rows_without, EVENTS)
second_file = partial(file_behind, EVENTS)


def damaged(build: Build, damage: Callable[[bytes], bytes]) -> Callable[..., Path]:
    def build_damaged(root: Path) -> Path:
        path = build(root)
        path.write_bytes(damage(path.read_bytes()))
        return path

    return build_damaged


def cut_short(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def scribbled_over(content: bytes) -> bytes:
    """In the first page, which only a reader of rows looks into."""
    return content[:60] + b"\xff" * 20 + content[80:]


def delta_without_a_file(root: Path) -> Path:
    delta(EVENTS)(root)
    [path] = root.glob("*.parquet")
    delta(EVENTS)(root)
    path.unlink()
    return path


def empty_file(name: str) -> Build:
    def build(root: Path) -> Path:
        write(root / name, EVENTS).write_bytes(b"")
        return root

    return build


def header_only(root: Path) -> Path:
    path = write(root / "events.csv", EVENTS)
    path.write_bytes(csv_bytes(EVENTS).splitlines(keepends=True)[0])
    return path


def no_rows(root: Path) -> Path:
    path = write(root / "events.parquet", EVENTS)
    pa.parquet.write_table(pa.Table.from_pylist(EVENTS).slice(0, 0), path)
    return path


def empty_folder(root: Path) -> Path:
    root.mkdir(parents=True)
    return root


MISSING = ("'userId'", "'sessionId'", "VIDEO_ASSETS_EVENTS_COLUMNS")
UNREADABLE = ("not a readable Parquet file", "Deliver the file again")
TRUTH_VALUE = [event(currentTime=True)]
NUMBERS = [event(timestamp=1_735_732_800 + n) for n in range(25)]


def damaged_page_header(content: bytes) -> bytes:
    return content[:200] + b"\xff" * 20 + content[220:]


def damaged_delta_log(root: Path) -> Path:
    table = delta(EVENTS)(root)
    (table / "_delta_log" / f"{0:020}.json").write_text('{"bro')
    return table


CASES = {
    **{
        f"no userId in {suffix}": Case(lone_file(f"events.{suffix}", without("userId")), MISSING)
        for suffix in FORMATS
    },
    **{
        f"no userId in a second {suffix}": Case(second_file(suffix, without("userId")), MISSING)
        for suffix in ("parquet", "csv", "csv.gz")
    },
    "no userId in delta": Case(delta(without("userId")), MISSING),
    "parquet cut short": Case(damaged(lone_file("e.parquet", EVENTS), cut_short), UNREADABLE),
    "a second parquet cut short": Case(
        damaged(second_file("parquet", EVENTS), cut_short), UNREADABLE
    ),
    "a second parquet with broken pages": Case(
        damaged(second_file("parquet", EVENTS), scribbled_over), UNREADABLE
    ),
    "csv.gz cut short": Case(
        damaged(lone_file("e.csv.gz", EVENTS), cut_short), ("damaged gzip file",)
    ),
    "a second jsonl.gz cut short": Case(
        damaged(second_file("jsonl.gz", EVENTS), cut_short), ("damaged gzip file",)
    ),
    "empty csv": Case(empty_file("e.csv"), ("holds no rows", "VIDEO_ASSETS_EVENTS")),
    "empty jsonl": Case(empty_file("e.jsonl"), ("holds no rows", "VIDEO_ASSETS_EVENTS")),
    "csv of a header": Case(header_only, ("holds no rows", "VIDEO_ASSETS_EVENTS")),
    "parquet without rows": Case(no_rows, ("holds no rows", "VIDEO_ASSETS_EVENTS")),
    "empty folder": Case(empty_folder, ("without data files", "VIDEO_ASSETS_EVENTS")),
    "no such path": Case(nothing, ("no such file or folder", "VIDEO_ASSETS_EVENTS")),
    "no file of a glob": Case(nothing, ("no file matches",), source="*.csv"),
    "no file of any day": Case(nothing, (f"no file for {FIRST}",), source="{date}.csv"),
    "positions are truth values": Case(
        lone_file("e.parquet", TRUTH_VALUE), ("'currentTime'", "bool", "must be numbers")
    ),
    "positions are truth values in delta": Case(
        delta(TRUTH_VALUE), ("'currentTime'", "bool", "must be numbers")
    ),
    "times are numbers without a unit": Case(
        lone_file("e.parquet", NUMBERS), ("'timestamp'", "int64", "TIMESTAMP_UNIT")
    ),
    "times are numbers without a unit in jsonl": Case(
        lone_file("e.jsonl", NUMBERS), ("'timestamp'", "int64", "TIMESTAMP_UNIT")
    ),
    "times are numbers without a unit in a second parquet": Case(
        second_file("parquet", NUMBERS), ("'timestamp'", "int64", "TIMESTAMP_UNIT")
    ),
    "csv said to be parquet": Case(
        lone_file("e.csv", EVENTS),
        ("not a readable Parquet file", "format"),
        settings={"events_format": "parquet"},
    ),
    "csv said to be json lines": Case(
        lone_file("e.csv", EVENTS),
        ("is a JSON object", "VIDEO_ASSETS_EVENTS_FORMAT"),
        settings={"events_format": "json"},
    ),
    "a second parquet with a damaged page header": Case(
        damaged(second_file("parquet", EVENTS), damaged_page_header), UNREADABLE
    ),
    "delta with a damaged log": Case(damaged_delta_log, ("Delta table cannot be read",)),
    "parquet said to be delta": Case(
        lone_file("e.parquet", EVENTS),
        ("no Delta table", "format"),
        source="e.parquet",
        settings={"events_format": "delta"},
    ),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    root = tmp_path_factory.mktemp("errors")
    good = str(write(root / "good.parquet", [*EVENTS, event(userId=None)]))
    with world(root / "warehouse", events=good, video_metadata=None) as events:
        events.compute(FIRST, LAST)
        yield Reading(events, "events", (FIRST, LAST), (*DAILY, ENGAGEMENT))


@pytest.mark.parametrize("name", CASES)
def test_a_broken_source_fails_with_one_clear_error_and_changes_nothing(
    name: str, filled: Reading, tmp_path: Path
) -> None:
    filled.must_fail(CASES[name], tmp_path / "source")


def test_a_broken_source_fails_the_run_with_its_error_and_changes_nothing(
    filled: Reading, tmp_path: Path
) -> None:
    filled.must_fail_the_run(write(tmp_path / "events.csv", without("userId")), MISSING)


def test_a_broken_source_fails_the_very_first_run_with_its_error(tmp_path: Path) -> None:
    source = write(tmp_path / "events.json", EVENTS)
    source.write_bytes(source.read_bytes().decode().encode("utf-16"))
    settings = Settings(
        warehouse=str(tmp_path / "not_there_yet"),
        events=str(source),
        video_metadata=None,
        start_date=FIRST,
        _env_file=None,
    )
    with pytest.raises(SourceError, match=r"events\.json: is text in UTF-16"):
        Steps(settings, [FIRST, LAST], SparkEngine.from_settings(settings)).compute([RAW_EVENTS])


def test_a_delta_source_that_lost_a_file_fails_by_its_name_and_changes_nothing(
    filled: Reading, tmp_path: Path
) -> None:
    lost = delta_without_a_file(tmp_path / "source")
    before = filled.world.files()
    run = filled.attempt(tmp_path / "source")
    assert not run.succeeded
    assert lost.name in run.error.message
    assert filled.world.files() == before


BAD_ROWS = {
    "missing_timestamp": event(userId="u1", timestamp=None),
    "missing_user": event(sessionId="u2", userId=None),
    "missing_session": event(userId="u3", sessionId=None),
    "missing_video": event(userId="u4", videoId=""),
    "unknown_event": event(userId="u5", eventName="video_stalled"),
    "missing_position": event(userId="u6", currentTime=None),
    "negative_position": event(userId="u7", currentTime=-0.5),
}
MARKS = ("u1", "u2", "u3", "u4", "u5", "u6", "u7")
REPEATED = [*EVENTS, EVENTS[0], EVENTS[0], EVENTS[-1]]
BROKEN_LINE = b'{"userId": "u8", \xff\n'


def text_file(name: str, rows_as_text: Callable[[list[Row]], bytes]) -> Callable[..., Path]:
    """Rows, and one line that is none."""

    def build(root: Path, rows: list[Row]) -> Path:
        content = rows_as_text(rows) + BROKEN_LINE
        root.mkdir()
        (root / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return root / name

    return build


def typed(build: Callable[[list[Row]], Build]) -> Callable[..., Path]:
    return lambda root, rows: build(rows)(root)


TYPED: Mapping[str, Callable[..., Path]] = {
    "parquet": typed(lambda rows: lone_file("events.parquet", rows)),
    "delta": typed(delta),
}
TEXTS: Mapping[str, Callable[..., Path]] = {
    "json lines": text_file("events.jsonl", json_bytes),
    "json lines, gzipped": text_file("events.jsonl.gz", json_bytes),
    "csv": text_file("events.csv", csv_bytes),
    "csv, gzipped": text_file("events.csv.gz", csv_bytes),
}


@pytest.mark.parametrize("name", [*TYPED, *TEXTS])
def test_every_bad_row_is_kept_with_its_text_and_reason(name: str, tmp_path: Path) -> None:
    rows = [*BAD_ROWS.values(), *REPEATED]
    source = {**TYPED, **TEXTS}[name](tmp_path / "source", rows)
    with world(tmp_path / "warehouse", events=str(source), video_metadata=None) as events:
        staged = events.compute(FIRST, LAST)
        rejected = events.rows(REJECTED_EVENTS)
    texts = {row["reason"]: row["rowText"] for row in rejected}
    unparseable = {"unparseable_row": "u8"} if name in TEXTS else {}
    wanted = dict(zip(BAD_ROWS, MARKS, strict=True)) | unparseable
    assert texts.keys() == wanted.keys()
    assert [reason for reason, mark in wanted.items() if mark not in texts[reason]] == []
    assert {row["source"] for row in rejected} == {str(source)}
    days = {row["reason"]: row["eventDate"] for row in rejected}
    undated = dict.fromkeys(("missing_timestamp", *unparseable), UNDATED)
    assert days == dict.fromkeys(BAD_ROWS, FIRST) | undated
    source_rows = len(rows) + len(unparseable)
    counters = staged[RAW_EVENTS.name].counters
    assert (counters["source_rows"], counters["duplicates"]) == (source_rows, 3)
    assert staged[REJECTED_EVENTS.name].rows == len(rejected)
    assert staged[RAW_EVENTS.name].rows + 3 + len(rejected) == source_rows
