"""Rule 7: what a play earns that has nothing after it, because the browser was closed."""

import numpy as np
import pyarrow as pa

from video_assets.arrow.columns import (
    Bools,
    Floats,
    booleans,
    floats,
    group_codes,
    grouped_order,
    integers,
)
from video_assets.rules import WatchTimeRules


def credited_seconds(sessions: pa.Table, duration: Floats, rules: WatchTimeRules) -> Floats:
    """The seconds credited to each session row (rule 7 of the watch-time rules).

    A row that ends with a play earns `rules.unterminated_credit`, at most the time to the video's
    end, unless the session runs on into the next day.

    Args:
        sessions: all rows of some users and videos, with the columns of `sessions`.
        duration: length of each row's video in seconds, known or estimated.
        rules: the thresholds.

    Returns:
        Seconds of video for each row, 0 where the row earns nothing.
    """
    position = floats(sessions, "unterminatedPosition")
    earns = ~np.isnan(position)
    if rules.unterminated_credit == 0 or not earns.any():
        return np.zeros(sessions.num_rows)
    earns &= ~_runs_on_into_the_next_day(sessions)
    to_the_end = np.maximum(duration - position, 0.0)
    return np.where(earns, np.minimum(rules.unterminated_credit, to_the_end), 0.0)


def _runs_on_into_the_next_day(sessions: pa.Table) -> Bools:
    group = group_codes(sessions, "userId", "videoId", "sessionId")
    day = integers(sessions, "sessionDate")
    order = grouped_order(group, day, integers(sessions, "sessionNumber"))
    group, day = group[order], day[order]
    continues = booleans(sessions, "isContinuation")[order]
    runs_on = np.zeros(len(order), np.bool_)
    runs_on[order[:-1]] = (group[1:] == group[:-1]) & continues[1:] & (day[1:] == day[:-1] + 1)
    return runs_on
