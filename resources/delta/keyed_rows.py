"""The rows of a table's data files that have none of some keys, a row group at a time.

A join does the same, at twice the time and three times the memory: it unpacks all texts, and every
row goes through the engine.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from resources.delta.file_rows import opened, with_added_columns
from resources.delta.table import Table
from resources.engine.compute_slots import turn

_ABSENT = -1
_ROWS_AT_ONCE = 64 * 1024


@dataclass(frozen=True)
class Keys:
    """Values of a key of text columns, none of them null.

    A key has a number: the places of its texts, each in the list of its column.

    Attributes:
        texts: by column, each text of any key once.
        numbers: of the keys, ascending.
    """

    texts: Mapping[str, "pa.Array[Any]"]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, keys: pa.Table) -> Self:
        """The keys in these rows."""
        texts: dict[str, pa.Array[Any]] = {
            name: keys[name].combine_chunks().unique().cast(pa.string())
            for name in keys.column_names
        }
        encoded = {name: keys[name].cast(pa.string()).dictionary_encode() for name in texts}
        return cls(texts, np.unique(_numbers(pa.table(cast("Any", encoded)), texts)))

    def found_in(self, rows: pa.Table) -> NDArray[np.bool_]:
        """Which rows have one of the keys.

        Args:
            rows: the key's columns, dictionary-encoded.
        """
        numbers = _numbers(rows, self.texts)
        is_found: NDArray[np.bool_] = numbers != _ABSENT
        is_found[is_found] = np.isin(numbers[is_found], self.numbers)
        return is_found


@dataclass(frozen=True)
class Share:
    """A part of the row groups of all files.

    Attributes:
        part: its number, from 0.
        parts: how many there are.
    """

    part: int
    parts: int


def rows_without(
    keys: Keys, table: Table, locations: Sequence[str], share: Share
) -> Iterator[pa.Table]:
    """The rows with other keys, as they are stored; columns that a file lacks are null.

    Args:
        keys: of rows to leave out.
        table: whose files they are, without partitions.
        locations: of the files, in which no row is marked as deleted.
        share: which row groups to read.
    """
    for location, group in islice(_row_groups(locations), share.part, None, share.parts):
        with opened(location, list(keys.texts)) as file:
            batches = file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], use_threads=False)
            kept = (with_added_columns(rows, table) for rows in _without(keys, batches))
            while (rows := _in_turn(kept)) is not None:
                yield rows


def _without(keys: Keys, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    for rows in (pa.Table.from_batches([batch]) for batch in batches):
        yield rows.filter(pa.array(~keys.found_in(rows)))


def _in_turn(tables: Iterator[pa.Table]) -> pa.Table | None:
    with turn():
        return next(tables, None)


def _row_groups(locations: Sequence[str]) -> Iterator[tuple[str, int]]:
    for location in locations:
        with opened(location) as file:
            groups = file.num_row_groups
        yield from ((location, group) for group in range(groups))


def _numbers(rows: pa.Table, texts: Mapping[str, "pa.Array[Any]"]) -> NDArray[np.int64]:
    """The number of each row's key; that of a key with any other text is -1."""
    numbers = np.zeros(rows.num_rows, np.int64)
    is_absent = np.zeros(rows.num_rows, np.bool_)
    for name, of_column in texts.items():
        places = _places(rows[name], of_column)
        numbers = numbers * len(of_column) + places
        is_absent |= places == _ABSENT
    numbers[is_absent] = _ABSENT
    return numbers


def _places(values: "pa.ChunkedArray[Any]", texts: "pa.Array[Any]") -> NDArray[np.int64]:
    chunks = [_places_of_chunk(chunk, texts) for chunk in values.chunks]
    return np.concatenate(chunks or [np.empty(0, np.int64)])


def _places_of_chunk(chunk: Any, texts: "pa.Array[Any]") -> NDArray[np.int64]:
    dictionary = chunk.dictionary.cast(pa.string())
    places = pc.index_in(dictionary, texts).fill_null(_ABSENT).to_numpy()
    # A null has no text: its place is the one behind the last.
    places = np.append(places, _ABSENT).astype(np.int64)
    indices = chunk.indices.fill_null(len(dictionary))
    return cast("NDArray[np.int64]", places[indices.to_numpy()])
