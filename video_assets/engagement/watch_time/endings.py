"""Rule 9, endings: a video that ran to its end, which many players send twice."""

from video_assets.arrow.columns import MICROS_PER_SECOND, Bools
from video_assets.player_events.ordering import (
    OrderedEvents,
    latest_before,
    starts_playing,
)
from video_assets.vocabulary import PlayerEvent


def counted_endings(events: OrderedEvents, lookback: float) -> Bools:
    """Which events are endings that count.

    An ended counts unless an earlier one within the look-back has had no play, resume or
    heartbeat since.

    Args:
        events: in the order of rule 2.
        lookback: seconds within which an earlier one makes an ended a repetition.
    """
    ended: Bools = events.event == PlayerEvent.ENDED
    if not ended.any():
        return ended
    earlier = latest_before(ended)
    played = starts_playing(events.event) | (events.event == PlayerEvent.HEARTBEAT)
    since = latest_before(played)
    elapsed = (events.micros - events.micros[earlier]) / MICROS_PER_SECOND
    repeats = (earlier > since) & (events.group[earlier] == events.group) & (elapsed <= lookback)
    counted: Bools = ended & ~repeats
    return counted
