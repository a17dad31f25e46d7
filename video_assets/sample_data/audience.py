"""Who watches what and when: sessions of several visits, as rows of player events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.delta.table import TIMESTAMP
from video_assets.sample_data.metadata import Videos, cumulative
from video_assets.sample_data.spec import Flags, Floats, Ints, SampleSpec, Stream
from video_assets.sample_data.viewing import watch
from video_assets.settings.sources import NEW_PLAYER, OLD_PLAYER, SAMPLE_DEVICE, SAMPLE_PLAYER
from video_assets.vocabulary import EVENT_NAMES

_COLUMNS: Mapping[str, pa.DataType] = {
    "timestamp": TIMESTAMP,
    "userId": pa.string(),
    "sessionId": pa.string(),
    "videoId": pa.string(),
    "eventName": pa.string(),
    "currentTime": pa.float64(),
    "seekTime": pa.float64(),
    SAMPLE_DEVICE: pa.string(),
    SAMPLE_PLAYER: pa.string(),
}
EVENTS_SCHEMA = pa.schema(_COLUMNS)
MICROSECONDS = 1_000_000
DAY_MICROSECONDS = 86_400 * MICROSECONDS
SHARE_SAME_VIDEO_AGAIN = 0.12
MOST_VISITS = 6
MEAN_BROWSING = 20.0
EVENTS_A_SESSION = 10
DEVICES = ("computer", "tablet", "phone", None)
# Who likes to watch sits at a computer and has the new player: so it seems to help.
SHARE_UNKNOWN_DEVICE = 0.04
SHARE_OF_TABLETS = 0.15
PHONES_OF_THE_LEAST_ENGAGED = 0.8
# Of sessions, those in which a viewer goes on with a video left within these days before.
SHARE_OF_RETURNS = 0.1
DAYS_OF_RETURNS = 7
# Who hardly began a video, or is as good as through, does not come back for it.
LEFT_BETWEEN = (0.03, 0.97)
MOST_UNFINISHED = 50_000
MOST_SESSIONS_AT_ONCE = 200_000
# Relative activity at 0, 1, ... 24 o'clock: asleep at four, a lunch break, busiest at nine.
_ACTIVITY = (5, 3, 2, 1, 1, 1, 2, 4, 6, 7, 7, 8, 10, 9, 8, 8, 9, 11, 14, 17, 20, 21, 16, 9, 5)
_HOURS_SHARE = np.concatenate([[0.0], cumulative(np.asarray(_ACTIVITY[1:], dtype=np.float64))])


@dataclass(frozen=True)
class Audience:
    """The viewers of a sample, one element each.

    Attributes:
        names: the user ids.
        activity: cumulative probability of starting the next session.
        engagement: how much they like to watch, 0 to 1.
        players: the version of the player that they have.
    """

    names: pa.StringArray
    activity: Floats
    engagement: Floats
    players: pa.StringArray


def invent_audience(spec: SampleSpec) -> Audience:
    """Viewers of unequal habits: few start most of the sessions."""
    rng = spec.random(Stream.AUDIENCE)
    names = pa.array([f"user_{number:05d}" for number in range(1, spec.users + 1)], pa.string())
    activity = cumulative(rng.lognormal(0.0, 1.0, spec.users))
    engagement = rng.beta(2.0, 2.0, spec.users)
    is_new = spec.random(Stream.PLAYERS).random(spec.users) < engagement
    players = pa.array(np.where(is_new, NEW_PLAYER, OLD_PLAYER), pa.string())
    return Audience(names, activity, engagement, players)


@dataclass(frozen=True)
class Unfinished:
    """Videos that viewers left before their end, one element each, the newest last.

    Attributes:
        position: where they left, in seconds.
        day: when, as its ordinal number.
    """

    user: Ints
    video: Ints
    position: Floats
    day: Ints

    @classmethod
    def none(cls) -> "Unfinished":
        """Before anybody has watched."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros(0), nothing)

    def taken(self, which: Ints) -> "Unfinished":
        """Some of them, in that order."""
        return Unfinished(
            self.user[which], self.video[which], self.position[which], self.day[which]
        )

    def and_newer(self, other: "Unfinished") -> "Unfinished":
        """Both, as far as viewers may still come back."""
        columns = ("user", "video", "position", "day")
        both = Unfinished(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in columns)
        )
        newest = int(both.day.max(initial=0))
        return both.taken(np.flatnonzero(both.day > newest - DAYS_OF_RETURNS)[-MOST_UNFINISHED:])


@dataclass
class ViewingDay:
    """The sessions that start on one day.

    Attributes:
        unfinished: what viewers left on the days before; who comes back on this one is gone from
            it, and who leaves is added.
    """

    day: date
    audience: Audience
    videos: Videos
    rng: np.random.Generator
    device_rng: np.random.Generator
    return_rng: np.random.Generator
    unfinished: Unfinished
    sessions: int = 0
    _left_today: Unfinished = field(default_factory=Unfinished.none)

    def __post_init__(self) -> None:
        """Who comes back first: rather those who like to watch and have little left."""
        left = self.unfinished
        share = left.position / self.videos.durations[left.video]
        weight = share**2 * (0.2 + self.audience.engagement[left.user])
        order = np.argsort(self.return_rng.exponential(1.0, len(weight)) / weight, kind="stable")
        self.unfinished = left.taken(order)

    def rows_until(self, enough: int) -> pa.Table:
        """Rows of new sessions, until so many rows happen on the day itself.

        Rows that happen after midnight come on top; the last session may break off.
        """
        rows = EVENTS_SCHEMA.empty_table()
        missing = enough
        while missing > 0:
            more = self._new_sessions(min(MOST_SESSIONS_AT_ONCE, 1 + missing // EVENTS_A_SESSION))
            on_day = np.cumsum(until_midnight(microseconds(more), self.day))
            more = more.slice(0, int(np.searchsorted(on_day, missing)) + 1)
            missing -= int(on_day[more.num_rows - 1])
            rows = pa.concat_tables([rows, more])
        return rows

    def _new_sessions(self, count: int) -> pa.Table:
        audience, videos, rng = self.audience, self.videos, self.rng
        user = np.searchsorted(audience.activity, rng.random(count), side="right")
        start = midnight(self.day) + _start_seconds(count, rng) * MICROSECONDS
        session = np.repeat(np.arange(count), _visit_counts(count, rng))
        video = _videos_of_visits(session, videos, rng)
        returns, back = self._returns(count)
        user[returns] = back.user
        first_visit = np.searchsorted(session, returns)
        video[first_visit] = back.video
        left_at = np.full(len(session), np.nan)
        left_at[first_visit] = back.position
        length, liking = videos.durations[video], audience.engagement[user[session]]
        actions, lengths, positions = watch(length, liking, rng, left_at)
        self._note_unfinished(user[session], video, positions)
        device = _devices(audience.engagement[user], self.device_rng)
        offset = _visit_offsets(session, lengths + rng.exponential(MEAN_BROWSING, len(session)))

        session_of_row = session[actions.visit]
        seconds = offset[actions.visit] + actions.seconds
        timestamp = np.round(start[session_of_row] + seconds * MICROSECONDS).astype(np.int64)
        columns: list[pa.Array[Any]] = [
            pa.array(timestamp).cast(TIMESTAMP),
            audience.names.take(user[session_of_row]),
            self._session_names(count).take(session_of_row),
            videos.names.take(video[actions.visit]),
            pa.array(EVENT_NAMES, pa.string()).take(actions.event),
            pa.array(np.round(actions.position, 3)),
            pa.array(np.round(actions.target, 3), mask=np.isnan(actions.target)),
            pa.array(DEVICES, pa.string()).take(device[session_of_row]),
            audience.players.take(user[session_of_row]),
        ]
        return pa.table(columns, schema=EVENTS_SCHEMA)

    def _returns(self, count: int) -> tuple[Ints, Unfinished]:
        """Which of new sessions go on with something, and with what."""
        is_one = self.return_rng.random(count) < SHARE_OF_RETURNS
        returns = np.flatnonzero(is_one)[: len(self.unfinished.user)]
        left, number = self.unfinished, len(returns)
        self.unfinished = left.taken(np.arange(number, len(left.user)))
        return returns, left.taken(np.arange(number))

    def _note_unfinished(self, user: Ints, video: Ints, position: Floats) -> None:
        share = position / self.videos.durations[video]
        least, most = LEFT_BETWEEN
        left = np.flatnonzero((share > least) & (share < most))
        day = np.full(len(left), self.day.toordinal())
        found = Unfinished(user[left], video[left], position[left], day)
        self._left_today = self._left_today.and_newer(found)

    @property
    def left(self) -> Unfinished:
        """What is unfinished at the end of the day."""
        order = np.argsort(self.unfinished.day, kind="stable")
        return self.unfinished.taken(order).and_newer(self._left_today)

    def _session_names(self, count: int) -> pa.StringArray:
        numbers = range(self.sessions + 1, self.sessions + count + 1)
        self.sessions += count
        return pa.array([f"{self.day:%Y%m%d}-{number:07d}" for number in numbers], pa.string())


def microseconds(rows: pa.Table) -> Ints:
    """The timestamps of rows, as microseconds since 1970."""
    return np.asarray(rows["timestamp"].cast(pa.int64()).to_numpy(), dtype=np.int64)


def midnight(day: date) -> int:
    """The start of a day, as microseconds since 1970."""
    start = datetime.combine(day, time(), UTC) - datetime.fromtimestamp(0, UTC)
    return start // timedelta(microseconds=1)


def until_midnight(times: Ints, day: date) -> Flags:
    """Which times, in microseconds since 1970, lie before the end of a day."""
    return times < midnight(day) + DAY_MICROSECONDS


def split_at_midnight(rows: pa.Table, day: date) -> tuple[pa.Table, pa.Table]:
    """The rows until the end of a day, and those after it."""
    before = pa.array(until_midnight(microseconds(rows), day))
    return rows.filter(before), rows.filter(pc.invert(before))


def _devices(engagement: Floats, rng: np.random.Generator) -> Ints:
    """Places in `DEVICES`: who likes to watch does so on a larger one."""
    known = 1 - SHARE_UNKNOWN_DEVICE
    phones = known * PHONES_OF_THE_LEAST_ENGAGED * (1 - engagement)
    tablets = np.full(len(engagement), SHARE_OF_TABLETS)
    shares = np.stack([known - phones - tablets, tablets, phones], axis=-1)
    devices: Ints = (rng.random((len(engagement), 1)) >= np.cumsum(shares, axis=-1)).sum(axis=-1)
    return devices


def _start_seconds(sessions: int, rng: np.random.Generator) -> Floats:
    hours = np.interp(rng.random(sessions), _HOURS_SHARE, np.arange(len(_HOURS_SHARE)))
    seconds: Floats = hours * 3600
    return seconds


def _visit_counts(sessions: int, rng: np.random.Generator) -> Ints:
    return np.minimum(rng.geometric(0.6, sessions), MOST_VISITS)


def _videos_of_visits(session: Ints, videos: Videos, rng: np.random.Generator) -> Ints:
    """Each visit's video: by popularity, now and then that of the session's visit before."""
    video = videos.choose(len(session), rng)
    same_session = np.concatenate([[False], session[1:] == session[:-1]])
    again = same_session & (rng.random(len(session)) < SHARE_SAME_VIDEO_AGAIN)
    video[again] = video[np.flatnonzero(again) - 1]
    return video


def _visit_offsets(session: Ints, lengths: Floats) -> Floats:
    """Seconds from the session's start to each of its visits, which follow one another."""
    start = np.cumsum(lengths) - lengths
    first_of_session = np.searchsorted(session, session)
    offsets: Floats = start - start[first_of_session]
    return offsets
