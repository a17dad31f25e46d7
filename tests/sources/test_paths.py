"""A source column is named by a path, in every format alike."""

import csv
import io
from pathlib import Path as File
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.source_files import EVENT, read

from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.paths import Literal, Path, parse_source_name

TIME, USER = EVENT["timestamp"], EVENT["userId"]
NESTED: dict[str, Any] = {
    "time": TIME,
    "context": {"user": {"id": USER}, "course": "course-1"},
    "session": "s1",
    "event": orjson.dumps({"id": "v1", "position": 12.5, "more": '{"rate": 2}'}).decode(),
    "name": "video_play",
}
COLUMNS = {
    "time": "timestamp",
    "context.user.id": "userId",
    "session": "sessionId",
    'context.course + "/" + event.id': "videoId",
    "name": "eventName",
    "event.position": "currentTime",
}
EXPECTED = {"userId": "peter", "videoId": "course-1/v1", "currentTime": 12.5}


def mapped(path: File, columns: dict[str, str] | None = None) -> list[dict[str, Any]]:
    outcome = read(SourceConfig(str(path), columns=columns or COLUMNS))
    assert outcome.rejected == []
    return outcome.valid


def json_file(folder: File, *rows: dict[str, Any]) -> File:
    path = folder / "events.json"
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


def parquet_file(folder: File, *rows: dict[str, Any]) -> File:
    path = folder / "events.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def csv_file(folder: File, *rows: dict[str, Any]) -> File:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    for row in rows:
        as_text = {k: v if isinstance(v, str) else orjson.dumps(v).decode() for k, v in row.items()}
        writer.writerow(as_text)
    path = folder / "events.csv"
    path.write_text(text.getvalue(), "utf-8")
    return path


@pytest.mark.parametrize("write", [json_file, parquet_file, csv_file])
def test_a_path_goes_through_structs_and_text_that_is_json(write: Any, tmp_path: File) -> None:
    (row,) = mapped(write(tmp_path, NESTED))
    assert {name: row[name] for name in EXPECTED} == EXPECTED


@pytest.mark.parametrize("write", [json_file, parquet_file, csv_file])
def test_a_path_finds_the_value_of_a_key_in_a_list_of_keys_and_values(
    write: Any, tmp_path: File
) -> None:
    params = [
        {"key": "seconds", "value": {"int_value": 7, "string_value": None}},
        {"key": "video", "value": {"int_value": None, "string_value": "v7"}},
    ]
    path = write(tmp_path, {**NESTED, "params": params})
    changed = {"params.video": "videoId", "params.seconds": "currentTime"}
    others = {k: v for k, v in COLUMNS.items() if v not in changed.values()}
    (row,) = mapped(path, {**others, **changed})
    assert (row["videoId"], row["currentTime"]) == ("v7", 7.0)


@pytest.mark.parametrize("write", [json_file, parquet_file, csv_file])
def test_of_a_list_of_objects_an_element_is_named_by_its_number_or_by_what_it_has(
    write: Any, tmp_path: File
) -> None:
    path = write(tmp_path, {**NESTED, "contexts": [{"a": "x", "b": None}, {"a": None, "b": "v9"}]})
    for name in ("contexts.1.b", "contexts.b"):
        others = {k: v for k, v in COLUMNS.items() if v != "videoId"}
        (row,) = mapped(path, {**others, name: "videoId"})
        assert row["videoId"] == "v9", name


def test_a_map_of_parquet_is_read_by_key(tmp_path: File) -> None:
    path = tmp_path / "events.parquet"
    table = pa.Table.from_pylist([NESTED])
    ids = pa.array([[("id", "v3"), ("other", "x")]], pa.map_(pa.string(), pa.string()))
    pq.write_table(table.append_column("properties", ids), path)
    others = {k: v for k, v in COLUMNS.items() if v != "videoId"}
    (row,) = mapped(path, {**others, "properties.id": "videoId"})
    assert row["videoId"] == "v3"


@pytest.mark.parametrize("write", [json_file, parquet_file, csv_file])
def test_of_several_names_of_one_column_the_first_that_a_row_has_counts(
    write: Any, tmp_path: File
) -> None:
    rows = [
        {**NESTED, "old_time": "3", "position": "4"},
        {**NESTED, "old_time": "", "position": "5"},
    ]
    others = {k: v for k, v in COLUMNS.items() if v != "currentTime"}
    both = {**others, "old_time": "currentTime", "position": "currentTime"}
    assert [r["currentTime"] for r in mapped(write(tmp_path, *rows), both)] == [3.0, 5.0]


def test_a_constant_is_the_same_in_each_row(tmp_path: File) -> None:
    others = {k: v for k, v in COLUMNS.items() if v != "sessionId"}
    (row,) = mapped(json_file(tmp_path, NESTED), {**others, "=web": "sessionId"})
    assert row["sessionId"] == "web"


@pytest.mark.parametrize("write", [json_file, parquet_file, csv_file])
def test_a_name_with_dots_may_be_that_of_one_column_or_stand_in_quotes(
    write: Any, tmp_path: File
) -> None:
    path = write(tmp_path, {**NESTED, "a.b": "v5"})
    for name in ("a.b", "'a.b'"):
        others = {k: v for k, v in COLUMNS.items() if v != "videoId"}
        (row,) = mapped(path, {**others, name: "videoId"})
        assert row["videoId"] == "v5", name


def test_of_a_struct_only_the_needed_fields_are_read(tmp_path: File) -> None:
    wide = {**NESTED, "context": {**NESTED["context"], "payload": "x" * 50}}
    outcome = read(
        SourceConfig(str(parquet_file(tmp_path, {**wide, "name": "other"})), columns=COLUMNS)
    )
    assert "payload" not in outcome.texts[0]


@pytest.mark.parametrize("write", [parquet_file, csv_file])
def test_a_path_whose_column_is_not_there_is_one_clear_error(write: Any, tmp_path: File) -> None:
    wrong = {**COLUMNS, "contxt.user.id": "userId"}
    del wrong["context.user.id"]
    with pytest.raises(SourceError, match=r"no column 'contxt.user.id'.*'context'"):
        mapped(write(tmp_path, NESTED), wrong)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("position", (Path(("position",)),)),
        ("a.b.c", (Path(("a", "b", "c"), "a.b.c"),)),
        ("'https://x.org/a'.b", (Path(("https://x.org/a", "b")),)),
        ("'it''s'", (Path(("it's",)),)),
        ('a.b + "/" + c', (Path(("a", "b")), Literal("/"), Path(("c",)))),
        ("=web", (Literal("web"),)),
        ("user's id", (Path(("user's id",)),)),
        ("Views (all)", (Path(("Views (all)",)),)),
    ],
)
def test_names_are_read_as_the_table_says(text: str, parts: tuple[object, ...]) -> None:
    assert parse_source_name(text).parts == parts


@given(st.text(min_size=1))
def test_any_name_can_be_put_in_quotes(name: str) -> None:
    quoted = "'" + name.replace("'", "''") + "'"
    assert parse_source_name(quoted).parts == (Path((name,)),)
