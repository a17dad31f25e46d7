"""A report made by hand, with everything in it that makes a page difficult."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from support.tables import frame

from resources.delta.table import Table
from video_assets.analytics.tables import USER_ENGAGEMENT, VIDEO_PERFORMANCE, VIDEO_POSITION_CURVE
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import REJECTED_EVENTS
from video_assets.report.facts import (
    Audience,
    Choice,
    Curve,
    Dimension,
    Exclusion,
    Filter,
    FlagDay,
    Group,
    Intake,
    Limits,
    Missing,
    Moment,
    Narrowed,
    Outcome,
    Outlook,
    People,
    Period,
    PeriodVideo,
    PowerUser,
    QualityDay,
    Report,
    Stretch,
    Sums,
    Totals,
    Trend,
    Trial,
    Unfinished,
    Video,
    Views,
    ViewTrend,
    WatchDay,
)
from video_assets.report.inputs import Tables
from video_assets.report.video_facts import Buckets, FirstDays, VideoDay, VideoDetail

FIRST = date(2025, 1, 1)
DAYS = 120
WRITTEN = datetime(2025, 5, 1, 2, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> & \"two\" 'quotes' \u202eforged"
LONG = "u" * 90
COMPUTERS, PHONES = Filter("device", "computer"), Filter("device", HOSTILE)
SHORTEST = 7
DEVICES = Dimension(
    "device", (Group("computer", 100, 30_000.0, 25, 10), Group(HOSTILE, 50, 7_500.0, 5, 10))
)


def outcome(metric: str, *, is_different: bool | None, **changed: Any) -> Outcome:
    values = {"mean": 0.4, "control_mean": 0.3, "difference": 0.1, "lower": 0.05, "upper": 0.15}
    return Outcome(metric, **{**values, "smallest": 0.04, **changed}, is_different=is_different)


SECONDS = {"mean": 90.0, "control_mean": 100.0, "difference": -10.0, "lower": -20.0, "upper": 1.0}
TRIAL = Trial(
    experiment="player",
    variant="5.0",
    control="4.2",
    viewers=1_000,
    control_viewers=990,
    split_fits=True,
    of_several=0,
    outcomes=(
        outcome("watchSeconds", is_different=True, **SECONDS),
        outcome("completion", is_different=True),
        outcome("return", is_different=False),
    ),
)


def video(number: int, title: str | None = None) -> Video:
    return Video(
        video_id=f"video_{number:03d}",
        title=title or f"Lecture {number}: Everything about the Number {number}",
        viewers=200 - 10 * number,
        plays=500 - number,
        sessions=400,
        hours=90.0 / (number + 1),
        watched=70.0 - 5 * number,
        completion_rate=40.0,
        drop_off=62.5,
        duration=300.0,
        is_duration_estimated=number == 2,
        excluded_viewers=int(number == 1),
        valid_plays=300,
        reached_end=55.5,
        speed=None if number == 3 else 1.25,
        excluded_hours=16.5 if number == 1 else 0.0,
    )


def curve(of: Video, hot_spot: int = 30) -> Curve:
    stretches = tuple(
        Stretch(5.0 * n, 5.0 * n + 5, 150 - n, 120 if n == hot_spot else 40 - n // 3, 2)
        for n in range(60)
    )
    return Curve(
        of, stretches, opening=150, idle=30, bucket_seconds=5, relative=0.75, lost=Moment(60, 65, 9)
    )


def buckets(viewers: Sequence[int], **changed: Any) -> Buckets:
    """A curve of buckets of 5 s, in which each part loses one viewer for good."""
    number = len(viewers)
    start = 5.0 * np.arange(number)
    counts = np.ones(number, np.int64)
    columns: dict[str, Any] = {
        "viewers": np.array(viewers, np.int64),
        **dict.fromkeys(("rewatches", "exits", "started", "stopped"), counts),
        "relative": np.full(number, 0.75),
        "hotspot": np.zeros(number, np.int64),
    }
    return Buckets(start, start + 5.0, **{**columns, **changed})


def detail(of: Video, **changed: Any) -> VideoDetail:
    hotspot = np.zeros(60, np.int64)
    hotspot[30] = 1
    curve = buckets(range(150, 90, -1), hotspot=hotspot)
    firsts = (FirstDays(7, 90, 4.5, HOSTILE, 12, 60.0, 3.0), FirstDays(28, 180, 9, None, 3, 90, 9))
    days = (VideoDay(FIRST, 40, 60, 2.0), VideoDay(FIRST + timedelta(days=3), 50, None, 2.5))
    views = ((FIRST, 1_000), (FIRST + timedelta(days=1), -20))
    columns = {"group": HOSTILE, "buckets": curve, "first_days": firsts, "days": days}
    return VideoDetail(
        of, **{**columns, "idle": 30, "bucket_seconds": 5, "views": views, **changed}
    )


def period(days: int, viewers: int, last: date = FIRST + timedelta(days=DAYS - 1)) -> Period:
    first = last - timedelta(days=days - 1)
    return Period(first, last, viewers, viewers // 4, 2 * viewers, 500.0 * viewers, 3 * viewers)


def sums(**changed: Any) -> Sums:
    """What a week of some video adds up to."""
    told = {"sessions": 800, "seconds": 14_400.0, "plays": 5_000, "completions": 300}
    return Sums(**{**told, "new_viewers": 120, "forward_skips": 40, **changed})


def choice(days: int, viewers: int) -> Choice:
    now = period(days, viewers)
    before = period(days, viewers // 2, now.first - timedelta(days=1))
    watched = PeriodVideo("video_000", HOSTILE, 300.0, sums(), sums(seconds=7_200.0))
    untold = replace(watched, video_id="v1", title=None, now=sums(plays=None), before=None)
    return Choice(
        Trend(now, before),
        ViewTrend(now.first, now.last, 7_812, 7_765),
        (watched, untold),
        (DEVICES, replace(DEVICES, name="player")),
        (Narrowed(PHONES, sums(), sums(sessions=400), (watched,)),) if days == SHORTEST else (),
    )


def choice_of_all(viewers: int) -> Choice:
    now = replace(period(DAYS, viewers), returning=None, plays=None)
    views = ViewTrend(FIRST, FIRST + timedelta(days=3), 250_000, None)
    return Choice(Trend(now, None, is_all=True), views)


def full_report() -> Report:
    videos = (video(0, HOSTILE), video(1, f"{LONG} {LONG}"), *(video(n) for n in range(2, 10)))
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    user = PowerUser(LONG, 40, 60, 30, 19.5, 78.2, WRITTEN - timedelta(hours=5))
    return Report(
        written_at=WRITTEN,
        limits=Limits(0.05, 0.5, 75, 40, 10),
        totals=Totals(1705, 120, 11_174, 4_900, 2_957, 1_206.5, user.last_seen, WRITTEN),
        choices=(choice(7, 880), choice(28, 1_200), choice_of_all(1_650)),
        days=tuple(WatchDay(day, 10.0 + n % 7, 300) for n, day in enumerate(days)),
        views=Views(tuple((day, 1_000 + n) for n, day in enumerate(days)), 250_000),
        videos=videos,
        top_videos=videos,
        best_held=videos[:5],
        worst_held=videos[5:],
        curves=tuple(curve(one) for one in videos[:6]),
        tiers=(("High", 4_182), ("Medium", 1_115), ("Low", 3_612), ("Minimal", 2_265)),
        audience=Audience(1705, 1_206.5, 1_248, (user, replace(user, user_id=HOSTILE))),
        people=People(
            (Exclusion("hours_a_day", 1, 16.5), Exclusion("listed", 2, 0.5)),
            are_counted=False,
            in_several_places=7,
            simultaneous_hours=3.2,
        ),
        intake=Intake(
            days=tuple(QualityDay(day, 8_500, 25) for day in days),
            kept=8_500 * DAYS,
            rejected=25 * DAYS + 3,
            undated=3,
            days_without_events=(),
            reasons=(("missing_user", 2_000), ("unparseable_row", 1_003)),
        ),
        flag_days=tuple(FlagDay(day, 90, 24) for day in days),
        flags=(("no_valid_segments", 1_957), ("very_short_watch", 1_000)),
        missing=Missing(((FIRST, 9), (FIRST + timedelta(days=1), 2)), 89, 263, 11_765),
        trials=(TRIAL,),
        filters={COMPUTERS: {}, PHONES: {FIRST: 2.5, FIRST + timedelta(days=2): 4.0}},
        outlook=Outlook(FIRST, 5_000, 123.4, (Unfinished("v1", HOSTILE, 90, 4.25),)),
    )


def empty_report() -> Report:
    """What there is before the first event."""
    return replace(
        full_report(),
        totals=Totals(0, 0, 0, 0, 0, 0.0, None, None),
        choices=(),
        days=(),
        views=None,
        videos=(),
        top_videos=(),
        best_held=(),
        worst_held=(),
        curves=(),
        tiers=(("High", 0), ("Medium", 0), ("Low", 0), ("Minimal", 0)),
        audience=Audience(0, 0.0, 0, ()),
        people=People((), are_counted=False, in_several_places=0, simultaneous_hours=0.0),
        intake=Intake((), 0, 0, 0, (), ()),
        flag_days=(),
        flags=(),
        missing=None,
        trials=(),
        filters={},
        outlook=None,
    )


def tables_without_rows(spark: SparkSession) -> Tables:
    def empty(table: Table) -> DataFrame:
        return frame(spark, [], table)

    return Tables(
        engagement=empty(ENGAGEMENT),
        sessions=empty(SESSIONS),
        video_performance=empty(VIDEO_PERFORMANCE),
        video_position_curve=empty(VIDEO_POSITION_CURVE),
        user_engagement=empty(USER_ENGAGEMENT),
        rejected_events=empty(REJECTED_EVENTS),
        daily_views=None,
        missing_date=None,
        events_per_day={},
        rejected_per_day={},
        daily_view_rows=0,
    )
