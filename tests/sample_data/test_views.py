"""Daily views of a sample: fading counts, gaps, and contradicting rows."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.samples import Sample, make_sample

Row = dict[str, Any]
Days = dict[str, dict[date, list[int]]]


def reason(row: Row) -> str | None:
    """Why the specification refuses a row, if it does."""
    if not row["video_id"]:
        return "missing_video"
    if row["date"] is None:
        return "missing_date"
    if row["viewCount"] is None:
        return "missing_count"
    if row["viewCount"] < 0:
        return "negative_count"
    is_early = row["date"] < row["created_date"]
    return "before_upload" if is_early and row["viewCount"] == 0 else None


def by_day(rows: list[Row]) -> Days:
    """The valid counts by video and day, in order of delivery."""
    days: Days = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if reason(row) is None:
            days[row["video_id"]][row["date"]].append(row["viewCount"])
    return days


@pytest.fixture(scope="module")
def rows(sample: Sample) -> list[Row]:
    return sample.views.to_pylist()


@pytest.fixture(scope="module")
def days(rows: list[Row]) -> Days:
    return by_day(rows)


@pytest.fixture(scope="module")
def created(rows: list[Row]) -> dict[str, date]:
    return {row["video_id"]: row["created_date"] for row in rows if reason(row) is None}


def test_a_file_holds_a_month(sample: Sample) -> None:
    names = sorted(path.name for path in (sample.folder / "daily_views").iterdir())
    assert names == [f"daily-views-2025-{month:02d}.parquet" for month in (1, 2, 3, 4)]


def test_views_cover_the_days_asked_for(days: Days) -> None:
    seen = {day for counts in days.values() for day in counts}
    assert (min(seen), max(seen)) == (date(2025, 1, 1), date(2025, 4, 30))


def test_the_summary_counts_what_the_rules_find(
    sample: Sample, rows: list[Row], days: Days
) -> None:
    views = sample.summary.views
    counts = [c for video in days.values() for c in video.values()]
    assert views.rows == len(rows)
    assert views.distinct == len(counts)
    assert views.duplicates == sum(len(c) - 1 for c in counts)
    assert views.rejected == Counter(why for row in rows if (why := reason(row)))
    assert views.total_views == sum(c[-1] for c in counts)
    assert views.videos == len(days)


def test_the_summary_counts_the_missing_days(
    sample: Sample, days: Days, created: dict[str, date]
) -> None:
    newest = max(max(counts) for counts in days.values())
    missing = sum(
        (newest - created[video]).days + 1 - len(counts) for video, counts in days.items()
    )
    assert sample.summary.views.missing_days == missing > 0


def test_every_kind_of_bad_row_is_there(sample: Sample) -> None:
    assert set(sample.summary.views.rejected) == {
        "missing_video",
        "missing_date",
        "missing_count",
        "before_upload",
    }


def test_some_days_come_twice_with_the_same_count_and_some_with_another(
    sample: Sample, days: Days
) -> None:
    several = [c for video in days.values() for c in video.values() if len(c) > 1]
    conflicts = sum(len(set(counts)) > 1 for counts in several)
    assert 0 < conflicts < len(several)
    assert conflicts == sample.summary.views.conflicts


def test_days_are_missing_one_by_one_and_in_runs(days: Days, created: dict[str, date]) -> None:
    lengths = Counter[int]()
    for video, counts in days.items():
        present = sorted(counts)
        lengths.update(
            (b - a).days - 1 for a, b in zip([created[video], *present], present, strict=False)
        )
    assert lengths[1] > 10
    assert any(length >= 3 for length in lengths)


def test_videos_are_uploaded_all_over_the_range(created: dict[str, date]) -> None:
    uploads = set(created.values())
    assert min(uploads) == date(2025, 1, 1)
    assert max(uploads) > date(2025, 4, 20)


def test_some_counts_exceed_32_bits_and_one_exceeds_a_double(days: Days) -> None:
    counts = [max(c) for video in days.values() for c in video.values()]
    assert sum(count > 2**31 for count in counts) >= 3
    assert sum(count > 2**53 for count in counts) == 1


def test_views_fade(days: Days, created: dict[str, date]) -> None:
    def total(ages: range) -> int:
        return sum(
            max(counts)
            for video, by_date in days.items()
            if video != "video_001"
            for age in ages
            if (counts := by_date.get(created[video] + timedelta(days=age)))
        )

    assert total(range(7)) > 2 * total(range(30, 37)) > 0


def test_weekends_have_more_views_than_the_start_of_the_week(days: Days) -> None:
    weekdays = Counter[int]()
    for video, by_date in days.items():
        for day, counts in by_date.items():
            if video != "video_001" and len(counts) == 1:
                weekdays[day.weekday()] += 1 if counts[0] > _average(by_date, day) else -1
    assert weekdays[5] > weekdays[0]


def _average(by_date: dict[date, list[int]], day: date) -> float:
    """Mean of the days around a day."""
    near = [by_date.get(day + timedelta(days=i)) for i in range(-3, 4)]
    counts = [max(c) for c in near if c]
    return sum(counts) / len(counts)


def test_a_cumulative_sample_has_counters_that_hardly_ever_fall(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, events=100, days=1, cumulative=True)
    falls = steps = 0
    for by_date in by_day(sample.views.to_pylist()).values():
        counters = [counts[0] for _, counts in sorted(by_date.items())]
        falls += sum(b < a for a, b in pairwise(counters))
        steps += len(counters) - 1
    assert 0 < falls < 0.01 * steps
    assert sample.summary.views.total_views is None


def test_views_may_start_within_a_month(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, events=100, days=1, first_day="2024-02-20", view_days=15)
    assert sorted(path.name for path in (tmp_path / "daily_views").iterdir()) == [
        "daily-views-2024-02.parquet",
        "daily-views-2024-03.parquet",
    ]
    assert sample.summary.views.distinct > 0


def test_one_video_and_one_day_suffice(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, events=100, days=1, channel_videos=1, view_days=1)
    assert sample.views["viewCount"].to_pylist() == [2**53 + 1]


def test_a_sample_of_ordinary_counts_has_none_that_a_double_cannot_hold(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, events=100, days=1, ordinary_counts=True)
    assert max(count for count in sample.views["viewCount"].to_pylist() if count) < 2**40
