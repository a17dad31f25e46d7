"""The parts of the page: each chart with its title, what it says, and its numbers as a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import altair as alt

from video_assets.report import takeaways
from video_assets.report.charts import (
    NARROW,
    WIDE,
    DayAxis,
    DayValue,
    NamedValue,
    bars_by_day,
    named_bars,
    retention_curve,
)
from video_assets.report.data import MIN_VIEWERS
from video_assets.report.facts import Curve, Missing, Report, Stretch, Video, percentage
from video_assets.report.markup import Html, joined, tag
from video_assets.report.svg import inline_svg
from video_assets.report.wording import clock, count, full_day, hours, name, percent, quoted

Draw = Callable[[int], alt.TopLevelMixin]
Row = Sequence[str]

NOTHING = Html("")

BOTH_WIDTHS = {"wide": WIDE, "narrow": NARROW}
ONE_WIDTH = {"always": NARROW}

_ALL = 100.0
_STRETCHES_IN_TABLE = 20
_TALL = 300
_VIDEO_COLUMNS = ("Video", "Watch time", "Viewers", "Watched", "Complete it", "Drop-off", "Length")


@dataclass(frozen=True)
class Figure:
    """A chart with its title and one sentence; its numbers as a table for who cannot see it."""

    title: str
    takeaway: str
    draw: Draw
    columns: Row
    rows: Sequence[Row]
    widths: Mapping[str, int] = field(default_factory=lambda: BOTH_WIDTHS)
    more: Html = NOTHING


def watching(report: Report) -> Html:
    """What is watched: by day, by video, how engaged."""
    left = tag("div", _watch_time(report), _tiers(report), classes="stack")
    lead = "Watch time counts what is watched again, too. Days are UTC."
    return _section("watching", "What is watched", lead, left, _top_videos(report))


def _watch_time(report: Report) -> Html:
    values = [
        DayValue(
            day.day,
            day.hours,
            f"{full_day(day.day)}: {hours(day.hours)}, {count(day.viewers, 'viewer')}",
        )
        for day in report.days
    ]
    return _figure(
        Figure(
            "Watch time per day",
            takeaways.watch_time(report.days),
            lambda width: bars_by_day(values, DayAxis("hours"), width),
            ("Day", "Hours", "Viewers"),
            [(full_day(day.day), f"{day.hours:,.1f}", count(day.viewers)) for day in report.days],
        )
    )


def _tiers(report: Report) -> Html:
    limits = report.limits
    lowest = {"High": limits.tier_high, "Medium": limits.tier_medium, "Low": limits.tier_low}
    pairs = sum(number for _, number in report.tiers)
    bars = [
        NamedValue(
            f"{tier}: score from {lowest[tier]:g}" if tier in lowest else f"{tier}: lower scores",
            number,
            f"{percent(percentage(number, pairs))} ({number:,})",
        )
        for tier, number in report.tiers
    ]
    return _figure(
        Figure(
            "How engaged viewers are",
            takeaways.tiers(report.tiers),
            lambda width: named_bars(bars, width),
            ("Tier", "Viewer-video pairs", "Share"),
            [(tier, count(n), percent(percentage(n, pairs))) for tier, n in report.tiers],
        )
    )


def _top_videos(report: Report) -> Html:
    bars = [
        NamedValue(video.name, video.hours, f"{hours(video.hours)}, {_viewers(video)}")
        for video in report.top_videos
    ]
    return _figure(
        Figure(
            "Most watched videos",
            takeaways.top_videos(report.top_videos, report.totals),
            lambda width: named_bars(bars, width),
            _VIDEO_COLUMNS,
            [_video_row(video) for video in report.top_videos],
        )
    )


def _viewers(video: Video) -> str:
    return count(video.viewers, "viewer")


def _video_row(video: Video) -> Row:
    estimated = " (estimated)" if video.is_duration_estimated else ""
    return (
        video.name,
        hours(video.hours),
        count(video.viewers),
        percent(video.watched),
        percent(video.completion_rate),
        "none" if video.drop_off is None else clock(video.drop_off),
        f"{clock(video.duration)}{estimated}",
    )


def holding(report: Report) -> Html:
    """Which videos people watch most of, and least of."""
    lead = (
        "How much of a video its average viewer watches at least once. Only videos of known "
        f"length with {MIN_VIEWERS} viewers or more."
    )
    figures = [
        _held(title, videos, is_second=is_second)
        for title, videos, is_second in (
            ("They hold people", report.best_held, False),
            ("They lose people", report.worst_held, True),
        )
        if videos
    ]
    if not figures:
        figures = [_note(takeaways.held((), (), MIN_VIEWERS))]
    return _section("holding", "Which videos hold people", lead, *figures)


def _held(title: str, videos: Sequence[Video], *, is_second: bool) -> Html:
    bars = [
        NamedValue(
            video.name,
            min(video.watched, _ALL),
            f"{percent(video.watched)}, {_viewers(video)}",
            is_second=is_second,
        )
        for video in videos
    ]
    first = videos[0]
    return _figure(
        Figure(
            title,
            f"Of {quoted(first.name)}, {percent(first.watched)} is watched on average, and "
            f"{percent(first.completion_rate)} of {_viewers(first)} complete it.",
            lambda width: named_bars(bars, width, longest=_ALL),
            _VIDEO_COLUMNS,
            [_video_row(video) for video in videos],
        )
    )


def leaving(report: Report) -> Html:
    """Where people leave the most watched videos, and what they watch again."""
    title = "Where they leave"
    lead = "The most watched videos, position by position."
    if not report.curves:
        return _section("leaving", title, lead, _note(takeaways.NOTHING_WATCHED))
    keys = (
        ("area", "viewers there, per 100 viewers of the video"),
        ("dashed", "times watched again, per 100 viewers; ▲ marks a peak"),
        ("dotted", "by here half of those who do not complete it are gone"),
    )
    legend = tag(
        "p",
        *(tag("span", tag("span", classes=f"key {key}"), told) for key, told in keys),
        classes="legend",
    )
    figures = tuple(_curve(curve) for curve in report.curves)
    return _section("leaving", title, lead, *figures, above=legend, classes="cards thirds")


def _curve(curve: Curve) -> Html:
    viewers = max(1, curve.video.viewers)
    return _figure(
        Figure(
            curve.video.name,
            takeaways.retention(curve),
            lambda width: retention_curve(curve, width),
            ("Position", "Viewers per 100", "Watched again", "Exits"),
            [_stretch_row(stretch, viewers) for stretch in curve.coarser(_STRETCHES_IN_TABLE)],
            ONE_WIDTH,
        )
    )


def _stretch_row(stretch: Stretch, viewers: int) -> Row:
    return (
        f"{clock(stretch.start)} to {clock(stretch.end)}",
        f"{percentage(stretch.viewers, viewers):.1f}",
        count(stretch.rewatches),
        count(stretch.exits),
    )


def users(report: Report) -> Html:
    """Who the power users are."""
    audience = report.audience
    title, lead = "Who the power users are", "By videos in tier High, then by watch time."
    if not audience.power_users:
        return _section("users", title, lead, _note(takeaways.power_users(audience)))
    columns = ("Viewer", "High videos", "Videos", "Completed", "Watch time", "Watched", "Last seen")
    rows = [
        (
            name(user.user_id),
            count(user.high_videos),
            count(user.videos),
            count(user.completed_videos),
            hours(user.hours),
            percent(user.watched),
            full_day(user.last_seen.date()),
        )
        for user in audience.power_users
    ]
    has_high = (
        f"{count(audience.users_with_high)} of {count(audience.users, 'viewer')} have at least one "
        "video in tier High."
    )
    card = tag(
        "div",
        tag("p", takeaways.power_users(audience)),
        _table("Power users", columns, rows, seldom={"Videos", "Completed", "Watched"}),
        tag("p", has_high, classes="note"),
        classes="card whole",
    )
    return _section("users", title, lead, card)


def trust(report: Report) -> Html:
    """Whether the data can be trusted today."""
    parts = [_verdicts(report)]
    if report.missing is not None:
        parts.append(_missing_dates(report.missing))
    small = tag(
        "div", _rejected(report), _flag_days(report), _flags(report), classes="cards thirds"
    )
    below = tag("div", small, classes="whole")
    lead = "Tests of the tables that this page is made from. Limits are settings."
    return _section("trust", "Can the data be trusted today?", lead, *parts, below)


def _verdicts(report: Report) -> Html:
    items = (
        tag(
            "li",
            tag("span", "ok" if verdict.is_good else "look", classes="mark"),
            tag("span", tag("b", verdict.subject), verdict.finding),
            classes="good" if verdict.is_good else "look",
        )
        for verdict in takeaways.verdicts(report)
    )
    classes = "card" if report.missing is not None else "card whole"
    return tag(
        "div", tag("h3", "What was tested"), tag("ul", *items, classes="verdicts"), classes=classes
    )


def _missing_dates(missing: Missing) -> Html:
    values = [
        DayValue(day, videos, f"{full_day(day)}: {count(videos, 'video')}")
        for day, videos in missing.per_day
    ]
    return _figure(
        Figure(
            "Daily views that are missing",
            takeaways.missing_dates(missing),
            lambda width: bars_by_day(values, DayAxis("videos without a row", height=_TALL), width),
            ("Day", "Videos without a row"),
            [(full_day(day), count(videos)) for day, videos in missing.per_day if videos],
        )
    )


def _rejected(report: Report) -> Html:
    days = report.intake.days
    values = [
        DayValue(
            day.day,
            day.rejected_rate,
            f"{full_day(day.day)}: {percent(day.rejected_rate)}, {count(day.rejected, 'row')}",
        )
        for day in days
    ]
    limit = _ALL * report.limits.rejected_share
    by_day = [
        (full_day(day.day), count(day.kept), count(day.rejected), percent(day.rejected_rate))
        for day in days
    ]
    reasons = [(reason, count(rows)) for reason, rows in report.intake.reasons]
    return _figure(
        Figure(
            "Rejected source rows",
            takeaways.rejected_rows(report.intake),
            lambda width: bars_by_day(values, DayAxis("% of the day's rows", limit), width),
            ("Day", "Kept", "Rejected", "Share"),
            by_day,
            ONE_WIDTH,
            more=_table("Reasons", ("Reason", "Rows"), reasons) if reasons else NOTHING,
        )
    )


def _flag_days(report: Report) -> Html:
    values = [
        DayValue(
            day.day,
            day.flagged_rate,
            f"{full_day(day.day)}: {percent(day.flagged_rate)}, {day.flagged:,} of {day.pairs:,}",
        )
        for day in report.flag_days
    ]
    limit = _ALL * report.limits.flagged_share
    return _figure(
        Figure(
            "Doubtful pairs by day of last view",
            takeaways.flagged_days(report.flag_days),
            lambda width: bars_by_day(values, DayAxis("% of viewer-video pairs", limit), width),
            ("Day", "Pairs", "With a doubt", "Share"),
            [
                (full_day(day.day), count(day.pairs), count(day.flagged), percent(day.flagged_rate))
                for day in report.flag_days
            ],
            ONE_WIDTH,
        )
    )


def _flags(report: Report) -> Html:
    pairs = report.totals.pairs
    shares = [(flag, n, percent(percentage(n, pairs))) for flag, n in report.flags]
    bars = [NamedValue(flag.replace("_", " "), n, f"{share} ({n:,})") for flag, n, share in shares]
    return _figure(
        Figure(
            "What is doubtful",
            takeaways.flags(report.flags, report.totals),
            lambda width: named_bars(bars, width),
            ("Flag", "Pairs", "Share of all"),
            [(flag, count(n), share) for flag, n, share in shares],
            ONE_WIDTH,
        )
    )


def _section(
    identity: str,
    title: str,
    lead: str,
    *cards: Html,
    above: Html = NOTHING,
    classes: str = "cards",
) -> Html:
    return tag(
        "section",
        tag("h2", title, id=identity),
        tag("p", lead, classes="lead"),
        above,
        tag("div", *cards, classes=classes),
        aria_labelledby=identity,
    )


def _note(text: str) -> Html:
    return tag("p", text, classes="card whole")


def _figure(figure: Figure) -> Html:
    heading = joined(tag("h3", figure.title), tag("p", figure.takeaway))
    if not figure.rows:
        return tag("figure", heading, classes="card")
    told = f"{figure.title}. {figure.takeaway}"
    pictures = (
        Html(inline_svg(figure.draw(width), told, kind)) for kind, width in figure.widths.items()
    )
    table = _table(figure.title, figure.columns, figure.rows)
    numbers = tag("details", tag("summary", "Numbers"), table, figure.more)
    return tag("figure", heading, *pictures, numbers, classes="card")


def _table(
    title: str, columns: Row, rows: Iterable[Row], seldom: frozenset[str] | set[str] = frozenset()
) -> Html:
    """A table; columns that are seldom needed are left out on a phone."""
    kinds = ["seldom" if column in seldom else "" for column in columns]
    head = (tag("th", c, classes=k, scope="col") for c, k in zip(columns, kinds, strict=True))
    lines = (
        tag("tr", *(tag("td", cell, classes=k) for cell, k in zip(row, kinds, strict=True)))
        for row in rows
    )
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *lines))
    # With the keyboard one scrolls only what can have the focus.
    return tag("div", table, classes="scroll", role="region", aria_label=title, tabindex="0")
