"""Player events in few words, and the rules run over them from events to engagement rows."""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa
from support.oracle import ENDED, HEARTBEAT, PAUSE, PLAY, RESUME, SEEK, Event, estimated_duration

from video_assets.engagement.watch_time.engagement import engagement_rows
from video_assets.engagement.watch_time.sessions import session_rows
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.rules import WatchTimeRules

START = datetime(2025, 3, 10, 10, 0, tzinfo=UTC)
MIDNIGHT = 14 * 3600  # seconds from START to the end of its day
DAY = 24 * 3600
PROCESSED_AT = datetime(2025, 4, 1, tzinfo=UTC)
DEFAULTS = WatchTimeRules()

DayRange = tuple[date, date]
Row = dict[str, Any]
Item = TypeVar("Item")


def event(  # noqa: PLR0913 (an event has this many columns)
    name: str,
    position: float,
    *,
    at: float,
    user: str = "peter",
    session: str = "s1",
    video: str = "v1",
    to: float | None = None,
) -> Event:
    """One event, `at` seconds after START; a seek goes `to` a position."""
    target = None if to is None else float(to)
    return Event(START + timedelta(seconds=at), user, session, video, name, float(position), target)


play = partial(event, PLAY)
pause = partial(event, PAUSE)
resume = partial(event, RESUME)
ended = partial(event, ENDED)
seek = partial(event, SEEK)
heartbeat = partial(event, HEARTBEAT)


def shuffled(items: Iterable[Item], seed: int = 0) -> list[Item]:
    """The same events or rows, delivered in another order."""
    result = list(items)
    random.Random(seed).shuffle(result)  # noqa: S311 (a test's order is no secret)
    return result


def to_table(events: Iterable[Event]) -> pa.Table:
    """The events as rows of `raw_events`, in the order given."""
    rows = [vars(event) | {"eventDate": event.day} for event in events]
    return pa.Table.from_pylist(rows, schema=RAW_EVENTS.arrow_schema)


def day_range(events: Sequence[Event]) -> DayRange:
    """First day of the events and the day after their last, half open."""
    days = [event.day for event in events]
    return min(days), max(days) + timedelta(days=1)


def start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def visible(events: Iterable[Event], days: DayRange, rules: WatchTimeRules) -> list[Event]:
    """What a run of these days reads: their own events and those in reach before them."""
    first_day, end_day = days
    first = start_of(first_day) - timedelta(seconds=rules.reach)
    return [event for event in events if first <= event.timestamp < start_of(end_day)]


def sessions_table(
    events: Sequence[Event],
    rules: WatchTimeRules = DEFAULTS,
    days: Sequence[DayRange] | None = None,
) -> pa.Table:
    """The session rows that runs over these days leave behind; by default one run over all."""
    if days is None:
        return session_rows(to_table(events), rules, *day_range(events))
    return pa.concat_tables(
        session_rows(to_table(visible(events, run, rules)), rules, *run) for run in days
    )


def sessions_of(events: Sequence[Event], rules: WatchTimeRules = DEFAULTS) -> list[Row]:
    """The session rows as dicts, by user, video, session and time."""
    return sorted_rows(sessions_table(events, rules))


def sorted_rows(sessions: pa.Table) -> list[Row]:
    keys = ("userId", "videoId", "sessionId", "sessionDate", "sessionNumber")
    rows: list[Row] = sessions.to_pylist()
    return sorted(rows, key=lambda row: [row[key] for key in keys])


def engagement_of_sessions(
    sessions: pa.Table,
    durations: Mapping[str, float | None] | None = None,
    titles: Mapping[str, str] | None = None,
    rules: WatchTimeRules = DEFAULTS,
) -> list[Row]:
    """The engagement rows of these session rows as dicts, by user and video."""
    videos = values(sessions, "videoId")
    of_sessions = sessions.to_pylist()
    estimates = {video: estimated_duration(of_sessions, video) for video in videos}
    described = (
        sessions.append_column("duration", _looked_up(videos, durations or {}, pa.float64()))
        .append_column("title", _looked_up(videos, titles or {}, pa.string()))
        .append_column("estimatedDuration", _looked_up(videos, estimates, pa.float64()))
    )
    found: list[Row] = engagement_rows(described, rules, PROCESSED_AT).to_pylist()
    return sorted(found, key=lambda row: (row["userId"], row["videoId"]))


def values(table: pa.Table, column: str) -> list[Any]:
    return table[column].to_pylist()


def _looked_up(videos: list[str], known: Mapping[str, Any], type_: pa.DataType) -> Any:
    return pa.array([known.get(video) for video in videos], type_, from_pandas=False)


def engagement_of(
    events: Sequence[Event],
    durations: Mapping[str, float | None] | None = None,
    titles: Mapping[str, str] | None = None,
    rules: WatchTimeRules = DEFAULTS,
    days: Sequence[DayRange] | None = None,
) -> list[Row]:
    """The engagement rows of these events, the rules applied from end to end."""
    return engagement_of_sessions(sessions_table(events, rules, days), durations, titles, rules)
