"""The charts of one video: its curve, beside others, what begins and ends, and its days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from video_assets.report.facts import Moment, Stretch
from video_assets.report.moments import left, skipped_over, watched_again
from video_assets.report.shapes import Chart, Place, Shape, area, bars, line
from video_assets.report.video_facts import Buckets, VideoDetail
from video_assets.wording import clock, count, full_day, hours, short_day

STRETCHES = 240
_BARS = 60
_POSITIONS_NAMED = 4
_WHOLE = 100.0


def retention(detail: VideoDetail, saying: str) -> Chart:
    """Viewers of each position and how often it is watched again, per 100 viewers."""
    video = detail.video
    stretches = detail.buckets.stretches(STRETCHES)
    per_100 = _WHOLE / max(1, video.viewers)
    viewers = [per_100 * stretch.viewers for stretch in stretches]
    again = [per_100 * stretch.rewatches for stretch in stretches]
    highest = max(_WHOLE, *again, *viewers) if stretches else _WHOLE
    xs = _middles(stretches, video.duration)
    return Chart(
        saying,
        (
            Shape("viewers", area(xs, [value / highest for value in viewers])),
            Shape("again", line(xs, [value / highest for value in again])),
            *_drop_off(detail),
            *_chapter_bounds(detail),
        ),
        f"{highest:.0f} per 100 viewers",
        "",
        _positions(video.duration),
        _marks(detail),
    )


def _middles(stretches: tuple[Stretch, ...], duration: float) -> list[float]:
    """The middle of each; the first and the last at the edges of the picture."""
    if not stretches:
        return []
    middles = [min((s.start + s.end) / 2 / duration, 1.0) for s in stretches]
    middles[0] = stretches[0].start / duration
    return middles


def _drop_off(detail: VideoDetail) -> tuple[Shape, ...]:
    at = detail.video.drop_off
    if at is None or not 0 <= at <= detail.video.duration:
        return ()
    place = at / detail.video.duration
    return (Shape("drop", line([place, place], [0.0, 1.0])),)


def _chapter_bounds(detail: VideoDetail) -> list[Shape]:
    duration = detail.video.duration
    places = [c.start / duration for c in detail.chapters if 0 < c.start < duration]
    path = "".join(line([place, place], [0.0, 1.0]) for place in places)
    return [Shape("bound", path)] if path else []


def _marks(detail: VideoDetail) -> tuple[Place, ...]:
    kinds: Mapping[str, list[Moment]] = {
        "▲": watched_again(detail.buckets),
        "▼": left(detail.buckets),
        "»": skipped_over(detail.buckets),
    }
    duration = detail.video.duration
    return tuple(
        Place(min(_WHOLE, 50 * (moment.start + moment.end) / duration), f"{sign}{number}", row)
        for row, (sign, moments) in enumerate(kinds.items())
        for number, moment in enumerate(moments, 1)
    )


def beside_similar(detail: VideoDetail, saying: str) -> Chart | None:
    """`relativeRetention` by position; None where no video is of similar length."""
    buckets, duration = detail.buckets, detail.video.duration
    known = ~np.isnan(buckets.relative)
    if not known.any():
        return None
    xs = (buckets.start[known] / duration).tolist()
    return Chart(
        saying,
        (
            Shape("middle", line([0.0, 1.0], [0.5, 0.5])),
            Shape("viewers", line(xs, buckets.relative[known].tolist())),
        ),
        "more than all others",
        "less than all others",
        _positions(duration),
    )


def began_and_ended(detail: VideoDetail, saying: str) -> Chart | None:
    """Views that begin in each part, upwards, and that end there, downwards; None if unknown.

    Most begin in the first part and end in the last one, beside which no other would be seen.
    """
    buckets, duration = detail.buckets, detail.video.duration
    if buckets.started is None or buckets.stopped is None or not len(buckets):
        return None
    first = np.arange(0, len(buckets), -(-len(buckets) // _BARS))
    begun, ended = (np.add.reduceat(v, first) for v in (buckets.started, buckets.stopped))
    begun[0] = ended[-1] = 0
    highest = 2 * max(1, begun.max(), ended.max())
    edges = np.minimum(np.append(buckets.start[first], buckets.end[-1]) / duration, 1.0).tolist()
    return Chart(
        saying,
        (
            Shape("up", bars(edges, (begun / highest).tolist(), 0.5)),
            Shape("down", bars(edges, (-ended / highest).tolist(), 0.5)),
        ),
        f"{count(int(highest // 2))} begun",
        f"{count(int(highest // 2))} ended",
        _positions(duration),
    )


def by_day(values: Mapping[date, float], unit: str, saying: str) -> Chart:
    """A bar a day from the first to the last; counters that went down have none."""
    first, last = min(values), max(values)
    days = (last - first).days + 1
    highest = max(1.0, *values.values())
    calendar = [first + timedelta(days=n) for n in range(days)]
    heights = [max(0.0, values.get(day, 0.0)) / highest for day in calendar]
    edges = [n / days for n in range(days + 1)]
    ends = (Place(0.0, full_day(first)), Place(_WHOLE, short_day(last)))
    top = f"at most {highest:,.0f} {unit}"
    return Chart(
        saying, (Shape("up", bars(edges, heights)),), top, "", ends if days > 1 else ends[:1]
    )


@dataclass(frozen=True)
class DayHours:
    """The hours of some days: in a sentence, as a chart and as rows, the newest first."""

    said: str
    chart: Chart
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def hours_by_day(of: Mapping[date, float], title: str) -> DayHours:
    """What was watched on each of some days, at least one."""
    most = max(of, key=lambda day: (of[day], day))
    said = f"{hours(sum(of.values()))} on {count(len(of), 'day')}; most on {full_day(most)}."
    rows = [(full_day(day), f"{of[day]:,.2f}") for day in sorted(of, reverse=True)]
    return DayHours(said, by_day(of, "hours", f"{title}. {said}"), ("Day", "Hours"), rows)


def _positions(duration: float) -> tuple[Place, ...]:
    parts = range(_POSITIONS_NAMED + 1)
    return tuple(
        Place(_WHOLE * n / _POSITIONS_NAMED, clock(duration * n / _POSITIONS_NAMED)) for n in parts
    )


def sums(buckets: Buckets, most: int) -> list[tuple[float, float, int | None, int | None]]:
    """Start, end, views begun and views ended of at most so many pieces."""
    if not len(buckets):
        return []
    first = np.arange(0, len(buckets), -(-len(buckets) // most))
    last = np.append(first[1:], len(buckets)) - 1
    begun, ended = (
        [None] * len(first) if v is None else np.add.reduceat(v, first).tolist()
        for v in (buckets.started, buckets.stopped)
    )
    return list(
        zip(buckets.start[first].tolist(), buckets.end[last].tolist(), begun, ended, strict=True)
    )
