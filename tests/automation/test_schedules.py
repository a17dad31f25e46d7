from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator
from support.stand_ins import DAILY_STEPS, START, Behaviour, stand_ins

from video_assets.automation.schedules import CRON, TIME_ZONE, daily_schedule
from video_assets.days import yesterday

SCHEDULE = daily_schedule(START, DAILY_STEPS)
REPOSITORY = dg.Definitions(
    assets=stand_ins(Behaviour()), schedules=[SCHEDULE]
).get_repository_def()


def ticks(first: datetime, end: datetime) -> list[datetime]:
    """When Dagster's daemon evaluates the schedule."""
    times = schedule_execution_time_iterator(first.timestamp(), CRON, TIME_ZONE, ascending=True)
    return [time.astimezone(UTC) for time in takewhile(lambda time: time < end, times)]


def requested(at: datetime) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=REPOSITORY)
    evaluated = SCHEDULE.evaluate_tick(context)
    return evaluated.run_requests[0] if evaluated.run_requests else evaluated.skip_message


@pytest.mark.parametrize("year", [2025, 2028])
def test_each_day_of_a_year_is_requested_once_also_when_clocks_change(year: int) -> None:
    first, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    days = [yesterday(time) for time in ticks(first, end)]
    length = (end - first).days
    assert days == [date(year - 1, 12, 31) + timedelta(days=n) for n in range(length)]
    assert set(Counter(days).values()) == {1}


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        (date(2025, 1, 15), 1),
        (date(2025, 3, 30), 1),
        (date(2025, 3, 31), 0),
        (date(2025, 7, 15), 0),
        (date(2025, 10, 26), 1),
        (date(2025, 10, 27), 1),
    ],
)
def test_two_in_zurich_is_after_the_end_of_the_utc_day(day: date, hour: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    (time,) = ticks(midnight, midnight + timedelta(days=1))
    assert time == midnight + timedelta(hours=hour)
    request = requested(time)
    assert (request.partition_key, request.run_key) == (
        str(day - timedelta(days=1)),
        f"daily-{day - timedelta(days=1)}",
    )


def test_a_day_before_the_first_one_is_not_requested() -> None:
    assert "VIDEO_ASSETS_START_DATE" in requested(datetime(2025, 1, 1, 1, tzinfo=UTC))


def test_the_first_day_is_requested_on_the_day_after_it() -> None:
    assert requested(datetime(2025, 1, 2, 1, tzinfo=UTC)).partition_key == "2025-01-01"


def test_nothing_runs_by_the_clock_until_somebody_switches_it_on() -> None:
    assert SCHEDULE.default_status is dg.DefaultScheduleStatus.STOPPED
