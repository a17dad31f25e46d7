"""What happened in each period that people choose, and in the one before it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from video_assets.days import SECONDS_PER_HOUR
from video_assets.report.compared import dimensions
from video_assets.report.facts import Choice, Period, PeriodVideo, Trend, ViewTrend
from video_assets.report.inputs import Tables

LENGTHS = (7, 28, 90, 365)
VIDEOS_SHOWN = 10
_THOUSANDTHS = 1000.0


class Days(NamedTuple):
    """Days from the first to the last."""

    first: date
    last: date

    @property
    def before(self) -> "Days":
        """As many, right before."""
        length = self.last - self.first + timedelta(days=1)
        return Days(self.first - length, self.last - length)

    def holds(self, day: str) -> Column:
        """Whether the day in a column is one of them."""
        return (F.col(day) >= F.lit(self.first)) & (F.col(day) <= F.lit(self.last))


def choices(tables: Tables) -> tuple[Choice, ...]:
    """The periods that the data fill, the shortest first, and all days.

    They end with the newest day that is finished: a part of a day is no match for a whole one.
    """
    finished = tables.sessions
    if tables.unfinished:
        finished = finished.where(F.col("sessionDate") < F.lit(min(tables.unfinished)))
    known = _range(finished, "sessionDate")
    if known is None:
        return ()
    chosen = _filled(known)
    views = _views(tables, len(chosen))
    return tuple(
        Choice(
            trend=trend,
            views=views[n],
            videos=_videos(tables, days, known),
            dimensions=_dimensions(tables, days),
        )
        for n, (days, trend) in enumerate(zip(chosen, _trends(tables, chosen, known), strict=True))
    )


def _range(frame: DataFrame, day: str) -> Days | None:
    [row] = frame.agg(F.min(day).alias("first"), F.max(day).alias("last")).collect()
    return None if row["last"] is None else Days(row["first"], row["last"])


def _filled(known: Days) -> list[Days]:
    """The days of each length that the data reach back for, and last all of them."""
    firsts = [known.last - timedelta(days=length - 1) for length in LENGTHS]
    return [*(Days(first, known.last) for first in firsts if first > known.first), known]


def _trends(tables: Tables, chosen: Sequence[Days], known: Days) -> list[Trend]:
    spans = [*chosen, *(days.before for days in chosen if days.before.first >= known.first)]
    found = dict(zip(spans, _periods(tables, spans, known), strict=True))
    return [Trend(found[days], found.get(days.before), is_all=days == known) for days in chosen]


def _periods(tables: Tables, spans: Sequence[Days], known: Days) -> list[Period]:
    """The viewing of several periods, in one pass over the sessions."""
    first_seen = tables.user_engagement.select("userId", "firstSeen")
    users = (
        tables.sessions.groupBy("userId")
        .agg(*(column for n, days in enumerate(spans) for column in _of_user(n, days)))
        .join(first_seen, "userId", "left")
    )
    [row] = users.agg(
        *(column for n, days in enumerate(spans) for column in _of_all(n, days))
    ).collect()
    return [_period(row, n, days, known) for n, days in enumerate(spans)]


def _of_user(n: int, days: Days) -> list[Column]:
    is_in = days.holds("sessionDate")
    thousandths = F.round(F.col("watchTime") * F.lit(_THOUSANDTHS), 0)
    return [
        F.count_if(is_in).alias(f"rows{n}"),
        F.count_if(is_in & ~F.col("isContinuation")).alias(f"sessions{n}"),
        F.sum(F.when(is_in, thousandths)).alias(f"thousandths{n}"),
        F.sum(F.when(is_in, F.col("playCount"))).alias(f"plays{n}"),
        F.count_if(is_in & F.col("playCount").isNull()).alias(f"untold{n}"),
    ]


def _of_all(n: int, days: Days) -> list[Column]:
    is_viewer = F.col(f"rows{n}") > F.lit(0)
    begin = datetime.combine(days.first, time.min, UTC)
    return [
        F.count_if(is_viewer).alias(f"viewers{n}"),
        F.count_if(is_viewer & (F.col("firstSeen") < F.lit(begin))).alias(f"returning{n}"),
        *(F.coalesce(F.sum(f"{name}{n}"), F.lit(0)).alias(f"{name}{n}") for name in _SUMMED),
        (F.coalesce(F.sum(f"thousandths{n}"), F.lit(0.0)) / F.lit(_THOUSANDTHS)).alias(f"time{n}"),
    ]


_SUMMED = ("sessions", "plays", "untold")


def _period(row: Any, n: int, days: Days, known: Days) -> Period:
    return Period(
        first=days.first,
        last=days.last,
        viewers=row[f"viewers{n}"],
        returning=None if days.first == known.first else row[f"returning{n}"],
        sessions=row[f"sessions{n}"],
        seconds=row[f"time{n}"],
        plays=None if row[f"untold{n}"] else row[f"plays{n}"],
    )


def _views(tables: Tables, number: int) -> list[ViewTrend | None]:
    """The platform's views of the same lengths; they end with the newest day that has any."""
    nothing: list[ViewTrend | None] = [None] * number
    if tables.daily_views is None:
        return nothing
    counted = tables.daily_views.where(F.col("viewCount").isNotNull())
    if tables.unfinished_views:
        counted = counted.where(F.col("date") < F.lit(min(tables.unfinished_views)))
    known = _range(counted, "date")
    if known is None:
        return nothing
    chosen = _filled(known)
    spans = [*chosen, *(days.before for days in chosen)]
    sums = (
        F.coalesce(F.sum(F.when(days.holds("date"), F.col("viewCount"))), F.lit(0)).alias(f"n{n}")
        for n, days in enumerate(spans)
    )
    [row] = counted.agg(*sums).collect()
    views = {days: row[f"n{n}"] for n, days in enumerate(spans)}
    changes = tables.definition_changes
    found: dict[int, ViewTrend] = {}
    for days in chosen:
        is_comparable = days.before.first >= known.first and not any(
            days.before.first < day <= days.last for day in changes
        )
        before = views[days.before] if is_comparable else None
        length = (days.last - days.first).days + 1
        found[0 if days == known else length] = ViewTrend(*days, views[days], before)
    lengths = [*LENGTHS[: number - 1], 0]
    return [found.get(length) for length in lengths]


def _videos(tables: Tables, days: Days, known: Days) -> tuple[PeriodVideo, ...]:
    """The videos that are watched longest in a period, everybody counted."""
    if tables.video_daily is None:
        return ()
    now, before = days.holds("date"), days.before.holds("date")
    milliseconds = F.round(F.col("watchSeconds") * F.lit(_THOUSANDTHS), 0)
    rows = (
        tables.video_daily.where(now | before)
        .groupBy("videoId")
        .agg(
            F.sum(F.when(now, milliseconds)).alias("now"),
            F.coalesce(F.sum(F.when(before, milliseconds)), F.lit(0.0)).alias("before"),
            F.sum(F.when(now, F.col("plays"))).alias("plays"),
            F.count_if(now & F.col("plays").isNull()).alias("untold"),
            F.sum(F.when(now, F.col("sessions"))).alias("sessions"),
        )
        .where(F.col("now").isNotNull())
        .orderBy(F.desc("now"), F.asc("videoId"))
        .limit(VIDEOS_SHOWN)
        .join(tables.video_performance.select("videoId", "videoTitle"), "videoId", "left")
        .collect()
    )
    reaches_back = days.before.first >= known.first
    found = [_video(row) for row in rows]
    ranked = sorted(found, key=lambda video: (-video.hours, video.video_id))
    return tuple(v if reaches_back else replace(v, hours_before=None) for v in ranked)


def _video(row: Any) -> PeriodVideo:
    in_an_hour = _THOUSANDTHS * SECONDS_PER_HOUR
    return PeriodVideo(
        video_id=row["videoId"],
        title=row["videoTitle"],
        hours=row["now"] / in_an_hour,
        hours_before=row["before"] / in_an_hour,
        plays=None if row["untold"] else row["plays"],
        sessions=row["sessions"],
    )


def _dimensions(tables: Tables, days: Days) -> Any:
    if tables.dimension_daily is None:
        return ()
    return dimensions(tables.dimension_daily.where(days.holds("date")))
