"""Rule 9: session rows, one for each user, video, session and day."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.delta.table import TIMESTAMP
from resources.epoch import day_number
from video_assets.arrow.columns import (
    MICROS_PER_DAY,
    MICROS_PER_SECOND,
    ArrowArray,
    Bools,
    Floats,
    Ints,
    first_of_each,
    microseconds,
    strings,
    to_table,
    with_numbered_texts,
)
from video_assets.arrow.intervals import Intervals, merge, to_lists, total_length
from video_assets.engagement.tables import SESSIONS
from video_assets.engagement.watch_time.endings import counted_endings
from video_assets.engagement.watch_time.gaps import Gaps, judge_gaps, with_true_positions
from video_assets.player_events import dimensions
from video_assets.player_events.ordering import OrderedEvents, order_events
from video_assets.rules import WatchTimeRules
from video_assets.vocabulary import PlayerEvent

SEGMENTS_SCHEMA = pa.schema(
    [
        *SESSIONS.fields("userId", "videoId", "sessionId", "sessionDate"),
        pa.field("start", pa.float64(), nullable=False),
        pa.field("end", pa.float64(), nullable=False),
        pa.field("endTime", TIMESTAMP, nullable=False),
    ]
)


def session_rows(
    events: pa.Table, rules: WatchTimeRules, first_day: date, end_day: date
) -> pa.Table:
    """The session rows of some days (rules 2 to 6 and 9 of the watch-time rules).

    The rows of a day are the same, bit by bit, in whatever order the events come and whatever
    other days are asked for, provided that the events of the `rules.reach` seconds before the
    first day are there.

    Args:
        events: valid events with the columns of `raw_events` (eventDate and dimensions are not
            needed), in any order; those before `first_day` only tell what came before a day's
            first event.
        rules: the thresholds.
        first_day: first UTC day to compute.
        end_day: UTC day after the last one.

    Returns:
        A table with the schema of `sessions`, in no particular order: one row for each user,
        video, session and day from `first_day` to before `end_day` that has an event.

    Raises:
        KeyError: a column is missing.
        ValueError: an id is null, or an event name is unknown.
    """
    events = _within_reach(events, rules, first_day, end_day)
    if events.num_rows == 0:
        return SESSIONS.arrow_schema.empty_table()
    played = _played(events, rules)
    gaps = judge_gaps(played, rules)
    endings = counted_endings(played, rules.lookback)
    rows = _Rows.of(played, gaps)
    table = to_table(
        {
            **_identity(events, played, rows),
            **_clock(played, rows),
            **_watched(played, gaps, rows),
            **_reached(played, gaps, endings, rows),
            **_counts(played, gaps, endings, rows),
            "dimensions": _dimensions(events, played, rows, rules.lookback),
        },
        SESSIONS.arrow_schema,
    )
    return _of_days(table, first_day)


def watched_segments(
    events: pa.Table, rules: WatchTimeRules, first_day: date, end_day: date
) -> pa.Table:
    """The watched segments of some days, unmerged (rule 5 of the watch-time rules).

    Rewatched stretches come as often as they were watched.

    Args:
        events: as for `session_rows`.
        rules: the thresholds.
        first_day: first UTC day to compute.
        end_day: UTC day after the last one.

    Returns:
        One row a segment: userId, videoId, sessionId, sessionDate, start and end in seconds of
        video, and endTime, when it ended; a segment belongs to the day of the event that closes
        it (rule 9).

    Raises:
        KeyError: a column is missing.
        ValueError: an id is null, or an event name is unknown.
    """
    events = _within_reach(events, rules, first_day, end_day)
    played = _played(events, rules)
    gaps = judge_gaps(played, rules)
    closing = np.flatnonzero(gaps.watched)
    table = to_table(
        {
            **_ids(events, played.source_row[closing]),
            "sessionDate": _dates(_days(played.micros[closing])),
            "start": gaps.start[closing],
            "end": played.position[closing],
            "endTime": pa.array(played.micros[closing]).cast(TIMESTAMP),
        },
        SEGMENTS_SCHEMA,
    )
    return _of_days(table, first_day)


@dataclass(frozen=True)
class _Rows:
    """The runs of events that make up the session rows.

    Attributes:
        of_event: number of each event's row.
        first: index of each row's first event.
        last: index of each row's last event.
        day: each row's day, in days since 1970-01-01.
        continues: the row goes on with a session of the day before.
    """

    of_event: Ints
    first: Ints
    last: Ints
    day: Ints
    continues: Bools

    @classmethod
    def of(cls, played: OrderedEvents, gaps: Gaps) -> "_Rows":
        """Start a row where a session starts, and at midnight."""
        day = _days(played.micros)
        starts = ~gaps.connected | first_of_each(day)
        first = np.flatnonzero(starts)
        last = np.append(first[1:], len(day)) - 1
        return cls(np.cumsum(starts) - 1, first, last, day[first], gaps.connected[first])

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.first)


def _within_reach(
    events: pa.Table, rules: WatchTimeRules, first_day: date, end_day: date
) -> pa.Table:
    """The events that can influence the days: not too early, and not later."""
    events = with_numbered_texts(events)
    micros = microseconds(events, "timestamp")
    # A second more than needed, so that rounding the reach cannot cut off an event.
    reach = int((rules.reach + 1) * MICROS_PER_SECOND)
    wanted = micros >= day_number(first_day) * MICROS_PER_DAY - reach
    wanted &= micros < day_number(end_day) * MICROS_PER_DAY
    return events if wanted.all() else events.filter(pa.array(wanted))


def _played(events: pa.Table, rules: WatchTimeRules) -> OrderedEvents:
    return with_true_positions(order_events(events, rules.lookback), rules)


def _of_days(table: pa.Table, first_day: date) -> pa.Table:
    wanted = pc.greater_equal(table["sessionDate"], pa.scalar(first_day))
    return table if pc.all(wanted, min_count=0).as_py() else table.filter(wanted)


def _identity(events: pa.Table, played: OrderedEvents, rows: _Rows) -> dict[str, Any]:
    first_of_day = first_of_each(played.group[rows.first]) | first_of_each(rows.day)
    return {
        **_ids(events, played.source_row[rows.first]),
        "sessionDate": _dates(rows.day),
        "sessionNumber": _number_within(first_of_day),
        "isContinuation": rows.continues,
    }


def _ids(events: pa.Table, rows: Ints) -> dict[str, Any]:
    return {name: strings(events, name, rows) for name in ("userId", "videoId", "sessionId")}


def _number_within(first: Bools) -> Ints:
    """1, 2, 3, ... anew from each first row on."""
    row = np.arange(len(first))
    return row - np.maximum.accumulate(np.where(first, row, 0)) + 1


def _clock(played: OrderedEvents, rows: _Rows) -> dict[str, Any]:
    first_time = played.micros[rows.first]
    last_time = played.micros[rows.last]
    # The gap across midnight belongs to the later day, so its clock starts at the event before.
    started = played.micros[rows.first - rows.continues]
    return {
        "firstEventTime": pa.array(first_time).cast(TIMESTAMP),
        "lastEventTime": pa.array(last_time).cast(TIMESTAMP),
        "elapsedSeconds": (last_time - started) / MICROS_PER_SECOND,
    }


def _watched(played: OrderedEvents, gaps: Gaps, rows: _Rows) -> dict[str, Any]:
    watch_time = np.add.reduceat(gaps.watched_seconds, rows.first)
    merged = merge(_segments(played, gaps, rows))
    return {
        "watchTime": watch_time,
        # Never more than the watch time, not even by the rounding of a sum.
        "uniqueSecondsWatched": np.minimum(total_length(merged, len(rows)), watch_time),
        "watchedIntervals": to_lists(merged, len(rows)),
        "playedSeconds": _played_seconds(played, gaps, rows),
    }


def _played_seconds(played: OrderedEvents, gaps: Gaps, rows: _Rows) -> Floats:
    closing = np.flatnonzero(gaps.watched)
    micros = np.zeros(len(played), np.int64)
    micros[closing] = played.micros[closing] - played.micros[closing - 1]
    return np.add.reduceat(micros, rows.first) / MICROS_PER_SECOND


def _segments(played: OrderedEvents, gaps: Gaps, rows: _Rows) -> Intervals:
    closing = np.flatnonzero(gaps.watched)
    return Intervals(rows.of_event[closing], gaps.start[closing], played.position[closing])


def _reached(played: OrderedEvents, gaps: Gaps, endings: Bools, rows: _Rows) -> dict[str, Any]:
    seen = np.where(gaps.watched | endings, played.position, -1.0)
    furthest = np.maximum.reduceat(seen, rows.first)
    return {
        "maxPosition": np.maximum.reduceat(np.maximum(played.position, played.target), rows.first),
        "furthestSeen": pa.array(furthest, mask=furthest < 0),
    }


def _counts(played: OrderedEvents, gaps: Gaps, endings: Bools, rows: _Rows) -> dict[str, Any]:
    return {
        "pauseCount": _count(played.event == PlayerEvent.PAUSE, rows),
        "endedCount": _count(endings, rows),
        "forwardSkips": _count(gaps.forward_skip, rows),
        "backwardSkips": _count(gaps.backward_skip, rows),
        "eventCount": rows.last - rows.first + 1,
        "unterminatedPosition": _unterminated_position(played, rows),
        "segmentCount": _count(gaps.watched, rows),
        "playCount": _count(played.event == PlayerEvent.PLAY, rows),
        "tooLongSegments": _count(gaps.too_long, rows),
        "tooFastSegments": _count(gaps.too_fast, rows),
    }


def _dimensions(events: pa.Table, played: OrderedEvents, rows: _Rows, lookback: float) -> Any:
    """Of each dimension the value of the session's first event that has one.

    Of the day before, a row that goes on with a session knows the events within the look-back
    before midnight: a day needs no more of the day before.
    """
    if not dimensions.are_known(events):
        return pa.nulls(len(rows), pa.string())
    before_midnight = MICROS_PER_DAY - played.micros % MICROS_PER_DAY
    is_late = before_midnight <= lookback * MICROS_PER_SECOND
    nowhere = len(played)
    index = np.arange(nowhere)

    def first_of(values: dimensions.Values) -> dimensions.Values:
        known = values.codes >= 0
        own = np.minimum.reduceat(np.where(known, index, nowhere), rows.first)
        late = np.minimum.reduceat(np.where(known & is_late, index, nowhere), rows.first)
        first = np.minimum(own, np.where(rows.continues, np.roll(late, 1), nowhere))
        return values.at(np.where(first < nowhere, first, -1))

    values = dimensions.unpacked(events[dimensions.COLUMN])
    ordered = {name: first_of(each.at(played.source_row)) for name, each in values.items()}
    return dimensions.packed(ordered, len(rows))


def _count(happened: Bools, rows: _Rows) -> Ints:
    return np.add.reduceat(happened, rows.first, dtype=np.int64)


def _unterminated_position(played: OrderedEvents, rows: _Rows) -> ArrowArray:
    """Rule 7: where a play stands that is the last event of its row."""
    ends_otherwise = played.event[rows.last] != PlayerEvent.PLAY
    return pa.array(played.position[rows.last], mask=ends_otherwise)


def _days(micros: Ints) -> Ints:
    return micros // MICROS_PER_DAY


def _dates(days: Ints) -> ArrowArray:
    return pa.array(days.astype(np.int32)).cast(pa.date32())
