"""Tables that one read fills, where a run names one of them alone."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.samples import Sample
from support.world import world

from resources.delta.table import Table
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    REJECTED_DAILY_VIEWS,
)
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS


def of_sample(sample: Sample) -> dict[str, Any]:
    folder = sample.folder
    return {
        "start_date": sample.summary.spec.first_day,
        "events": str(folder / "events"),
        "daily_views": str(folder / "daily_views"),
    }


@pytest.mark.parametrize(
    ("selected", "sibling"),
    [
        (RAW_EVENTS, REJECTED_EVENTS),
        (REJECTED_EVENTS, RAW_EVENTS),
        (DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS),
    ],
)
def test_a_table_selected_alone_is_written_together_with_the_other_of_its_read(
    tmp_path: Path, sample: Sample, selected: Table, sibling: Table
) -> None:
    first = sample.summary.spec.first_day
    last = first + timedelta(days=1)
    with world(tmp_path / "together", **of_sample(sample)) as together:
        together.run(first, last, tables=[selected, sibling])
        with world(tmp_path / "alone", **of_sample(sample)) as alone:
            run = alone.run(first, last, tables=[selected])
            for table in (selected, sibling):
                assert alone.rows(table) == together.rows(table)
                assert set(run.row_count_by_partition(table)) == {str(first), str(last)}


def test_the_missing_days_selected_as_rows_are_written_as_arrays_too(
    tmp_path: Path, sample: Sample
) -> None:
    first = sample.summary.spec.first_day
    with world(tmp_path / "warehouse", **of_sample(sample)) as views:
        for day in (first, first + timedelta(days=2)):
            views.compute(day, tables=[DAILY_VIDEO_VIEWS])
        run = views.run(tables=[MISSING_DATE])
        missing = sum(len(row["missing_dates"]) for row in views.rows(MISSING_DATES))
        assert len(views.rows(MISSING_DATE)) == missing > 0
        assert run.counted(MISSING_DATES, "rows_written") == len(views.rows(MISSING_DATES))


def test_the_log_says_in_a_line_what_was_written_of_each_table(
    tmp_path: Path, sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    first = sample.summary.spec.first_day
    with world(tmp_path / "warehouse", **of_sample(sample)) as events:
        events.run(first, tables=[RAW_EVENTS, REJECTED_EVENTS])
        rows = len(events.rows(RAW_EVENTS))
    lines = [line for line in capsys.readouterr().err.splitlines() if " written" in line]
    assert [line for line in lines if f"raw_events: {rows:,} rows of {first} written" in line]
    assert [line for line in lines if "rejected_events: " in line and "missing_" in line]
