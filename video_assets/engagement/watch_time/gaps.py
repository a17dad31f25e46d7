"""Rules 3 to 6: what happened between an event and the one before it.

Every array here is aligned with the events: element i is the gap that ends with event i.
"""

from dataclasses import dataclass, replace

import numpy as np

from video_assets.arrow.columns import (
    MICROS_PER_SECOND,
    Bools,
    Floats,
    first_of_each,
)
from video_assets.player_events.ordering import (
    EventCodes,
    OrderedEvents,
    starts_playing,
)
from video_assets.rules import LARGEST_PLAYBACK_RATE, WatchTimeRules
from video_assets.vocabulary import PlayerEvent

# Seconds of video by which a play after a seek may miss the position that the seek left.
_STALE_POSITION_TOLERANCE = 1.0


@dataclass(frozen=True)
class Gaps:
    """The gaps that end with each event, judged by rules 3 to 6 of the watch-time rules.

    Attributes:
        connected: the event continues the session of the event before it: there is one in the
            same (userId, videoId, sessionId), and no session break between (rule 4).
        watched: the gap closes a watched segment (rule 5).
        start: where the video stood after the event before, in seconds of video.
        watched_seconds: length of the segment in seconds of video, 0 without one.
        too_long: it would close one, were `max_segment` larger.
        too_fast: it would close one, were `max_playback_rate` larger.
        forward_skip: the viewer jumped ahead (rule 6).
        backward_skip: the viewer jumped back (rule 6).
    """

    connected: Bools
    watched: Bools
    start: Floats
    watched_seconds: Floats
    too_long: Bools
    too_fast: Bools
    forward_skip: Bools
    backward_skip: Bools


def judge_gaps(events: OrderedEvents, rules: WatchTimeRules) -> Gaps:
    """Tell breaks, watched segments and skips apart (rules 3 to 6 of the watch-time rules).

    Args:
        events: where plays with a stale position stand where `with_true_positions` puts them.
        rules: the thresholds.
    """
    dt = _seconds_since_the_one_before(events)
    start = _before(events.target)
    dp = events.position - start
    is_first = first_of_each(events.group)
    connected = ~is_first & ~_is_session_break(dt, dp, rules)
    advances = connected & events.was_playing & (dp > 0)
    is_short = dp < rules.max_segment
    is_possible = dp <= _furthest(dt, rules.max_playback_rate, rules)
    watched = advances & is_short & is_possible
    move, may_skip = _moves(events, dp, connected & ~watched)
    return Gaps(
        connected,
        watched,
        start,
        watched_seconds=np.where(watched, dp, 0.0),
        too_long=advances & ~is_short & is_possible,
        too_fast=advances
        & is_short
        & ~is_possible
        & (dp <= _furthest(dt, LARGEST_PLAYBACK_RATE, rules)),
        forward_skip=may_skip & (move > rules.forward_skip),
        backward_skip=may_skip & (move < -rules.backward_skip),
    )


def with_true_positions(events: OrderedEvents, rules: WatchTimeRules) -> OrderedEvents:
    """Put plays that report the position before a seek to where it went (rule 3).

    A play or resume that directly follows a seek of its session, and stands where the seek left,
    stands at the seek's target.
    """
    seeks = events.event == PlayerEvent.SEEK
    follows = np.flatnonzero(seeks[:-1] & starts_playing(events.event[1:])) + 1
    if len(follows) == 0:
        return events
    before = events.at(follows - 1)
    after = events.at(follows)
    elapsed = (after.micros - before.micros) / MICROS_PER_SECOND
    is_stale = (
        (after.group == before.group)
        & (elapsed <= rules.stale_play_within)
        & (np.abs(after.position - before.position) <= _STALE_POSITION_TOLERANCE)
    )
    position = events.position.copy()
    position[follows[is_stale]] = before.target[is_stale]
    return replace(events, position=position, target=np.where(seeks, events.target, position))


def _is_session_break(dt: Floats, dp: Floats, rules: WatchTimeRules) -> Bools:
    """Rules 3 and 4: the idle time, which playing cannot explain, exceeds the timeout."""
    idle = dt - np.clip(dp, 0.0, rules.max_segment)
    return idle > rules.session_timeout


def _furthest(dt: Floats, rate: float, rules: WatchTimeRules) -> Floats:
    """Rule 5: how far playing can move the position."""
    return dt * rate + rules.position_tolerance


def _moves(events: OrderedEvents, dp: Floats, may_skip: Bools) -> tuple[Floats, Bools]:
    """Rule 6: the move to judge at each event, and whether it may be a skip.

    A seek is judged by its own move; the gap that ends with it by none.
    """
    may_skip &= _before_event(events.event) != PlayerEvent.ENDED
    seeks = events.event == PlayerEvent.SEEK
    if not seeks.any():
        return dp, may_skip
    return np.where(seeks, events.target - events.position, dp), may_skip | seeks


def _seconds_since_the_one_before(events: OrderedEvents) -> Floats:
    micros = np.zeros_like(events.micros)
    np.subtract(events.micros[1:], events.micros[:-1], out=micros[1:])
    return micros / MICROS_PER_SECOND


def _before(positions: Floats) -> Floats:
    """The position at the event before; for the first one its own."""
    return np.concatenate([positions[:1], positions[:-1]])


def _before_event(events: EventCodes) -> EventCodes:
    """The event before; for the first one itself."""
    return np.concatenate([events[:1], events[:-1]])
