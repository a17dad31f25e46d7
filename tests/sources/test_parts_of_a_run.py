"""A long run reads its source in parts of its days: no row is lost, and none is met twice."""

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from support.source_files import EVENT, Outcome, read, write

from video_assets.player_events.source_rows import EVENT_ROWS

FIRST, MIDDLE, END = date(2025, 1, 3), date(2025, 1, 5), date(2025, 1, 8)
TIMES = st.one_of(
    st.none(),
    st.just(datetime(1800, 1, 1, tzinfo=UTC)),
    st.integers(1, 10).map(lambda day: datetime(2025, 1, day, 12, tzinfo=UTC)),
)


def all_rows(*outcomes: Outcome) -> list[str]:
    return sorted(repr(row) for outcome in outcomes for row in (*outcome.valid, *outcome.rejected))


def require_same_in_parts(folder: Path) -> None:
    whole = read(folder, EVENT_ROWS, FIRST, END)
    parts = [
        read(folder, EVENT_ROWS, FIRST, MIDDLE),
        read(folder, EVENT_ROWS, MIDDLE, END, with_undated=False),
    ]
    assert all_rows(*parts) == all_rows(whole)
    assert sum(part.source_rows for part in parts) == whole.source_rows


@settings(deadline=None)  # files are written
@given(st.lists(TIMES, min_size=1, max_size=12), st.integers(1, 4))
def test_parts_of_parquet_have_the_rows_of_the_whole(
    times: list[datetime | None], rows_per_group: int
) -> None:
    rows = [EVENT | {"timestamp": time} for time in times]
    table = pa.Table.from_pylist(rows)
    stamps = table["timestamp"].cast(pa.timestamp("us", "UTC"))
    with tempfile.TemporaryDirectory() as folder:
        table = table.set_column(table.column_names.index("timestamp"), "timestamp", stamps)
        pq.write_table(table, Path(folder) / "a.parquet", row_group_size=rows_per_group)
        require_same_in_parts(Path(folder))


def test_parts_of_lines_have_what_cannot_be_parsed_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [EVENT, EVENT | {"timestamp": "2025-01-06"}])
    path.write_bytes(path.read_bytes() + b"{broken\n")
    require_same_in_parts(tmp_path)
