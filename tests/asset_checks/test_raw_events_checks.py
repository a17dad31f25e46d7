from datetime import timedelta

from deltalake import write_deltalake
from support.checks import (
    Checked,
    days,
    event,
    events,
    nullable,
    refused,
    sample_of,
    value,
)
from support.tables import day

from asset_checks.player_events import RULES
from asset_checks.rules import WrittenRows
from resources.delta.stage import table_location
from video_assets.days import UNDATED
from video_assets.player_events.tables import RAW_EVENTS


def reported(checked: Checked, first: int, last: int, **counts: float) -> None:
    names = {"rows": "rows_written", "source": "source_rows", "rejected": "rejected_rows"}
    checked.newest_write = WrittenRows(
        days(first, last), {names.get(name, name): count for name, count in counts.items()}
    )


def test_good_events_pass_every_check(checked: Checked) -> None:
    checked.raw(*events(2, 3))
    reported(checked, 2, 2, rows=3, source=4, duplicates=1, rejected=0)
    assert checked.failing(RAW_EVENTS, days(2)) == []


def test_a_table_that_was_never_written_breaks_no_rule_of_its_rows(checked: Checked) -> None:
    assert checked.failing(RAW_EVENTS) == ["delivered_in_time", "yesterday_is_there"]


def test_an_event_without_a_user_breaks_no_null_key(checked: Checked) -> None:
    rows = nullable([event(2), event(3, userId=None)], RAW_EVENTS)
    location = table_location(checked.settings.warehouse, RAW_EVENTS)
    write_deltalake(location, rows, partition_by=["eventDate"])
    assert not checked.fails("no_null_key", RAW_EVENTS, days(2))
    said = checked.results(RAW_EVENTS, days(2, 3))["no_null_key"]
    assert not said.passed
    assert value(said, "problem") == "raw_events: events lack a required value (1 of 2)"
    assert value(said, "days") == "2025-01-03"
    assert sample_of(said)[0]["userId"] is None


def test_an_event_on_another_day_says_which_row_and_day(checked: Checked) -> None:
    at_midnight = event(3)["timestamp"] + timedelta(hours=12)
    checked.raw(*events(2, 2), event(3, timestamp=at_midnight))
    said = checked.results(RAW_EVENTS, days(2, 3))["events_on_their_day"]
    assert not said.passed
    assert value(said, "rows") == 1
    assert value(said, "checked_rows") == 3
    assert value(said, "checked") == "2025-01-02 to 2025-01-03"
    assert value(said, "days") == "2025-01-03"
    [row] = sample_of(said)
    assert row["timestamp"] == "2025-01-04 00:00:00"
    assert row["eventDate"] == "2025-01-03"


def test_events_of_other_days_than_the_runs_are_not_looked_at(checked: Checked) -> None:
    checked.raw(*events(2, 2), event(3, timestamp=event(4)["timestamp"]))
    assert checked.failing(RAW_EVENTS, days(2)) == []
    assert checked.fails("events_on_their_day", RAW_EVENTS, days(3))
    assert checked.fails("events_on_their_day", RAW_EVENTS)


def test_a_sample_has_ten_rows_and_the_days_are_all_named(checked: Checked) -> None:
    checked.raw(*(event(n, timestamp=event(n + 1)["timestamp"]) for n in range(1, 41)))
    said = checked.results(RAW_EVENTS)["events_on_their_day"]
    assert value(said, "rows") == 40
    assert len(sample_of(said)) == 10
    assert value(said, "days") == "2025-01-01 to 2025-02-09"


def test_valid_repeated_and_rejected_rows_are_the_source(checked: Checked) -> None:
    checked.raw(*events(2, 3), *events(3, 2))
    checked.rejected(*refused(day(2)), *refused(UNDATED, 2))
    reported(checked, 2, 3, rows=5, source=10, duplicates=2, rejected=3)
    said = checked.results(RAW_EVENTS, days(2, 3))["source_rows_accounted_for"]
    assert said.passed
    assert value(said, "checked_rows") == 10


def test_source_rows_that_lie_nowhere_are_reported(checked: Checked) -> None:
    checked.raw(*events(2, 3))
    checked.rejected(*refused(day(2)))
    reported(checked, 2, 2, rows=4, source=6, duplicates=1, rejected=1)
    said = checked.results(RAW_EVENTS, days(2))["source_rows_accounted_for"]
    assert not said.passed
    assert value(said, "rows") == 1
    assert value(said, "days") == "2025-01-02"
    assert sample_of(said) == [
        {"rows": "raw_events", "reported": 4, "found": 3},
        {
            "rows": "source (valid + duplicates + rejected + ignored + waiting + erased)",
            "reported": 6,
            "found": 5,
        },
    ]


def test_rejected_rows_of_no_day_belong_to_their_files_day_in_a_dated_source(
    checked: Checked,
) -> None:
    checked.settings = checked.settings.model_copy(update={"events": "events/{date}.json"})
    checked.raw(*events(2, 3))
    checked.rejected(*refused(UNDATED, 2))
    reported(checked, 2, 2, rows=3, source=3, duplicates=0, rejected=0)
    assert checked.results(RAW_EVENTS)["source_rows_accounted_for"].passed


def test_without_a_recorded_run_the_source_cannot_be_compared(checked: Checked) -> None:
    checked.raw(*events(2, 3))
    said = checked.results(RAW_EVENTS)["source_rows_accounted_for"]
    assert said.passed
    assert "nothing to compare" in value(said, "note")


def test_too_many_rejected_rows_are_shown_with_their_reason(checked: Checked) -> None:
    checked.raw(*events(2, 90), *events(3, 90))
    checked.rejected(*refused(day(2), 2), *refused(day(3), 18))
    assert not checked.fails("few_rejected_rows", RAW_EVENTS, days(2))
    said = checked.results(RAW_EVENTS, days(2, 3))["few_rejected_rows"]
    assert not said.passed
    assert value(said, "rows") == 18
    assert value(said, "share") == 0.1
    assert value(said, "max_rejected_share") == 0.05
    assert value(said, "days") == "2025-01-03"
    assert sample_of(said)[0]["reason"] == "missing_user"


def test_the_tolerated_share_of_rejected_rows_is_a_setting(checked: Checked) -> None:
    checked.raw(*events(2, 9))
    checked.rejected(*refused(day(2)))
    assert checked.fails("few_rejected_rows", RAW_EVENTS)
    checked.tolerate(max_rejected_share=0.1)
    assert not checked.fails("few_rejected_rows", RAW_EVENTS)


def test_a_day_of_rejected_rows_alone_counts_in_the_whole_table(checked: Checked) -> None:
    checked.raw(*events(2, 9))
    checked.rejected(*refused(day(4), 3))
    assert checked.fails("few_rejected_rows", RAW_EVENTS)


def test_undated_rows_are_held_against_the_whole_table_not_against_one_day(
    checked: Checked,
) -> None:
    checked.raw(*events(2, 10), *events(3, 90))
    checked.rejected(*refused(UNDATED, 5))
    said = checked.results(RAW_EVENTS, days(2))["few_rejected_rows"]
    assert said.passed
    assert value(said, "undated_rows") == 5


def test_a_source_whose_rows_all_have_no_readable_day_is_reported(checked: Checked) -> None:
    checked.rejected(*refused(UNDATED, 5))
    checked.holds(RAW_EVENTS, [], also=[day(2)])
    said = checked.results(RAW_EVENTS, days(2))["few_rejected_rows"]
    assert not said.passed
    assert value(said, "share") == 1.0
    assert len(sample_of(said)) == 5


def test_an_unusual_day_is_held_against_the_median_of_the_days_before(checked: Checked) -> None:
    counts = {1: 10, 2: 12, 3: 10, 4: 25, 5: 4, 6: 11}
    checked.raw(*(row for number, count in counts.items() for row in events(number, count)))
    said = checked.results(RAW_EVENTS, days(4, 6))["usual_row_count"]
    assert not said.passed
    assert value(said, "days") == "2025-01-04, 2025-01-05"
    assert sample_of(said)[0] == {"day": "2025-01-04", "rows": 25, "median_before": 10}
    assert value(said, "min_row_count_ratio") == 0.5
    assert value(said, "max_row_count_ratio") == 2.0
    assert checked.results(RAW_EVENTS, days(6))["usual_row_count"].passed


def test_a_day_without_events_is_unusual(checked: Checked) -> None:
    checked.raw(*(row for number in (1, 2, 3) for row in events(number, 5)))
    checked.holds(RAW_EVENTS, [], also=[day(4)])
    assert checked.fails("usual_row_count", RAW_EVENTS, days(4))


def test_the_first_days_have_no_median_to_compare_with(checked: Checked) -> None:
    checked.raw(*events(1, 5), *events(2, 5), *events(3, 500))
    said = checked.results(RAW_EVENTS, days(1, 3))["usual_row_count"]
    assert said.passed
    assert value(said, "note") == "no day has 3 days with events shortly before it"


def test_the_days_of_the_median_are_settings(checked: Checked) -> None:
    checked.raw(*events(1, 5), *events(2, 500))
    checked.tolerate(row_count_history_days=1, min_row_count_history=1)
    assert checked.fails("usual_row_count", RAW_EVENTS)
    checked.tolerate(row_count_history_days=1, min_row_count_history=1, max_row_count_ratio=100)
    assert not checked.fails("usual_row_count", RAW_EVENTS)


def test_only_what_makes_the_table_wrong_stops_what_is_computed_from_it() -> None:

    assert [rule.name for rule in RULES if rule.blocking] == [
        "no_null_key",
        "events_on_their_day",
        "source_rows_accounted_for",
    ]
    assert {rule.severity.value for rule in RULES if not rule.blocking} == {"WARN"}
