from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.source_files import END_DAY, EVENT, FIRST_DAY, read, write_table

from video_assets.arrow.types import ArrowArray
from video_assets.daily_views.source_rows import DAILY_VIEW_ROWS
from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.sources import parquet_records
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.fields import Layout
from video_assets.sources.listing import list_source
from video_assets.sources.reading import require_structure
from video_assets.sources.units import cut_into_units

MOMENT = datetime(2025, 1, 3, 10, 0, 0, 1, tzinfo=UTC)
MICROSECONDS = int(MOMENT.timestamp()) * 1_000_000 + 1


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("timestamp", pa.array([MOMENT], pa.timestamp("us", "UTC"))),
        ("timestamp", pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("us"))),
        ("timestamp", pa.array([MICROSECONDS * 1000], pa.timestamp("ns", "Asia/Tokyo"))),
        ("userId", pa.array(["peter"]).dictionary_encode()),
        ("userId", pa.array(["peter"], pa.large_string())),
        ("userId", pa.array([b"peter"])),
        ("currentTime", pa.array([Decimal("12.5")])),
        ("currentTime", pa.array([12.5], pa.float32())),
        ("currentTime", pa.array(["12.5"])),
    ],
)
def test_a_value_is_the_same_in_every_type_that_can_hold_it(
    tmp_path: Path, name: str, array: ArrowArray
) -> None:
    (event,) = read(write_table(tmp_path / "events.parquet", {name: array})).valid
    expected = {**EVENT, "timestamp": MOMENT, "eventDate": MOMENT.date()}
    assert {key: event[key] for key in expected} == expected


def test_whole_number_ids_and_times_with_a_unit_are_read(tmp_path: Path) -> None:
    columns = {"userId": pa.array([7], pa.int32()), "timestamp": pa.array([MICROSECONDS])}
    path = write_table(tmp_path / "events.parquet", columns)
    (event,) = read(SourceConfig(str(path), timestamp_unit="us")).valid
    assert (event["userId"], event["timestamp"]) == ("7", MOMENT)


@pytest.mark.parametrize(
    ("name", "array", "remedy"),
    [
        ("timestamp", pa.array([1]), "VIDEO_ASSETS_EVENTS_TIMESTAMP_UNIT"),
        ("timestamp", pa.array([True]), "ISO 8601"),
        ("timestamp", pa.array([1], pa.time64("us")), "ISO 8601"),
        ("userId", pa.array([{"id": "x"}]), "text or whole numbers"),
        ("userId", pa.array([1.5]), "text or whole numbers"),
        ("eventName", pa.array([["video_play"]]), "text or whole numbers"),
        ("currentTime", pa.array([True]), "numbers"),
        ("currentTime", pa.array([MOMENT]), "numbers"),
    ],
)
def test_an_impossible_type_is_refused_with_file_column_type_and_remedy(
    tmp_path: Path, name: str, array: ArrowArray, remedy: str
) -> None:
    path = write_table(tmp_path / "events.parquet", {name: array})
    with pytest.raises(SourceError) as error:
        read(path)
    message = str(error.value)
    found = str(array.type).replace("item", "element")
    assert f"{path}: column '{name}' is {found}, but {name} must be" in message
    assert remedy in message


def test_a_missing_column_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({"user": ["peter"]}), path)
    with pytest.raises(SourceError, match=r"no column 'timestamp', 'userId'.*are 'user'"):
        read(path)


def test_a_file_without_columns_says_so(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({}), path)
    with pytest.raises(SourceError, match=r"no column .*; there is no column at all"):
        read(path)


@pytest.mark.parametrize("content", [b"PAR1", b"no parquet at all", b"PAR1" * 100])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes) -> None:
    write_table(tmp_path / "good.parquet", {})
    (tmp_path / "bad.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=r"bad\.parquet: not a readable Parquet file"):
        read(tmp_path)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = write_table(tmp_path / "events.parquet", {})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"events\.parquet: not a readable Parquet file"):
        read(path)


def test_the_text_of_a_refused_row_is_json_of_the_needed_columns_as_they_were(
    tmp_path: Path,
) -> None:
    columns = {
        "timestamp": pa.array([MOMENT] * 3, pa.timestamp("us", "UTC")),
        "userId": pa.array([None, "peter", "peter"]),
        "currentTime": pa.array([1.5, float("nan"), -1.0]),
        "ignored": pa.array(["x"] * 3),
    }
    outcome = read(write_table(tmp_path / "events.parquet", columns))
    assert outcome.reasons == ["missing_position", "missing_user", "negative_position"]
    assert orjson.loads(outcome.texts[0]) == {
        **EVENT,
        "timestamp": MOMENT.isoformat(),
        "userId": None,
        "currentTime": 1.5,
    }
    assert orjson.loads(outcome.texts[1])["currentTime"] == "nan"


def test_bytes_that_are_no_text_make_the_row_unparseable_and_harm_no_other(
    tmp_path: Path,
) -> None:
    users = pa.array([b"peter", b"\xff\xfe", b"paul"])
    as_text = pa.Array.from_buffers(pa.string(), 3, users.buffers())
    for place, array in enumerate([users, as_text]):
        path = write_table(tmp_path / f"{place}.parquet", {"userId": array})
        outcome = read(path)
        assert [row["userId"] for row in outcome.valid] == ["peter", "paul"]
        assert [(r["reason"], r["sourceRow"]) for r in outcome.rejected] == [("unparseable_row", 2)]
        assert "\ufffd" in outcome.texts[0]


def test_row_groups_are_read_once_and_rows_keep_their_numbers_however_a_file_is_cut(
    tmp_path: Path,
) -> None:
    positions = [*map(float, range(99)), -1.0]
    path = tmp_path / "events.parquet"
    write_table(path, {"currentTime": pa.array(positions)}, row_group_size=7)
    for unit_bytes in (50, 1000, 10**6):
        outcome = read(path, unit_bytes=unit_bytes)
        assert [row["currentTime"] for row in outcome.valid] == positions[:-1]
        assert [row["sourceRow"] for row in outcome.rejected] == [100]


@pytest.mark.parametrize(
    ("user", "batches"), [("u", [140_000]), ("a long name" * 40, [128 * 1024, 8_928])]
)
def test_wide_rows_are_read_in_smaller_batches(
    tmp_path: Path, user: str, batches: list[int]
) -> None:
    count = 140_000
    users = pa.array([f"{user}{number}" for number in range(count)])
    positions = pa.array([1.0] * count)
    path = write_table(
        tmp_path / "events.parquet",
        {"userId": users, "currentTime": positions},
        row_group_size=count,
    )
    layout = Layout(EVENT_ROWS, SourceConfig(str(path)))
    [unit] = cut_into_units(list_source(layout.config, EVENT_ROWS, FIRST_DAY, END_DAY))
    chunks = list(parquet_records.whole_parquet_chunks(unit, layout))
    assert [len(chunk) for chunk in chunks] == batches


DAYS = [datetime(2025, 1, day, 12, tzinfo=UTC) for day in range(1, 6)]
STRANGE = datetime(1800, 1, 1, tzinfo=UTC)


def groups_read(
    path: Path, monkeypatch: pytest.MonkeyPatch, config: SourceConfig | None = None
) -> list[int]:
    groups: list[int] = []
    chunks_of_group = parquet_records._chunks_of_group  # noqa: SLF001 (its calls are what is measured)

    def spy(file: Any, group: int, *rest: Any) -> Any:
        groups.append(group)
        return chunks_of_group(file, group, *rest)

    monkeypatch.setattr(parquet_records, "_chunks_of_group", spy)
    read(config or path, EVENT_ROWS, date(2025, 1, 3), date(2025, 1, 5))
    monkeypatch.undo()
    return groups


def times(moments: Sequence[datetime | None]) -> dict[str, ArrowArray]:
    return {"timestamp": pa.array(moments, pa.timestamp("us", "UTC"))}


def test_row_groups_whose_statistics_exclude_them_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_table(tmp_path / "events.parquet", times(DAYS), row_group_size=1)
    assert groups_read(path, monkeypatch) == [2, 3]


@pytest.mark.parametrize(
    ("strange", "reason"), [(None, "missing_timestamp"), (STRANGE, "unreadable_timestamp")]
)
def test_row_groups_with_a_time_that_cannot_be_read_are_not_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strange: datetime | None, reason: str
) -> None:
    moments = [DAYS[0], strange, DAYS[1], DAYS[0]]
    path = write_table(tmp_path / "events.parquet", times(moments), row_group_size=2)
    assert groups_read(path, monkeypatch) == [0]
    outcome = read(path, EVENT_ROWS, date(2025, 1, 3), date(2025, 1, 5))
    assert [(r["reason"], r["eventDate"]) for r in outcome.rejected] == [(reason, date(1970, 1, 1))]


def test_row_groups_without_statistics_are_not_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.parquet"
    write_table(path, times(DAYS), row_group_size=1, write_statistics=False)
    assert groups_read(path, monkeypatch) == [0, 1, 2, 3, 4]


def test_numeric_times_prune_too_and_text_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = pa.array([int(day.timestamp() * 1000) for day in DAYS])
    path = write_table(tmp_path / "n.parquet", {"timestamp": numbers}, row_group_size=1)
    assert groups_read(path, monkeypatch, SourceConfig(str(path), timestamp_unit="ms")) == [2, 3]
    text = pa.array([day.isoformat() for day in DAYS])
    path = write_table(tmp_path / "t.parquet", {"timestamp": text}, row_group_size=1)
    assert groups_read(path, monkeypatch) == [0, 1, 2, 3, 4]


def test_dates_prune_daily_views(tmp_path: Path) -> None:
    table = pa.table(
        {
            "channel_id": ["c"] * 5,
            "video_id": ["v"] * 5,
            "created_date": [date(2025, 1, 1)] * 5,
            "date": [date(2025, 1, 1) + timedelta(day) for day in range(5)],
            "viewCount": [1, 2, 3, 4, 5],
        }
    )
    pq.write_table(table, tmp_path / "views.parquet", row_group_size=1)
    outcome = read(tmp_path / "views.parquet", DAILY_VIEW_ROWS, date(2025, 1, 3), date(2025, 1, 5))
    assert [row["reportedCount"] for row in outcome.valid] == [3, 4]
    assert outcome.source_rows == 2


def test_a_file_without_rows_says_so(tmp_path: Path) -> None:
    path = write_table(tmp_path / "events.parquet", {"userId": pa.array([], pa.string())})
    layout = Layout(EVENT_ROWS, SourceConfig(str(path)))
    (file,) = list_source(layout.config, EVENT_ROWS, FIRST_DAY, END_DAY).files
    assert require_structure(file, layout)
    assert read(path).source_rows == 0


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_in_delta_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    path = write_table(
        tmp_path / "events.parquet",
        {"userId": pa.array(["peter", "paul", ""])},
        use_dictionary=False,
        column_encoding={"userId": encoding, "eventName": encoding},
    )
    outcome = read(path)
    assert [row["userId"] for row in outcome.valid] == ["peter", "paul"]
    assert outcome.reasons == ["missing_user"]


def test_whole_decimals_and_uuids_are_ids(tmp_path: Path) -> None:
    users = [UUID("12345678-9abc-def0-0011-223344556677"), None, UUID(int=7)]
    sessions = [Decimal(10) ** 30, Decimal(1), Decimal(7)]
    path = write_table(
        tmp_path / "events.parquet",
        {
            "userId": pa.array([user and user.bytes for user in users], pa.uuid()),
            "sessionId": pa.array(sessions, pa.decimal128(38, 0)),
        },
    )
    outcome = read(path)
    assert [(row["userId"], row["sessionId"]) for row in outcome.valid] == [
        ("12345678-9abc-def0-0011-223344556677", "1" + "0" * 30),
        (str(UUID(int=7)), "7"),
    ]
    assert outcome.reasons == ["missing_user"]
    assert '"userId":null,"sessionId":"1"' in outcome.texts[0]


def test_ids_of_fractions_or_bytes_of_unknown_meaning_are_refused(tmp_path: Path) -> None:
    for ids in (pa.array([Decimal("1.5")]), pa.array([b"x" * 16], pa.binary(16))):
        with pytest.raises(SourceError, match="userId must be text or whole numbers"):
            read(write_table(tmp_path / "events.parquet", {"userId": ids}))


def test_an_unreadable_text_among_the_times_costs_its_row_alone(tmp_path: Path) -> None:
    texts = pa.array([b"2025-01-03T10:00:00Z", b"\xff\xfe", b"2025-01-04T10:00:00Z"])
    times = pa.Array.from_buffers(pa.string(), 3, texts.buffers())
    outcome = read(write_table(tmp_path / "events.parquet", {"timestamp": times}))
    assert (len(outcome.valid), outcome.reasons) == (2, ["unparseable_row"])
    assert "\ufffd" in outcome.texts[0]


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    rows = pa.table({name: pa.array([value]) for name, value in EVENT.items()})
    pq.write_table(rows.append_column("userId", pa.array(["z"])), tmp_path / "events.parquet")
    with pytest.raises(SourceError, match=r"names column 'userId' more than once.*EVENTS_COLUMNS"):
        read(tmp_path / "events.parquet")
