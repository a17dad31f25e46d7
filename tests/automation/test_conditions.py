"""What follows the daily run, on stand-ins with the real partitions, mappings and conditions."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from support.stand_ins import DAILY_STEPS, START, Behaviour, stand_ins
from tenacity import wait_none

from resources.runs import passing_faults
from video_assets.automation.schedules import daily_schedule

NOW = datetime(2025, 2, 1, 1, 0, 30, tzinfo=UTC)
DAY_BEFORE, YESTERDAY, TODAY = "2025-01-30", "2025-01-31", "2025-02-01"

NAMES = ("engagement", "days", "gaps", "months", "snapshots", "history")

# A change is over when one look found nothing new; what it leads to may change something itself.
LOOKS_UNTIL_REST = 3

Requested = list[tuple[str, str | None]]


class Platform:
    """Stand-ins on an instance, and what Dagster's daemon does with them."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.does = Behaviour()
        self.instance = instance
        schedule = daily_schedule(START, DAILY_STEPS)
        self.assets = stand_ins(self.does)
        self.definitions = dg.Definitions(
            assets=self.assets, schedules=[schedule], executor=dg.in_process_executor
        )
        self.cursor = None
        self.evaluate(NOW)

    def run_day(self, day: str = YESTERDAY) -> dg.ExecuteInProcessResult:
        job = self.definitions.resolve_job_def("daily")
        return job.execute_in_process(
            instance=self.instance, partition_key=day, raise_on_error=False
        )

    def evaluate(self, now: datetime) -> Requested:
        result = dg.evaluate_automation_conditions(
            defs=self.definitions,
            instance=self.instance,
            cursor=self.cursor,
            evaluation_time=now,
            asset_selection=dg.AssetSelection.all(),
        )
        self.cursor = result.cursor
        asked = [
            (key.to_user_string(), partition)
            for key in map(dg.AssetKey, NAMES)
            for partition in result.get_requested_partitions(key)
        ]
        return sorted(asked, key=str)

    def materialize(self, requested: Requested) -> None:
        """Run them as the daemon does: assets of one partition in one run."""
        by_partition: dict[tuple[str | None, bool], list[str]] = {}
        for name, partition in requested:
            by_partition.setdefault((partition, name == "months"), []).append(name)
        for (partition, _), names in by_partition.items():
            dg.materialize(
                list(self.assets), instance=self.instance, selection=names, partition_key=partition
            )

    def follow(self, now: datetime = NOW) -> list[Requested]:
        """Evaluate and run until nothing more is requested."""
        waves = []
        quiet = 0
        for second in range(1, 20):
            requested = self.evaluate(now + timedelta(seconds=30 * second))
            quiet = 0 if requested else quiet + 1
            if quiet == LOOKS_UNTIL_REST:
                return waves
            if requested:
                waves.append(requested)
                self.materialize(requested)
        raise AssertionError("it never ends")

    def at_rest(self, now: datetime = NOW) -> Requested:
        """What is requested once the change itself is over."""
        assert self.evaluate(now + timedelta(seconds=30)) == []
        return self.evaluate(now + timedelta(seconds=60))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing_faults, "WAIT", wait_none())


@pytest.fixture
def platform() -> Iterator[Platform]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(instance)


def test_the_month_of_the_day_and_the_snapshot_of_today_follow_in_order(platform: Platform) -> None:
    assert platform.run_day().success
    done = platform.does.computed
    assert done.index("events") < done.index("sessions") < done.index("engagement")
    assert done.index("views") < done.index("gaps")
    assert platform.follow() == [
        [
            ("history", YESTERDAY),
            ("history", TODAY),
            ("months", "2025-01-01"),
            ("snapshots", TODAY),
        ]
    ]


def test_todays_history_waits_for_todays_snapshot(platform: Platform) -> None:
    platform.run_day()
    platform.materialize([(n, p) for n, p in platform.at_rest() if p == TODAY])
    assert platform.does.computed[-2:] == ["snapshots", "history"]


def test_what_the_daily_run_computed_itself_does_not_follow_again(platform: Platform) -> None:
    platform.run_day()
    assert not {"engagement", "gaps"} & {name for wave in platform.follow() for name, _ in wave}


def test_a_failed_step_stops_what_depends_on_it_and_nothing_else(platform: Platform) -> None:
    platform.does.failures["events"] = 100
    assert not platform.run_day().success
    assert platform.does.computed == ["views", "gaps"]
    assert ("months", "2025-01-01") in platform.follow()[0]


def test_nothing_follows_when_the_daily_views_failed(platform: Platform) -> None:
    platform.does.failures["views"] = 100
    assert not platform.run_day().success
    assert platform.follow() == []


def test_a_fault_that_passes_is_tried_again_and_the_day_succeeds(platform: Platform) -> None:
    platform.does.failures["views"] = 2
    assert platform.run_day().success
    assert platform.follow()


def test_nothing_follows_while_a_blocking_check_fails(platform: Platform) -> None:
    platform.does.failing_checks.add("no_nulls")
    assert not platform.run_day().success
    assert "gaps" not in platform.does.computed
    assert platform.follow() == []


def test_what_waited_for_a_blocking_check_follows_when_it_passes(platform: Platform) -> None:
    platform.does.failing_checks.add("no_nulls")
    platform.run_day()
    platform.evaluate(NOW + timedelta(minutes=1))
    platform.does.failing_checks.clear()
    platform.run_day()
    assert ("months", "2025-01-01") in platform.follow(NOW + timedelta(minutes=1))[0]


def test_a_bad_day_holds_what_follows_from_it_until_it_is_mended_and_no_other_day(
    platform: Platform,
) -> None:
    platform.does.failing_checks.add("no_nulls")
    platform.run_day(DAY_BEFORE)
    platform.does.failing_checks.clear()
    platform.run_day()
    followed = {asked for wave in platform.follow() for asked in wave}
    assert ("history", YESTERDAY) in followed
    assert not {("history", DAY_BEFORE), ("months", "2025-01-01")} & followed
    platform.run_day(DAY_BEFORE)
    followed = {a for wave in platform.follow(NOW + timedelta(hours=1)) for a in wave}
    assert {("history", DAY_BEFORE), ("months", "2025-01-01")} <= followed


def test_today_is_asked_once_however_often_its_inputs_change(platform: Platform) -> None:
    platform.run_day()
    platform.follow()
    platform.run_day()
    requested = [name for wave in platform.follow(NOW + timedelta(hours=1)) for name, _ in wave]
    assert "months" in requested
    assert "snapshots" not in requested


def test_a_late_day_brings_its_own_month_and_history_and_the_tables_over_all_days(
    platform: Platform,
) -> None:
    platform.materialize([("views", "2025-01-05")])
    assert platform.at_rest() == [
        ("gaps", None),
        ("history", "2025-01-05"),
        ("months", "2025-01-01"),
    ]


def test_late_views_bring_the_snapshot_of_today_once_their_gaps_are_known(
    platform: Platform,
) -> None:
    platform.materialize([("views", "2025-01-05")])
    platform.materialize(platform.at_rest())
    assert platform.at_rest() == [("history", TODAY), ("snapshots", TODAY)]


def test_a_day_that_changed_waits_until_the_table_of_all_days_knows_of_it(
    platform: Platform,
) -> None:
    platform.run_day()
    platform.follow()
    platform.materialize([("sessions", "2025-01-05")])
    later = NOW + timedelta(hours=2)
    waves = platform.follow(later)
    assert [("engagement", None)] in waves
    assert waves.index([("engagement", None)]) < waves.index([("days", "2025-01-05")])
    assert [one for wave in waves for one in wave if one[0] == "days"] == [("days", "2025-01-05")]


def test_nothing_is_requested_when_nothing_changed(platform: Platform) -> None:
    assert platform.follow() == []
