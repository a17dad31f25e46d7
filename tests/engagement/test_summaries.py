"""Few numbers about whole tables."""

from datetime import date

from pyspark.sql import SparkSession
from support.checks import engaged, session
from support.tables import frame

from video_assets.engagement.summaries import rows_per_flag, watch_hours_per_day
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS

FIRST, SECOND, THIRD = (date(2025, 1, n) for n in (1, 2, 3))


def test_the_hours_of_all_users_are_summed_up_by_day(spark: SparkSession) -> None:
    rows = [
        session(1, sessionDate=SECOND, watchTime=1800.0),
        session(2, sessionDate=SECOND, watchTime=5400.0, userId="other"),
        session(3, sessionDate=THIRD, watchTime=0.0),
        session(4, sessionDate=FIRST, watchTime=7200.0),
    ]
    found = watch_hours_per_day(frame(spark, rows, SESSIONS), SECOND).collect()
    assert {row["day"]: row["hours"] for row in found} == {SECOND: 2.0, THIRD: 0.0}


def test_the_most_frequent_flag_comes_first(spark: SparkSession) -> None:
    flags = ("very_short_watch", "ok", "no_valid_segments", "ok")
    rows = [engaged(userId=str(n), dataQualityFlag=flag) for n, flag in enumerate(flags)]
    found = rows_per_flag(frame(spark, rows, ENGAGEMENT)).collect()
    assert [(row["flag"], row["rows"]) for row in found] == [
        ("ok", 2),
        ("no_valid_segments", 1),
        ("very_short_watch", 1),
    ]
