"""The watch-time rules said once more, one event at a time, to compare the kernels with.

Slow and plain on purpose: each function is one numbered rule of the contract and shares nothing
with the code under test but its thresholds. Rows are dicts keyed by the columns' names.
"""

# ruff: noqa: N815 (fields keep the names of the contract's columns)

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from video_assets.rules import WatchTimeRules

PLAY, PAUSE, RESUME, ENDED = "video_play", "video_pause", "video_resume", "video_ended"
ORDER_AT_ONE_TIME = {PLAY: 0, PAUSE: 1, RESUME: 2, ENDED: 3}
STARTS_PLAYING = {PLAY, RESUME}
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
        ("missing_timestamp", not _is_readable_time(row.get("timestamp"), unit)),
        ("missing_user", row.get("userId") in (None, "")),
        ("missing_session", row.get("sessionId") in (None, "")),
        ("missing_video", row.get("videoId") in (None, "")),
        ("unknown_event", row.get("eventName") not in ORDER_AT_ONE_TIME),
        ("missing_position", not math.isfinite(_number(row.get("currentTime")))),
        ("negative_position", _number(row.get("currentTime")) < 0),
    )
    return next((reason for reason, fails in failures if fails), None)


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


# Rules 1 and 2: distinct events, in order.


def timelines(events: Iterable[Event]) -> list[list[Event]]:
    """The distinct events of each (user, video, session), ordered."""
    found = defaultdict(list)
    for event in set(events):
        found[event.timeline].append(event)
    return [
        sorted(
            found[key],
            key=lambda e: (e.timestamp, ORDER_AT_ONE_TIME[e.eventName], e.currentTime),
        )
        for key in sorted(found)
    ]


# Rules 3 to 6: what a gap between two consecutive events means.


@dataclass(frozen=True)
class Gap:
    before: Event
    after: Event
    rules: WatchTimeRules

    @property
    def dt(self) -> float:
        return (self.after.timestamp - self.before.timestamp) / timedelta(seconds=1)

    @property
    def dp(self) -> float:
        return self.after.currentTime - self.before.currentTime

    @property
    def idle(self) -> float:
        return self.dt - min(max(self.dp, 0.0), self.rules.max_segment)

    @property
    def breaks_the_session(self) -> bool:
        return self.idle > self.rules.session_timeout

    @property
    def is_watched(self) -> bool:
        reachable = self.dt * self.rules.max_playback_rate + self.rules.position_tolerance
        return (
            self.before.eventName in STARTS_PLAYING
            and 0 < self.dp < self.rules.max_segment
            and self.dp <= reachable
        )

    @property
    def may_be_a_skip(self) -> bool:
        return not self.is_watched and self.before.eventName != ENDED

    @property
    def is_forward_skip(self) -> bool:
        return self.may_be_a_skip and self.dp > self.rules.forward_skip

    @property
    def is_backward_skip(self) -> bool:
        return self.may_be_a_skip and self.dp < -self.rules.backward_skip


def gaps(timeline: list[Event], rules: WatchTimeRules) -> Iterator[Gap]:
    """The gaps of a timeline that lie within a session."""
    for before, after in pairwise(timeline):
        gap = Gap(before, after, rules)
        if not gap.breaks_the_session:
            yield gap


def watched_segments(events: Iterable[Event], rules: WatchTimeRules) -> list[Row]:
    """Rule 5: every watched segment, on the day of the event that closes it."""
    return [
        {
            "userId": gap.after.userId,
            "videoId": gap.after.videoId,
            "sessionId": gap.after.sessionId,
            "sessionDate": gap.after.day,
            "start": gap.before.currentTime,
            "end": gap.after.currentTime,
            "endTime": gap.after.timestamp,
        }
        for timeline in timelines(events)
        for gap in gaps(timeline, rules)
        if gap.is_watched
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
    """What one session did on one day: its events, and the gaps that end in them."""

    events: list[Event]
    gaps: list[Gap]
    continues: bool
    number: int

    def row(self) -> Row:
        first, last = self.events[0], self.events[-1]
        segments = [
            (gap.before.currentTime, gap.after.currentTime) for gap in self.gaps if gap.is_watched
        ]
        names = [event.eventName for event in self.events]
        intervals = merged(segments)
        return {
            "userId": first.userId,
            "videoId": first.videoId,
            "sessionId": first.sessionId,
            "sessionDate": first.day,
            "sessionNumber": self.number,
            "isContinuation": self.continues,
            "firstEventTime": first.timestamp,
            "lastEventTime": last.timestamp,
            "elapsedSeconds": math.fsum(gap.dt for gap in self.gaps),
            "watchTime": length(segments),
            "uniqueSecondsWatched": length(intervals),
            "watchedIntervals": [{"start": start, "end": end} for start, end in intervals],
            "maxPosition": max(event.currentTime for event in self.events),
            "pauseCount": names.count(PAUSE),
            "endedCount": names.count(ENDED),
            "forwardSkips": sum(gap.is_forward_skip for gap in self.gaps),
            "backwardSkips": sum(gap.is_backward_skip for gap in self.gaps),
            "eventCount": len(self.events),
            "unterminatedPosition": last.currentTime if last.eventName == PLAY else None,
        }


def session_days(timeline: list[Event], rules: WatchTimeRules) -> list[SessionDay]:
    """A timeline cut at session breaks and at midnights."""
    gap_into = {gap.after: gap for gap in gaps(timeline, rules)}
    found: list[SessionDay] = []
    for event in timeline:
        gap = gap_into.get(event)
        if gap is None or gap.before.day != event.day:
            of_that_day = [earlier for earlier in found if earlier.events[0].day == event.day]
            found.append(SessionDay([], [], gap is not None, len(of_that_day) + 1))
        found[-1].events.append(event)
        found[-1].gaps.extend([gap] if gap else [])
    return found


def session_rows(events: Iterable[Event], rules: WatchTimeRules) -> list[Row]:
    return [part.row() for timeline in timelines(events) for part in session_days(timeline, rules)]


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
        largest = max(row["maxPosition"] for row in rows if row["videoId"] == video)
        duration = largest if known is None else known
        own = [row for row in rows if (row["userId"], row["videoId"]) == (user, video)]
        measures.append(
            {
                "userId": user,
                "videoId": video,
                "videoTitle": titles.get(video),
                "videoDuration": duration,
                "isDurationEstimated": known is None,
                **_sums(own, credited(own, duration, rules)),
            }
        )
    return measures


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
