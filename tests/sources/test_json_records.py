import io
import json
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.source_files import (
    COMPRESSIONS,
    DAILY_VIEW,
    END_DAY,
    EVENT,
    FIRST_DAY,
    json_bytes,
    read,
    write,
)

from video_assets.daily_views.source_rows import DAILY_VIEW_ROWS
from video_assets.player_events.source_rows import EVENT_ROWS, validate_events
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.fields import Layout
from video_assets.sources.json_records import json_chunks
from video_assets.sources.json_structure import ObjectsAsLines
from video_assets.sources.lines import Lines
from video_assets.sources.listing import list_source
from video_assets.sources.reading import require_structure

GOOD = orjson.dumps(EVENT)


def source(tmp_path: Path, content: bytes, name: str = "events.json") -> Path:
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'{"timestamp": ', '{"timestamp": '),
        (b"[1, 2]", "[1, 2]"),
        (b'"text"', '"text"'),
        (b"null", "null"),
        (GOOD[:-2] + b"\xff}", GOOD[:-2].decode() + "\ufffd}"),
        (b'{"userId": "a\0b"}', '{"userId": "a\ufffdb"}'),
        (b"\0\0\0", "\ufffd\ufffd\ufffd"),
        (b'{"currentTime": NaN}', '{"currentTime": NaN}'),
        (b'{"ignored": Infinity}', '{"ignored": Infinity}'),
        (b'{"userId": "\\ud800"}', '{"userId": "\\ud800"}'),
    ],
)
def test_a_line_that_is_no_json_object_is_kept_with_its_text_and_harms_no_other(
    tmp_path: Path, line: bytes, text: str
) -> None:
    outcome = read(source(tmp_path, b"\n".join([GOOD, line, GOOD])))
    assert len(outcome.valid) == 2
    assert [(r["reason"], r["rowText"], r["sourceRow"]) for r in outcome.rejected] == [
        ("unparseable_row", text, 2)
    ]


def test_an_object_over_two_lines_beside_two_on_one_line_is_not_mistaken_for_rows(
    tmp_path: Path,
) -> None:
    outcome = read(source(tmp_path, b'{"userId":\n"a"}\n' + GOOD + GOOD + b"\n" + GOOD))
    assert outcome.reasons == ["unparseable_row"] * 2
    assert len(outcome.valid) == 3


def test_objects_one_after_the_other_on_a_line_are_rows_each(tmp_path: Path) -> None:
    firehose = b"".join(orjson.dumps({**EVENT, "currentTime": n}) for n in range(5_000))
    outcome = read(source(tmp_path, firehose + b"\n" + (GOOD + b"\n") * 100))
    assert (outcome.source_rows, len(outcome.valid)) == (5_100, 5_100)
    assert {row["currentTime"] for row in outcome.valid} >= {0.0, 4_999.0}


def test_of_objects_on_one_line_a_broken_one_is_refused_with_what_follows_it(
    tmp_path: Path,
) -> None:
    outcome = read(source(tmp_path, GOOD + b' {"userId": "x" ' + GOOD + b"\n" + GOOD))
    assert len(outcome.valid) == 2
    assert outcome.texts == ['{"userId": "x" ' + GOOD.decode()]


def test_blank_lines_a_byte_order_mark_and_crlf_are_no_rows(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n \t\n" + GOOD + b"\r\n\n"
    outcome = read(source(tmp_path, content))
    assert (len(outcome.valid), outcome.source_rows) == (2, 2)


def test_absent_keys_are_missing_values_and_other_keys_are_ignored(tmp_path: Path) -> None:
    row = {**EVENT, "device": {"os": ["x"]}}
    del row["userId"]
    assert read(source(tmp_path, json_bytes([row, EVENT]))).reasons == ["missing_user"]


def test_whole_numbers_are_ids_and_other_things_are_none(tmp_path: Path) -> None:
    ids = [12, "12", 1.5, True, {"id": 1}, ["x"], None, 2**63]
    outcome = read(source(tmp_path, json_bytes([{**EVENT, "userId": id_} for id_ in ids])))
    assert [row["userId"] for row in outcome.valid] == ["12", "12", str(2**63)]
    assert outcome.reasons == ["missing_user"] * 5


def test_positions_may_be_numbers_or_text_mixed(tmp_path: Path) -> None:
    positions = [1, 2.5, "3.5", True, [], "x"]
    rows = [{**EVENT, "currentTime": position} for position in positions]
    outcome = read(source(tmp_path, json_bytes(rows)))
    assert [row["currentTime"] for row in outcome.valid] == [1.0, 2.5, 3.5]
    assert outcome.reasons == ["unreadable_position"] * 3


def test_counts_beyond_what_a_float_can_hold_stay_exact(tmp_path: Path) -> None:
    counts = [2**53 + 1, str(2**53 + 3), 12.0, 2**63, 1.5]
    rows = [{**DAILY_VIEW, "viewCount": count} for count in counts]
    outcome = read(source(tmp_path, json_bytes(rows)), DAILY_VIEW_ROWS)
    assert [row["reportedCount"] for row in outcome.valid] == [2**53 + 1, 2**53 + 3, 12]
    assert outcome.reasons == ["unreadable_count"] * 2


def test_times_in_microseconds_are_read_exactly_from_numbers_and_text(tmp_path: Path) -> None:
    moment = 1735898400000001
    rows = [{**EVENT, "timestamp": time} for time in (moment, str(moment), float(moment))]
    path = source(tmp_path, json_bytes(rows))
    outcome = read(SourceConfig(str(path), timestamp_unit="us"))
    assert {row["timestamp"].isoformat() for row in outcome.valid} == {
        "2025-01-03T10:00:00.000001+00:00"
    }


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("members", [1, 2, 5])
def test_a_compressed_file_of_several_members_is_read_to_its_end(
    tmp_path: Path, suffix: str, members: int
) -> None:
    content = COMPRESSIONS[suffix](json_bytes([EVENT])) * members
    assert len(read(source(tmp_path, content, f"events.json{suffix}")).valid) == members


@pytest.mark.parametrize("cut", [5, 40])
@pytest.mark.parametrize(("suffix", "name"), [(".gz", "gzip"), (".bz2", "bz2"), (".zst", "zstd")])
def test_a_damaged_compressed_file_is_named(
    tmp_path: Path, cut: int, suffix: str, name: str
) -> None:
    content = COMPRESSIONS[suffix](json_bytes([EVENT] * 50))
    with pytest.raises(SourceError, match=rf"events\.json\{suffix}: damaged {name} file"):
        read(source(tmp_path, content[:cut], f"events.json{suffix}"))


def test_a_large_file_read_in_ranges_gives_each_row_once(tmp_path: Path) -> None:
    rows = [{**EVENT, "userId": f"user{n}", "currentTime": n} for n in range(500)]
    content = json_bytes(rows[:250]) + b"broken\n" + json_bytes(rows[250:])
    path = source(tmp_path, content)
    outcome = read(path, unit_bytes=777)
    assert [row["currentTime"] for row in outcome.valid] == [float(n) for n in range(500)]
    assert outcome.texts == ["broken"]
    assert [row["sourceRow"] for row in outcome.rejected] == [None]
    assert read(path).rejected[0]["sourceRow"] == 251


JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["2025-01-03", "video_play", "12.5", [], {}, "a b", " "]),
)
KEYS = st.sampled_from([*EVENT, "other"])
LINES = st.one_of(
    st.dictionaries(KEYS, JSON_VALUES, max_size=7).map(lambda row: json.dumps(row).encode()),
    st.just(GOOD),
    st.binary(max_size=20),
    st.sampled_from([b'{"userId":"x"}{"userId":"y"}', b'{"userId":', b'"a"}', b"{}", b'{"a":NaN}']),
)


def parsed(content: bytes, offset: int = 0) -> tuple[list[str], int]:
    layout = Layout(EVENT_ROWS, SourceConfig("x", timestamp_unit="s"))
    found: list[str] = []
    broken = 0
    for chunk in json_chunks(iter([Lines(content, offset, 1)]), layout):
        assert chunk.source_rows == len(chunk) + len(chunk.broken)
        verdict = validate_events(chunk, layout.config)
        columns = [verdict.values[name].to_pylist() for name in EVENT]
        found += [str(row) for row in zip(*columns, strict=True)]
        broken += len(chunk.broken)
    return sorted(found), broken


@settings(deadline=None)
@given(st.lists(LINES, max_size=12))
def test_a_block_gives_what_its_lines_give_one_by_one(lines: list[bytes]) -> None:
    content = b"\n".join(lines)
    together = parsed(content)
    alone = [parsed(line, place) for place, line in enumerate(content.split(b"\n"))]
    assert together == (sorted(row for rows, _ in alone for row in rows), sum(n for _, n in alone))


def structure_of(path: Path, config: SourceConfig | None = None) -> bool:
    config = config or SourceConfig(str(path))
    (file,) = list_source(config, EVENT_ROWS, FIRST_DAY, END_DAY).files
    return require_structure(file, Layout(EVENT_ROWS, config))


def test_a_key_that_no_row_of_a_fair_sample_has_is_a_missing_column(tmp_path: Path) -> None:
    row = {"viewer" if name == "userId" else name: value for name, value in EVENT.items()}
    path = write(tmp_path / "events.json", [row] * 20)
    with pytest.raises(SourceError, match=r"events\.json: no column 'userId'.*'viewer'"):
        structure_of(path)
    structure_of(path, SourceConfig(str(path), columns={"viewer": "userId"}))
    structure_of(write(path, [row] * 19))


def test_times_that_are_all_numbers_need_the_unit(tmp_path: Path) -> None:
    path = write(tmp_path / "events.json", [{**EVENT, "timestamp": 1735898400}])
    with pytest.raises(SourceError, match="VIDEO_ASSETS_EVENTS_TIMESTAMP_UNIT"):
        structure_of(path)
    assert not structure_of(path, SourceConfig(str(path), timestamp_unit="s"))


def test_a_file_of_blank_lines_has_no_rows(tmp_path: Path) -> None:
    assert structure_of(source(tmp_path, b"\n \n"))


ELEMENTS = st.lists(
    st.dictionaries(
        st.text(max_size=3), st.one_of(st.text(max_size=6), st.lists(st.text(max_size=3)))
    ),
    max_size=6,
)


@given(
    ELEMENTS,
    st.sampled_from([None, 2]),
    st.integers(1, 40),
    st.sampled_from([b"", b"\xef\xbb\xbf \n"]),
)
def test_each_element_of_an_array_becomes_a_line_at_its_own_place(
    elements: list[dict[str, Any]], indent: int | None, size: int, start: bytes
) -> None:
    text = start + json.dumps(elements, indent=indent, ensure_ascii=False).encode()
    stream = ObjectsAsLines(io.BytesIO(text))
    read_text = b"".join(iter(lambda: stream.read(size), b""))
    assert len(read_text) == len(text)
    lines = read_text.removeprefix(start).splitlines()
    assert [json.loads(line) for line in lines if line.strip()] == elements


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_objects_has_a_row_an_element(tmp_path: Path, indent: int | None) -> None:
    elements = [{**EVENT, "currentTime": place, "more": {"a": ["[", "},{"]}} for place in range(50)]
    elements[7] = {**EVENT, "userId": None}
    path = source(tmp_path, json.dumps(elements, indent=indent).encode())
    outcome = read(path)
    assert [row["currentTime"] for row in outcome.valid] == [n for n in range(50) if n != 7]
    assert [(row["reason"], row["sourceRow"]) for row in outcome.rejected] == [("missing_user", 8)]


@pytest.mark.parametrize("between", [b"\n", b"", b"\r\n\r\n"])
def test_objects_of_a_line_for_each_value_are_a_row_each(tmp_path: Path, between: bytes) -> None:
    objects = [{**EVENT, "currentTime": place, "more": {"a": ["}{", "\n"]}} for place in range(50)]
    texts = [json.dumps(row, indent=2).encode() for row in objects]
    outcome = read(source(tmp_path, between.join(texts)))
    assert [row["currentTime"] for row in outcome.valid] == list(range(50))
    assert outcome.source_rows == 50


def test_a_large_array_is_one_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("video_assets.sources.listing.UNIT_BYTES", 1000)
    path = source(tmp_path, json.dumps([EVENT] * 50).encode())
    assert len(read(path, unit_bytes=1000).valid) == 50


def test_lines_after_one_that_begins_like_a_list_are_rows(tmp_path: Path) -> None:
    path = source(tmp_path, b"[2025-01-03 10:00] started\n" + GOOD + b"\n" + GOOD)
    outcome = read(path)
    assert (len(outcome.valid), outcome.texts) == (2, ["[2025-01-03 10:00] started"])


def test_five_thousand_objects_on_one_line_are_as_many_rows(tmp_path: Path) -> None:
    outcome = read(source(tmp_path, GOOD * 5000 + b"\n" + (GOOD + b"\n") * 100))
    assert (len(outcome.valid), outcome.source_rows) == (5100, 5100)


@given(st.integers(1, len(GOOD) - 1), st.sampled_from([b"\n", b"", b",\n"]))
def test_an_object_that_is_cut_at_the_end_of_a_file_waits(cut: int, between: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        start = b"[" if between.startswith(b",") else b""
        outcome = read(source(Path(folder), start + GOOD + between + GOOD[:cut]))
    assert (len(outcome.valid), outcome.rejected, outcome.waiting) == (1, [], 1)


def test_a_broken_line_that_is_no_half_of_an_object_is_refused_at_the_end_too(
    tmp_path: Path,
) -> None:
    for end in (b"stopped", b'{"userId" "x"}', GOOD[:50] + b"\n"):
        outcome = read(source(tmp_path, GOOD + b"\n" + end))
        assert (outcome.reasons, outcome.waiting) == (["unparseable_row"], 0)


def test_a_character_may_be_cut_too(tmp_path: Path) -> None:
    content = '{"userId": "ü"}'.encode()[:13]
    assert read(source(tmp_path, GOOD + b"\n" + content)).waiting == 1


def test_many_lines_of_several_objects_each_are_read_together(tmp_path: Path) -> None:
    outcome = read(source(tmp_path, (GOOD + b" " + GOOD + b'{"a" 1}\n') * 300))
    assert (len(outcome.valid), len(outcome.rejected)) == (600, 300)
    assert [row["sourceRow"] for row in outcome.rejected] == list(range(1, 301))
