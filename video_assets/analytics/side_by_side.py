"""Sessions of one user that play at the same moment: several devices, tabs, or a program.

A watched segment runs in the wall clock right before the event that closes it: as many seconds as
it is long, at most those since the event before. What ran at the same moment in another session of
the user, of the same video or of another one, ran side by side.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.table import Table, required
from video_assets.arrow.columns import (
    MICROS_PER_SECOND,
    Bools,
    Ints,
    encode,
    first_of_each,
    to_table,
    with_plain_texts,
)
from video_assets.arrow.kernels import map_tables
from video_assets.engagement.session_frames import EVENTS_TAKEN
from video_assets.engagement.watch_time.gaps import judge_gaps, with_true_positions
from video_assets.player_events.ordering import order_events
from video_assets.rules import WatchTimeRules

SIDE_BY_SIDE = Table(
    name="side_by_side",
    grain="one user who watched anything; never stored",
    key=("userId",),
    columns=(
        required("userId", pa.string(), "user"),
        required("simultaneousSeconds", pa.float64(), "played beyond one at a time", "s"),
        required("simultaneousSessions", pa.int64(), "sessions that ran beside another"),
        required("mostPlacesAtOnce", pa.int64(), "most sessions at the same moment"),
    ),
)


def side_by_side(raw_events: DataFrame, rules: WatchTimeRules, tasks: int) -> DataFrame:
    """One row per user who watched anything; lazily.

    Args:
        raw_events: all rows of `raw_events` of some users.
        rules: thresholds.
        tasks: how many tasks share the work.

    Returns:
        Rows of `SIDE_BY_SIDE`.
    """

    def of_task(events: pa.Table) -> pa.Table:
        return side_by_side_of_users(events, rules)

    by_user = raw_events.select(*EVENTS_TAKEN.names).repartition(tasks, F.col("userId"))
    return map_tables(by_user, of_task, EVENTS_TAKEN, SIDE_BY_SIDE)


def side_by_side_of_users(events: pa.Table, rules: WatchTimeRules) -> pa.Table:
    """How much each user played beyond one session at a time.

    Args:
        events: columns of `EVENTS_TAKEN`; all events of a user must be among them.
        rules: the thresholds.

    Returns:
        Rows of `SIDE_BY_SIDE`.
    """
    events = with_plain_texts(events)
    played = _Played.of(events, rules)
    if not len(played.user):
        return SIDE_BY_SIDE.arrow_schema.empty_table()
    changes = _Changes.of(played)
    beyond_one = np.maximum(changes.running - 1, 0) * changes.micros
    is_shared = np.append(0, np.cumsum((changes.running > 1) * changes.micros))
    beside = is_shared[changes.end] > is_shared[changes.begin]
    _, one = np.unique(played.session[beside], return_index=True)
    users = int(played.user.max()) + 1
    most = np.zeros(users, np.int64)
    np.maximum.at(most, changes.user, np.where(changes.micros > 0, changes.running, 0))
    seconds = np.bincount(changes.user, beyond_one, users) / MICROS_PER_SECOND
    sessions = np.bincount(played.user[beside][one], minlength=users)
    watched: Ints = np.flatnonzero(most)
    return to_table(
        {
            "userId": encode(events, "userId")[1].take(pa.array(watched, pa.int64())),
            "simultaneousSeconds": seconds[watched],
            "simultaneousSessions": sessions[watched],
            "mostPlacesAtOnce": most[watched],
        },
        SIDE_BY_SIDE.arrow_schema,
    )


@dataclass(frozen=True)
class _Played:
    """When sessions played, in microseconds of wall clock; no stretch is empty.

    Attributes:
        user: number of the user.
        session: number of the user, video and session.
    """

    user: npt.NDArray[np.int32]
    session: npt.NDArray[np.int32]
    begin: Ints
    end: Ints

    @classmethod
    def of(cls, events: pa.Table, rules: WatchTimeRules) -> "_Played":
        """Those of the watched segments of some events (rule 5)."""
        ordered = with_true_positions(order_events(events, rules.lookback), rules)
        gaps = judge_gaps(ordered, rules)
        closing = np.flatnonzero(gaps.watched)
        end = ordered.micros[closing]
        length = np.rint(gaps.watched_seconds[closing] * MICROS_PER_SECOND).astype(np.int64)
        begin = np.maximum(end - length, ordered.micros[closing - 1])
        lasts = begin < end
        rows = closing[lasts]
        user = encode(events, "userId")[0][ordered.source_row[rows]]
        return cls(user, ordered.group[rows], begin[lasts], end[lasts])


@dataclass(frozen=True)
class _Changes:
    """The moments at which a user's stretches begin and end, in the order of time.

    Attributes:
        user: whose moment it is.
        running: stretches that run from then on.
        micros: until the user's next moment.
        begin: index of the moment at which each stretch begins.
        end: index of the moment at which it ends.
    """

    user: npt.NDArray[np.int32]
    running: Ints
    micros: Ints
    begin: Ints
    end: Ints

    @classmethod
    def of(cls, played: _Played) -> "_Changes":
        """Sweep over the wall clock of each user."""
        stretches = len(played.user)
        user = np.concatenate([played.user, played.user])
        at = np.concatenate([played.begin, played.end])
        order = np.lexsort((at, user))
        change = np.where(order < stretches, 1, -1)
        place = np.empty(2 * stretches, np.int64)
        place[order] = np.arange(2 * stretches)
        running = np.cumsum(change)
        last: Bools = np.append(first_of_each(user[order])[1:], [True])
        until = np.append(np.diff(at[order]), 0)
        return cls(
            user[order],
            running,
            np.where(last, 0, until),
            place[:stretches],
            place[stretches:],
        )
