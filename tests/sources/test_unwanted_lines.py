"""Lines of JSON that nobody wants are counted without being parsed, and no wanted one is lost."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.source_files import EVENT, Outcome, read

from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import Layout
from video_assets.sources.json_records import json_chunks
from video_assets.sources.lines import Lines
from video_assets.sources.unwanted_lines import wanted_pattern

NAMES = {"play/é": "video_play", "tick": "ignore"}


def outcome(folder: Path, *lines: str, **settings: Any) -> Outcome:
    path = folder / "log.json"
    path.write_text("\n".join(lines), "utf-8")
    given = {"event_names": NAMES, "other_names": "ignore", **settings}
    return read(SourceConfig(str(path), **given))


def line(**changed: Any) -> str:
    return json.dumps({**EVENT, "eventName": "play/é", **changed}, ensure_ascii=False)


def test_lines_without_a_wanted_name_are_ignored(tmp_path: Path) -> None:
    other = line(eventName="click", timestamp="never")
    found = outcome(tmp_path, line(), other, other, line(eventName="tick"), '{"a": 1}')
    assert (len(found.valid), found.ignored, found.source_rows) == (1, 4, 5)


@pytest.mark.parametrize("name", [r"play\/é", r"play\/\u00e9", r"\u0070lay/é", "play/é"])
def test_a_name_is_found_however_it_is_escaped(name: str, tmp_path: Path) -> None:
    escaped = line(eventName="NAME").replace("NAME", name)
    assert len(outcome(tmp_path, escaped, '{"a": 1}').valid) == 1


def test_a_line_that_is_cut_is_refused_all_the_same(tmp_path: Path) -> None:
    found = outcome(tmp_path, '{"eventName": "cli', line())
    assert found.reasons == ["unparseable_row"]


def test_objects_on_one_line_are_counted_each(tmp_path: Path) -> None:
    other = '{"eventName": "click"}'
    found = outcome(tmp_path, other + other + " " + other, line() + other, other)
    assert (len(found.valid), found.ignored, found.source_rows) == (1, 5, 6)


def test_a_name_that_is_joined_of_two_values_is_found(tmp_path: Path) -> None:
    columns = {'verb + " " + how': "eventName", "verb": "eventName"}
    names = {"left at end": "video_ended", "left": "video_pause"}
    rows = [{"verb": "left", "how": "at end"}, {"verb": "left"}, {"verb": "came", "how": "at end"}]
    lines = [json.dumps({**EVENT, **row, "eventName": "?"}) for row in rows]
    found = outcome(tmp_path, *lines, columns=columns, event_names=names)
    assert [row["eventName"] for row in found.valid] == ["video_ended", "video_pause"]
    assert found.ignored == 1


@pytest.mark.parametrize(
    "config",
    [
        SourceConfig("log", event_names=NAMES),
        SourceConfig("log", other_names="ignore", columns={"a + b": "eventName"}),
        SourceConfig("log", other_names="ignore", columns={'="video_play"': "eventName"}),
        SourceConfig("log", other_names="ignore", event_names={"1": "video_play"}),
        SourceConfig("log", other_names="ignore", event_names={'say "play"': "video_play"}),
    ],
    ids=["others are refused", "joined without a text", "constant", "a number", "quotes"],
)
def test_every_line_is_parsed_where_its_bytes_cannot_tell(config: SourceConfig) -> None:
    assert wanted_pattern(Layout(EVENT_ROWS, config)) is None


def test_unparsed_lines_have_no_day_and_belong_to_the_run_with_the_undated_rows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.json"
    path.write_text('{"eventName": "click"}\n', "utf-8")
    config = SourceConfig(str(path), other_names="ignore")
    assert read(config).ignored == 1
    assert read(config, with_undated=False).source_rows == 0


@given(name=st.text(min_size=1), ascii_only=st.booleans())
def test_no_row_with_a_wanted_name_is_lost(
    *, name: str, ascii_only: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("log")
    row = json.dumps({**EVENT, "eventName": name}, ensure_ascii=ascii_only)
    path = folder / "log.json"
    path.write_bytes(row.encode("utf-8", "surrogatepass") + b'\n{"eventName": "other"}\n')
    parsed = read(SourceConfig(str(path), event_names={name: "video_play"}))
    filtered = read(SourceConfig(str(path), event_names={name: "video_play"}, other_names="ignore"))
    assert len(filtered.valid) == len(parsed.valid)
    assert date(2025, 1, 3) in {row["eventDate"] for row in filtered.valid} or not parsed.valid


def test_wanted_rows_of_several_blocks_keep_their_numbers_and_their_order() -> None:
    other, wanted = b'{"eventName": "click"}\n', line().encode() + b"\n"
    blocks = [
        Lines(other + wanted, 0, 1),
        Lines(other, len(other + wanted), 3),
        Lines(wanted + other + wanted, len(other + wanted + other), 4, is_last=True),
    ]
    config = SourceConfig("log", event_names=NAMES, other_names="ignore")
    [chunk] = json_chunks(iter(blocks), Layout(EVENT_ROWS, config))
    assert chunk.numbers is not None
    assert chunk.numbers.tolist() == [2, 4, 6]
    text = b"".join(block.data for block in blocks)
    assert [text[place : place + 2] for place in chunk.order.tolist()] == [b'{"'] * 3
    assert chunk.order[1] == len(other + wanted + other)
    assert (chunk.source_rows, chunk.unwanted_rows) == (6, 3)
