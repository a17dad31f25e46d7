"""The same rows give the same result in every format."""

import gzip
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.source_files import DAILY_VIEW, EVENT, Outcome, Row, csv_bytes, read, write

from video_assets.daily_views.source_rows import DAILY_VIEW_ROWS
from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.sources.fields import RowKind
from video_assets.vocabulary import EVENT_NAMES

FORMATS = ("parquet", "json", "json.gz", "csv", "csv.gz")
IDS = st.one_of(
    st.sampled_from(["peter", "a b", "", "  ", 'say "hi"', "a,b;c", "two\nlines", "é\U0001f600"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=5),
)
TIMES = st.one_of(
    st.datetimes(datetime(2024, 12, 30), datetime(2025, 2, 3), timezones=st.just(UTC)).map(  # noqa: DTZ001 (in UTC)
        lambda moment: moment.isoformat()
    ),
    st.sampled_from(["", "soon", "2025-01-03", "2025-01-03 10:00:00", "1735898400"]),
)
POSITIONS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["", "x", "nan", "inf", "-0.0", "12", " 3.5 ", "-1"]),
)
SOURCE_EVENTS = st.fixed_dictionaries(
    {
        "timestamp": TIMES,
        "userId": IDS,
        "sessionId": IDS,
        "videoId": IDS,
        "eventName": st.sampled_from([*EVENT_NAMES, "video_seek", ""]),
        "currentTime": POSITIONS,
    }
)
DATES = st.sampled_from(["2025-01-03", "2025-01-04T10:00:00Z", "2024-12-31", "03.01.2025", ""])
COUNTS = st.one_of(
    st.integers(-5, 2**64).map(str), st.sampled_from(["", "7.0", "7.5", "many", "1e3"])
)
SOURCE_VIEWS = st.fixed_dictionaries(
    {
        "channel_id": IDS,
        "video_id": IDS,
        "created_date": DATES,
        "date": DATES,
        "viewCount": COUNTS,
    }
)


def result(outcome: Outcome) -> tuple[Counter[str], Counter[tuple[Any, Any]], int]:
    valid = Counter(
        str({name: value for name, value in row.items() if name != "deliveryOrder"})
        for row in outcome.valid
    )
    day = next(name for name in ("eventDate", "date") if name in (outcome.rejected or [{}])[0])
    return (
        valid,
        Counter((row["reason"], row[day]) for row in outcome.rejected),
        outcome.source_rows,
    )


def results(rows: list[Row], kind: RowKind) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [write(Path(folder) / f"rows.{suffix}", rows) for suffix in FORMATS]
        outcomes = [read(path, kind) for path in paths]
    return [
        result(outcome) if outcome.rejected else (result_of_valid(outcome), outcome.source_rows)
        for outcome in outcomes
    ]


def result_of_valid(outcome: Outcome) -> Counter[str]:
    return Counter(
        str({name: value for name, value in row.items() if name != "deliveryOrder"})
        for row in outcome.valid
    )


@settings(deadline=None)  # files are written
@given(st.lists(SOURCE_EVENTS, min_size=1, max_size=8))
def test_events_are_the_same_in_every_format(rows: list[Row]) -> None:
    first, *others = results(rows, EVENT_ROWS)
    assert others == [first] * len(others)


@settings(deadline=None)  # files are written
@given(st.lists(SOURCE_VIEWS, min_size=1, max_size=8))
def test_daily_views_are_the_same_in_every_format(rows: list[Row]) -> None:
    first, *others = results(rows, DAILY_VIEW_ROWS)
    assert others == [first] * len(others)


def junk_lines(good: bytes) -> st.SearchStrategy[list[bytes]]:
    line = st.one_of(st.binary(max_size=30), st.just(good), st.sampled_from([b'"', b'""', b"{}"]))
    return st.lists(
        line.map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")), max_size=15
    )


def count_of(lines: list[bytes], header: bytes, name: str) -> Outcome:
    content = b"\n".join([header, *lines]) if header else b"\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return read(f"{folder}/*")


@settings(deadline=None)  # files are written
@given(junk_lines(b'{"userId": "x"}'))
def test_every_line_of_random_bytes_is_accounted_for_in_json(lines: list[bytes]) -> None:
    # A file that begins as one of another kind is refused as a whole.
    first = b"{}"
    filled = [line for line in [first, *lines] if line.strip(b" \t")]
    outcome = count_of(lines, first, "events.json")
    in_tables = len(outcome.valid) + len(outcome.rejected)
    assert in_tables + outcome.waiting == len(filled)


HEADER, GOOD = csv_bytes([EVENT]).splitlines()


@settings(deadline=None)  # files are written
@given(junk_lines(GOOD))
def test_every_line_of_random_bytes_is_accounted_for_in_csv(lines: list[bytes]) -> None:
    outcome = count_of(lines, HEADER, "events.csv.gz")
    shown = "\n".join(outcome.texts)
    continued = shown.count("\n") + 1 - len(outcome.texts) if outcome.texts else 0
    filled = [line for line in lines if line.strip(b" ")]
    in_tables = len(outcome.valid) + len(outcome.rejected)
    assert in_tables + outcome.waiting + continued == len(filled)
    assert len(outcome.valid) >= lines.count(GOOD) - continued


@pytest.mark.parametrize(("kind", "row"), [(EVENT_ROWS, EVENT), (DAILY_VIEW_ROWS, DAILY_VIEW)])
def test_typed_rows_are_the_same_in_every_format(kind: RowKind, row: Row) -> None:
    first, *others = results([row, row], kind)
    assert first[-1] == 2
    assert others == [first] * len(others)
