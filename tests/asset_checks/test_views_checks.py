from datetime import date

import pytest
from support.checks import (
    Checked,
    days,
    gap,
    gaps,
    month,
    sample_of,
    snapshot,
    value,
    viewed,
)
from support.tables import day

from asset_checks.rules import WrittenRows
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.days import DayRange
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS

PLAIN_CHANGES = {date(2025, 1, 15): "each start counts"}
JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
IN_JANUARY, BOTH = DayRange(JANUARY, FEBRUARY), DayRange(JANUARY, date(2025, 3, 1))
ABOVE_32_BITS = 3_000_000_000


def test_months_that_are_the_sum_of_their_days_pass(checked: Checked) -> None:
    checked.views(
        viewed("v1", day(1), ABOVE_32_BITS), viewed("v1", day(2), 4), viewed("v1", FEBRUARY)
    )
    checked.months(month("v1", JANUARY, ABOVE_32_BITS + 4), month("v1", FEBRUARY, 1))
    assert checked.failing(MONTHLY_VIEWS) == []
    assert checked.failing(MONTHLY_VIEWS, BOTH) == []


def test_a_month_with_another_sum_is_reported(checked: Checked) -> None:
    checked.views(viewed("v1", day(1), 3), viewed("v1", FEBRUARY, 3))
    checked.months(month("v1", JANUARY, 3), month("v1", FEBRUARY, 4))
    assert checked.failing(MONTHLY_VIEWS, IN_JANUARY) == []
    for run in (BOTH, None):
        said = checked.results(MONTHLY_VIEWS, run)["equals_sum_of_days"]
        assert value(said, "days") == "2025-02-01"
        assert [(r["sumOfDays"], r["aggViewCount"]) for r in sample_of(said)] == [(3, 4)]


def test_days_without_a_known_count_make_a_month_without_one(checked: Checked) -> None:
    checked.views(viewed("v1", day(1), None))
    checked.months(month("v1", JANUARY, None))
    assert checked.failing(MONTHLY_VIEWS) == []
    checked.months(month("v1", JANUARY, 0))
    assert checked.failing(MONTHLY_VIEWS) == ["equals_sum_of_days"]


def test_a_video_that_a_computed_month_lacks_is_reported(checked: Checked) -> None:
    checked.views(viewed("v1", day(1)), viewed("v2", day(1)), viewed("v1", FEBRUARY))
    checked.months(month("v1", JANUARY, 1))
    said = checked.results(MONTHLY_VIEWS)["equals_sum_of_days"]
    assert [(row["video_id"], row["month_start"]) for row in sample_of(said)] == [
        ("v2", "2025-01-01")
    ]


def test_a_month_without_a_day_is_reported(checked: Checked) -> None:
    checked.views(viewed("v1", FEBRUARY))
    checked.months(month("v1", JANUARY, 1))
    assert checked.failing(MONTHLY_VIEWS) == ["equals_sum_of_days"]


def test_the_two_forms_of_missing_dates_agree(checked: Checked) -> None:
    checked.missing(
        [gaps("v1", day(2), day(3)), gaps("v2", day(2))],
        [gap("v1", day(2)), gap("v1", day(3)), gap("v2", day(2))],
    )
    assert checked.failing(MISSING_DATES) == []


def test_a_video_without_a_gap_must_not_be_listed(checked: Checked) -> None:
    checked.missing([gaps("v1", day(2)), gaps("v2")], [gap("v1", day(2))])
    said = checked.results(MISSING_DATES)["only_videos_with_a_gap"]
    assert not said.passed
    assert sample_of(said) == [{"video_id": "v2", "missing_dates": "[]"}]


@pytest.mark.parametrize(
    "rows",
    [
        [gap("v1", day(2))],
        [gap("v1", day(2)), gap("v1", day(3)), gap("v1", day(4))],
        [gap("v1", day(2)), gap("v1", day(3)), gap("v1", day(3))],
    ],
    ids=["a row is missing", "a row too many", "a row twice"],
)
def test_forms_that_do_not_agree_are_reported(
    checked: Checked, rows: list[dict[str, object]]
) -> None:
    checked.missing([gaps("v1", day(2), day(3))], rows)
    said = checked.results(MISSING_DATES)["array_and_rows_agree"]
    assert value(said, "rows") == 1
    assert value(said, "days") in {"2025-01-03", "2025-01-04"}


def test_every_video_that_had_views_before_must_have_a_snapshot(checked: Checked) -> None:
    checked.views(viewed("v1", day(8)), viewed("v2", day(8)), viewed("v3", day(9)))
    checked.snapshots(snapshot("v1", day(9), 10), snapshot("v1", day(10), 10))
    said = checked.results(LIFETIME_SNAPSHOTS, days(9))["every_known_video_answered"]
    assert said.severity.value == "WARN"
    assert [(row["video_id"], row["date"]) for row in sample_of(said)] == [("v2", "2025-01-09")]
    newest = checked.results(LIFETIME_SNAPSHOTS)["every_known_video_answered"]
    assert [row["video_id"] for row in sample_of(newest)] == ["v2", "v3"]
    assert value(newest, "days") == "2025-01-10"


def test_a_range_says_who_is_missing_on_which_day(checked: Checked) -> None:
    checked.views(viewed("v1", day(2)), viewed("v2", day(2)))
    checked.snapshots(snapshot("v1", day(4), 10), snapshot("v1", day(5), 10))
    said = checked.results(LIFETIME_SNAPSHOTS, days(3, 5))["every_known_video_answered"]
    assert [(row["video_id"], row["date"]) for row in sample_of(said)] == [
        ("v2", "2025-01-04"),
        ("v2", "2025-01-05"),
    ]


def test_a_hidden_count_is_an_answer(checked: Checked) -> None:
    checked.views(viewed("v1", day(8)))
    checked.snapshots(snapshot("v1", day(9), None))
    assert not checked.fails("every_known_video_answered", LIFETIME_SNAPSHOTS)


def test_a_day_without_any_answer_is_reported(checked: Checked) -> None:
    checked.views(viewed("v1", day(8)))
    checked.holds(LIFETIME_SNAPSHOTS, [], also=[day(9)])
    assert checked.fails("every_known_video_answered", LIFETIME_SNAPSHOTS, days(9))


def test_past_days_of_a_range_that_never_asked_lack_nothing(checked: Checked) -> None:
    checked.views(viewed("v1", day(2)))
    checked.snapshots(snapshot("v1", day(9), 10))
    assert not checked.fails("every_known_video_answered", LIFETIME_SNAPSHOTS, days(3, 9))


def test_without_any_snapshot_nobody_was_asked(checked: Checked) -> None:
    checked.views(viewed("v1", day(2)))
    assert not checked.fails("every_known_video_answered", LIFETIME_SNAPSHOTS)


def test_a_count_below_any_earlier_snapshot_is_reported(checked: Checked) -> None:
    checked.snapshots(
        snapshot("v1", day(2), 10),
        snapshot("v1", day(3), None),
        snapshot("v1", day(4), 9),
        snapshot("v2", day(4), 1),
    )
    assert not checked.fails("counts_never_fall", LIFETIME_SNAPSHOTS, days(2, 3))
    for run in (days(4), days(2, 4), None):
        said = checked.results(LIFETIME_SNAPSHOTS, run)["counts_never_fall"]
        assert value(said, "days") == "2025-01-04"
        assert [(r["video_id"], r["viewCount"], r["largestBefore"]) for r in sample_of(said)] == [
            ("v1", 9, 10)
        ]


def test_counts_that_stay_or_grow_pass(checked: Checked) -> None:
    checked.snapshots(*(snapshot("v1", day(n), count) for n, count in ((2, 10), (3, 10), (4, 11))))
    assert not checked.fails("counts_never_fall", LIFETIME_SNAPSHOTS)


def with_settings(checked: Checked, **changed: object) -> None:
    checked.settings = checked.settings.model_copy(update=changed)


def failing_of_days(checked: Checked, run: DayRange | None = None) -> list[str]:
    late = {"yesterday_is_there", "delivered_in_time"}
    return [name for name in checked.failing(DAILY_VIDEO_VIEWS, run) if name not in late]


def views_refused(on: date, count: int, reason: str = "missing_count") -> list[dict[str, object]]:
    row = {"reason": reason, "rowText": "{}", "source": "views.csv", "date": on}
    return [{**row, "sourceRow": n + 1} for n in range(count)]


def test_many_refused_views_are_reported_with_their_rows(checked: Checked) -> None:
    checked.views(*(viewed(f"v{n}", day(8)) for n in range(8)))
    checked.holds(REJECTED_DAILY_VIEWS, views_refused(day(8), 2))
    said = checked.results(DAILY_VIDEO_VIEWS, days(8))["few_rejected_rows"]
    assert (said.passed, said.severity.value, value(said, "share")) == (False, "WARN", 0.2)
    assert {row["reason"] for row in sample_of(said)} == {"missing_count"}


def test_a_share_that_is_large_on_a_day_of_a_range_is_told_by_the_rows_of_that_day(
    checked: Checked,
) -> None:
    checked.views(*(viewed(f"v{n}", day(8)) for n in range(4)), viewed("v", day(9)))
    checked.holds(REJECTED_DAILY_VIEWS, views_refused(day(9), 1))
    said = checked.results(DAILY_VIDEO_VIEWS, days(8, 9))["few_rejected_rows"]
    assert value(said, "problem").endswith("too many source rows were rejected (1 of 2)")
    assert value(said, "checked_rows") == 6


def test_zeros_before_the_upload_are_not_reported(checked: Checked) -> None:
    checked.views(viewed("v", day(8)))
    checked.holds(REJECTED_DAILY_VIEWS, views_refused(day(8), 50, "before_upload"))
    assert failing_of_days(checked, days(8)) == []


def test_rows_that_add_up_count_each_in_the_share_of_refusals(checked: Checked) -> None:
    checked.views(viewed("v", day(8)))
    checked.holds(REJECTED_DAILY_VIEWS, views_refused(day(8), 2))
    checked.newest_write = WrittenRows(days(8), {"source_rows": 100, "rejected_rows": 2})
    said = checked.results(DAILY_VIDEO_VIEWS, days(8))["few_rejected_rows"]
    assert value(said, "share") == 0.02
    assert said.passed


@pytest.mark.parametrize(("conflicts", "passed"), [(5, True), (6, False)])
def test_many_conflicts_are_reported(checked: Checked, conflicts: int, passed: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    checked.views(viewed("v", day(8)))
    counts = {"source_rows": 100, "conflicts": conflicts}
    checked.newest_write = WrittenRows(days(8), counts)
    said = checked.results(DAILY_VIDEO_VIEWS, days(8))["few_conflicts"]
    assert said.passed is passed
    assert value(said, "conflicts") == conflicts


def test_days_of_large_corrections_are_reported(checked: Checked) -> None:
    checked.views(
        *(viewed("v", day(8), 100), viewed("w", day(8), -10)),
        *(viewed("v", day(9), 100), viewed("w", day(9), -8), viewed("x", day(9), -3)),
        viewed("v", day(10), -1),
    )
    name = "few_views_taken_back"
    assert checked.results(DAILY_VIDEO_VIEWS, days(8))[name].passed
    said = checked.results(DAILY_VIDEO_VIEWS)[name]
    assert [(r["date"], r["negativeRows"], r["negativeViews"]) for r in sample_of(said)] == [
        ("2025-01-09", 2, -11),
        ("2025-01-10", 1, -1),
    ]
    checked.tolerate(max_correction_share=0.11)
    assert value(checked.results(DAILY_VIDEO_VIEWS)[name], "days") == "2025-01-10"


def test_lost_counters_are_reported_with_their_days(checked: Checked) -> None:
    lost = {**viewed("v", day(8), None), "reportedCount": 0}
    checked.views(lost, {**viewed("w", day(8), None), "reportedCount": 9})
    assert "no_lost_counters" not in checked.results(DAILY_VIDEO_VIEWS)
    with_settings(checked, view_count_kind="cumulative")
    said = checked.results(DAILY_VIDEO_VIEWS, days(8))["no_lost_counters"]
    assert [(row["video_id"], row["date"]) for row in sample_of(said)] == [("v", "2025-01-08")]


def test_a_day_is_compared_with_the_same_weekday_of_the_weeks_before(checked: Checked) -> None:
    """Saturdays have ten rows, other days one."""
    numbers = range(1, 32)
    rows = [
        viewed(f"v{n}", day(number))
        for number in numbers
        for n in range(10 if day(number).isoweekday() == 6 else 1)
    ]
    checked.views(*rows)
    saturday = next(n for n in numbers if n > 22 and day(n).isoweekday() == 6)
    assert failing_of_days(checked, days(saturday)) == []
    checked.views(*(viewed(f"v{n}", day(saturday)) for n in range(4)))
    said = checked.results(DAILY_VIDEO_VIEWS, days(saturday))["usual_row_count"]
    assert [(row["rows"], row["usual"]) for row in sample_of(said)] == [(4, 10)]


def test_a_channel_that_grows_has_no_unusual_days(checked: Checked) -> None:
    rows = [viewed(f"v{n}", day(number)) for number in range(1, 32) for n in range(8 + number)]
    checked.views(*rows)
    assert failing_of_days(checked, days(1, 31)) == []


def test_without_weeks_the_days_before_tell_what_is_usual(checked: Checked) -> None:
    checked.views(*(viewed(f"v{n}", day(number)) for number in (1, 2, 3) for n in range(4)))
    checked.views(viewed("v0", day(4)))
    assert failing_of_days(checked, days(4)) == ["usual_row_count"]
    assert failing_of_days(checked, days(3)) == []


def test_a_day_without_a_row_is_overdue_after_the_lag_of_its_sender(checked: Checked) -> None:
    checked.views(viewed("v", day(7)))
    checked.holds(DAILY_VIDEO_VIEWS, [], also=[day(8), day(9)])
    said = checked.results(DAILY_VIDEO_VIEWS)["delivered_in_time"]
    assert value(said, "days") == "2025-01-08, 2025-01-09"
    assert sample_of(said) == [{"due_day": "2025-01-09", "newest_day_with_rows": "2025-01-07"}]
    with_settings(checked, daily_views_delivery_lag=3)
    assert checked.results(DAILY_VIDEO_VIEWS)["delivered_in_time"].passed
    assert "delivered_in_time" not in checked.results(DAILY_VIDEO_VIEWS, days(2))


def test_months_that_are_not_marked_as_the_settings_say_are_reported(checked: Checked) -> None:
    checked.views(viewed("v", day(20)))
    checked.months(month("v", JANUARY, 1))
    name = "definition_changes_are_marked"
    assert checked.results(MONTHLY_VIEWS)[name].passed
    with_settings(checked, view_definition_changes=PLAIN_CHANGES)
    assert not checked.results(MONTHLY_VIEWS)[name].passed
    marks = {"viewDefinitionSince": date(2025, 1, 15), "spansDefinitionChange": True}
    checked.months({**month("v", JANUARY, 1), **marks})
    assert checked.results(MONTHLY_VIEWS)[name].passed


@pytest.mark.parametrize(
    ("changed", "concerned"),
    [
        (date(2024, 12, 31), ["2025-01-01"]),
        (date(2025, 1, 1), ["2025-01-01"]),
        (date(2025, 1, 31), ["2025-01-01", "2025-02-01"]),
        (date(2025, 2, 1), ["2025-02-01"]),
        (date(2025, 3, 1), []),
        (date(2024, 12, 1), []),
    ],
)
def test_months_on_both_sides_of_a_change_are_not_comparable(
    checked: Checked, changed: date, concerned: list[str]
) -> None:
    checked.months(month("v", JANUARY, 1), month("v", FEBRUARY, 1))
    with_settings(checked, view_definition_changes={changed: "each start counts"})
    said = checked.results(MONTHLY_VIEWS, BOTH)["comparable_with_the_month_before"]
    assert [row["month"] for row in sample_of(said)] == concerned if concerned else said.passed


def drift(checked: Checked, run: DayRange | None = None) -> list[tuple[object, ...]]:
    said = checked.results(LIFETIME_SNAPSHOTS, run)["agrees_with_daily_views"]
    if said.passed:
        return []
    shown = ("video_id", "since", "expected", "sumOfDays", "negativeDays", "unknownDays")
    return [tuple(row[name] for name in shown) for row in sample_of(said)]


def test_days_that_sum_up_to_the_lifetime_views_pass(checked: Checked) -> None:
    checked.views(*(viewed("v", day(n), 1000) for n in range(1, 9)))
    checked.snapshots(snapshot("v", day(9), 8050))
    assert drift(checked) == []


def test_a_video_whose_days_lack_views_is_named_with_what_explains_it(checked: Checked) -> None:
    checked.views(
        *(viewed("v", day(n), 1000) for n in range(1, 5)),
        viewed("v", day(5), -200),
        viewed("v", day(6), None),
        viewed("v", day(9), 7),
        viewed("w", day(1), 5),
    )
    checked.snapshots(snapshot("v", day(9), 9000), snapshot("w", day(9), 80))
    assert drift(checked) == [("v", "2025-01-01", 9000, 3800, 1, 1)]
    checked.tolerate(max_lifetime_drift=0.6)
    assert drift(checked) == []


def test_days_that_begin_late_are_compared_since_the_first_snapshot(checked: Checked) -> None:
    old = {"created_date": date(2020, 1, 1)}
    checked.views(*({**viewed("v", day(n), 1000), **old} for n in range(3, 9)))
    checked.snapshots(snapshot("v", day(5), 50_000), snapshot("v", day(9), 54_000))
    assert drift(checked) == []
    checked.snapshots(snapshot("v", day(9), 60_000))
    assert drift(checked) == [("v", "2025-01-05", 10_000, 4000, 0, 0)]


def test_a_snapshot_whose_days_are_not_there_yet_is_not_compared(checked: Checked) -> None:
    checked.views(viewed("v", day(1), 1000))
    checked.snapshots(snapshot("v", day(9), 90_000))
    assert drift(checked) == []
