"""Any way to cut a range of days into runs leaves the same views, of either kind of count."""

import logging
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.source_files import deliver, write
from support.view_oracle import Expected, expect
from support.views import numbered, restless_views, wanted
from support.world import MISSING, MONTHS, VIEWS, Row, months_of, world

from video_assets.daily_views import stage_views as daily_video_views
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.sizes import Portion

KINDS: Mapping[str, Mapping[str, Any]] = {
    "daily": {"view_count_kind": "daily"},
    "sums": {"view_count_kind": "daily", "daily_views_combine": "sum"},
    "cumulative": {"view_count_kind": "cumulative"},
}
LOOKBACK = 3
COUNTED = (
    "duplicates",
    "conflicts",
    "valid_rows",
    "negative_days",
    "lost_counters",
    "rows_without_known_views",
)
DAYS = tuple(date(2025, 3, 27) + timedelta(days=n) for n in range(8))
FIRST, LAST = DAYS[0], DAYS[-1]
SHUFFLED = random.Random(5).sample(DAYS, len(DAYS))  # noqa: S311 (an order is no secret)

Plan = Sequence[tuple[date, ...]]

PLANS: Mapping[str, Plan] = {
    "whole range": [(FIRST, LAST)],
    "day by day": [(day,) for day in DAYS],
    "days in any order": [(day,) for day in SHUFFLED],
    "days twice": [(day,) for day in (*SHUFFLED, *DAYS)],
    "ranges and days mixed": [(DAYS[6], LAST), (DAYS[4],), (FIRST, DAYS[4]), (DAYS[3], DAYS[5])],
}
BY_DAGSTER = ("ranges and days mixed", "cumulative")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Rows of more days than those that are run, on both sides, with the numbers of their files."""
    return numbered(restless_views(1, FIRST - timedelta(days=8), len(DAYS) + 12))


def expect_of(kind: str, rows: Sequence[Row]) -> Expected:
    count_kind = KINDS[kind]["view_count_kind"]
    combine = KINDS[kind].get("daily_views_combine", "auto")
    return expect(rows, FIRST, LAST, count_kind, LOOKBACK, combine=combine)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PLANS)
def test_any_way_to_run_the_days_gives_the_same_tables(
    name: str, kind: str, rows: list[Row], tmp_path: Path
) -> None:
    expected = expect_of(kind, rows)
    settings = {**KINDS[kind], "cumulative_lookback": LOOKBACK, "start_date": FIRST}
    source = deliver(tmp_path / "source", rows)
    with world(tmp_path / "warehouse", daily_views=source, **settings) as views:
        fill = views.run if (name, kind) == BY_DAGSTER else views.compute
        for days in PLANS[name]:
            fill(*days, tables=VIEWS)
        fill(*months_of(FIRST, LAST), tables=MONTHS)
        fill(tables=MISSING)
        assert views.view_results() == wanted(expected)


def lines_of_each_day(folder: Path, rows: Sequence[Row]) -> tuple[str, list[Row]]:
    """Files of lines with the rows of a day each; and the rows with the numbers of these files."""
    days = sorted({str(row["date"]) for row in rows})
    by_day: dict[int, list[Row]] = {number: [] for number in range(len(days))}
    for row in rows:
        by_day[days.index(str(row["date"]))].append(row)
    for number, of_day in by_day.items():
        write(folder / f"{number:02d}.json", of_day)
    return str(folder), [{**row, "file": n} for n, of_day in by_day.items() for row in of_day]


@pytest.fixture
def _a_day_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily_video_views, "VIEWS_AT_ONCE", Portion(1, 1))


@pytest.mark.usefixtures("_a_day_at_once")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("delivered", ["Parquet", "lines"])
def test_a_range_in_chunks_of_days_gives_the_same_tables_and_counts(
    delivered: str, kind: str, rows: list[Row], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = deliver(tmp_path / "source", rows)
    if delivered == "lines":
        source, rows = lines_of_each_day(tmp_path / "lines", rows)
    expected = expect_of(kind, rows)
    settings = {**KINDS[kind], "cumulative_lookback": LOOKBACK, "start_date": FIRST}
    with world(tmp_path / "warehouse", daily_views=source, **settings) as views:
        staged = views.compute(FIRST, LAST, tables=VIEWS)
        assert f"chunk 8 of {len(DAYS)}: {LAST}" in caplog.text
        views.compute(*months_of(FIRST, LAST), tables=MONTHS)
        views.compute(tables=MISSING)
        assert views.view_results() == wanted(expected)
    counters = staged[DAILY_VIDEO_VIEWS.name].counters
    rejected_rows = staged[REJECTED_DAILY_VIEWS.name].rows
    assert {name: counters[name] for name in COUNTED} | {"rejected_rows": rejected_rows} == {
        "duplicates": expected.duplicates,
        "conflicts": expected.conflicts,
        "valid_rows": expected.used,
        "negative_days": expected.negative,
        "lost_counters": expected.lost,
        "rows_without_known_views": expected.unknown,
        "rejected_rows": len(expected.rejected),
    }


def test_the_rows_of_the_law_have_every_defect(rows: list[Row]) -> None:
    found = expect(rows, FIRST, LAST, "cumulative", LOOKBACK)
    assert min(found.duplicates, found.conflicts, found.negative, found.lost) > 0
    assert found.unknown > found.lost
    assert found.duplicates > found.conflicts
    assert len(found.reasons) == 5
    sums = expect_of("sums", rows)
    assert sums.used > len(sums.daily)
    assert min(sums.duplicates, sums.conflicts, sums.negative) > 0
    assert expect(rows, FIRST, LAST, "cumulative", 35).daily != found.daily
    assert any(row["reportedCount"] > 2**53 for row in found.daily)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_a_day_gives_the_same_tables_where_days_have_none(
    kind: str, rows: list[Row], tmp_path: Path
) -> None:
    """A running total looks back over days without a file; only days of a run need one."""
    absent = {DAYS[3], DAYS[4], FIRST - timedelta(days=1)}
    delivered = [row for row in rows if row["date"] is not None and row["date"] not in absent]
    by_day = defaultdict(list)
    for row in delivered:
        by_day[row["date"]].append(row)
    for day, rows_of_day in by_day.items():
        write(tmp_path / "source" / f"{day:%Y/%m/%d}.csv.gz", rows_of_day)
    settings = {**KINDS[kind], "cumulative_lookback": LOOKBACK, "start_date": FIRST}
    source = str(tmp_path / "source" / "{date:%Y/%m/%d}.csv.gz")
    delivered = [{**row, "file": 0} for row in delivered]
    expected = wanted(expect_of(kind, delivered))
    days = [day for day in SHUFFLED if day not in absent]
    for name, plan in (
        ("days", [(day,) for day in days]),
        ("ranges", [(DAYS[5], LAST), (FIRST, DAYS[2])]),
    ):
        with world(tmp_path / name, daily_views=source, **settings) as views:
            for run in plan:
                views.compute(*run, tables=VIEWS)
            views.compute(*months_of(FIRST, LAST), tables=MONTHS)
            views.compute(tables=MISSING)
            assert views.view_results() == expected


def test_a_day_whose_rows_are_gone_is_empty_after_it_ran_again(tmp_path: Path) -> None:
    day, other = DAYS[1], DAYS[2]
    rows = restless_views(2, FIRST, 5)
    kept = [row for row in rows if row["date"] not in (None, day)]
    with world(tmp_path / "warehouse", daily_views=str(tmp_path / "source")) as views:
        deliver(tmp_path / "source", rows)
        views.compute(FIRST, FIRST + timedelta(days=4), tables=VIEWS)
        deliver(tmp_path / "source", kept)
        views.compute(day, tables=VIEWS)
        views.compute(other, tables=VIEWS)
        views.compute(*months_of(FIRST, LAST), tables=MONTHS)
        views.compute(tables=MISSING)
        expected = expect(kept, FIRST, FIRST + timedelta(days=4))
        assert views.view_results() == wanted(expected)
