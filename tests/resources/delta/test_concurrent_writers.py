from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import pytest
from support.tables import day, delta, stored
from support.writers import die_between_the_phases, stage_views, write_again_and_again

from resources.delta.commit import commit

# Processes that do not import everything themselves, and share nothing with this one.
APART = get_context("forkserver")
APART.set_forkserver_preload(["resources.delta.commit"])

pytestmark = pytest.mark.processes


def run_at_once(*tasks: tuple[object, ...]) -> None:
    processes = [APART.Process(target=write_again_and_again, args=task) for task in tasks]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(tasks)


def videos_by_day(warehouse: str) -> Counter[tuple[str, int]]:
    return Counter((row["video_id"], row["date"].day) for row in stored(delta(warehouse)))


def test_writers_of_different_days_all_land(tmp_path: Path) -> None:
    warehouse = str(tmp_path)
    run_at_once(*((warehouse, video, [n], 4) for n, video in enumerate("abc", start=1)))
    assert videos_by_day(warehouse) == {("a", 1): 1, ("b", 2): 1, ("c", 3): 1}


def test_writers_of_the_same_day_never_double_its_rows(tmp_path: Path) -> None:
    warehouse = str(tmp_path)
    run_at_once(*((warehouse, video, [1, 2], 4) for video in "abc"))
    rows = videos_by_day(warehouse)
    assert sorted(number for _, number in rows.elements()) == [1, 2]
    assert len({video for video, _ in rows}) == 1


def test_a_writer_killed_between_the_phases_leaves_the_old_rows_and_the_next_run_is_right(
    tmp_path: Path,
) -> None:
    warehouse = str(tmp_path)
    commit(stage_views(warehouse, "old", 1))
    victim = APART.Process(target=die_between_the_phases, args=(warehouse, "lost", 1))
    victim.start()
    victim.join()
    assert victim.exitcode == -9
    assert len(list(tmp_path.rglob(f"date={day(1)}/*.parquet"))) == 2
    assert videos_by_day(warehouse) == {("old", 1): 1}
    commit(stage_views(warehouse, "new", 1))
    assert videos_by_day(warehouse) == {("new", 1): 1}
