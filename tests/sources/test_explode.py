"""Rows that hold a list of rows, in every format that can hold one."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from support.source_files import END_DAY, EVENT, FIRST_DAY, Outcome, collect, read, write

from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.fields import Layout
from video_assets.sources.frames import read_rows
from video_assets.sources.times import Window

COLUMNS = {"viewer.id": "userId", "time": "timestamp", "view": "sessionId", "name": "eventName"}
VIEWS: list[dict[str, Any]] = [
    {
        "view": "s1",
        "videoId": "v1",
        "viewer": {"id": "peter"},
        "events": [
            {"time": EVENT["timestamp"], "name": "video_play", "currentTime": 0.0},
            {"time": EVENT["timestamp"], "name": "video_pause", "currentTime": -1.0},
        ],
    },
    {
        "view": "s2",
        "videoId": "v2",
        "viewer": {"id": "anna"},
        "events": [{"time": EVENT["timestamp"], "name": "video_play", "currentTime": 7.0}],
    },
    {"view": "s3", "videoId": "v3", "viewer": {"id": "no events"}, "events": []},
]
BARE = {
    "view": "s4",
    "videoId": "v4",
    "viewer": {"id": "carl"},
    "time": EVENT["timestamp"],
    "name": "video_play",
    "currentTime": 9.0,
}
VALID = [("peter", "s1", "v1", 0.0), ("anna", "s2", "v2", 7.0)]
REFUSED = [("negative_position", 1), ("missing_timestamp", 3)]


def as_json(folder: Path) -> Path:
    return write(folder / "views.json", VIEWS)


def as_joined_json(folder: Path) -> Path:
    (folder / "views.json").write_text("".join(map(json.dumps, VIEWS)), "utf-8")
    return folder / "views.json"


def as_structs(folder: Path) -> Path:
    return write(folder / "views.parquet", VIEWS)


def as_text_in_parquet(folder: Path) -> Path:
    return write(
        folder / "views.parquet",
        [{**view, "events": json.dumps(view["events"])} for view in VIEWS],
    )


def config(path: Path | str) -> SourceConfig:
    return SourceConfig(str(path), columns=COLUMNS, explode="events")


def outcome_of(outcome: Outcome) -> tuple[list[Any], list[Any]]:
    names = ("userId", "sessionId", "videoId", "currentTime")
    valid = [tuple(row[name] for name in names) for row in outcome.valid]
    return valid, [(row["reason"], row["sourceRow"]) for row in outcome.rejected]


@pytest.mark.parametrize("write_views", [as_json, as_structs, as_text_in_parquet])
def test_each_element_is_a_row_with_the_values_around_it(write_views: Any, tmp_path: Path) -> None:
    outcome = read(config(write_views(tmp_path)))
    assert outcome.source_rows == 4
    assert outcome_of(outcome) == (VALID, REFUSED)
    assert '"currentTime":-1.0' in outcome.texts[0].replace(" ", "").replace("\\", "")
    assert "video_play" not in outcome.texts[0]


def test_elements_of_joined_objects_are_rows_too(tmp_path: Path) -> None:
    valid, refused = outcome_of(read(config(as_joined_json(tmp_path))))
    assert valid == VALID
    assert refused == [("negative_position", 1), ("missing_timestamp", 1)]


def test_a_row_without_the_list_is_a_row_of_its_own(tmp_path: Path) -> None:
    outcome = read(config(write(tmp_path / "views.json", [VIEWS[1], BARE])))
    assert outcome_of(outcome)[0] == [VALID[1], ("carl", "s4", "v4", 9.0)]


def test_an_id_in_an_element_must_be_text_or_a_whole_number(tmp_path: Path) -> None:
    event = {**VIEWS[1]["events"][0], "view": True}
    outcome = read(config(write(tmp_path / "views.json", [{**VIEWS[1], "events": [event]}])))
    assert outcome_of(outcome)[0] == [VALID[1]]


def test_lists_in_a_delta_table_are_rows_too(spark: SparkSession, tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "views"), pa.Table.from_pylist(VIEWS))
    layout = Layout(EVENT_ROWS, config(tmp_path / "views"))
    outcome = collect(read_rows(spark, layout, Window(FIRST_DAY, END_DAY)))
    valid, refused = outcome_of(outcome)
    assert sorted(valid) == sorted(VALID)
    assert sorted(refused) == [("missing_timestamp", None), ("negative_position", None)]


def test_of_lists_of_structs_only_the_needed_columns_are_read(tmp_path: Path) -> None:
    wide = [{**view, "payload": "x" * 50} for view in VIEWS]
    pq.write_table(pa.Table.from_pylist(wide), tmp_path / "views.parquet")
    outcome = read(config(tmp_path / "views.parquet"))
    assert all("payload" not in text for text in outcome.texts)


def test_a_csv_file_cannot_hold_lists(tmp_path: Path) -> None:
    path = write(tmp_path / "views.csv", [{"view": "s1", "events": "[]"}])
    with pytest.raises(SourceError, match="EVENTS_EXPLODE"):
        read(config(path))
