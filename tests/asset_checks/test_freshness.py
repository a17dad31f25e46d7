from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.freshness import (
    CronFreshnessPolicy,
    TimeWindowFreshnessPolicy,
)
from support.checks import Checked, days, events, sample_of, value, viewed
from support.tables import day

from asset_checks.daily_views import AS_OF_MOVES
from asset_checks.definitions import build_checks, build_freshness
from asset_checks.freshness import freshness_policy_for
from resources.delta.table import Table
from video_assets.daily_views.tables import MISSING_DATES, MONTHLY_VIEWS
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.unfinished_days import due_day

LATE = "yesterday_is_there"
OVERDUE = "delivered_in_time"


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2025, 1, 10, 3, 0, tzinfo=UTC), date(2025, 1, 9)),
        (datetime(2025, 1, 10, 2, 59, tzinfo=UTC), date(2025, 1, 8)),
        (datetime(2025, 7, 10, 2, 0, tzinfo=UTC), date(2025, 7, 9)),
        (datetime(2025, 7, 10, 1, 59, tzinfo=UTC), date(2025, 7, 8)),
        (datetime(2025, 3, 30, 2, 0, tzinfo=UTC), date(2025, 3, 29)),
        (datetime(2025, 10, 26, 3, 0, tzinfo=UTC), date(2025, 10, 25)),
        (datetime(2025, 1, 10, 23, 30, tzinfo=UTC), date(2025, 1, 9)),
    ],
    ids=[
        "winter",
        "too early",
        "summer",
        "too early in summer",
        "clocks forward",
        "clocks back",
        "after midnight in Zurich",
    ],
)
def test_yesterday_is_due_at_four_in_zurich(now: datetime, due: date) -> None:
    assert due_day(now) == due


def test_a_day_that_is_due_and_not_there_is_reported(checked: Checked) -> None:
    checked.raw(*events(8, 1))
    said = checked.results(RAW_EVENTS)[LATE]
    assert not said.passed
    assert value(said, "days") == "2025-01-09"
    assert sample_of(said) == [
        {
            "due_day": "2025-01-09",
            "newest_day_with_rows": "2025-01-08",
            "materialized_without_rows": False,
        }
    ]


def test_the_day_that_is_due_is_there(checked: Checked) -> None:
    checked.raw(*events(9, 1))
    assert checked.results(RAW_EVENTS)[LATE].passed


def test_a_day_that_was_materialized_without_a_row_is_not_there(checked: Checked) -> None:
    checked.holds(RAW_EVENTS, [], also=[day(9)])
    [evidence] = sample_of(checked.results(RAW_EVENTS)[LATE])
    assert evidence["materialized_without_rows"]


@pytest.mark.parametrize("check", [LATE, OVERDUE])
def test_a_platform_may_be_late_by_its_lag(checked: Checked, check: str) -> None:
    checked.raw(*events(7, 1))
    assert not checked.results(RAW_EVENTS)[check].passed
    checked.settings = checked.settings.model_copy(update={"delivery_lag": 3})
    assert checked.results(RAW_EVENTS)[check].passed


def test_a_run_of_a_day_that_was_not_delivered_says_so_within_the_lag_too(
    checked: Checked,
) -> None:
    checked.settings = checked.settings.model_copy(update={"delivery_lag": 5})
    checked.raw(*events(7, 1))
    said = checked.results(RAW_EVENTS, days(9))[OVERDUE]
    assert value(said, "days") == "2025-01-08, 2025-01-09"
    checked.raw(*events(9, 1))
    assert OVERDUE not in checked.results(RAW_EVENTS, days(8))


def test_an_as_of_date_that_stands_still_is_noticed(checked: Checked) -> None:
    checked.missing([], [])
    checked.views(viewed("v", day(7)))
    said = checked.results(MISSING_DATES)[AS_OF_MOVES]
    assert value(said, "days") == "2025-01-08, 2025-01-09"
    checked.views(viewed("v", day(9)))
    assert checked.results(MISSING_DATES)[AS_OF_MOVES].passed


def test_before_the_first_partition_nothing_is_due(checked: Checked) -> None:
    checked.now -= timedelta(days=9)
    assert checked.results(RAW_EVENTS)[LATE].passed


def test_a_run_over_other_days_says_nothing_about_yesterday(checked: Checked) -> None:
    checked.raw(*events(8, 1))
    assert LATE not in checked.results(RAW_EVENTS, days(8))
    assert not checked.results(RAW_EVENTS, days(8, 9))[LATE].passed


def test_each_morning_daily_tables_deliveries_and_the_age_of_engagement_are_asked_for() -> None:
    schedule = build_freshness()
    assert schedule.cron_schedule == "0 4 * * *"
    assert schedule.execution_timezone == "Europe/Zurich"
    graph = dg.Definitions(
        asset_checks=build_checks([]), resources={"spark": "unused", "settings": "unused"}
    ).resolve_asset_graph()
    asked = schedule.job.selection.resolve_checks(graph)
    assert {key.to_user_string() for key in asked} == {
        "video/raw_events:yesterday_is_there",
        "video/sessions:yesterday_is_there",
        "video/video_daily:yesterday_is_there",
        "video/dimension_daily:yesterday_is_there",
        "video/daily_video_views:yesterday_is_there",
        "video/daily_video_views:delivered_in_time",
        "video/raw_events:delivered_in_time",
        "video/missing_dates:as_of_date_moves",
        "video/source_files:no_stale_day",
        "video/source_files:every_file_is_read",
        "video/lifetime_snapshots:yesterday_is_there",
        "video/lifetime_view_history:yesterday_is_there",
        "video/aggregated_user_video_engagement:computed_recently",
        "video/completion_forecast:model_is_recent",
    }


@pytest.mark.parametrize("table", [RAW_EVENTS, SESSIONS])
def test_a_daily_table_is_fresh_when_it_was_made_before_the_deadline(table: Table) -> None:
    policy = freshness_policy_for(table)
    assert isinstance(policy, CronFreshnessPolicy)
    assert (policy.deadline_cron, policy.timezone) == ("0 4 * * *", "Europe/Zurich")


@pytest.mark.parametrize("table", [ENGAGEMENT, MONTHLY_VIEWS])
def test_other_tables_are_fresh_until_a_daily_run_was_left_out(table: Table) -> None:
    policy = freshness_policy_for(table)
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    assert policy.warn_window is not None
    assert policy.warn_window.to_timedelta() == timedelta(hours=26)
    assert policy.fail_window.to_timedelta() == timedelta(hours=50)
