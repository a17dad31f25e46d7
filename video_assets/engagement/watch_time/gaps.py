"""Rules 3 to 6: what happened between an event and the one before it.

Every array here is aligned with the events: element i is the gap that ends with event i.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from video_assets.arrow.columns import (
    MICROS_PER_SECOND,
    Bools,
    Floats,
    first_of_each,
)
from video_assets.player_events.ordering import EventCodes, OrderedEvents, PlayerEvent
from video_assets.rules import WatchTimeRules


@dataclass(frozen=True)
class Gaps:
    """The gaps that end with each event, judged by rules 3 to 6 of the watch-time rules.

    Attributes:
        connected: the event continues the session of the event before it: there is one in the
            same (userId, videoId, sessionId), and no session break between (rule 4).
        watched: the gap closes a watched segment (rule 5).
        watched_seconds: length of that segment in seconds of video, 0 without one.
        forward_skip: the viewer jumped ahead (rule 6).
        backward_skip: the viewer jumped back (rule 6).
    """

    connected: Bools
    watched: Bools
    watched_seconds: Floats
    forward_skip: Bools
    backward_skip: Bools


def judge_gaps(events: OrderedEvents, rules: WatchTimeRules) -> Gaps:
    """Tell breaks, watched segments and skips apart (rules 3 to 6 of the watch-time rules)."""
    dt = _change(events.micros) / MICROS_PER_SECOND
    dp = _change(events.position)
    previous = _previous(events.event)
    connected = ~first_of_each(events.group) & ~_is_session_break(dt, dp, rules)
    watched = connected & _is_watched(dt, dp, previous, rules)
    may_skip = connected & ~watched & (previous != PlayerEvent.ENDED)
    return Gaps(
        connected,
        watched,
        watched_seconds=np.where(watched, dp, 0.0),
        forward_skip=may_skip & (dp > rules.forward_skip),
        backward_skip=may_skip & (dp < -rules.backward_skip),
    )


def _is_session_break(dt: Floats, dp: Floats, rules: WatchTimeRules) -> Bools:
    """Rules 3 and 4: the idle time, which playing cannot explain, exceeds the timeout."""
    idle = dt - np.clip(dp, 0.0, rules.max_segment)
    return idle > rules.session_timeout


def _is_watched(dt: Floats, dp: Floats, previous: EventCodes, rules: WatchTimeRules) -> Bools:
    """Rule 5: the video was playing, and the position moved on as far as playing can move it."""
    was_playing: Bools = (previous == PlayerEvent.PLAY) | (previous == PlayerEvent.RESUME)
    furthest = dt * rules.max_playback_rate + rules.position_tolerance
    return was_playing & (dp > 0) & (dp < rules.max_segment) & (dp <= furthest)


def _change(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The difference to the value before; 0 for the first."""
    change = np.zeros_like(values)
    np.subtract(values[1:], values[:-1], out=change[1:])
    return change


def _previous(events: EventCodes) -> EventCodes:
    """The event before; for the first one itself."""
    return np.concatenate([events[:1], events[:-1]])
