"""How people watch a video: many visits at once, step by step, as arrays.

A visit is one stay with one video. It starts with a play; then the viewer watches a stretch and
does something, again and again, until they leave. Wall clock and position move together:
watching `s` seconds of video takes `s / rate` seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from video_assets.sample_data.spec import Flags, Floats, Ints

LONGEST_VISIT = 40
SHORTEST_STRETCH = 1.0
PLAYBACK_RATES = (0.75, 1.0, 1.25, 1.5, 2.0)
RATE_SHARES = (0.03, 0.72, 0.1, 0.1, 0.05)
SHARE_RESUMED = 0.15
SHARE_REWATCHED = 0.04
SHARE_ABANDONED = 0.35
SHARE_LONG_IDLE = 0.02
SHARE_OF_PLAYERS_THAT_TELL_SEEKS = 0.5
SHARE_OF_PLAYERS_WITH_HEARTBEATS = 0.25
SHARE_OF_STALE_PLAYS = 0.3
HEARTBEAT_SECONDS = 60.0
SHARE_DRAWN_BACK = 0.25
SHARE_PUT_OFF = 0.18
MOMENT_SECONDS = 3.0
MEAN_PAUSE = 45.0
LONG_IDLE = (1_900.0, 14_400.0)


class Event(IntEnum):
    """Player events, as positions in `EVENT_NAMES`."""

    PLAY = 0
    PAUSE = 1
    RESUME = 2
    ENDED = 3
    SEEK = 4
    HEARTBEAT = 5


class Halt(IntEnum):
    """Why a viewer stops watching on."""

    OWN_WILL = 0
    END = 1
    DRAWN_BACK = 2
    PUT_OFF = 3


class Actions(NamedTuple):
    """Player actions in order of visit, then time; one element an action.

    Attributes:
        visit: index of the visit.
        seconds: wall clock since the visit's start.
        event: the `Event`.
        position: seconds of video; of a seek where it left.
        target: seconds of video to which a seek went; NaN for other events.
    """

    visit: Ints
    seconds: Floats
    event: Ints
    position: Floats
    target: Floats


@dataclass
class Viewing:
    """The state of many visits, one array element each, and what they did so far.

    Players differ: some tell of seeks, others pause and resume; some send heartbeats.
    """

    duration: Floats
    engagement: Floats
    rng: np.random.Generator
    position: Floats
    rate: Floats
    clock: Floats
    tells_seeks: Flags
    has_heartbeats: Flags
    log: list[Actions] = field(default_factory=list)

    def record(self, event: Event, who: Ints) -> None:
        """Note that these visits had an event, at their present time and position."""
        self.log.append(_actions(event, who, self.clock[who], self.position[who]))

    def record_heartbeats(self, who: Ints, seconds: Floats) -> None:
        """Note the heartbeats of so many seconds of wall clock in which these visits play."""
        beats = np.ceil(seconds / HEARTBEAT_SECONDS).astype(np.int64) - 1
        beats = np.where(self.has_heartbeats[who], np.maximum(beats, 0), 0)
        visit = np.repeat(who, beats)
        place = np.arange(len(visit)) - np.repeat(np.cumsum(beats) - beats, beats)
        passed = (place + 1) * HEARTBEAT_SECONDS
        position = self.position[visit] + passed * self.rate[visit]
        self.log.append(_actions(Event.HEARTBEAT, visit, self.clock[visit] + passed, position))

    def record_seeks(self, who: Ints, target: Floats) -> None:
        """Note that these visits jump, some of them with a play that has the old position."""
        seeks = _actions(Event.SEEK, who, self.clock[who], self.position[who])
        self.log.append(seeks._replace(target=target))
        stale = who[self.rng.random(len(who)) < SHARE_OF_STALE_PLAYS]
        self.pass_time(stale, self.rng.uniform(0.05, 0.9, len(stale)))
        self.record(Event.PLAY, stale)

    def pass_time(self, who: Ints, seconds: Floats) -> None:
        """Let wall clock pass without watching."""
        self.clock[who] += seconds

    def actions(self) -> Actions:
        """Everything recorded, in order of visit, then time."""
        visit = np.concatenate([actions.visit for actions in self.log])
        order = np.argsort(visit, kind="stable")
        columns = zip(*self.log, strict=True)
        return Actions(*(np.concatenate(column)[order] for column in columns))


def _actions(event: Event, who: Ints, seconds: Floats, position: Floats) -> Actions:
    events = np.full(len(who), event, dtype=np.int64)
    return Actions(who, seconds, events, position, np.full(len(who), np.nan))


class Visits(NamedTuple):
    """Visits that are over.

    Attributes:
        actions: of all of them.
        lengths: of each, in seconds of wall clock.
        positions: where each left its video, in seconds.
    """

    actions: Actions
    lengths: Floats
    positions: Floats


def watch(
    duration: Floats,
    engagement: Floats,
    rng: np.random.Generator,
    left_at: Floats | None = None,
) -> Visits:
    """Simulate visits.

    Args:
        duration: length of each visit's video, in seconds.
        engagement: how much each visit's viewer likes to watch, 0 to 1.
        rng: the source of chance.
        left_at: where each visit's viewer left the video before and goes on now; NaN: they begin
            it, or anywhere.
    """
    viewing = _begin(duration, engagement, rng)
    if left_at is not None:
        viewing.position = np.where(np.isnan(left_at), viewing.position, left_at)
    present = np.arange(len(duration), dtype=np.int64)
    viewing.record(Event.PLAY, present)
    for _ in range(LONGEST_VISIT):
        halts = _play_on(viewing, present)
        seek_back(viewing, present[halts == Halt.DRAWN_BACK])
        stop_watching(viewing, present[halts == Halt.PUT_OFF])
        present = np.concatenate(
            [
                reach_end(viewing, present[halts == Halt.END]),
                present[halts == Halt.DRAWN_BACK],
                _act(viewing, present[halts == Halt.OWN_WILL]),
            ]
        )
    return Visits(viewing.actions(), viewing.clock, viewing.position)


def drawing_moment(duration: Floats) -> Floats:
    """Where a video has what many watch again: its own place between 30 and 60 %."""
    return duration * (0.3 + 0.3 * (duration * 0.618 % 1.0))


def putting_off_moment(duration: Floats) -> Floats:
    """Where a video loses many: its own place between 65 and 85 %."""
    return duration * (0.65 + 0.2 * (duration * 0.414 % 1.0))


def _begin(duration: Floats, engagement: Floats, rng: np.random.Generator) -> Viewing:
    resumed = rng.random(len(duration)) < SHARE_RESUMED
    position = np.where(resumed, duration * rng.uniform(0.05, 0.9, len(duration)), 0.0)
    return Viewing(
        duration,
        engagement,
        rng,
        position=np.floor(position * 1000) / 1000,
        rate=rng.choice(PLAYBACK_RATES, len(duration), p=RATE_SHARES),
        clock=np.zeros(len(duration)),
        tells_seeks=rng.random(len(duration)) < SHARE_OF_PLAYERS_THAT_TELL_SEEKS,
        has_heartbeats=rng.random(len(duration)) < SHARE_OF_PLAYERS_WITH_HEARTBEATS,
    )


def _play_on(viewing: Viewing, who: Ints) -> Ints:
    """Watch a stretch each, to the end of the video at most; the `Halt` of each."""
    duration, rng = viewing.duration[who], viewing.rng
    liking = duration * (0.1 + 0.4 * viewing.engagement[who])
    watched = SHORTEST_STRETCH + rng.exponential(liking)
    left = duration - viewing.position[who]
    halts = np.where(watched >= left, Halt.END, Halt.OWN_WILL).astype(np.int64)
    watched = np.minimum(watched, left)
    # The later moment first: who halts at the earlier one never gets to it.
    for halt, moment, share in (
        (Halt.PUT_OFF, putting_off_moment(duration), SHARE_PUT_OFF),
        (Halt.DRAWN_BACK, drawing_moment(duration), SHARE_DRAWN_BACK),
    ):
        ahead = moment + rng.uniform(0.0, MOMENT_SECONDS, len(who)) - viewing.position[who]
        is_caught = (ahead > SHORTEST_STRETCH) & (ahead < watched) & (rng.random(len(who)) < share)
        watched = np.where(is_caught, ahead, watched)
        halts[is_caught] = halt
    viewing.record_heartbeats(who, watched / viewing.rate[who])
    viewing.position[who] += watched
    viewing.clock[who] += watched / viewing.rate[who]
    return halts


def _act(viewing: Viewing, who: Ints) -> Ints:
    """Let each viewer leave or do something else; tell who goes on watching."""
    leaves = viewing.rng.random(len(who)) < 0.55 - 0.4 * viewing.engagement[who]
    stop_watching(viewing, who[leaves])
    stays = who[~leaves]
    chosen = viewing.rng.choice(len(BEHAVIOURS), len(stays), p=_BEHAVIOUR_SHARES)
    for number, behaviour in enumerate(BEHAVIOURS):
        behaviour.act(viewing, stays[chosen == number])
    return stays


def reach_end(viewing: Viewing, who: Ints) -> Ints:
    """The video ends; a few start it again."""
    viewing.record(Event.ENDED, who)
    again = who[viewing.rng.random(len(who)) < SHARE_REWATCHED]
    viewing.pass_time(again, viewing.rng.uniform(1.0, 60.0, len(again)))
    viewing.position[again] = 0.0
    viewing.record(Event.PLAY, again)
    return again


def stop_watching(viewing: Viewing, who: Ints) -> None:
    """Leave for good: most pause first, some just close the browser and send nothing."""
    pauses = viewing.rng.random(len(who)) >= SHARE_ABANDONED
    viewing.record(Event.PAUSE, who[pauses])


def take_a_break(viewing: Viewing, who: Ints) -> None:
    """Pause and go on at the same position, now and then after more than half an hour."""
    lengths = 0.5 + viewing.rng.exponential(MEAN_PAUSE, len(who))
    idle = viewing.rng.random(len(who)) < SHARE_LONG_IDLE
    lengths[idle] = viewing.rng.uniform(*LONG_IDLE, int(idle.sum()))
    _pause_then_resume(viewing, who, lengths, viewing.position[who])


def seek_ahead(viewing: Viewing, who: Ints) -> None:
    """Jump towards the end, by up to the whole rest."""
    left = viewing.duration[who] - viewing.position[who]
    target = viewing.position[who] + left * viewing.rng.uniform(0.05, 0.98, len(who))
    _seek(viewing, who, target)


def seek_back(viewing: Viewing, who: Ints) -> None:
    """Jump back to see something again: usually some seconds, at most to the start."""
    back = 3.0 + viewing.rng.exponential(15.0, len(who))
    _seek(viewing, who, np.maximum(viewing.position[who] - back, 0.0))


def change_rate(viewing: Viewing, who: Ints) -> None:
    """Choose another playback rate, which players do not report."""
    viewing.rate[who] = viewing.rng.choice(PLAYBACK_RATES, len(who))


def play_again(viewing: Viewing, who: Ints) -> None:
    """Report another play in the middle of playing, as some players do after buffering."""
    viewing.record(Event.PLAY, who)


def _seek(viewing: Viewing, who: Ints, target: Floats) -> None:
    tells = viewing.tells_seeks[who]
    viewing.record_seeks(who[tells], target[tells])
    viewing.position[who[tells]] = target[tells]
    lengths = viewing.rng.uniform(0.2, 3.0, len(who))
    _pause_then_resume(viewing, who[~tells], lengths[~tells], target[~tells])


def _pause_then_resume(viewing: Viewing, who: Ints, lengths: Floats, target: Floats) -> None:
    viewing.record(Event.PAUSE, who)
    viewing.pass_time(who, lengths)
    viewing.position[who] = target
    viewing.record(Event.RESUME, who)


class Behaviour(NamedTuple):
    """Something viewers do in the middle of a video, and how often."""

    act: Callable[[Viewing, Ints], None]
    share: float


BEHAVIOURS: Sequence[Behaviour] = (
    Behaviour(take_a_break, 0.56),
    Behaviour(seek_ahead, 0.14),
    Behaviour(seek_back, 0.12),
    Behaviour(change_rate, 0.08),
    Behaviour(play_again, 0.10),
)
_BEHAVIOUR_SHARES = tuple(behaviour.share for behaviour in BEHAVIOURS)
