"""The videos watched longest in each period, of everybody or of the sessions with a value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from video_assets.report.facts import PeriodVideo
from video_assets.report.slices import slices_by
from video_assets.report.spans import Periods, sums_before, sums_by_period, sums_of


@dataclass(frozen=True)
class Ranked:
    """The videos of a period that are watched longest, most first.

    Attributes:
        of: number of the period, and the values of further columns.
        number: so many videos there are, also those beyond the first.
    """

    of: tuple[Any, ...]
    videos: tuple[PeriodVideo, ...]
    number: int


def period_videos(
    daily: DataFrame, performance: DataFrame, periods: Periods, most: int, *key: str
) -> Iterator[Ranked]:
    """The first videos of each period and key by watch time; of as much, by their ids.

    Args:
        daily: rows of `video_daily` or `dimension_daily`.
        performance: rows of `video_performance`, which know titles and lengths.
        periods: the periods.
        most: so many videos of each.
        key: columns whose values are ranked each by itself.
    """
    own = Window.partitionBy("period", *key)
    order = (F.desc("thousandths"), F.asc("videoId"))
    place, number = F.row_number().over(own.orderBy(*order)), F.count(F.lit(1)).over(own)
    known = performance.select("videoId", "videoTitle", "videoDuration")
    rows = (
        sums_by_period(daily, periods, *key, "videoId")
        .withColumns({"place": place, "number": number})
        .where(F.col("place") <= F.lit(most))
        .join(known, "videoId", "left")
        .orderBy("period", *key, "place")
        .toArrow()
    )
    for of, ranked in slices_by(rows, "period", *key):
        found = ranked.to_pylist()
        yield Ranked(of, tuple(_video(row, periods) for row in found), found[0]["number"])


def _video(row: Any, periods: Periods) -> PeriodVideo:
    return PeriodVideo(
        video_id=row["videoId"],
        title=row["videoTitle"],
        duration=row["videoDuration"],
        now=sums_of(row),
        before=sums_before(row, periods),
    )
