"""Rows are kept or left out by their whole key, whatever else their files hold."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from resources.delta.keyed_rows import Keys, Share, rows_without
from resources.delta.table import Column, Table

PAIRS = Table(
    name="pairs",
    grain="A row a user and video.",
    key=("userId", "videoId"),
    columns=(
        Column("userId", pa.string(), "Who.", nullable=False),
        Column("videoId", pa.string(), "What.", nullable=False),
        Column("seconds", pa.float64(), "How long."),
        Column("title", pa.string(), "Added since."),
    ),
)
TEXTS = st.text("ab\N{LATIN SMALL LETTER E WITH ACUTE}", max_size=2)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), max_size=30)
Pairs = list[tuple[str, str]]


def table_of(pairs: Pairs) -> pa.Table:
    users, videos = [user for user, _ in pairs], [video for _, video in pairs]
    return pa.table(
        {"userId": pa.array(users, pa.string()), "videoId": pa.array(videos, pa.string())}
    )


@given(gone=ROWS, rows=ROWS)
def test_a_row_has_a_key_when_all_its_columns_have_it(gone: Pairs, rows: Pairs) -> None:
    stored = table_of(rows)
    encoded = pa.table({name: stored[name].dictionary_encode() for name in stored.column_names})
    found = Keys.of(table_of(gone)).found_in(encoded)
    assert found.tolist() == [pair in set(gone) for pair in rows]


def test_a_row_without_a_part_of_its_key_has_none() -> None:
    stored = pa.table({"userId": pa.array(["a", None]), "videoId": pa.array(["b", "b"])})
    encoded = pa.table({name: stored[name].dictionary_encode() for name in stored.column_names})
    assert Keys.of(table_of([("a", "b")])).found_in(encoded).tolist() == [True, False]


def test_shares_read_every_row_group_once(tmp_path: Path) -> None:
    pairs = [(f"user {n}", f"video {n % 3}") for n in range(20)]
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    for path, some in zip(paths, (pairs[:13], pairs[13:]), strict=True):
        rows = table_of(some).append_column("seconds", pa.array([float(len(some))] * len(some)))
        pq.write_table(rows, path, row_group_size=4)
    gone = Keys.of(table_of(pairs[2:5]))
    locations = [str(path) for path in paths]
    shares = [
        pa.concat_tables(rows_without(gone, PAIRS, locations, Share(part, 3))) for part in range(3)
    ]
    kept = pa.concat_tables(share.cast(PAIRS.arrow_schema) for share in shares)
    assert sorted(zip(*kept.select(PAIRS.key).to_pydict().values(), strict=True)) == sorted(
        pairs[:2] + pairs[5:]
    )
    assert min(share.num_rows for share in shares) > 0
    assert kept["title"].null_count == kept.num_rows
    assert set(kept["seconds"].to_pylist()) == {13.0, 7.0}
