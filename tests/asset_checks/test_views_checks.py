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

from video_assets.daily_views.tables import MISSING_DATES, MONTHLY_VIEWS
from video_assets.days import DayRange
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS

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
    assert "every_known_video_answered" not in checked.failing(LIFETIME_SNAPSHOTS)


def test_a_day_without_any_answer_is_reported(checked: Checked) -> None:
    checked.views(viewed("v1", day(8)))
    checked.holds(LIFETIME_SNAPSHOTS, [], also=[day(9)])
    assert "every_known_video_answered" in checked.failing(LIFETIME_SNAPSHOTS, days(9))


def test_past_days_of_a_range_that_never_asked_lack_nothing(checked: Checked) -> None:
    checked.views(viewed("v1", day(2)))
    checked.snapshots(snapshot("v1", day(9), 10))
    assert "every_known_video_answered" not in checked.failing(LIFETIME_SNAPSHOTS, days(3, 9))


def test_without_any_snapshot_nobody_was_asked(checked: Checked) -> None:
    checked.views(viewed("v1", day(2)))
    assert "every_known_video_answered" not in checked.failing(LIFETIME_SNAPSHOTS)


def test_a_count_below_any_earlier_snapshot_is_reported(checked: Checked) -> None:
    checked.snapshots(
        snapshot("v1", day(2), 10),
        snapshot("v1", day(3), None),
        snapshot("v1", day(4), 9),
        snapshot("v2", day(4), 1),
    )
    assert "counts_never_fall" not in checked.failing(LIFETIME_SNAPSHOTS, days(2, 3))
    for run in (days(4), days(2, 4), None):
        said = checked.results(LIFETIME_SNAPSHOTS, run)["counts_never_fall"]
        assert value(said, "days") == "2025-01-04"
        assert [(r["video_id"], r["viewCount"], r["largestBefore"]) for r in sample_of(said)] == [
            ("v1", 9, 10)
        ]


def test_counts_that_stay_or_grow_pass(checked: Checked) -> None:
    checked.snapshots(*(snapshot("v1", day(n), count) for n, count in ((2, 10), (3, 10), (4, 11))))
    assert "counts_never_fall" not in checked.failing(LIFETIME_SNAPSHOTS)
