from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from pyspark.sql import SparkSession
from support.checks import (
    NOON,
    Checked,
    days,
    event,
    events,
    intervals,
    sample_of,
    session,
    value,
)
from support.tables import day

from asset_checks.engagement import SESSION_RULES
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS


def test_good_sessions_pass_every_check(checked: Checked) -> None:
    checked.raw(event(1), *events(2, 2))
    checked.sessions(session(2))
    assert checked.failing(SESSIONS, days(2)) == []


@pytest.mark.parametrize("watched", [-1.0, float("nan")])
def test_a_watch_time_below_zero_or_no_number_is_reported(checked: Checked, watched: float) -> None:
    checked.sessions(session(2), session(3, watchTime=watched, uniqueSecondsWatched=-5.0))
    said = checked.results(SESSIONS, days(2, 3))["watch_time_not_negative"]
    assert not said.passed
    assert value(said, "days") == "2025-01-03"
    assert sample_of(said)[0]["watchTime"] == (watched if watched < 0 else "nan")


def test_unique_seconds_above_the_watch_time_are_reported(checked: Checked) -> None:
    checked.sessions(session(2), session(3, uniqueSecondsWatched=20.1))
    assert not checked.fails("unique_within_watch_time", SESSIONS, days(2))
    assert checked.fails("unique_within_watch_time", SESSIONS, days(3))


def test_the_last_digit_of_a_sum_of_floats_is_no_mistake(checked: Checked) -> None:
    checked.sessions(session(2, watchTime=0.1 + 0.2, uniqueSecondsWatched=0.30000000000000027))
    assert not checked.fails("unique_within_watch_time", SESSIONS)


@pytest.mark.parametrize(
    "watched",
    [[(5, 9), (0, 3)], [(0, 5), (4, 9)], [(0, 9), (1, 2)], [(3, 3)], [(4, 3)], [(-1, 3)]],
    ids=["out of order", "overlapping", "inside another", "empty", "backwards", "before 0"],
)
def test_intervals_that_are_not_sorted_and_disjoint_are_reported(
    checked: Checked, watched: list[tuple[float, float]]
) -> None:
    checked.sessions(session(2), session(3, watchedIntervals=intervals(*watched)))
    said = checked.results(SESSIONS)["intervals_sorted_and_disjoint"]
    assert value(said, "rows") == 1
    assert value(said, "days") == "2025-01-03"
    assert "start" in str(sample_of(said)[0]["watchedIntervals"])


@pytest.mark.parametrize("watched", [[], [(0, 3)], [(0, 3), (5, 9), (10, 11)], [(0, 3), (3, 4)]])
def test_intervals_that_ascend_pass(checked: Checked, watched: list[tuple[float, float]]) -> None:
    checked.sessions(session(2, watchedIntervals=intervals(*watched)))
    assert not checked.fails("intervals_sorted_and_disjoint", SESSIONS)


def test_a_day_that_lost_an_event_is_reported(checked: Checked) -> None:
    checked.raw(*events(2, 2), *events(3, 3))
    checked.sessions(session(2), session(3))
    assert not checked.fails("events_accounted_for", SESSIONS, days(2))
    said = checked.results(SESSIONS, days(2, 3))["events_accounted_for"]
    assert not said.passed
    assert value(said, "days") == "2025-01-03"
    assert sample_of(said) == [{"day": "2025-01-03", "eventsInSessions": 2, "rawEvents": 3}]


def test_a_day_of_the_run_without_any_session_row_lost_its_events(checked: Checked) -> None:
    checked.raw(*events(2, 2), *events(3, 3))
    checked.sessions(session(2))
    assert checked.fails("events_accounted_for", SESSIONS, days(3))


def test_in_the_whole_table_days_that_were_not_computed_yet_lost_nothing(
    checked: Checked,
) -> None:
    checked.raw(*events(2, 2), *events(3, 3))
    checked.sessions(session(2))
    assert not checked.fails("events_accounted_for", SESSIONS)


def test_a_day_whose_previous_raw_day_is_missing_says_so(checked: Checked) -> None:
    checked.raw(*events(2, 2), *events(4, 2))
    checked.sessions(session(2), session(4))
    said = checked.results(SESSIONS, days(4))["previous_day_present"]
    assert not said.passed
    assert said.severity.value == "WARN"
    assert value(said, "days") == "2025-01-04"
    assert sample_of(said) == [{"day": "2025-01-04", "missing_raw_events_of": "2025-01-03"}]


def test_a_range_says_which_of_its_days_lack_the_day_before(checked: Checked) -> None:
    checked.raw(*events(2, 2), *events(4, 2))
    checked.sessions(session(2), session(4))
    said = checked.results(SESSIONS, days(2, 5))["previous_day_present"]
    assert value(said, "days") == "2025-01-02, 2025-01-04"
    whole = checked.results(SESSIONS)["previous_day_present"]
    assert value(whole, "days") == "2025-01-02, 2025-01-04"


def test_the_first_partition_needs_no_day_before_it(checked: Checked) -> None:
    checked.raw(*events(1, 2))
    checked.sessions(session(1))
    assert not checked.fails("previous_day_present", SESSIONS, days(1))


def test_a_previous_day_without_events_is_there_once_it_was_materialized(
    checked: Checked,
) -> None:
    checked.raw(*events(4, 2))
    checked.sessions(session(4))
    assert checked.fails("previous_day_present", SESSIONS, days(4))
    checked.holds(RAW_EVENTS, [], also=[day(3)])
    assert not checked.fails("previous_day_present", SESSIONS, days(4))


def test_every_error_of_sessions_stops_what_is_computed_from_them() -> None:
    assert all(rule.blocking == (rule.severity.value == "ERROR") for rule in SESSION_RULES)


@pytest.mark.parametrize(
    ("counted", "check", "setting"),
    [
        ("tooLongSegments", "max_segment_cuts_little", "VIDEO_ASSETS_MAX_SEGMENT"),
        ("tooFastSegments", "max_playback_rate_cuts_little", "VIDEO_ASSETS_MAX_PLAYBACK_RATE"),
    ],
)
def test_a_setting_that_cuts_more_than_one_percent_of_a_day_is_named(
    checked: Checked, counted: str, check: str, setting: str
) -> None:
    checked.raw(*events(1, 2), *events(2, 2))
    checked.sessions(
        session(1, segmentCount=99, **{counted: 1}), session(2, segmentCount=98, **{counted: 2})
    )
    assert checked.failing(SESSIONS, days(1)) == []
    assert checked.failing(SESSIONS, days(1, 2)) == [check]
    said = checked.results(SESSIONS, days(1, 2))[check]
    assert said.severity is dg.AssetCheckSeverity.WARN
    assert sample_of(said)[0]["day"] == "2025-01-02"
    assert setting in str(value(said, "remedy"))


def _reported(checked: Checked, *reports: tuple[int, float | None]) -> dg.AssetCheckResult:
    """Two rows of a session, of 60 s each, whose second event is 100 s after its first."""
    noon = NOON.replace(day=2)
    begins = [noon, noon + timedelta(hours=1)]
    numbered = [
        session(
            2,
            sessionNumber=place + 1,
            firstEventTime=begin,
            lastEventTime=begin + timedelta(seconds=100),
            uniqueSecondsWatched=60.0,
            watchTime=60.0,
        )
        for place, begin in enumerate(begins)
    ]
    said = [
        event(2, timestamp=noon + timedelta(seconds=second), reportedSeconds=seconds)
        for second, seconds in reports
    ]
    ids = {"userId": "peter", "videoId": "v1", "sessionId": "s1"}
    checked.raw(*({**row, **ids} for row in said))
    checked.sessions(*numbered)
    return checked.results(SESSIONS, days(2))["watched_as_reported"]


@pytest.mark.parametrize(
    "reports",
    [
        [(100, 60.0), (3700, 120.0)],
        [(3700, 60.0)],
        [(3700, 131.0)],
        [(100, 56.0)],
        [(0, 1.0), (3650, 900.0), (3700, None)],
        [],
    ],
    ids=["as ours", "twice the same", "rounded up", "rounded", "not by a last event", "nothing"],
)
def test_players_that_report_about_our_seconds_of_their_session_so_far_pass(
    spark: SparkSession, tmp_path: Path, reports: list[tuple[int, float | None]]
) -> None:
    mapped = {"events_columns": {"played": "playedSegments"}}
    assert _reported(Checked(spark, tmp_path, **mapped), *reports).passed


@pytest.mark.parametrize(
    "report",
    [(3700, 135.0), (100, 50.0)],
    ids=["more than the session", "less than the row"],
)
def test_players_that_report_other_seconds_are_named_with_both(
    spark: SparkSession, tmp_path: Path, report: tuple[int, float]
) -> None:
    checked = Checked(spark, tmp_path, events_columns={"played": "playedSegments"})
    said = _reported(checked, report)
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (value(said, "share"), value(said, "days")) == (1.0, "2025-01-02")
    [row] = sample_of(said)
    assert (row["uniqueSecondsWatched"], row["reportedSeconds"]) == (60.0, report[1])
    checked.tolerate(max_report_difference=0.2)
    assert not checked.fails("watched_as_reported", SESSIONS, days(2))
    checked.tolerate(max_differing_reports=1.0)
    assert not checked.fails("watched_as_reported", SESSIONS, days(2))


def test_of_a_session_that_began_on_the_day_before_players_may_report_more(
    spark: SparkSession, tmp_path: Path
) -> None:
    checked = Checked(spark, tmp_path, events_columns={"played": "playedSegments"})
    _reported(checked, (3700, 500.0))
    assert checked.fails("watched_as_reported", SESSIONS, days(2))
    checked.sessions(session(2, isContinuation=True, lastEventTime=NOON.replace(day=2, hour=13)))
    ids = {"userId": "peter", "videoId": "v1", "sessionId": "s1"}
    checked.raw(event(2, timestamp=NOON.replace(day=2, hour=13), reportedSeconds=500.0, **ids))
    assert not checked.fails("watched_as_reported", SESSIONS, days(2))


def test_reports_that_nobody_maps_are_not_compared(checked: Checked) -> None:
    checked.sessions(session(2))
    assert "watched_as_reported" not in checked.results(SESSIONS, days(2))
