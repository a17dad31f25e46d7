"""Rows that travel in few bytes come back as they were."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from video_assets.arrow.slim import restored, slim

COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), st.text(max_size=3) | st.none()),
    "day": (pa.date32(), st.dates() | st.none()),
    "place": (pa.int32(), st.integers(-1, 1) | st.none()),
    "count": (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.none()),
    "seconds": (pa.float64(), st.floats(allow_nan=False) | st.none()),
    "absent": (pa.float64(), st.none()),
    "list": (pa.list_(pa.int64()), st.lists(st.integers(0, 9), max_size=2) | st.none()),
}
ROWS = st.lists(st.fixed_dictionaries({name: of for name, (_, of) in COLUMNS.items()}), max_size=40)


def table(rows: list[dict[str, Any]], repeated: int) -> pa.Table:
    schema = pa.schema([(name, type_) for name, (type_, _) in COLUMNS.items()])
    plain = pa.Table.from_pylist(rows * repeated, schema).sort_by("day")
    return plain.set_column(0, "text", plain["text"].dictionary_encode())


@given(rows=ROWS, repeated=st.integers(1, 20))
def test_rows_are_restored(rows: list[dict[str, Any]], repeated: int) -> None:
    given_rows = table(rows, repeated)
    assert restored(pa.Table.from_batches([slim(given_rows)])).equals(given_rows)


def test_what_most_rows_have_not_or_have_in_common_takes_no_room() -> None:
    rows = 10_000
    columns = {
        "text": pa.array(["a", "b"] * (rows // 2)).dictionary_encode(),
        "day": pa.array([1] * rows, pa.int32()).cast(pa.date32()),
        "absent": pa.nulls(rows, pa.float64()),
    }
    assert slim(pa.table(columns)).nbytes < 1.1 * rows
