"""All transactions of a log in one pass, as delta-rs tells each of them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from support.tables import day, delta, frame, views

from resources.delta.commit import REPLACED, UNFINISHED, commit
from resources.delta.schema_check import Days
from resources.delta.stage import stage_frame
from resources.delta.transactions import transactions
from resources.delta.warehouse import Warehouse
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS

POINTER = "_delta_log/_last_checkpoint"


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> DeltaTable:
    """Five days, a checkpoint, two of them again: 3 and 4 are unfinished, 2 is no longer."""
    write(spark, tmp_path, range(1, 6), unfinished=(2, 3))
    delta(str(tmp_path)).create_checkpoint()
    write(spark, tmp_path, (2, 4), unfinished=(4,))
    return delta(str(tmp_path))


def write(
    spark: SparkSession, folder: Path, days: Sequence[int], unfinished: Sequence[int]
) -> None:
    rows = frame(spark, views("a", *days))
    staged = stage_frame(rows, str(folder), DAILY_VIDEO_VIEWS, Days(map(day, days)))
    commit(staged.marked(Days(map(day, unfinished))))


def location(folder: Path) -> str:
    return Warehouse(str(folder)).location(DAILY_VIDEO_VIEWS)


def unfinished(folder: Path) -> set[str]:
    return {str(found) for found in Warehouse(str(folder)).unfinished_days(DAILY_VIDEO_VIEWS)}


def test_each_has_the_number_that_delta_rs_says(table: DeltaTable, tmp_path: Path) -> None:
    noted = transactions(location(tmp_path), table) or {}
    names = [f"{kind}{day(n)}" for kind in (REPLACED, UNFINISHED) for n in range(1, 6)]
    said = {name: table.transaction_version(name) for name in names}
    assert noted == {name: number for name, number in said.items() if number is not None}


def test_a_version_before_the_checkpoint_is_left_to_delta_rs(
    table: DeltaTable, tmp_path: Path
) -> None:
    table.load_as_version(0)
    assert transactions(location(tmp_path), table) is None


@pytest.mark.usefixtures("table")
def test_days_are_unfinished_until_a_commit_does_not_say_so(tmp_path: Path) -> None:
    assert unfinished(tmp_path) == {"2025-01-03", "2025-01-04"}


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("more", [{"parts": 2}, {"v2Checkpoint": {"path": "other"}}])
def test_days_are_unfinished_by_any_kind_of_checkpoint(
    tmp_path: Path, more: dict[str, object]
) -> None:
    pointer = Path(location(tmp_path)) / POINTER
    known = transactions(location(tmp_path), delta(str(tmp_path)))
    pointer.write_text(json.dumps({**json.loads(pointer.read_text()), **more}))
    assert known
    assert transactions(location(tmp_path), delta(str(tmp_path))) is None
    assert unfinished(tmp_path) == {"2025-01-03", "2025-01-04"}
