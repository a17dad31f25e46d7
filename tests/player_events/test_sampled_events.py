"""Events that stand for several: an operator is told on which days, and of how many."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from support.source_files import EVENT, write
from support.tables import Row
from support.world import SORTED_OUT, UNDIVIDED, VIDEO_METADATA, World

DAYS = [date(2025, 1, day) for day in (1, 2, 3)]
CHECK = "no_sampled_events"


def event(day: int, second: int, **more: Any) -> Row:
    return {**EVENT, "timestamp": f"2025-01-0{day}T10:00:{second:02}Z", **more}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def said(
    folder: Path, instance: dg.DagsterInstance, rows: Sequence[Row], **settings: Any
) -> tuple[World, dg.AssetCheckEvaluation]:
    source = write(folder / "events.json", rows)
    world = World(folder / "tables", instance, events=str(source), start_date=DAYS[0], **settings)
    run = world.with_settings(video_metadata=None).run(DAYS[0], DAYS[-1], tables=SORTED_OUT)
    [found] = [c for c in run.result.get_asset_check_evaluations() if c.check_name == CHECK]
    return world, found


def test_days_with_sampled_events_are_named_with_their_number(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    rows = [
        event(1, 0, weight=1),
        event(2, 0, weight=4),
        event(2, 1, weight="2.5"),
        event(3, 0, weight=None),
        event(3, 1, weight="many"),
    ]
    mapped = {"events_columns": {"weight": "itemCount"}}
    world, found = said(tmp_path, instance, rows, **mapped)
    assert not found.passed
    assert (found.metadata["rows"].value, found.metadata["days"].value) == (2, "2025-01-02")
    world.with_settings(video_metadata=None).compute(tables=UNDIVIDED)
    assert world.rows(VIDEO_METADATA) == []


def test_what_nobody_mapped_is_no_count_of_events(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    _, found = said(tmp_path, instance, [event(2, 0, itemCount=9)])
    assert found.passed
