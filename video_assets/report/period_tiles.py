"""The headline figures and the videos of a chosen period, each beside the period before."""

from collections.abc import Callable, Container, Sequence

from video_assets.days import SECONDS_PER_HOUR
from video_assets.report.addresses import page_of
from video_assets.report.facts import (
    Choice,
    Filter,
    Narrowed,
    Period,
    PeriodVideo,
    Sums,
    Trend,
    ViewTrend,
    percentage,
)
from video_assets.report.rendering import Row, Tile
from video_assets.wording import (
    MINUS,
    UNKNOWN,
    change,
    clock,
    count,
    full_day,
    hours,
    name,
    or_unknown,
    percent,
    quoted,
    short_day,
)

VIDEO_COLUMNS = ("Video", "Watch time", "Plays", "Sessions", "Average view duration")


def named(choice: Choice) -> str:
    """The period as a choice: `7 days`, or all of them."""
    days = count(choice.trend.now.days, "day")
    return f"All ({days})" if choice.trend.is_all else days


def _whole(number: float) -> str:
    return count(int(number))


def _hours(seconds: float) -> str:
    return hours(seconds / SECONDS_PER_HOUR)


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
    title: str,
    trend: Trend,
    value: Callable[[Period], float | None],
    shown: Callable[[float], str],
) -> Tile:
    before = None if trend.before is None else value(trend.before)
    return _compared(title, value(trend.now), before, shown)


def _compared(
    title: str, now: float | None, before: float | None, shown: Callable[[float], str]
) -> Tile:
    return Tile(title, or_unknown(now, shown), _than_before(now, before))


def narrowed_tiles(found: Narrowed) -> list[Tile]:
    """What can be added up over days, of the sessions that a filter leaves."""

    def tile(
        title: str, value: Callable[[Sums], float | None], shown: Callable[[float], str] = _whole
    ) -> Tile:
        before = None if found.before is None else value(found.before)
        return _compared(title, value(found.now), before, shown)

    return [
        tile("Plays", lambda sums: sums.plays),
        tile("Sessions", lambda sums: sums.sessions),
        tile("Watch time", lambda sums: sums.seconds, _hours),
        tile("Average view duration", lambda sums: sums.average_view, clock),
        tile("Completions", lambda sums: sums.completions),
        tile("New to a video", lambda sums: sums.new_viewers),
        tile("Jumps ahead", lambda sums: sums.forward_skips),
    ]


def narrowed_to(found: Narrowed, trend: Trend) -> str:
    """How many of all sessions a filter leaves, and whether they last as long as all."""
    now, everybody = found.now, trend.now
    share = percent(percentage(now.sessions, everybody.sessions))
    return (
        f"{count(now.sessions, 'session')} of {count(everybody.sessions)} ({share}) in the "
        f"{count(everybody.days, 'day')} to {full_day(everybody.last)} "
        f"{'has' if now.sessions == 1 else 'have'} {filter_name(found.filter)}; they last "
        f"{clock(now.average_view)} on average, those of everybody {clock(everybody.average_view)}."
    )


def filter_name(chosen: Filter) -> str:
    """A filter within a sentence: `device “phone”`."""
    return f"{name(chosen.dimension)} {quoted(name(chosen.value))}"


def _returning(trend: Trend) -> Tile:
    now = trend.now
    if now.returning is None:
        return Tile("Returning viewers", UNKNOWN, "the data begin with this period")
    before = None if trend.before is None else trend.before.returning
    trended = "" if before is None else f"; {_than_before(now.returning, before)}"
    share = percent(percentage(now.returning, now.viewers))
    return Tile("Returning viewers", count(now.returning), f"{share} of viewers{trended}")


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


def video_rows(
    videos: Sequence[PeriodVideo], with_page: Container[str]
) -> list[tuple[str | None, Row]]:
    """The page of each of a period's videos that has one, and its row; names come first."""
    return [
        (page_of(video.video_id) if video.video_id in with_page else None, _video(video))
        for video in videos
    ]


def _video(video: PeriodVideo) -> Row:
    now, before = video.now, video.before
    trend = "" if before is None else f" ({change(now.seconds, before.seconds)})"
    return (
        video.name,
        f"{_hours(now.seconds)}{trend}",
        or_unknown(now.plays, count),
        count(now.sessions),
        clock(now.average_view),
    )
