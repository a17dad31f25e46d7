from datetime import date
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from video_assets.sources.listing import FileFormat, Listing, SourceFile
from video_assets.sources.units import cut_into_units, gather_into_tasks

MEGABYTE = 1024 * 1024


FileSpec = tuple[int, FileFormat, bool]


def listing(*files: FileSpec) -> Listing:
    return Listing(
        tuple(
            SourceFile(f"/f{place}", size, format_, "gzip" if zipped else None, date(2025, 1, 1))
            for place, (size, format_, zipped) in enumerate(files)
        )
    )


def test_large_parquet_and_json_files_are_cut_at_byte_ranges() -> None:
    files: tuple[FileSpec, ...] = (
        (25, "parquet", False),
        (160, "json", False),
        (161, "json", False),
    )
    units = cut_into_units(listing(*files), unit_bytes=160)
    assert [(unit.file_index, unit.start, unit.end) for unit in units] == [
        (0, 0, 10),
        (0, 10, 20),
        (0, 20, 25),
        (1, 0, 160),
        *((2, start, min(start + 40, 161)) for start in range(0, 161, 40)),
    ]


def test_csv_and_gzip_stay_whole_and_an_empty_file_is_a_unit_too() -> None:
    units = cut_into_units(
        listing((100, "csv", False), (100, "json", True), (0, "csv", False)), unit_bytes=40
    )
    assert [(unit.start, unit.end) for unit in units] == [(0, 100), (0, 100), (0, 0)]


@given(st.lists(st.integers(0, 200 * MEGABYTE), min_size=1, max_size=30))
def test_tasks_hold_every_unit_once_in_order_and_only_few_that_are_not_small(
    sizes: list[int],
) -> None:
    units = cut_into_units(listing(*((size, "csv", False) for size in sizes)))
    tasks = gather_into_tasks(units)
    assert [unit for task in tasks for unit in task] == units
    assert all(task for task in tasks)
    target = max(MEGABYTE, min(64 * MEGABYTE, sum(sizes) // 16))
    weights = [sum(unit.weight for unit in task) for task in tasks]
    assert all(first + second > target for first, second in pairwise(weights))


def test_neighbouring_files_go_to_different_tasks_where_there_may_be_few() -> None:
    units = cut_into_units(listing(*[(64 * MEGABYTE, "csv", False)] * 5))
    tasks = gather_into_tasks(units, most=2)
    assert [[unit.file_index for unit in task] for task in tasks] == [[0, 2, 4], [1, 3]]


def test_the_units_that_are_alike_in_each_file_go_to_different_tasks() -> None:
    units = cut_into_units(listing(*[(128 * MEGABYTE, "parquet", False)] * 4), 64 * MEGABYTE)
    tasks = gather_into_tasks(units, most=2)
    first_ones = [sum(unit.start == 0 for unit in task) for task in tasks]
    assert first_ones == [2, 2]
