"""Everything that the lists of videos by period and filter show; one at a time is in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from video_assets.report.facts import Choice, Filter, PeriodVideo, Report
from video_assets.report.inputs import VIDEOS_LISTED, Tables
from video_assets.report.narrowed import of_filters
from video_assets.report.period_videos import period_videos
from video_assets.report.spans import Days, Periods


@dataclass(frozen=True)
class PeriodList:
    """The videos of a period, those watched longest first.

    Attributes:
        filter: whose sessions alone count; None: everybody's do.
        number: so many videos there are; those beyond the first are left out.
    """

    choice: Choice
    filter: Filter | None
    videos: tuple[PeriodVideo, ...]
    number: int


def period_lists(tables: Tables, report: Report) -> Iterator[PeriodList]:
    """The lists of a report: of each period, and of each of its filters that leave anything.

    Everybody over all time is the list of all videos, and not among them.
    """
    if not report.choices:
        return
    spans = (Days(choice.trend.now.first, choice.trend.now.last) for choice in report.choices)
    periods, videos = Periods(tuple(spans)), tables.video_performance
    if tables.video_daily is not None:
        of_all = period_videos(tables.video_daily, videos, periods, VIDEOS_LISTED)
        for ranked in of_all:
            [n] = ranked.of
            if not report.choices[n].trend.is_all:
                yield PeriodList(report.choices[n], None, ranked.videos, ranked.number)
    if tables.dimension_daily is None:
        return
    for dimension, own in groupby(report.filters, lambda each: each.dimension):
        rows = of_filters(tables.dimension_daily, list(own))
        for ranked in period_videos(rows, videos, periods, VIDEOS_LISTED, "value"):
            n, value = ranked.of
            of = Filter(dimension, value)
            yield PeriodList(report.choices[n], of, ranked.videos, ranked.number)
