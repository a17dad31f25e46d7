"""The periods that people choose, at their edges."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import SparkSession
from support.report_facts import tables_without_rows
from support.tables import Row, frame

from video_assets.analytics.tables import USER_ENGAGEMENT, VIDEO_DAILY
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.engagement.tables import SESSIONS
from video_assets.report.facts import Choice, Period, Trend, ViewTrend
from video_assets.report.inputs import Tables
from video_assets.report.periods import choices as choices_of
from video_assets.report.periods import finished_periods

FIRST = date(2025, 1, 1)


def choices(tables: Tables) -> tuple[Choice, ...]:
    return choices_of(tables, finished_periods(tables))


def trends(tables: Tables) -> list[Trend]:
    return [choice.trend for choice in choices(tables)]


def watched(
    user: str,
    on: date,
    *,
    seconds: float = 60.0,
    is_continuation: bool = False,
    plays: int | None = 1,
) -> Row:
    at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    return {
        "userId": user,
        "videoId": "v",
        "sessionId": f"{user} {on}",
        "sessionDate": on,
        "sessionNumber": 1,
        "isContinuation": is_continuation,
        "firstEventTime": at,
        "lastEventTime": at,
        "watchTime": seconds,
        "playCount": plays,
    }


def days_from_first(number: int) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(number)]


def test_a_period_is_compared_with_the_one_before_it_and_knows_who_returns(
    spark: SparkSession,
) -> None:
    days = days_from_first(14)
    rows = [
        watched("old", days[0]),
        watched("old", days[6], seconds=30.0, plays=None),
        watched("old", days[7], seconds=10.0, is_continuation=True),
        watched("new", days[13], seconds=90.0, plays=4),
    ]
    seen = {"old": days[0], "new": days[13]}
    users = [
        {"userId": user, "firstSeen": datetime(day.year, day.month, day.day, 12, tzinfo=UTC)}
        for user, day in seen.items()
    ]
    tables = replace(
        tables_without_rows(spark),
        sessions=frame(spark, rows, SESSIONS),
        user_engagement=frame(spark, users, USER_ENGAGEMENT),
    )
    assert trends(tables) == [
        Trend(
            now=Period(days[7], days[13], 2, 1, 1, 100.0, 5),
            before=Period(days[0], days[6], 1, None, 2, 90.0, None),
        ),
        Trend(Period(days[0], days[13], 2, None, 3, 190.0, None), before=None, is_all=True),
    ]


def test_a_short_history_is_one_period_with_nothing_before_it(spark: SparkSession) -> None:
    rows = [watched("u", FIRST)]
    tables = replace(tables_without_rows(spark), sessions=frame(spark, rows, SESSIONS))
    assert trends(tables) == [Trend(Period(FIRST, FIRST, 1, None, 1, 60.0, 1), None, is_all=True)]
    assert [choice.key for choice in choices(tables)] == ["all"]


def test_years_of_data_have_every_period(spark: SparkSession) -> None:
    rows = [watched("u", FIRST), watched("u", FIRST + timedelta(days=400))]
    tables = replace(tables_without_rows(spark), sessions=frame(spark, rows, SESSIONS))
    found = choices(tables)
    assert [choice.key for choice in found] == ["7", "28", "90", "365", "all"]
    before = [choice.trend.before for choice in found]
    assert [period and period.viewers for period in before] == [0, 0, 0, None, None]


def test_periods_end_with_the_last_finished_day(spark: SparkSession) -> None:
    days = days_from_first(8)
    sessions = frame(spark, [watched("ann", day) for day in days], SESSIONS)
    unfinished = frozenset({days[-1]})
    tables = replace(tables_without_rows(spark), sessions=sessions, unfinished=unfinished)
    [trend] = trends(tables)
    assert (trend.now.first, trend.now.last) == (FIRST, days[-2])


def test_views_end_with_their_own_newest_day_and_know_when_they_cannot_be_compared(
    spark: SparkSession,
) -> None:
    days = days_from_first(16)
    rows = [{"video_id": "v", "date": day, "viewCount": n} for n, day in enumerate(days[:15])]
    tables = replace(
        tables_without_rows(spark),
        sessions=frame(spark, [watched("ann", day) for day in days], SESSIONS),
        daily_views=frame(spark, [*rows, {**rows[0], "viewCount": None}], DAILY_VIDEO_VIEWS),
    )
    week, everything = (choice.views for choice in choices(tables))
    assert week == ViewTrend(days[8], days[14], sum(range(8, 15)), sum(range(1, 8)))
    assert everything == ViewTrend(days[0], days[14], sum(range(15)), None)
    changed = replace(tables, definition_changes={days[5]: "each start counts"})
    assert [c.views and c.views.before for c in choices(changed)] == [None, None]


def test_what_nobody_counted_is_unknown(spark: SparkSession) -> None:
    nothing = dict.fromkeys(VIDEO_DAILY.column_names, 0)
    day = {**nothing, "date": FIRST, "isUnfinished": None, "sessions": 2, "watchSeconds": 3600.0}
    rows = [{**day, "videoId": "old", "plays": None}, {**day, "videoId": "new", "plays": 3}]
    tables = replace(
        tables_without_rows(spark),
        sessions=frame(spark, [watched("ann", FIRST)], SESSIONS),
        video_daily=frame(spark, rows, VIDEO_DAILY),
    )
    [choice] = choices(tables)
    found = [(v.video_id, v.title, v.now.seconds, v.before, v.now.plays) for v in choice.videos]
    assert found == [("new", None, 3600.0, None, 3), ("old", None, 3600.0, None, None)]


def test_a_video_of_a_period_stands_beside_as_many_days_before(spark: SparkSession) -> None:
    days, nothing = days_from_first(14), dict.fromkeys(VIDEO_DAILY.column_names, 0)
    rows = [
        {**nothing, "videoId": "v", "date": day, "isUnfinished": None, "watchSeconds": float(n)}
        for n, day in enumerate(days)
    ]
    before_alone = {**rows[0], "videoId": "gone"}
    tables = replace(
        tables_without_rows(spark),
        sessions=frame(spark, [watched("ann", day) for day in days], SESSIONS),
        video_daily=frame(spark, [*rows, before_alone], VIDEO_DAILY),
    )
    [week] = choices(tables)[0].videos
    assert week.before is not None
    assert (week.now.seconds, week.before.seconds) == (sum(range(7, 14)), sum(range(7)))
    assert [video.before for video in choices(tables)[1].videos] == [None, None]
