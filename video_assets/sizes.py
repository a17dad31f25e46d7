"""Every number that bounds memory or shares out work, in one place, so that they fit together.

A step holds a chunk of a run; the engine shares it out to tasks; a task unpacks one bucket at a
time. Sizes of what is written are those of `resources.delta` and `resources.storage`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Portion:
    """What a step holds at once of the rows of a source.

    Attributes:
        rows: how many.
        bytes_per_row: what one takes about in compressed Parquet, and more in any other format:
            rows are told by the size of the files.
    """

    rows: int
    bytes_per_row: int


# What a step holds at once.
ROWS_AT_ONCE = 15_000_000
SESSIONS_AT_ONCE = 10_000_000
EVENTS_AT_ONCE = Portion(ROWS_AT_ONCE, bytes_per_row=20)
# The engine holds a chunk's rows with all texts, some 400 bytes each.
VIEWS_AT_ONCE = Portion(5_000_000, bytes_per_row=5)
# Files of lines tell their days only when they were read once. From so many portions on that is
# worth it, and chunks of days are as long as no more than twice their bytes have to be read.
PORTIONS_FOR_A_LOOK = 4
MOST_READS = 2
# Keys that every task holds: 100 bytes each.
MOST_KEYS = 1_000_000
# A user and video have rarely more session rows, on average over many of them.
SESSIONS_OF_A_PAIR = 20

# Users and videos that a forecast is fitted to, and as many that it is tried on.
FORECAST_SAMPLE = 50_000

# What a task holds at once.
ROWS_PER_TASK = 1_000_000
SUMMED_BYTES = 64 * 1024 * 1024
SMALLEST_SHARE = 50_000
TASKS_PER_CORE = 2
# What a step has at least when it is computed in processes of its own.
ROWS_FOR_PROCESSES = 1_000_000
ROWS_PER_BUCKET = 500_000
SMALLEST_BUCKET = 50_000
ROWS_PER_PACK = 512 * 1024
SMALLEST_BLOCK = 4096

# How files are cut, and read.
UNIT_BYTES = 64 * 1024 * 1024
SMALLEST_TASK_BYTES = 1024 * 1024
TASKS_WANTED = 16
BLOCK_BYTES = 8 * 1024 * 1024
LONGEST_LINE = 16 * 1024 * 1024
# A batch of Parquet holds so many bytes, as its file counts them, within these numbers of rows.
PARQUET_BATCH_BYTES = 32 * 1024 * 1024
SMALLEST_PARQUET_BATCH = 128 * 1024
LARGEST_PARQUET_BATCH = ROWS_PER_PACK
