"""The watch-time rules said once more, one event at a time, to compare the kernels with.

Slow and plain on purpose: each function is one numbered rule of the contract and shares nothing
with the code under test but its thresholds. Rows are dicts keyed by the columns' names.
"""

# ruff: noqa: N815 (fields keep the names of the contract's columns)

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from video_assets.rules import WatchTimeRules

PLAY, PAUSE, RESUME, ENDED = "video_play", "video_pause", "video_resume", "video_ended"
SEEK, HEARTBEAT = "video_seek", "video_heartbeat"
STARTS, STOPS = (PLAY, RESUME), (PAUSE, ENDED)
ORDER_WHILE_PLAYING = (HEARTBEAT, *STOPS, SEEK, *STARTS)
ORDER_WHILE_STOPPED = (SEEK, *STARTS, HEARTBEAT, *STOPS)
UNITS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6}

Row = dict[str, Any]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Event:
    timestamp: datetime
    userId: str
    sessionId: str
    videoId: str
    eventName: str
    currentTime: float
    seekTime: float | None = None

    @property
    def day(self) -> date:
        return self.timestamp.astimezone(UTC).date()

    @property
    def timeline(self) -> tuple[str, str, str]:
        return (self.userId, self.videoId, self.sessionId)


# Rule 1: which source rows are valid events.


def rejection_reason(row: Mapping[str, Any] | None, unit: str | None = None) -> str | None:
    """First reason to refuse a source row (None: not even parseable); None if it is valid."""
    if row is None:
        return "unparseable_row"
    failures = (
        ("missing_timestamp", _is_absent(row.get("timestamp"))),
        ("unreadable_timestamp", not _is_readable_time(row.get("timestamp"), unit)),
        ("missing_user", row.get("userId") in (None, "")),
        ("missing_session", row.get("sessionId") in (None, "")),
        ("missing_video", row.get("videoId") in (None, "")),
        ("unknown_event", row.get("eventName") not in ORDER_WHILE_PLAYING),
        ("missing_position", any(_is_absent(value) for value in _position_values(row))),
        ("unreadable_position", not all(math.isfinite(position) for position in _positions(row))),
        ("negative_position", any(position < 0 for position in _positions(row))),
    )
    return next((reason for reason, fails in failures if fails), None)


def _positions(row: Mapping[str, Any]) -> list[float]:
    return [_number(value) for value in _position_values(row)]


def _position_values(row: Mapping[str, Any]) -> list[Any]:
    names = ("currentTime", "seekTime") if row.get("eventName") == SEEK else ("currentTime",)
    return [row.get(name) for name in names]


def _is_absent(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("", "nan")
    return value is None or (isinstance(value, float) and math.isnan(value))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _is_readable_time(value: Any, unit: str | None) -> bool:
    if isinstance(value, datetime):
        return True
    if unit is not None:
        seconds = _number(value) / UNITS_PER_SECOND[unit]
        try:
            datetime.fromtimestamp(seconds, tz=UTC)
        except (ValueError, OverflowError, OSError):
            return False
        return True
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


# Rules 1 and 2: distinct events, in order; and the first of rule 3, where they stand.


@dataclass(frozen=True)
class Step:
    """An event in its place.

    Attributes:
        event: what happened.
        position: where the video stood when it happened.
        was_playing: it was playing until then.
    """

    event: Event
    position: float
    was_playing: bool

    @property
    def name(self) -> str:
        return self.event.eventName

    @property
    def target(self) -> float:
        """Where the video stood afterwards."""
        if self.name == SEEK and self.event.seekTime is not None:
            return self.event.seekTime
        return self.position


def timelines(events: Iterable[Event], rules: WatchTimeRules) -> list[list[Step]]:
    """The distinct events of each (user, video, session), ordered."""
    found = defaultdict(set)
    for event in events:
        found[event.timeline].add(event)
    return [list(_steps(found[key], rules)) for key in sorted(found)]


def _steps(events: Collection[Event], rules: WatchTimeRules) -> Iterator[Step]:
    before: Step | None = None
    for moment in sorted({event.timestamp for event in events}):
        playing = was_playing(moment, events, rules)
        order = ORDER_WHILE_PLAYING if playing else ORDER_WHILE_STOPPED
        for event in sorted(
            (event for event in events if event.timestamp == moment),
            key=lambda e: (order.index(e.eventName), e.currentTime, e.seekTime or 0.0),
        ):
            before = Step(event, true_position(event, before, rules), playing)
            yield before
            if event.eventName in (*STARTS, *STOPS):
                playing = event.eventName in STARTS


def was_playing(moment: datetime, events: Collection[Event], rules: WatchTimeRules) -> bool:
    """Rule 2: what the events before an instant, within the look-back, tell."""
    within = [event for event in events if 0 < seconds(event.timestamp, moment) <= rules.lookback]
    for instant in sorted({event.timestamp for event in within}, reverse=True):
        names = {event.eventName for event in within if event.timestamp == instant}
        if names.isdisjoint(STARTS) != names.isdisjoint(STOPS):
            return not names.isdisjoint(STARTS)
    return any(event.eventName == HEARTBEAT for event in within)


def true_position(event: Event, before: Step | None, rules: WatchTimeRules) -> float:
    """Rule 3: a play right after a seek may report where the seek left."""
    if (
        before is not None
        and before.name == SEEK
        and event.eventName in STARTS
        and seconds(before.event.timestamp, event.timestamp) <= rules.stale_play_within
        and abs(event.currentTime - before.position) <= 1
    ):
        return before.target
    return event.currentTime


def seconds(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(seconds=1)


# Rules 3 to 6: what a gap between two consecutive events means.


@dataclass(frozen=True)
class Gap:
    before: Step
    after: Step
    rules: WatchTimeRules

    @property
    def dt(self) -> float:
        return seconds(self.before.event.timestamp, self.after.event.timestamp)

    @property
    def dp(self) -> float:
        return self.after.position - self.before.target

    @property
    def idle(self) -> float:
        return self.dt - min(max(self.dp, 0.0), self.rules.max_segment)

    @property
    def breaks_the_session(self) -> bool:
        return self.idle > self.rules.session_timeout

    def is_watched(self, *, max_segment: float = 0.0, max_playback_rate: float = 0.0) -> bool:
        """Rule 5, by the rules' thresholds or larger ones."""
        longest = max(max_segment, self.rules.max_segment)
        rate = max(max_playback_rate, self.rules.max_playback_rate)
        return (
            self.after.was_playing
            and 0 < self.dp < longest
            and self.dp <= self.dt * rate + self.rules.position_tolerance
        )

    @property
    def is_too_long(self) -> bool:
        return not self.is_watched() and self.is_watched(max_segment=math.inf)

    @property
    def is_too_fast(self) -> bool:
        return not self.is_watched() and self.is_watched(max_playback_rate=16)

    @property
    def skip(self) -> float:
        """Rule 6: the move that may be a skip."""
        if self.is_watched() or self.after.name == SEEK or self.before.name == ENDED:
            return 0.0
        return self.dp


def gap_into(steps: Sequence[Step], index: int, rules: WatchTimeRules) -> Gap | None:
    """The gap before an event; None for the first of a session."""
    if index == 0:
        return None
    gap = Gap(steps[index - 1], steps[index], rules)
    return None if gap.breaks_the_session else gap


def watched_segments(events: Iterable[Event], rules: WatchTimeRules) -> list[Row]:
    """Rule 5: every watched segment, on the day of the event that closes it."""
    return [
        {
            "userId": gap.after.event.userId,
            "videoId": gap.after.event.videoId,
            "sessionId": gap.after.event.sessionId,
            "sessionDate": gap.after.event.day,
            "start": gap.before.target,
            "end": gap.after.position,
            "endTime": gap.after.event.timestamp,
        }
        for steps in timelines(events, rules)
        for gap in (gap_into(steps, index, rules) for index in range(len(steps)))
        if gap is not None and gap.is_watched()
    ]


# Rule 8: unique seconds.


def merged(segments: Iterable[Interval]) -> list[Interval]:
    """The union of the segments: sorted, disjoint, touching ones joined."""
    union: list[Interval] = []
    for start, end in sorted(segments):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def length(intervals: Iterable[Interval]) -> float:
    return math.fsum(end - start for start, end in intervals)


# Rule 9: session rows.


@dataclass(frozen=True)
class SessionDay:
    """What one session did on one day: its events, the gaps and the endings that count."""

    continues: bool
    number: int
    steps: list[Step] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    endings: list[Step] = field(default_factory=list)

    @property
    def day(self) -> date:
        return self.steps[0].event.day

    def row(self, rules: WatchTimeRules) -> Row:
        first, last = self.steps[0], self.steps[-1]
        watched = [gap for gap in self.gaps if gap.is_watched()]
        segments = [(gap.before.target, gap.after.position) for gap in watched]
        intervals = merged(segments)
        names = [step.name for step in self.steps]
        moves = [step.target - step.position for step in self.steps] + [g.skip for g in self.gaps]
        seen = [end for _, end in segments] + [step.position for step in self.endings]
        return {
            "userId": first.event.userId,
            "videoId": first.event.videoId,
            "sessionId": first.event.sessionId,
            "sessionDate": self.day,
            "sessionNumber": self.number,
            "isContinuation": self.continues,
            "firstEventTime": first.event.timestamp,
            "lastEventTime": last.event.timestamp,
            "elapsedSeconds": math.fsum(gap.dt for gap in self.gaps),
            "watchTime": length(segments),
            "uniqueSecondsWatched": length(intervals),
            "watchedIntervals": [{"start": start, "end": end} for start, end in intervals],
            "maxPosition": max(max(step.position, step.target) for step in self.steps),
            "pauseCount": names.count(PAUSE),
            "playCount": names.count(PLAY),
            "endedCount": len(self.endings),
            "forwardSkips": sum(move > rules.forward_skip for move in moves),
            "backwardSkips": sum(move < -rules.backward_skip for move in moves),
            "eventCount": len(self.steps),
            "unterminatedPosition": last.position if last.name == PLAY else None,
            "furthestSeen": max(seen, default=None),
            "segmentCount": len(segments),
            "playedSeconds": math.fsum(gap.dt for gap in watched),
            "tooLongSegments": sum(gap.is_too_long for gap in self.gaps),
            "tooFastSegments": sum(gap.is_too_fast for gap in self.gaps),
        }


def session_days(steps: Sequence[Step], rules: WatchTimeRules) -> list[SessionDay]:
    """A timeline cut at session breaks and at midnights."""
    found: list[SessionDay] = []
    for index, step in enumerate(steps):
        gap = gap_into(steps, index, rules)
        if gap is None or gap.before.event.day != step.event.day:
            number = 1 + sum(earlier.day == step.event.day for earlier in found)
            found.append(SessionDay(continues=gap is not None, number=number))
        found[-1].steps.append(step)
        found[-1].gaps.extend([gap] if gap else [])
        found[-1].endings.extend([step] if is_ending(steps, index, rules) else [])
    return found


def is_ending(steps: Sequence[Step], index: int, rules: WatchTimeRules) -> bool:
    """An ended, unless an earlier one within the look-back had nothing played since."""
    step = steps[index]
    if step.name != ENDED:
        return False
    for earlier in reversed(steps[:index]):
        if earlier.name in (*STARTS, HEARTBEAT):
            return True
        if earlier.name == ENDED:
            return seconds(earlier.event.timestamp, step.event.timestamp) > rules.lookback
    return True


def session_rows(events: Iterable[Event], rules: WatchTimeRules) -> list[Row]:
    return [
        part.row(rules) for steps in timelines(events, rules) for part in session_days(steps, rules)
    ]


# Rules 7 and 10: engagement rows, without the columns derived from other columns of the row.


def usable_duration(duration: float | None) -> float | None:
    return duration if duration is not None and 0 < duration < math.inf else None


def credited(rows: list[Row], duration: float, rules: WatchTimeRules) -> list[Interval]:
    """Rule 7: the seconds granted to plays that nothing follows, of one user and video."""
    granted = []
    ordered = sorted(rows, key=lambda r: (r["sessionId"], r["sessionDate"], r["sessionNumber"]))
    for row, following in zip(ordered, [*ordered[1:], None], strict=True):
        position = row["unterminatedPosition"]
        if position is None or _continues(row, following):
            continue
        credit = min(rules.unterminated_credit, max(0.0, duration - position))
        if credit > 0:
            granted.append((position, position + credit))
    return granted


def _continues(row: Row, following: Row | None) -> bool:
    return (
        following is not None
        and following["isContinuation"]
        and following["sessionId"] == row["sessionId"]
        and following["sessionDate"] == row["sessionDate"] + timedelta(days=1)
    )


def engagement_measures(
    rows: list[Row],
    durations: Mapping[str, float | None],
    titles: Mapping[str, str],
    rules: WatchTimeRules,
) -> list[Row]:
    """Rule 10: the measures of each user and video, from all session rows."""
    pairs = sorted({(row["userId"], row["videoId"]) for row in rows})
    measures = []
    for user, video in pairs:
        known = usable_duration(durations.get(video))
        duration = estimated_duration(rows, video) if known is None else known
        own = [row for row in rows if (row["userId"], row["videoId"]) == (user, video)]
        measures.append(
            {
                "userId": user,
                "videoId": video,
                "videoTitle": titles.get(video),
                "videoDuration": duration,
                "isDurationEstimated": known is None,
                **_sums(own, credited(own, duration, rules)),
                "hasReachedEnd": has_reached_end(own, duration, rules),
            }
        )
    return measures


def estimated_duration(rows: list[Row], video: str) -> float:
    """Rule 10: as far as anyone watched; where nobody did, the largest position."""
    of_video = [row for row in rows if row["videoId"] == video]
    seen = [row["furthestSeen"] for row in of_video if row["furthestSeen"] is not None]
    return float(max(seen or [row["maxPosition"] for row in of_video]))


def has_reached_end(rows: list[Row], duration: float, rules: WatchTimeRules) -> bool:
    """Rule 13: an ending, or a segment that ends close to the end."""
    close = rules.reached_end * duration
    return any(
        row["endedCount"] or any(i["end"] >= close for i in row["watchedIntervals"]) for row in rows
    )


def _sums(rows: list[Row], credit: list[Interval]) -> Row:
    def total(column: str) -> Any:
        return sum(row[column] for row in rows)

    sessions = max(1, sum(not row["isContinuation"] for row in rows))
    watched = [(i["start"], i["end"]) for row in rows for i in row["watchedIntervals"]]
    watch_time = total("watchTime") + length(credit)
    return {
        "totalWatchTime": watch_time,
        "totalUniqueSecondsWatched": length(merged([*watched, *credit])),
        "maxPositionReached": max(row["maxPosition"] for row in rows),
        "sessionCount": sessions,
        "avgWatchTimePerSession": watch_time / sessions,
        "avgSessionDuration": total("elapsedSeconds") / sessions,
        "avgPausesPerSession": total("pauseCount") / sessions,
        "totalForwardSkips": total("forwardSkips"),
        "totalBackwardSkips": total("backwardSkips"),
        "completionCount": total("endedCount"),
        "isCompletedAtLeastOnce": total("endedCount") > 0,
        "firstWatchDate": min(row["firstEventTime"] for row in rows),
        "lastWatchDate": max(row["lastEventTime"] for row in rows),
        "isReplay": sessions > 1,
        "creditedWatchTime": length(credit),
    }


# Rules 11 to 13: columns derived from the row's own other columns (percentages unrounded here).


def percentages(row: Row) -> dict[str, float]:
    def of_the_video(column: str) -> float:
        return 100 * row[column] / row["videoDuration"] if row["videoDuration"] else 0.0

    return {
        "watchPercentage": of_the_video("totalWatchTime"),
        "completionPercentage": of_the_video("maxPositionReached"),
        "uniqueWatchPercentage": of_the_video("totalUniqueSecondsWatched"),
    }


def score(row: Row, rules: WatchTimeRules) -> float:
    """Rule 11, unrounded."""
    skips = row["totalForwardSkips"] + row["totalBackwardSkips"]
    return float(
        rules.score_weight_watch_minutes * row["totalWatchTime"] / 60
        + rules.score_weight_completions * row["completionCount"]
        + rules.score_weight_sessions * row["sessionCount"]
        + rules.score_weight_skips * skips
        + rules.score_weight_unique_percentage * row["uniqueWatchPercentage"]
    )


def tier(row: Row, rules: WatchTimeRules) -> str:
    """Rule 12."""
    lowest_scores = (
        ("High", rules.tier_high),
        ("Medium", rules.tier_medium),
        ("Low", rules.tier_low),
    )
    return next((name for name, low in lowest_scores if row["engagementScore"] >= low), "Minimal")


def quality_flag(row: Row, rules: WatchTimeRules) -> str:
    """Rule 13: the first that holds."""
    allowed = rules.duration_tolerance * row["videoDuration"]
    watched = row["totalWatchTime"]
    enough = row["watchPercentage"] >= rules.sufficient_watch_percentage
    questions = (
        ("position_exceeds_duration", row["maxPositionReached"] > allowed),
        ("excessive_watch_time", watched > allowed * row["sessionCount"]),
        ("completed_without_sufficient_watch", row["completionCount"] > 0 and not enough),
        ("no_valid_segments", watched == 0),
        ("very_short_watch", watched < rules.very_short_watch),
    )
    return next((flag for flag, holds in questions if holds), "ok")
