import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.source_files import END_DAY, EVENT, FIRST_DAY, csv_bytes, read, write

from video_assets.csv_dialect import CsvDialect
from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.sources.config import SourceConfig
from video_assets.sources.csv_records import csv_chunks
from video_assets.sources.errors import SourceError
from video_assets.sources.fields import Layout
from video_assets.sources.lines import blocks_of_lines
from video_assets.sources.listing import list_source
from video_assets.sources.reading import require_structure

HEADER, GOOD = csv_bytes([EVENT]).splitlines()
LAYOUT = Layout(EVENT_ROWS, SourceConfig("x"))


def source(tmp_path: Path, *lines: bytes, name: str = "events.csv") -> Path:
    (tmp_path / name).write_bytes(b"\n".join(lines))
    return tmp_path / name


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"too,few", "too,few"),
        (GOOD + b",one more", GOOD.decode() + ",one more"),
        (b'"' + GOOD, '"' + GOOD.decode()),
        (GOOD + b'"x', None),
        (GOOD.replace(b"peter", b'"pe"t"er"'), None),
        (GOOD.replace(b"peter", b'pe"ter,"s1'), None),
        (GOOD.replace(b"peter", b"pe\xffter"), GOOD.decode().replace("peter", "pe\ufffdter")),
        (GOOD.replace(b"peter", b"pe\0ter"), GOOD.decode().replace("peter", "pe\ufffdter")),
        (GOOD.replace(b"peter", b"pe\rter"), GOOD.decode().replace("peter", "pe\rter")),
        (b" ,", " ,"),
    ],
)
def test_a_line_that_is_no_record_is_kept_with_its_text_and_harms_no_other(
    tmp_path: Path, line: bytes, text: str | None
) -> None:
    outcome = read(source(tmp_path, HEADER, GOOD, line, GOOD, GOOD))
    assert len(outcome.valid) == 3
    assert [row["sourceRow"] for row in outcome.rejected] == [3]
    assert outcome.texts == [text or line.decode()]


def test_a_stray_quote_at_the_end_of_a_block_is_settled_at_the_end_of_the_file() -> None:
    content = b"\n".join([HEADER, GOOD, b'"' + GOOD, GOOD])
    chunks = list(csv_chunks(blocks_of_lines(io.BytesIO(content)), LAYOUT, "x"))
    assert sum(len(chunk) for chunk in chunks) == 2
    assert [row.number for chunk in chunks for row in chunk.broken] == [3]


def test_a_line_break_in_quotes_is_part_of_the_field(tmp_path: Path) -> None:
    outcome = read(
        source(
            tmp_path,
            HEADER,
            GOOD,
            GOOD.replace(b"peter", b'"pe\nt""er\n\n,"'),
            GOOD.replace(b"peter", b'"a ""quoted"" name"'),
            b"broken",
            b"",
        )
    )
    assert [row["userId"] for row in outcome.valid] == ["peter", 'a "quoted" name', 'pe\nt"er\n\n,']
    assert [row["sourceRow"] for row in outcome.rejected] == [8]


def test_the_text_of_a_refused_record_over_several_lines_is_all_of_it(tmp_path: Path) -> None:
    record = GOOD.replace(b"video_play", b"unknown").replace(b"peter", b'"pe\nter"')
    outcome = read(source(tmp_path, HEADER, record, GOOD))
    assert [(r["reason"], r["rowText"], r["sourceRow"]) for r in outcome.rejected] == [
        ("unknown_event", record.decode(), 2)
    ]


def test_two_stray_quotes_do_not_swallow_the_lines_between_them(tmp_path: Path) -> None:
    stray = b'"' + GOOD
    outcome = read(source(tmp_path, HEADER, GOOD, stray, GOOD, GOOD, stray, GOOD))
    assert len(outcome.valid) == 4
    assert [row["sourceRow"] for row in outcome.rejected] == [3, 6]


def test_a_quoted_field_of_more_than_a_thousand_lines_is_not_one_record(tmp_path: Path) -> None:
    record = GOOD.replace(b"peter", b'"pe' + b"\n" * 1001 + b'ter"')
    outcome = read(source(tmp_path, HEADER, record, GOOD))
    assert len(outcome.valid) == 1
    assert outcome.reasons == ["unparseable_row"] * 2


def test_the_columns_may_be_in_any_order_among_others_and_quoted(tmp_path: Path) -> None:
    names = ["extra", *reversed(list(EVENT)), "extra"]
    values = ["x", *(str(EVENT[name]) for name in reversed(list(EVENT))), "y"]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([names, values])
    outcome = read(source(tmp_path, b"\xef\xbb\xbf" + text.getvalue().encode()))
    assert [row["userId"] for row in outcome.valid] == ["peter"]


@pytest.mark.parametrize("delimiter", [b";", b"\t"])
def test_semicolons_and_tabs_are_recognised(tmp_path: Path, delimiter: bytes) -> None:
    lines = [line.replace(b",", delimiter) for line in (HEADER, GOOD, b",,,,,")]
    outcome = read(source(tmp_path, *lines))
    assert len(outcome.valid) == 1
    assert outcome.reasons == ["missing_timestamp"]


def test_empty_lines_are_no_rows(tmp_path: Path) -> None:
    outcome = read(source(tmp_path, b"", HEADER, b"", GOOD, b"\r", b"  ", GOOD, b"", b""))
    assert (len(outcome.valid), outcome.source_rows) == (2, 2)


def test_empty_fields_are_missing_values(tmp_path: Path) -> None:
    for name, reason in [("userId", "missing_user"), ("currentTime", "missing_position")]:
        row = csv_bytes([{**EVENT, name: ""}]).splitlines()[1]
        assert read(source(tmp_path, HEADER, row)).reasons == [reason]


def structure_of(path: Path, config: SourceConfig | None = None) -> bool:
    config = config or SourceConfig(str(path))
    (file,) = list_source(config, EVENT_ROWS, FIRST_DAY, END_DAY).files
    return require_structure(file, Layout(EVENT_ROWS, config))


def test_a_missing_column_is_named_with_those_that_exist_and_the_remedy(tmp_path: Path) -> None:
    path = source(tmp_path, HEADER.replace(b"userId", b"viewer"), GOOD)
    with pytest.raises(SourceError) as error:
        structure_of(path)
    message = str(error.value)
    assert f"{path}: no column 'userId'" in message
    assert "'viewer'" in message
    assert "VIDEO_ASSETS_EVENTS_COLUMNS" in message
    mapped = SourceConfig(str(path), columns={"viewer": "userId"})
    assert len(read(mapped).valid) == 1


def test_a_needed_column_named_twice_is_refused(tmp_path: Path) -> None:
    path = source(tmp_path, HEADER + b",userId", GOOD + b",paul")
    with pytest.raises(SourceError, match="column 'userId' more than once"):
        structure_of(path)


def test_a_file_with_no_more_than_a_header_has_no_rows(tmp_path: Path) -> None:
    assert structure_of(source(tmp_path, HEADER))
    assert structure_of(source(tmp_path, b"", b""))
    assert not structure_of(source(tmp_path, HEADER, GOOD))
    assert read(source(tmp_path, HEADER)).source_rows == 0
    assert read(source(tmp_path, b"", b"")).source_rows == 0


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "events.csv.gz", [EVENT, EVENT])).valid) == 2
    path = tmp_path / "broken.csv.gz"
    path.write_bytes(gzip.compress(csv_bytes([EVENT] * 50))[:40])
    with pytest.raises(SourceError, match="damaged gzip file"):
        read(path)


PIECES = st.sampled_from(
    [GOOD, b"\n", b"\n", b'"', b'""', b",", b"\r", b"\0", b"\xff", b"x", b"\r\n", b" "]
)


def rows_of(content: bytes, block_bytes: int) -> list[tuple[int | None, str]]:
    blocks = blocks_of_lines(io.BytesIO(content), block_bytes=block_bytes)
    found: list[tuple[int | None, str]] = []
    for chunk in csv_chunks(blocks, LAYOUT, "x"):
        assert chunk.source_rows == len(chunk) + len(chunk.broken) + chunk.waiting_rows
        found += [(None, "waiting")] * chunk.waiting_rows
        assert chunk.numbers is not None
        found += [(row.number, "broken " + row.text) for row in chunk.broken]
        found += [
            (int(chunk.numbers[row]), str([chunk.columns[name][row].as_py() for name in EVENT]))
            for row in range(len(chunk))
        ]
    return sorted(found, key=str)


@given(st.lists(PIECES, max_size=40), st.integers(1, 200))
def test_the_size_of_a_block_changes_nothing(pieces: list[bytes], block_bytes: int) -> None:
    content = HEADER + b"\n" + b"".join(pieces)
    assert rows_of(content, len(HEADER) + block_bytes) == rows_of(content, 10**6)


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
            min_size=6,
            max_size=6,
        ),
        max_size=8,
    )
)
def test_whatever_python_writes_is_read_back(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([list(EVENT), *rows])
    found = rows_of(text.getvalue().encode(), 10**6)
    assert sorted(row for _, row in found) == sorted(str(row) for row in rows)


@pytest.mark.parametrize("end", [b"2025-01-03T10:00:00Z,peter,s1", b'2025-01-03T10:00:00Z,"pet'])
def test_a_line_that_is_cut_at_the_end_of_a_file_waits(tmp_path: Path, end: bytes) -> None:
    outcome = read(source(tmp_path, HEADER, GOOD, end))
    assert (len(outcome.valid), outcome.rejected, outcome.waiting) == (1, [], 1)


def test_a_line_of_too_many_fields_is_refused_at_the_end_too(tmp_path: Path) -> None:
    outcome = read(source(tmp_path, HEADER, GOOD, GOOD + b",more"))
    assert (outcome.reasons, outcome.waiting) == (["unparseable_row"], 0)


@pytest.mark.parametrize("delimiter", ["|", "\x01", "^", "~", " "])
def test_any_character_may_be_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    mark = delimiter.encode()
    path = source(tmp_path, HEADER.replace(b",", mark), GOOD.replace(b",", mark), b"broken")
    config = SourceConfig(str(path), csv=CsvDialect(delimiter=delimiter))
    outcome = read(config)
    assert ([row["userId"] for row in outcome.valid], outcome.waiting) == (["peter"], 1)
    if delimiter == "|":
        assert len(read(path).valid) == 1


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_without_header_has_the_columns_of_the_settings(tmp_path: Path, mark: bytes) -> None:
    columns = ("timestamp", "who", *HEADER.decode().split(",")[2:])
    path = source(tmp_path, mark + GOOD, GOOD, b"too,few", b"")
    config = SourceConfig(str(path), columns={"who": "userId"}, csv=CsvDialect(columns=columns))
    outcome = read(config)
    assert [row["userId"] for row in outcome.valid] == ["peter"] * 2
    assert [(row["rowText"], row["sourceRow"]) for row in outcome.rejected] == [("too,few", 3)]
    assert not structure_of(path, config)
    with pytest.raises(SourceError, match="no column 'userId'; the columns are 'timestamp', 'who'"):
        read(SourceConfig(str(path), csv=CsvDialect(columns=columns)))


def test_words_for_null_are_those_of_the_settings(tmp_path: Path) -> None:
    rows = [GOOD.replace(b"peter", word) for word in (rb"\N", b"NULL", b"NULLS", b"null")]
    path = source(tmp_path, HEADER, *rows, b"")
    outcome = read(SourceConfig(str(path), csv=CsvDialect(nulls=(r"\N", "NULL"))))
    assert [row["userId"] for row in outcome.valid] == ["NULLS", "null"]
    assert outcome.reasons == ["missing_user"] * 2


def test_backslashes_may_escape_quotes_and_still_write_null(tmp_path: Path) -> None:
    fields = (rb'"pe\"t,er"', rb"pe\,ter", rb"pe\\ter", rb"\N", b'"two\nlines \\" here"', rb"a\"b")
    path = source(tmp_path, HEADER, *(GOOD.replace(b"peter", field) for field in fields), b"")
    dialect = CsvDialect(backslash_escapes=True, nulls=(r"\N",))
    outcome = read(SourceConfig(str(path), csv=dialect))
    users = ['pe"t,er', "pe,ter", "pe\\ter", 'two\nlines " here', 'a"b']
    assert sorted(row["userId"] for row in outcome.valid) == sorted(users)
    assert outcome.reasons == ["missing_user"]
