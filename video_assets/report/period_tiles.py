"""The headline figures and the videos of a chosen period, each beside the period before."""

from collections.abc import Callable

from video_assets.days import SECONDS_PER_HOUR
from video_assets.report.facts import Choice, Period, PeriodVideo, Trend, ViewTrend, percentage
from video_assets.report.rendering import Row, Tile
from video_assets.report.video_page import page_of
from video_assets.wording import (
    MINUS,
    UNKNOWN,
    change,
    clock,
    count,
    full_day,
    hours,
    or_unknown,
    percent,
    short_day,
)

VIDEO_COLUMNS = ("Video", "Watch time", "Plays", "Sessions", "Average view duration")


def named(choice: Choice) -> str:
    """The period as a choice: `7 days`, or all of them."""
    days = count(choice.trend.now.days, "day")
    return f"All ({days})" if choice.trend.is_all else days


def tiles(choice: Choice) -> list[Tile]:
    """What was viewed and watched in the period, and by how many."""
    return [
        *([] if choice.views is None else [_views(choice.views, choice.trend)]),
        _tile("Plays", choice.trend, lambda period: period.plays, _whole),
        _tile("Viewers", choice.trend, lambda period: period.viewers, _whole),
        _returning(choice.trend),
        _tile("Sessions", choice.trend, lambda period: period.sessions, _whole),
        _tile("Watch time", choice.trend, lambda period: period.seconds, _hours),
        _tile("Average view duration", choice.trend, lambda period: period.average_view, clock),
    ]


def _tile(
    name: str,
    trend: Trend,
    value: Callable[[Period], float | None],
    shown: Callable[[float], str],
) -> Tile:
    now = value(trend.now)
    before = None if trend.before is None else value(trend.before)
    return Tile(name, or_unknown(now, shown), _than_before(now, before))


def _returning(trend: Trend) -> Tile:
    now = trend.now
    if now.returning is None:
        return Tile("Returning viewers", UNKNOWN, "the data begin with this period")
    before = None if trend.before is None else trend.before.returning
    trended = "" if before is None else f"; {_than_before(now.returning, before)}"
    share = percent(percentage(now.returning, now.viewers))
    return Tile("Returning viewers", count(now.returning), f"{share} of viewers{trended}")


def _whole(number: float) -> str:
    return count(int(number))


def _hours(seconds: float) -> str:
    return hours(seconds / SECONDS_PER_HOUR)


def _views(found: ViewTrend, trend: Trend) -> Tile:
    """Views of other days than the player's events name theirs."""
    is_same = (found.first, found.last) == (trend.now.first, trend.now.last)
    days = "" if is_same else f", {short_day(found.first)} to {full_day(found.last)}"
    return Tile("Views", count(found.views), f"{_than_before(found.views, found.before)}{days}")


def _than_before(now: float | None, before: float | None) -> str:
    if now is None or before is None:
        return "no period before to compare"
    found = change(now, before)
    return f"{found} on the period before" if found[0] in f"+{MINUS}" else found


def video_rows(choice: Choice) -> list[tuple[str, Row]]:
    """The page of each of the period's videos, and its row; names come first."""
    return [(page_of(video.video_id), _video(video)) for video in choice.videos]


def _video(video: PeriodVideo) -> Row:
    trend = "" if video.hours_before is None else f" ({change(video.hours, video.hours_before)})"
    return (
        video.name,
        f"{hours(video.hours)}{trend}",
        or_unknown(video.plays, count),
        count(video.sessions),
        clock(video.average_view),
    )
