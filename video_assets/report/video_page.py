"""The page of one video: a file of its own beside the report, without network or script."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np

from video_assets.plots import DARK, LIGHT
from video_assets.report import takeaways, video_charts
from video_assets.report.facts import Curve, Moment, Video, chapter_at, percentage
from video_assets.report.figures import STRETCH_COLUMNS, STRETCHES_IN_TABLE, stretch_row
from video_assets.report.moments import left, skipped_over, watched_again
from video_assets.report.rendering import TEMPLATES, Row, Tile
from video_assets.report.video_facts import FirstDays, VideoDetail
from video_assets.wording import (
    change,
    clock,
    count,
    full_day,
    hours,
    name,
    or_unknown,
    percent,
    quoted,
)

_FIRST_COLUMNS = (
    *("First", "Viewers", "Median of viewers", "Watch time", "Median of watch time"),
    "Compared",
)


def video_page(detail: VideoDetail, written_at: datetime) -> str:
    """Everything on one video as an HTML document."""
    video = detail.video
    curve = Curve(
        video,
        detail.buckets.stretches(video_charts.STRETCHES),
        opening=int(detail.buckets.viewers[0]) if _begins_at_0(detail) else 0,
        idle=detail.idle,
        bucket_seconds=detail.bucket_seconds,
        chapters=detail.chapters,
    )
    said = takeaways.retention(curve) if curve.stretches else takeaways.NOTHING_WATCHED
    beside = beside_similar(detail)
    begun = (
        "Views that begin in each part after the first, upwards, and that end in each before the "
        "last, downwards."
    )
    return TEMPLATES.get_template("video.html").render(
        detail=detail,
        video=video,
        written_at=written_at,
        tiles=_tiles(video),
        said=said,
        curve=video_charts.retention(detail, said) if curve.stretches else None,
        moments=_moments(detail),
        beside=beside,
        relative=video_charts.beside_similar(detail, beside),
        begun=begun,
        began_and_ended=video_charts.began_and_ended(detail, begun),
        parts=_parts(detail, curve),
        chapters=_chapters(detail),
        first_days=[_first_days(found) for found in detail.first_days],
        first_columns=_FIRST_COLUMNS,
        days=_days(detail),
        views=_views(detail),
        light=asdict(LIGHT),
        dark=asdict(DARK),
    )


def _begins_at_0(detail: VideoDetail) -> bool:
    return len(detail.buckets) > 0 and detail.buckets.start[0] == 0


def _tiles(video: Video) -> list[Tile]:
    estimated = "estimated" if video.is_duration_estimated else "as its metadata say"
    speed = or_unknown(video.speed, "{:.2f}".format)
    valid = or_unknown(video.valid_plays, count)
    reached = or_unknown(video.reached_end, percent)
    return [
        Tile("Viewers", count(video.viewers), "with any event of it"),
        Tile("Plays", count(video.plays), f"{valid} of them valid"),
        Tile("Sessions", count(video.sessions), "each of one viewer"),
        Tile("Watch time", hours(video.hours), "watching again included"),
        Tile("Average view duration", clock(video.average_view), "a session"),
        Tile("Watched", percent(video.watched), "of it, by the average viewer"),
        Tile("Complete it", percent(video.completion_rate), "of viewers"),
        Tile("Reach the end", reached, "credits aside"),
        Tile("Speed", speed, "seconds of video a second"),
        Tile("Length", clock(video.duration), estimated),
    ]


@dataclass(frozen=True)
class Ranked:
    """Moments of one kind: `sign` marks them in the picture."""

    title: str
    sign: str
    rows: Sequence[str]
    nothing: str


def _moments(detail: VideoDetail) -> list[Ranked]:
    buckets, viewers = detail.buckets, detail.video.viewers

    def of_viewers(moment: Moment, what: str) -> str:
        share = percent(percentage(moment.number, viewers))
        return f"{what}{count(moment.number, 'viewer')} ({share})"

    def at(moment: Moment) -> str:
        chapter = chapter_at(detail.chapters, moment.start)
        within = f" in {quoted(name(chapter.title))}" if chapter else ""
        return f"{clock(moment.start)} to {clock(moment.end)}{within}"

    again = [f"{at(m)}: {count(m.number, 'time')}" for m in watched_again(buckets)]
    lost = [f"{at(m)}: {of_viewers(m, '')}" for m in left(buckets)]
    skipped = [f"{at(m)}: {of_viewers(m, 'at least ')}" for m in skipped_over(buckets)]
    return [
        Ranked("Watched again", "▲", again, "No part stands out."),
        Ranked("Left for good", "▼", lost, "Nobody leaves before the last part."),
        Ranked("Skipped over", "»", skipped, "No part is watched less than a later one."),
    ]


def beside_similar(detail: VideoDetail) -> str:
    """Whether it holds its viewers better than videos of similar length, in a sentence."""
    known = detail.buckets.relative[~np.isnan(detail.buckets.relative)]
    return takeaways.beside_similar(float(known.mean()) if len(known) else None)


def _parts(detail: VideoDetail, curve: Curve) -> tuple[Row, Sequence[Row]]:
    columns = (*STRETCH_COLUMNS, "Views begun", "Views ended")
    begun = video_charts.sums(detail.buckets, STRETCHES_IN_TABLE)
    coarse = detail.buckets.stretches(STRETCHES_IN_TABLE)
    rows = [
        (
            *stretch_row(stretch, curve.video),
            or_unknown(starts, count),
            or_unknown(ends, count),
        )
        for stretch, (_, _, starts, ends) in zip(coarse, begun, strict=True)
    ]
    return columns, rows


def _chapters(detail: VideoDetail) -> tuple[Row, Sequence[Row]]:
    """Each chapter, its most viewers, and what happens between its beginning and the next one.

    A bucket belongs to the chapter in which it begins.
    """
    columns = ("Chapter", "From", "Viewers per 100", "Watched again", "Exits")
    starts = [chapter.start for chapter in detail.chapters]
    first = np.searchsorted(detail.buckets.start, [*starts, detail.video.duration]).tolist()
    spans = zip(detail.chapters, first[:-1], first[1:], strict=True)
    return columns, [
        (name(chapter.title), clock(chapter.start), *_of_chapter(detail, begin, end))
        for chapter, begin, end in spans
    ]


def _of_chapter(detail: VideoDetail, begin: int, end: int) -> Row:
    """Figures of the buckets of a chapter; none where nobody watched it, or it has no bucket."""
    if begin >= end:
        return ("none", "none", "none")
    buckets, viewers = detail.buckets, max(1, detail.video.viewers)
    return (
        f"{percentage(int(buckets.viewers[begin:end].max()), viewers):.1f}",
        count(int(buckets.rewatches[begin:end].max())),
        count(int(buckets.exits[begin:end].sum())),
    )


def _first_days(found: FirstDays) -> Row:
    others = "all videos" if found.group is None else quoted(found.group)
    return (
        count(found.days, "day"),
        f"{count(found.viewers)} ({change(found.viewers, found.median_viewers)})",
        f"{found.median_viewers:,.1f}",
        f"{hours(found.hours)} ({change(found.hours, found.median_hours)})",
        hours(found.median_hours),
        f"{count(found.videos)} of {others}",
    )


def _days(detail: VideoDetail) -> dict[str, object] | None:
    if not detail.days:
        return None
    most = max(detail.days, key=lambda day: (day.viewers, day.day))
    said = f"Most on {full_day(most.day)}: {count(most.viewers, 'viewer')}."
    viewers = {day.day: float(day.viewers) for day in detail.days}
    rows = [
        (
            f"{full_day(day.day)}{', so far' if day.is_unfinished else ''}",
            count(day.viewers),
            or_unknown(day.plays, count),
            hours(day.hours),
        )
        for day in reversed(detail.days)
    ]
    return {
        "said": said,
        "chart": video_charts.by_day(viewers, "viewers", said),
        "columns": ("Day", "Viewers", "Plays", "Watch time"),
        "rows": rows,
    }


def _views(detail: VideoDetail) -> dict[str, object] | None:
    if not detail.views:
        return None
    total = sum(number for _, number in detail.views)
    first, last = detail.views[0][0], detail.views[-1][0]
    said = f"{count(total, 'view')} from {full_day(first)} to {full_day(last)}."
    views = {day: float(number) for day, number in detail.views}
    return {
        "said": said,
        "chart": video_charts.by_day(views, "views", said),
        "columns": ("Day", "Views"),
        "rows": [(full_day(day), count(number)) for day, number in reversed(detail.views)],
    }
