from datetime import timedelta
from typing import Any

import pytest
from support.checks import NOON, Checked, engaged, sample_of, session, value

from asset_checks.engagement import ENGAGEMENT_RULES, MEASURES
from video_assets.engagement.tables import ENGAGEMENT


def test_good_engagement_passes_every_check(checked: Checked) -> None:
    checked.sessions(session(2))
    checked.engagement(engaged())
    assert checked.failing(ENGAGEMENT) == []


def test_a_second_row_of_a_user_and_video_is_reported(checked: Checked) -> None:
    checked.engagement(engaged(), engaged(), engaged(userId="anna"))
    said = checked.results(ENGAGEMENT)["one_row_per_user_and_video"]
    assert not said.passed
    assert sample_of(said) == [{"userId": "peter", "videoId": "v1", "rows": 2}]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_negative_measure_is_reported(checked: Checked, measure: str) -> None:
    below_zero = -1 if isinstance(engaged()[measure], int) else -0.5
    checked.engagement(engaged(), engaged(userId="anna", **{measure: below_zero}))
    said = checked.results(ENGAGEMENT)["no_negative_measure"]
    assert value(said, "rows") == 1
    assert sample_of(said)[0]["userId"] == "anna"
    assert sample_of(said)[0][measure] == below_zero


def test_a_measure_that_is_no_number_is_reported(checked: Checked) -> None:
    checked.engagement(engaged(watchPercentage=float("nan")))
    assert checked.fails("no_negative_measure", ENGAGEMENT)


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        ("unique_within_total", {"totalUniqueSecondsWatched": 20.1}),
        ("unique_within_duration", {"totalUniqueSecondsWatched": 44.1, "totalWatchTime": 50.0}),
        ("last_not_before_first", {"lastWatchDate": NOON - timedelta(days=9)}),
        ("watch_time_plausible", {"totalWatchTime": 88.1, "sessionCount": 2}),
        ("completed_with_sufficient_watch", {"isCompletedAtLeastOnce": True}),
    ],
)
def test_a_row_that_breaks_a_rule_is_shown(
    checked: Checked, check: str, changed: dict[str, Any]
) -> None:
    checked.engagement(engaged(userId="anna"), engaged(**changed))
    said = checked.results(ENGAGEMENT)[check]
    assert not said.passed
    assert value(said, "rows") == 1
    assert value(said, "checked_rows") == 2
    [row] = sample_of(said)
    assert row["userId"] == "peter"
    assert row.keys() > {"userId", "videoId"}


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        ("unique_within_duration", {"totalUniqueSecondsWatched": 44.0, "totalWatchTime": 44.0}),
        ("last_not_before_first", {"lastWatchDate": NOON - timedelta(days=7)}),
        ("watch_time_plausible", {"totalWatchTime": 88.0, "sessionCount": 2}),
        (
            "completed_with_sufficient_watch",
            {"isCompletedAtLeastOnce": True} | {"watchPercentage": 75.0},
        ),
        ("computed_recently", {"processedAt": NOON - timedelta(hours=24)}),
    ],
)
def test_a_row_at_the_threshold_passes(
    checked: Checked, check: str, changed: dict[str, Any]
) -> None:
    checked.engagement(engaged(**changed))
    assert not checked.fails(check, ENGAGEMENT)


def test_the_newest_row_tells_when_the_table_was_computed(checked: Checked) -> None:
    old, older = NOON - timedelta(hours=25), NOON - timedelta(hours=26)
    checked.engagement(engaged(userId="anna"), engaged(processedAt=old))
    assert not checked.fails("computed_recently", ENGAGEMENT)
    checked.engagement(engaged(userId="anna", processedAt=older), engaged(processedAt=old))
    said = checked.results(ENGAGEMENT)["computed_recently"]
    assert not said.passed
    assert sample_of(said)[0]["newestProcessedAt"].startswith("2025")


def test_thresholds_of_the_rules_are_named_with_what_they_found(checked: Checked) -> None:
    checked.settings = checked.settings.model_copy(update={"duration_tolerance": 1.0})
    checked.engagement(engaged(totalUniqueSecondsWatched=41.0, totalWatchTime=41.0))
    results = checked.results(ENGAGEMENT)
    assert not results["unique_within_duration"].passed
    assert value(results["unique_within_duration"], "duration_tolerance") == 1.0


def test_sums_are_those_of_the_sessions_without_the_credit(checked: Checked) -> None:
    checked.sessions(
        session(2), session(3, isContinuation=True, watchTime=5.0), session(4, sessionId="s2")
    )
    checked.engagement(engaged(totalWatchTime=50.0, creditedWatchTime=5.0, sessionCount=2))
    assert checked.results(ENGAGEMENT)["sums_match_sessions"].passed


def test_one_who_has_continuations_alone_had_one_session(checked: Checked) -> None:
    checked.sessions(session(2, isContinuation=True))
    checked.engagement(engaged())
    assert checked.results(ENGAGEMENT)["sums_match_sessions"].passed


@pytest.mark.parametrize("changed", [{"totalWatchTime": 21.0}, {"sessionCount": 2}])
def test_other_sums_than_those_of_the_sessions_are_reported(
    checked: Checked, changed: dict[str, Any]
) -> None:
    checked.sessions(session(2), session(2, userId="anna"))
    checked.engagement(engaged(**changed), engaged(userId="anna"))
    said = checked.results(ENGAGEMENT)["sums_match_sessions"]
    assert not said.passed
    [row] = sample_of(said)
    assert row["userId"] == "peter"
    assert row["watchTimeOfSessions"] == 20.0
    assert row["watchTimeOfEngagement"] == changed.get("totalWatchTime", 20.0)


def test_mistakes_that_cancel_out_in_the_total_are_found(checked: Checked) -> None:
    checked.sessions(session(2), session(2, userId="anna"))
    checked.engagement(engaged(totalWatchTime=19.0), engaged(userId="anna", totalWatchTime=21.0))
    assert value(checked.results(ENGAGEMENT)["sums_match_sessions"], "rows") == 2


def test_a_user_who_is_missing_on_one_side_is_reported(checked: Checked) -> None:
    checked.sessions(session(2), session(2, userId="anna", watchTime=0.0))
    checked.engagement(engaged(), engaged(userId="zoe", totalWatchTime=0.0))
    said = checked.results(ENGAGEMENT)["sums_match_sessions"]
    assert [row["userId"] for row in sample_of(said)] == ["anna", "zoe"]


def test_the_last_digit_of_a_sum_over_sessions_is_no_mistake(checked: Checked) -> None:
    checked.sessions(*(session(2, sessionNumber=n, watchTime=0.1) for n in range(1, 11)))
    checked.engagement(engaged(totalWatchTime=1.0, sessionCount=10))
    assert checked.results(ENGAGEMENT)["sums_match_sessions"].passed


def test_many_flagged_rows_are_reported_few_are_normal(checked: Checked) -> None:
    flagged = [engaged(userId=f"u{n}", dataQualityFlag="very_short_watch") for n in range(2)]
    checked.engagement(engaged(), engaged(userId="anna"), *flagged)
    said = checked.results(ENGAGEMENT)["few_flagged_rows"]
    assert said.passed
    assert value(said, "share") == 0.5
    checked.tolerate(max_flagged_share=0.4)
    said = checked.results(ENGAGEMENT)["few_flagged_rows"]
    assert not said.passed
    assert value(said, "max_flagged_share") == 0.4
    assert sample_of(said)[0]["dataQualityFlag"] == "very_short_watch"


def test_nothing_that_is_wrong_with_engagement_stops_a_run() -> None:
    assert not any(rule.blocking for rule in ENGAGEMENT_RULES)
