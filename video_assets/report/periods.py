"""What happened in each period that people choose, and in the one before it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from video_assets.report.compared import dimensions
from video_assets.report.facts import Choice, Dimension, Period, PeriodVideo, Trend, ViewTrend
from video_assets.report.inputs import Tables
from video_assets.report.period_videos import period_videos
from video_assets.report.spans import LENGTHS, THOUSANDTHS, Days, Periods, filled, known_days

VIDEOS_SHOWN = 10


def choices(tables: Tables, periods: Periods | None) -> tuple[Choice, ...]:
    """What happened in each of the periods."""
    if periods is None:
        return ()
    views = _views(tables, len(periods.chosen))
    videos = _videos(tables, periods)
    by_dimension = _dimensions(tables, periods)
    return tuple(
        Choice(
            trend=trend,
            views=views[n],
            videos=videos.get((n,), ()),
            dimensions=by_dimension[n],
        )
        for n, trend in enumerate(_trends(tables, periods))
    )


def finished_periods(tables: Tables) -> Periods | None:
    """The periods that the data fill, the shortest first, and all days; None before the first.

    They end with the newest day that is finished: a part of a day is no match for a whole one.
    """
    finished = tables.sessions
    if tables.unfinished:
        finished = finished.where(F.col("sessionDate") < F.lit(min(tables.unfinished)))
    known = known_days(finished, "sessionDate")
    return None if known is None else Periods(filled(known))


def _trends(tables: Tables, periods: Periods) -> list[Trend]:
    before = [periods.before(n) for n in range(len(periods.chosen))]
    spans = [*periods.chosen, *filter(None, before)]
    found = dict(zip(spans, _periods(tables, spans, periods.known), strict=True))
    return [
        Trend(found[days], found[earlier] if earlier else None, is_all=days == periods.known)
        for days, earlier in zip(periods.chosen, before, strict=True)
    ]


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
    thousandths = F.round(F.col("watchTime") * F.lit(THOUSANDTHS), 0)
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
        (F.coalesce(F.sum(f"thousandths{n}"), F.lit(0.0)) / F.lit(THOUSANDTHS)).alias(f"time{n}"),
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
    known = known_days(counted, "date")
    if known is None:
        return nothing
    chosen = filled(known)
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


def _videos(tables: Tables, periods: Periods) -> Mapping[tuple[int, ...], tuple[PeriodVideo, ...]]:
    """The videos that are watched longest in each period, everybody counted."""
    if tables.video_daily is None:
        return {}
    titles = tables.video_performance
    found = period_videos(tables.video_daily, titles, periods, VIDEOS_SHOWN)
    return {ranked.of: ranked.videos for ranked in found}


def _dimensions(tables: Tables, periods: Periods) -> Sequence[tuple[Dimension, ...]]:
    if tables.dimension_daily is None:
        return [()] * len(periods.chosen)
    return dimensions(tables.dimension_daily, periods)
