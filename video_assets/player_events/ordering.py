"""Rule 2: the player's events in the order in which a player can have made them, each once.

Three events of one instant, of a video that was playing and of one that was not:

| was playing | order | why |
|---|---|---|
| yes | pause, seek, play | it stopped, jumped, and went on |
| no | seek, play, pause | it jumped, played, and stopped again |

Either way an instant that both stops and starts leaves the player as it was.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_assets.arrow.columns import (
    MICROS_PER_SECOND,
    Bools,
    Floats,
    Ints,
    encode,
    first_of_each,
    floats,
    group_codes,
    grouped_order,
    microseconds,
)
from video_assets.vocabulary import PlayerEvent

EventCodes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class OrderedEvents:
    """Distinct events, sorted by group and, within the group, by rule 2.

    Attributes:
        group: number of the event's (userId, videoId, sessionId).
        micros: time in microseconds since 1970-01-01 UTC.
        event: a `PlayerEvent`.
        position: position in the video when it happened, in seconds, >= 0.
        target: position in the video after it: where a seek went, else the same position.
        was_playing: the video was playing until it happened.
        source_row: the row of the events table that the event came from.
    """

    group: npt.NDArray[np.int32]
    micros: Ints
    event: EventCodes
    position: Floats
    target: Floats
    was_playing: Bools
    source_row: Ints

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.group)

    def at(self, which: Ints | Bools) -> "OrderedEvents":
        """Some of the events, in the order of the indices."""
        return OrderedEvents(*(getattr(self, field.name)[which] for field in fields(self)))


def distinct_rows(events: pa.Table, first_by: Ints | Floats) -> Ints:
    """The rows without those delivered twice (rule 1): rows equal in all columns are one event.

    Args:
        events: the columns of `raw_events` (those of its key are needed), in any order.
        first_by: a number of each row; of rows that are one event that with the smallest stays.

    Returns:
        Indices of rows, sorted by (userId, videoId, sessionId), time, event and position.

    Raises:
        KeyError: a column is missing.
        ValueError: an id is null, or an event name is unknown.
    """
    ordered = _sorted_events(events)
    distinct = _are_distinct(ordered)
    if distinct.all():
        return ordered.source_row[distinct]
    repeated = np.flatnonzero(~distinct | np.append(~distinct[1:], [False]))
    rows, event = ordered.source_row[repeated], np.cumsum(distinct)[repeated]
    first = np.lexsort((first_by[rows], event))
    ordered.source_row[repeated] = rows[first]
    return ordered.source_row[distinct]


def order_events(events: pa.Table, lookback: float) -> OrderedEvents:
    """Sort events by rule 2 of the watch-time rules, and drop what was delivered twice.

    Args:
        events: the columns of `raw_events` (eventDate is not needed), in any order.
        lookback: seconds before an instant within which an event tells whether it was playing.

    Returns:
        Events sorted within (userId, videoId, sessionId) by timestamp; those of one instant, if
        it was playing, as heartbeats, pause < ended, seeks, play < resume; if not, as seeks,
        play < resume, heartbeats, pause < ended; then by position.

    Raises:
        KeyError: a column is missing.
        ValueError: an id is null, or an event name is unknown.
    """
    ordered = _sorted_events(events)
    ordered = _without_duplicates(ordered, _are_distinct(ordered))
    instants = _Instants.of(ordered)
    playing = _playing_before(ordered, instants, lookback)
    if len(instants.shared):
        ordered = ordered.at(_order_of_players(ordered, instants, playing))
        playing[instants.shared] = _playing_within(ordered, instants, playing)
    return replace(ordered, was_playing=playing)


def starts_playing(events: EventCodes) -> Bools:
    """Which events are a play or a resume."""
    return events >= PlayerEvent.PLAY


def stops_playing(events: EventCodes) -> Bools:
    """Which events are a pause or an end."""
    stops: Bools = (events == PlayerEvent.PAUSE) | (events == PlayerEvent.ENDED)
    return stops


def latest_before(happened: Bools) -> Ints:
    """Index of the latest element before each for which it is true; -1 where there is none."""
    latest = np.empty(len(happened), np.int64)
    latest[:1] = -1
    np.copyto(latest[1:], np.where(happened[:-1], np.arange(len(happened) - 1), -1))
    np.maximum.accumulate(latest, out=latest)
    return latest


@dataclass(frozen=True)
class _Instants:
    """Which events happened at once.

    Attributes:
        first: index of the first event of each event's instant.
        shared: events that are not alone in their instant, ascending.
    """

    first: Ints
    shared: Ints

    @classmethod
    def of(cls, events: OrderedEvents) -> "_Instants":
        """The instants of events sorted by group and time."""
        begins = first_of_each(events.group) | first_of_each(events.micros)
        index = np.arange(len(begins))
        if begins.all():
            return cls(index, index[:0])
        alone = begins & np.append(begins[1:], [True])
        first = np.maximum.accumulate(np.where(begins, index, 0))
        return cls(first, np.flatnonzero(~alone))

    @property
    def of_shared(self) -> Ints:
        """Number of the instant of each event that is not alone: 0, 1, 2, ..."""
        return np.cumsum(first_of_each(self.first[self.shared])) - 1

    def any_of_shared(self, happened: Bools) -> Bools:
        """For each event that is not alone: whether it is true for any event of its instant."""
        return np.bincount(self.of_shared, weights=happened[self.shared])[self.of_shared] > 0


def _playing_before(events: OrderedEvents, instants: _Instants, lookback: float) -> Bools:
    """Whether it was playing before the instant of each event, in any order of the instants.

    The latest earlier event within the look-back that starts or stops decides; an instant that
    does both leaves things as they were. Where nothing decides, an earlier heartbeat does.
    """
    starts, stops = starts_playing(events.event), stops_playing(events.event)
    decides = starts | stops
    if len(instants.shared):
        mixed = instants.any_of_shared(starts) & instants.any_of_shared(stops)
        decides[instants.shared[mixed]] = False
    latest = _latest_within(decides, events, instants, lookback)
    decided = latest >= 0
    playing: Bools = decided & starts[latest]
    beats = events.event == PlayerEvent.HEARTBEAT
    if beats.any():
        playing |= ~decided & (_latest_within(beats, events, instants, lookback) >= 0)
    return playing


def _latest_within(
    happened: Bools, events: OrderedEvents, instants: _Instants, lookback: float
) -> Ints:
    """Index of the latest such event of the group before each instant; -1 without one in reach."""
    latest = latest_before(happened)
    if len(instants.shared):
        latest = latest[instants.first]
    elapsed = (events.micros - events.micros[latest]) / MICROS_PER_SECOND
    out_of_reach = (events.group[latest] != events.group) | (elapsed > lookback)
    latest[out_of_reach] = -1
    return latest


def _order_of_players(events: OrderedEvents, instants: _Instants, playing: Bools) -> Ints:
    """Where to find the events in the order of rule 2.

    They are sorted as while playing; where it was not, what starts goes before what stops.
    """
    order = np.arange(len(events))
    shared, instant = instants.shared, instants.of_shared
    stops = events.event[shared] < PlayerEvent.SEEK
    stopping = np.bincount(instant, weights=stops).astype(np.int64)[instant]
    starting = np.bincount(instant)[instant] - stopping
    moved = np.where(stops, shared + starting, shared - stopping)
    turned = ~playing[shared]
    order[moved[turned]] = shared[turned]
    return order


def _playing_within(events: OrderedEvents, instants: _Instants, playing: Bools) -> Bools:
    """Whether it was playing before each event that is not alone in its instant."""
    shared = events.at(instants.shared)
    starts = starts_playing(shared.event)
    latest = latest_before(starts | stops_playing(shared.event))
    in_instant = (latest >= 0) & ~first_of_each(instants.of_shared)
    in_instant &= instants.first[instants.shared[latest]] == instants.first[instants.shared]
    return np.where(in_instant, starts[latest], playing[instants.shared])


def _sorted_events(events: pa.Table) -> OrderedEvents:
    """The events as a player that plays makes them, those delivered twice side by side."""
    group = group_codes(events, "userId", "videoId", "sessionId")
    micros = microseconds(events, "timestamp")
    event = _event_codes(events)
    position = floats(events, "currentTime") + 0.0  # -0.0 becomes 0.0: they are one position.
    target = _targets(events, event, position)
    order = grouped_order(group, micros, event, position, target)
    ordered = position[order]
    return OrderedEvents(
        group=group[order],
        micros=micros[order],
        event=event[order],
        position=ordered,
        target=ordered if target is position else target[order],
        was_playing=np.zeros(len(order), np.bool_),
        source_row=order,
    )


def _targets(events: pa.Table, event: EventCodes, position: Floats) -> Floats:
    """Where the video stood after each event; without any seek the positions themselves."""
    targets, seeks = events["seekTime"], event == PlayerEvent.SEEK
    if targets.null_count == len(targets) or not seeks.any():
        return position
    return np.where(seeks, floats(events, "seekTime") + 0.0, position)


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


def _are_distinct(events: OrderedEvents) -> Bools:
    """Which of sorted events are not the same as the one before."""
    distinct = first_of_each(events.group)
    for column in (events.micros, events.event, events.position, events.target):
        distinct |= first_of_each(column)
    return distinct


def _without_duplicates(events: OrderedEvents, distinct: Bools) -> OrderedEvents:
    return events if distinct.all() else events.at(distinct)
