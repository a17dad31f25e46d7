"""Rows on their way from a reader to validation: columns as they came, and their origin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from video_assets.arrow.types import ArrowArray, Integers

# Leaves room for files of four terabytes each, and two million of them in a run.
ORDER_BITS_IN_FILE = 42


@dataclass(frozen=True)
class BrokenRow:
    """A row of which nothing could be read.

    Attributes:
        text: the row as received.
        number: its 1-based row in the file, where known.
    """

    text: str
    number: int | None


@dataclass(frozen=True)
class Chunk:
    """Some rows of one file.

    Attributes:
        columns: our column names to arrays, all of one length, of the types that the file has.
        numbers: 1-based row of each in the file; None where nobody counted.
        order: ascends in the order of delivery within the file.
        texts_of: the texts, as received, of rows given by their indices; costly, for refused rows.
        broken: rows that could not be parsed.
        source_rows: rows that the reader met, counted apart from what was parsed.
        unwanted_rows: those of them that were not read, because nobody wants them; of no day.
        waiting_rows: those of them that are half a row, cut at the end of a file being written.
        with_undated: whether those without a readable day belong to what is read; None: as its
            window says.
    """

    columns: Mapping[str, ArrowArray]
    numbers: Integers | None
    order: Integers
    texts_of: Callable[[Integers], list[str]]
    broken: Sequence[BrokenRow]
    source_rows: int
    waiting_rows: int = 0
    unwanted_rows: int = 0
    with_undated: bool | None = None

    def __len__(self) -> int:
        """How many rows were parsed."""
        return len(self.order)

    def delivery_order(self, file_index: int) -> Integers:
        """What ascends from file to file and from row to row.

        Args:
            file_index: place of the file in the order of delivery.
        """
        return self.order + (file_index << ORDER_BITS_IN_FILE)


@dataclass(frozen=True)
class OtherRows:
    """Rows of days that a run does not compute, of which only the time is read, to count them.

    Attributes:
        times: the column that decides the day, as the file has it; without nulls.
    """

    times: ArrowArray
