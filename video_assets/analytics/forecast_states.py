"""Where each viewer stood with each video at the end of some days, and what followed.

Everything but `isCompletedAfter` is of sessions up to that day, as it would have been known then.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resources.delta.table import Table, required
from video_assets.arrow.columns import (
    Bools,
    Floats,
    Ints,
    booleans,
    encode,
    floats,
    group_codes,
    integers,
    to_table,
    with_plain_texts,
)
from video_assets.engagement.durations import is_usable_duration
from video_assets.engagement.tables import SESSIONS

HORIZON = 7
SESSIONS_TAKEN = pa.schema(
    [
        *SESSIONS.fields(
            *("userId", "videoId", "sessionDate", "isContinuation", "watchTime"),
            *("maxPosition", "endedCount", "forwardSkips", "backwardSkips"),
        ),
        pa.field("duration", pa.float64()),
    ]
)
STATES = Table(
    name="forecast_states",
    grain="one user and video at the end of a day, still open then or a week before; never stored",
    key=("userId", "videoId", "day"),
    columns=(
        required("userId", pa.string(), "user"),
        required("videoId", pa.string(), "video"),
        required("day", pa.int64(), "number of the day among those asked for"),
        required("isOpen", pa.bool_(), "opened, and not completed, by the end of the day"),
        required("isCompletedAfter", pa.bool_(), "completed within the horizon after it"),
        required("wasOpen", pa.int64(), "1: open a horizon before the day"),
        required("wasCompleted", pa.int64(), "1: of these, completed since"),
        required("reached", pa.float64(), "furthest position of the length; 0 where unknown"),
        required("watched", pa.float64(), "watch time of the length; 0 where unknown"),
        required("isLengthKnown", pa.float64(), "1: the metadata know it"),
        required("watchSeconds", pa.float64(), "watch time", "s"),
        required("sessions", pa.float64(), "sessions begun"),
        required("skips", pa.float64(), "jumps either way"),
        required("daysSinceFirst", pa.float64(), "since the first session", "days"),
        required("daysSinceLast", pa.float64(), "since the last session", "days"),
        required("userVideos", pa.float64(), "videos that the user opened"),
        required("userCompleted", pa.float64(), "of these, completed"),
        required("userDaysSinceLast", pa.float64(), "since the user's last session", "days"),
        required("userWasOpen", pa.float64(), "wasOpen of all of the user's videos"),
        required("userWasCompleted", pa.float64(), "wasCompleted of all of them"),
    ),
)
_LONG_AGO = -(2**40)
_MILLISECONDS = 1000.0


def states_of_users(sessions: pa.Table, days: Sequence[int]) -> pa.Table:
    """Where users stood at the end of each of the days.

    Args:
        sessions: columns of `SESSIONS_TAKEN`; all rows of a user must be among them.
        days: days since 1970-01-01.

    Returns:
        Rows of `STATES`.
    """
    rows = with_plain_texts(sessions)
    if rows.num_rows == 0:
        return STATES.arrow_schema.empty_table()
    return pa.concat_tables([_at(rows, number, day) for number, day in enumerate(days)])


def _at(rows: pa.Table, number: int, today: int) -> pa.Table:
    pair = group_codes(rows, "userId", "videoId")
    pairs = int(pair.max()) + 1
    day = integers(rows, "sessionDate")
    known, before = day <= today, day <= today - HORIZON
    ended = integers(rows, "endedCount") > 0
    after = ~known & (day <= today + HORIZON)

    def summed(values: Floats, which: Bools) -> Floats:
        return np.bincount(pair[which], values[which], pairs).astype(np.float64)

    def has(which: Bools) -> Bools:
        return np.bincount(pair[which], minlength=pairs) > 0

    _, one = np.unique(pair, return_index=True)
    user = encode(rows, "userId")[0][one]
    is_completed, was_completed = has(known & ended), has(before & ended)
    is_open = has(known) & ~is_completed
    was_open = has(before) & ~was_completed
    completed_since = was_open & is_completed
    first, last = _first(pair, day, known, pairs), _last(pair, day, known, pairs)
    length = floats(rows, "duration")[one]
    has_length = is_usable_duration(length)
    # Whole milliseconds add up to the same in any order.
    watched = summed(np.rint(floats(rows, "watchTime") * _MILLISECONDS), known) / _MILLISECONDS
    furthest = np.zeros(pairs)
    np.maximum.at(furthest, pair[known], floats(rows, "maxPosition")[known])
    skips = integers(rows, "forwardSkips") + integers(rows, "backwardSkips")
    keep = np.flatnonzero(is_open | was_open)
    row = pa.array(one[keep], pa.int64())

    def of_user(values: Bools) -> Floats:
        return np.bincount(user, values).astype(np.float64)[user]

    user_last = np.full(int(user.max()) + 1, _LONG_AGO)
    np.maximum.at(user_last, user, last)
    columns = {
        "isOpen": is_open,
        "isCompletedAfter": is_open & has(after & ended),
        "wasOpen": was_open.astype(np.int64),
        "wasCompleted": completed_since.astype(np.int64),
        "reached": _share(furthest, length, has_length),
        "watched": _share(watched, length, has_length),
        "isLengthKnown": has_length.astype(np.float64),
        "watchSeconds": watched,
        "sessions": summed((~booleans(rows, "isContinuation")).astype(np.float64), known),
        "skips": summed(skips.astype(np.float64), known),
        "daysSinceFirst": (today - first).astype(np.float64),
        "daysSinceLast": (today - last).astype(np.float64),
        "userVideos": of_user(has(known)),
        "userCompleted": of_user(is_completed),
        "userDaysSinceLast": (today - user_last[user]).astype(np.float64),
        "userWasOpen": of_user(was_open),
        "userWasCompleted": of_user(completed_since),
    }
    return to_table(
        {
            "userId": rows["userId"].take(row),
            "videoId": rows["videoId"].take(row),
            "day": np.full(len(keep), number),
            **{name: values[keep] for name, values in columns.items()},
        },
        STATES.arrow_schema,
    )


def _first(pair: npt.NDArray[np.int32], day: Ints, which: Bools, pairs: int) -> Ints:
    first = np.full(pairs, -_LONG_AGO)
    np.minimum.at(first, pair[which], day[which])
    return first


def _last(pair: npt.NDArray[np.int32], day: Ints, which: Bools, pairs: int) -> Ints:
    last = np.full(pairs, _LONG_AGO)
    np.maximum.at(last, pair[which], day[which])
    return last


def _share(part: Floats, length: Floats, has_length: Bools) -> Floats:
    share = np.zeros_like(part)
    np.divide(part, length, out=share, where=has_length)
    return np.minimum(share, 2.0)
