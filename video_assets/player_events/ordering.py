"""Rule 2: the player's events in the order in which they happened, each of them once."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_assets.arrow.columns import (
    Floats,
    Ints,
    encode,
    first_of_each,
    floats,
    group_codes,
    grouped_order,
    microseconds,
)


class PlayerEvent(IntEnum):
    """What the player did; of simultaneous events the smaller number comes first (rule 2)."""

    PLAY = 0
    PAUSE = 1
    RESUME = 2
    ENDED = 3

    @property
    def column_value(self) -> str:
        """The event's name in the column eventName."""
        return f"video_{self.name.lower()}"


EventCodes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class OrderedEvents:
    """Distinct events, sorted by group and, within the group, by rule 2.

    Attributes:
        group: number of the event's (userId, videoId, sessionId).
        micros: time in microseconds since 1970-01-01 UTC.
        event: a `PlayerEvent`.
        position: position in the video in seconds, >= 0.
        source_row: the row of the events table that the event came from.
    """

    group: npt.NDArray[np.int32]
    micros: Ints
    event: EventCodes
    position: Floats
    source_row: Ints

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.group)


def order_events(events: pa.Table) -> OrderedEvents:
    """Sort events by rule 2 of the watch-time rules, and drop what was delivered twice.

    Args:
        events: the columns of `raw_events` (eventDate is not needed), in any order.

    Returns:
        Events sorted within (userId, videoId, sessionId) by timestamp, then play < pause < resume
        < ended, then position; rows equal in all six columns are one event (rule 1).

    Raises:
        KeyError: a column is missing.
        ValueError: an id is null, or an event name is unknown.
    """
    group = group_codes(events, "userId", "videoId", "sessionId")
    micros = microseconds(events, "timestamp")
    event = _event_codes(events)
    position = floats(events, "currentTime") + 0.0  # -0.0 becomes 0.0: they are one position.
    order = grouped_order(group, micros, event, position)
    return _without_duplicates(
        OrderedEvents(group[order], micros[order], event[order], position[order], order)
    )


def _event_codes(events: pa.Table) -> EventCodes:
    codes, names = encode(events, "eventName")
    known = pa.array([event.column_value for event in PlayerEvent])
    code_of_name = pc.index_in(names.cast(pa.string()), value_set=known)
    if code_of_name.null_count:
        unknown = names.filter(code_of_name.is_null()).to_pylist()
        raise ValueError(
            f"column eventName holds {unknown}, but only {known.to_pylist()} are known; "
            "map the source's event names by the setting VIDEO_ASSETS_EVENT_NAMES"
        )
    return code_of_name.to_numpy().astype(np.int8)[codes]


def _without_duplicates(events: OrderedEvents) -> OrderedEvents:
    distinct = first_of_each(events.group)
    for column in (events.micros, events.event, events.position):
        distinct |= first_of_each(column)
    if distinct.all():
        return events
    return OrderedEvents(
        events.group[distinct],
        events.micros[distinct],
        events.event[distinct],
        events.position[distinct],
        events.source_row[distinct],
    )
