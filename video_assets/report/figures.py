"""The page's figures: each a chart, what it says in a sentence, and its numbers as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from markupsafe import Markup

from video_assets.plots import DayBar, NamedBar, Spec, as_svg, bars_by_day, named_bars
from video_assets.report import takeaways
from video_assets.report.addresses import page_of
from video_assets.report.facts import (
    Audience,
    Curve,
    Missing,
    Report,
    Stretch,
    Video,
    Views,
    percentage,
)
from video_assets.report.rendering import Row
from video_assets.report.retention import retention_curve
from video_assets.wording import (
    clock,
    count,
    full_day,
    hours,
    name,
    percent,
    quoted,
)

_BOTH_WIDTHS = {"wide": 476, "narrow": 306}
_NARROW = {"always": 306}
_TALL = 265
_MIDDLE = 190
_TIMES_USUAL = 3
_ALL = 100.0
STRETCHES_IN_TABLE = 20
STRETCH_COLUMNS = ("Position", "Viewers per 100", "Watched again", "Exits")
_VIDEO_COLUMNS = ("Video", "Watch time", "Viewers", "Watched", "Complete it", "Drop-off", "Length")

LIST_COLUMNS = (
    "Video",
    "Watch time, h",
    "Viewers",
    "Plays",
    "Average view duration",
    "Watched, %",
    "Complete it, %",
    "Drop-off",
    "Length",
)


@dataclass(frozen=True)
class Figure:
    """A chart with its title and one sentence; its numbers as a table for who cannot see it.

    Attributes:
        widths: in pixels, without margin, by the CSS class of the picture that is so wide.
        reasons: why rows were refused, with their number.
        page: where more of it is.
    """

    title: str
    takeaway: str
    columns: Row
    rows: Sequence[Row]
    chart: Spec
    widths: Mapping[str, int]
    reasons: Sequence[Row] = ()
    page: str | None = None

    @property
    def pictures(self) -> list[Markup]:
        """The chart at each width, with title and sentence as its text alternative."""
        alternative = f"{self.title}. {self.takeaway}"
        return [as_svg(self.chart, w, alternative, name) for name, w in self.widths.items()]


def watch_time(report: Report) -> Figure:
    """How much is watched a day."""
    days = report.days
    bars = [
        DayBar(day.day, day.hours, f"{hours(day.hours)}, {count(day.viewers, 'viewer')}")
        for day in days
    ]
    return Figure(
        "Watch time per day",
        takeaways.watch_time(days, report.unfinished),
        ("Day", "Hours", "Viewers"),
        [(_named(day.day, report), f"{day.hours:,.1f}", count(day.viewers)) for day in days],
        bars_by_day(bars, "hours"),
        _BOTH_WIDTHS,
    )


def _named(day: date, report: Report) -> str:
    return f"{full_day(day)}, so far" if day in report.unfinished else full_day(day)


def views(found: Views) -> Figure:
    """How often the videos are viewed a day, as the platform counts."""
    # One absurd count must not flatten all other days.
    numbers = [number for _, number in found.per_day]
    highest = _TIMES_USUAL * max(1.0, float(np.percentile(numbers, 95, method="lower")))
    bars = [
        DayBar(day, min(number, highest), count(number, "view")) for day, number in found.per_day
    ]
    return Figure(
        "Views per day",
        takeaways.views(found, highest),
        ("Day", "Views"),
        [(_marked_day(day, found), count(number)) for day, number in found.per_day],
        {**bars_by_day(bars, "views"), "height": _MIDDLE},
        _BOTH_WIDTHS,
    )


def _marked_day(day: date, found: Views) -> str:
    is_change = any(day == change for change, _ in found.definition_changes)
    return f"{full_day(day)}: another definition of a view" if is_change else full_day(day)


def tiers(report: Report) -> Figure:
    """How many viewings are in each tier of engagement."""
    limits, pairs = report.limits, sum(number for _, number in report.tiers)
    lowest = {"High": limits.tier_high, "Medium": limits.tier_medium, "Low": limits.tier_low}
    rows = [(tier, count(n), percent(percentage(n, pairs))) for tier, n in report.tiers]
    bars = [
        NamedBar(
            f"{tier}: score from {lowest[tier]:g}" if tier in lowest else f"{tier}: lower scores",
            number,
            f"{share} ({shown})",
        )
        for (_, number), (tier, shown, share) in zip(report.tiers, rows, strict=True)
    ]
    return Figure(
        "How engaged viewers are",
        takeaways.tiers(report.tiers),
        ("Tier", "Viewer-video pairs", "Share"),
        rows,
        named_bars(bars),
        _BOTH_WIDTHS,
    )


def top_videos(report: Report) -> Figure:
    """Which videos are watched longest."""
    videos = report.top_videos
    bars = [NamedBar(v.name, v.hours, f"{hours(v.hours)}, {_viewers(v)}") for v in videos]
    takeaway = takeaways.top_videos(videos, report.totals)
    return _videos("Most watched videos", takeaway, videos, named_bars(bars))


def held(report: Report) -> list[Figure]:
    """Which videos people watch most of, and least of."""
    found = {"They hold people": report.best_held, "They lose people": report.worst_held}
    return [_held(title, videos) for title, videos in found.items() if videos]


def _held(title: str, videos: Sequence[Video]) -> Figure:
    bars = [
        NamedBar(v.name, min(v.watched, _ALL), f"{percent(v.watched)}, {_viewers(v)}")
        for v in videos
    ]
    first = videos[0]
    takeaway = (
        f"Of {quoted(first.name)}, {percent(first.watched)} is watched on average, and "
        f"{percent(first.completion_rate)} of {_viewers(first)} complete it."
    )
    return _videos(title, takeaway, videos, named_bars(bars, longest=_ALL))


def _videos(title: str, takeaway: str, videos: Sequence[Video], chart: Spec) -> Figure:
    rows = [_video_row(video) for video in videos]
    return Figure(title, takeaway, _VIDEO_COLUMNS, rows, chart, _BOTH_WIDTHS)


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


def list_row(video: Video) -> Row:
    """A video in the list of all after its name, in numbers that a script can read."""
    return (
        f"{video.hours:,.2f}",
        count(video.viewers),
        count(video.plays),
        clock(video.average_view),
        f"{video.watched:,.1f}",
        f"{video.completion_rate:,.1f}",
        "none" if video.drop_off is None else clock(video.drop_off),
        clock(video.duration),
    )


def retention(curve: Curve) -> Figure:
    """Where people leave a video, and what they watch again."""
    rows = [stretch_row(stretch, curve.video) for stretch in curve.coarser(STRETCHES_IN_TABLE)]
    return Figure(
        curve.video.name,
        " ".join(
            (
                takeaways.retention(curve),
                takeaways.losing(curve),
                takeaways.beside_similar(curve.relative),
            )
        ),
        STRETCH_COLUMNS,
        rows,
        retention_curve(curve),
        _NARROW,
        page=page_of(curve.video.video_id),
    )


def stretch_row(stretch: Stretch, video: Video) -> Row:
    """A part of a video in a table: where it is, and what viewers do there."""
    return (
        f"{clock(stretch.start)} to {clock(stretch.end)}",
        f"{percentage(stretch.viewers, max(1, video.viewers)):.1f}",
        count(stretch.rewatches),
        count(stretch.exits),
    )


def power_users(audience: Audience) -> tuple[Row, Sequence[Row]]:
    """The columns and rows of the table of power users."""
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
    return columns, rows


def missing_dates(missing: Missing) -> Figure:
    """How many videos miss their daily views, by day."""
    bars = [DayBar(day, videos, count(videos, "video")) for day, videos in missing.per_day]
    return Figure(
        "Daily views that are missing",
        takeaways.missing_dates(missing),
        ("Day", "Videos without a row"),
        [(full_day(day), count(videos)) for day, videos in missing.per_day if videos],
        {**bars_by_day(bars, "videos without a row"), "height": _TALL},
        _BOTH_WIDTHS,
    )


def rejected(report: Report) -> Figure:
    """Which share of the source rows is refused, by day, and why."""
    days = report.intake.days
    bars = [
        DayBar(
            day.day,
            day.rejected_rate,
            f"{percent(day.rejected_rate)}, {count(day.rejected, 'row')}",
        )
        for day in days
    ]
    return Figure(
        "Rejected source rows",
        takeaways.rejected_rows(report.intake),
        ("Day", "Kept", "Rejected", "Share"),
        [
            (full_day(day.day), count(day.kept), count(day.rejected), percent(day.rejected_rate))
            for day in days
        ],
        bars_by_day(bars, "% of the day's rows", _ALL * report.limits.rejected_share),
        _NARROW,
        [(reason, count(rows)) for reason, rows in report.intake.reasons],
    )


def flagged_days(report: Report) -> Figure:
    """Which share of the viewings is doubtful, by day."""
    days = report.flag_days
    bars = [
        DayBar(
            day.day,
            day.flagged_rate,
            f"{percent(day.flagged_rate)}, {day.flagged:,} of {day.pairs:,}",
        )
        for day in days
    ]
    return Figure(
        "Doubtful pairs by day of last view",
        takeaways.flagged_days(days),
        ("Day", "Pairs", "With a doubt", "Share"),
        [
            (full_day(day.day), count(day.pairs), count(day.flagged), percent(day.flagged_rate))
            for day in days
        ],
        bars_by_day(bars, "% of viewer-video pairs", _ALL * report.limits.flagged_share),
        _NARROW,
    )


def flags(report: Report) -> Figure:
    """Which doubts there are."""
    pairs = report.totals.pairs
    rows = [(flag, count(n), percent(percentage(n, pairs))) for flag, n in report.flags]
    bars = [
        NamedBar(flag.replace("_", " "), n, f"{share} ({shown})")
        for (_, n), (flag, shown, share) in zip(report.flags, rows, strict=True)
    ]
    return Figure(
        "What is doubtful",
        takeaways.flags(report.flags, report.totals),
        ("Flag", "Pairs", "Share of all"),
        rows,
        named_bars(bars),
        _NARROW,
    )
