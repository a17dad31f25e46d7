"""Late, split, repeated, corrected and vanished files, day by day, with crashes on the way."""

from datetime import date
from pathlib import Path
from random import Random

import dagster as dg
import pytest
from support.late_deliveries import Sender
from support.late_platform import Platform, crashing, plainly
from support.world import World

from video_assets.days import DayRange
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS

DAYS, CRASHES = 8, 3
FIRST = date(2025, 1, 1)
# Each day that truly changed is computed once, and some again because a run was killed.
MOST_RUNS = 1.3


@pytest.mark.parametrize("seed", [1, 2])
def test_late_days_end_as_one_clean_run_over_everything_and_few_are_computed_twice(
    seed: int, tmp_path: Path
) -> None:
    chance = Random(seed)  # noqa: S311 (a plan, no secret)
    sender = Sender(tmp_path / "in", FIRST, DAYS, chance)
    runs = set(chance.sample(range(2, 12), CRASHES))

    def compute(world: World, run: DayRange) -> None:
        numbers.append(len(numbers))
        if numbers[-1] in runs:
            crashing(world, run, after=chance.randint(0, 3))
        else:
            plainly(world, run)

    numbers: list[int] = []
    with dg.DagsterInstance.ephemeral() as instance:
        settings = {"events": str(sender.folder), "start_date": FIRST, "video_metadata": None}
        settings |= {"daily_views": str(tmp_path / "none")}
        platform = Platform(World(tmp_path / "late", instance, **settings), instance, compute)
        platform.live(sender)
        platform.require_one_fate_a_row(sender.rows_by_file())
        platform.repair_vanished()
        assert not platform.pending()
        platform.require_one_fate_a_row(sender.rows_by_file())
        assert platform.day_runs <= MOST_RUNS * platform.truth.changes + CRASHES
        clean = World(tmp_path / "clean", instance, **settings)
        plainly(clean, DayRange(FIRST, sender.last))
        for table in (RAW_EVENTS, REJECTED_EVENTS):
            left_out = ("source", "sourceRow", "rowText")
            assert platform.world.rows(table, left_out) == clean.rows(table, left_out)
