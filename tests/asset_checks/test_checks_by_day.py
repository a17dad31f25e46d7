"""A run over many days says of each of them whether it is good; real runs, real tables."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from support.alert_desk import Desk
from support.checks import Checked, event, events
from support.platform import Platform
from support.tables import day

from asset_checks.by_partition import DAYS_OF_A_LONG_RUN
from video_assets.catalog import asset_key
from video_assets.player_events.tables import RAW_EVENTS

GOOD = [*events(1, 3), *events(2, 3), *events(3, 3)]
# An event of the second day with the time of the fourth.
BAD = [*events(1, 3), event(2, timestamp=event(4)["timestamp"]), *events(3, 3)]
CHECK = "events_on_their_day"


@pytest.fixture
def platform(checked: Checked) -> Iterator[Platform]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(checked, instance)


def status(platform: Platform, name: str = CHECK) -> dict[str, str]:
    """What the page of the asset shows of each day, without those that have no verdict."""
    key = dg.AssetCheckKey(asset_key(RAW_EVENTS), name)
    state = platform.instance.event_log_storage.get_asset_check_state([(key, platform.daily)])[key]
    return {
        partition: status.name
        for status, days in state.subsets.items()
        for partition in days.subset_value.get_partition_keys()
    }


def shown(platform: Platform, on: date, name: str = CHECK) -> dict[str, object]:
    """The metadata of the newest verdict on a day."""
    key = dg.AssetCheckKey(asset_key(RAW_EVENTS), name)
    records = platform.instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    [newest, *_] = [one.evaluation for one in records if one.partition == str(on)]
    assert newest is not None
    return {name: entry.value for name, entry in newest.metadata.items()}


def rows_shown(metadata: dict[str, object]) -> list[dg.TableRecord]:
    sample = metadata["sample"]
    assert isinstance(sample, dg.TableMetadataValue)
    return list(sample.records)


def days_named(*numbers: int, status: str = "SUCCEEDED") -> dict[str, str]:
    return {str(day(number)): status for number in numbers}


def test_a_range_has_a_verdict_for_each_day_and_a_bad_one_blocks_the_run(
    platform: Platform,
) -> None:
    run = platform.run_events(BAD, day(1), day(3))
    assert not run.success
    assert status(platform) == days_named(1, 3) | days_named(2, status="FAILED")
    assert shown(platform, day(3)) == {
        "rows": 0,
        "checked_rows": 3,
        "checked": "2025-01-03",
        "told_with": "2025-01-01 to 2025-01-03",
    }
    bad = shown(platform, day(2))
    assert bad["problem"] == (
        "raw_events: events lie on another day than that of their timestamp (1 of 1)"
    )
    assert [row.data["eventDate"] for row in rows_shown(bad)] == ["2025-01-02"]


def test_a_later_good_day_hides_no_bad_one_and_a_mended_day_is_good_again(
    platform: Platform,
) -> None:
    platform.run_events(BAD, day(1), day(3))
    assert platform.run_events(events(4, 3), day(4)).success
    assert status(platform)[str(day(2))] == "FAILED"
    assert platform.run_events(events(2, 3), day(2)).success
    assert status(platform) == days_named(1, 2, 3, 4)


def test_an_alert_of_a_range_names_the_bad_day_once_and_its_end(
    checked: Checked, tmp_path: Path
) -> None:
    (tmp_path / "dagster").mkdir()
    desk = Desk(tmp_path)
    platform = Platform(checked, desk.instance)
    with desk.up(), desk.closing:
        platform.run_events(BAD, day(1), day(3))
        desk.tick()
        platform.run_events(events(1, 3), day(1))
        desk.tick()
        platform.run_events(events(2, 3), day(2))
        desk.tick()
    told = sorted(
        (row["raisedAt"], row["state"], row["partitions"])
        for row in desk.rows
        if row["checkName"] == CHECK
    )
    assert [tuple(row) for _, *row in told] == [
        ("failed", ["2025-01-02"]),
        ("recovered", ["2025-01-02"]),
    ]


def test_days_of_a_long_range_are_shown_where_they_fail_failed_before_or_are_the_newest(
    platform: Platform,
) -> None:
    last = DAYS_OF_A_LONG_RUN + 5
    good = [row for number in range(1, last + 1) for row in events(number, 1)]
    wrong = event(3, timestamp=event(4)["timestamp"])
    platform.run_events([event(2, timestamp=event(4)["timestamp"])], day(2))
    platform.run_events([*good, wrong], day(1), day(last))
    newest = range(6, last + 1)
    expected = days_named(2, *newest) | days_named(3, status="FAILED")
    found = status(platform)
    assert {key: found[key] for key in expected} == expected
    # Dagster planned them, and is told of no verdict.
    assert {found[str(day(number))] for number in (1, 4, 5)} == {"EXECUTION_FAILED"}


def test_checks_of_the_whole_table_find_bad_days_and_clear_mended_ones(
    platform: Platform,
) -> None:
    platform.run_events(BAD, day(1), day(3))
    platform.checked.raw(*GOOD[3:6], event(3, timestamp=event(4)["timestamp"]))
    platform.check_alone(CHECK)
    assert status(platform) == days_named(1, 2) | days_named(3, status="FAILED")


@pytest.mark.parametrize(
    ("name", "rows", "failing"),
    [
        ("few_rejected_rows", [*events(1, 90), *events(2, 9), *events(3, 90)], [2]),
        ("usual_row_count", [*events(1, 9), *events(2, 9), *events(3, 9), *events(4, 1)], [4]),
    ],
    ids=["a share", "a count"],
)
def test_a_day_fails_that_the_sum_of_the_range_would_hide(
    platform: Platform, name: str, rows: Sequence[dict[str, object]], failing: Sequence[int]
) -> None:
    platform.checked.rejected(
        {"reason": "x", "rowText": "", "source": "s", "sourceRow": 1, "eventDate": day(2)}
    )
    run = platform.run_events(rows, day(1), day(4))
    assert run.success
    found = status(platform, name)
    assert [key for key, verdict in found.items() if verdict == "FAILED"] == [
        str(day(number)) for number in failing
    ]
