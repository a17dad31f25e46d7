"""The table `source_files`: the account of every delivered file."""

import pyarrow as pa

from resources.delta.table import TIMESTAMP, Column, Table, required
from video_assets.sources.fates import Fate
from video_assets.vocabulary import SCHEMA_NAME

# The fates that a run decides; all other rows of a file are waiting.
DECIDED = (Fate.VALID, Fate.REPEATED, Fate.REJECTED, Fate.IGNORED, Fate.ERASED)


def _days(*counts: str) -> pa.DataType:
    day: pa.DataType = pa.struct([("date", pa.date32()), *((name, pa.int64()) for name in counts)])
    return pa.list_(pa.field("element", day))


SOURCE_FILES = Table(
    name="source_files",
    schema=SCHEMA_NAME,
    grain="one version of one delivered file",
    key=("source", "path", "version"),
    columns=(
        required(
            "source", pa.string(), "player_events, daily_views, video_metadata or user_aliases"
        ),
        required("path", pa.string(), "where the file is; of a Delta table its folder"),
        required("version", pa.string(), "when it was modified, or its ETag, or its Delta version"),
        required("size", pa.int64(), "bytes as stored", "B"),
        required("firstSeenAt", TIMESTAMP, "when it was first seen", "UTC"),
        Column("readAt", TIMESTAMP, "when a run read it last; null: none yet", "UTC"),
        Column("rowCount", pa.int64(), "its rows, the sum of the six counts; null: not known yet"),
        required("validRows", pa.int64(), "rows in the table of its source"),
        required("repeatedRows", pa.int64(), "rows that another one made superfluous"),
        required("rejectedRows", pa.int64(), "refused rows"),
        required("ignoredRows", pa.int64(), "rows that nobody wants, counted and kept nowhere"),
        required("erasedRows", pa.int64(), "rows of people who were erased"),
        Column(
            "waitingRows",
            pa.int64(),
            "rows whose day was not computed since the file came, or is no partition; halves of "
            "rows at the end of a file; null: not known yet",
        ),
        Column("rowsByDay", _days("rows"), "rows of each day; rows without a day under 1970-01-01"),
        Column(
            "fatesByDay",
            _days(*DECIDED, "commit"),
            "of each computed day the rows by fate, and under which number the table notes the "
            "commit that computed it",
        ),
        Column("vanishedAt", TIMESTAMP, "when it was first missed; null: it is there", "UTC"),
        required("readAs", pa.string(), "fingerprint of the settings that tell a row's day"),
    ),
)
