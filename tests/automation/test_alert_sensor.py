"""The sensor against an event log on disk and a webhook on this machine."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from support.alert_desk import DAYS, EVENTS, UI, Desk, repository
from support.webhook import TOKEN, Webhook, free_port, listening

from resources.alerts.outbox import AlertOutbox
from video_assets.automation import alert_sensor as module
from video_assets.automation.alert_sensor import CHECKS_PER_TICK, alert_sensor
from video_assets.settings.alerts import AlertSettings

# Apprise loads the e-mail service with a module that Python 3.13 drops.

WARN = dg.AssetCheckSeverity.WARN
SOON, LATER = timedelta(seconds=5), timedelta(hours=1)


def test_a_failed_check_is_told_with_what_is_needed_to_act(desk: Desk) -> None:
    with desk.up() as webhook:
        desk.report()
        desk.tick()
    assert webhook.titles == ["[ERROR] video/raw_events: no_null_keys, 2025-01-03"]
    assert webhook.received[0]["type"] == "failure"
    for part in (
        "raw_events: 3 rows have no user",
        "rows: 3",
        f"{UI}/assets/video/raw_events?view=checks&checkDetail=no_null_keys",
        "to do:",
    ):
        assert part in webhook.bodies


def test_the_same_state_is_told_once(desk: Desk) -> None:
    with desk.up() as webhook:
        for _ in range(3):
            desk.report()
            desk.report()
            desk.tick()
    assert len(webhook.received) == 1


def test_each_partition_is_told_on_its_own(desk: Desk) -> None:
    with desk.up() as webhook:
        desk.report()
        desk.tick()
        desk.report(partition="2025-01-04")
        desk.tick()
    assert [title[-10:] for title in webhook.titles] == ["2025-01-03", "2025-01-04"]


def test_a_check_that_passes_again_is_told_once(desk: Desk) -> None:
    with desk.up() as webhook:
        desk.report()
        desk.tick()
        for _ in range(2):
            desk.report(passed=True)
            desk.tick()
    assert webhook.titles[1:] == ["[RECOVERED] video/raw_events: no_null_keys, 2025-01-03"]
    assert webhook.received[1]["type"] == "success"


def test_a_check_that_always_passed_says_nothing(desk: Desk) -> None:
    with desk.up() as webhook:
        desk.report(passed=True)
        desk.tick()
    assert webhook.received == []


def test_a_check_that_fails_again_after_it_passed_is_told_again(desk: Desk) -> None:
    with desk.up() as webhook:
        for passed in (False, True, False):
            desk.report(passed=passed)
            desk.tick()
    assert [title.split("]")[0] for title in webhook.titles] == ["[ERROR", "[RECOVERED", "[ERROR"]


def test_a_warning_that_becomes_an_error_is_told_again(desk: Desk) -> None:
    with desk.up() as webhook:
        desk.report(severity=WARN)
        desk.tick()
        desk.report()
        desk.tick()
    assert [title.split("]")[0] for title in webhook.titles] == ["[WARN", "[ERROR"]


def test_channels_hear_of_their_severity_and_of_its_end(desk: Desk) -> None:
    errors, warnings = Webhook(free_port()), Webhook(free_port())
    desk.settings = AlertSettings(
        alert_urls=desk.webhook.url, alert_urls_error=errors.url, alert_urls_warn=warnings.url
    )
    with desk.up() as everything, listening(errors), listening(warnings):
        for passed in (False, True):
            desk.report("broken", passed=passed)
            desk.report("odd", passed=passed, severity=WARN)
            desk.tick()
    assert len(everything.received) == 4
    assert [title.split(": ")[1][:6] for title in errors.titles] == ["broken", "broken"]
    assert [title.split(": ")[1][:3] for title in warnings.titles] == ["odd", "odd"]


@pytest.mark.parametrize("status", [None, 500], ids=["connection refused", "500"])
def test_a_channel_that_was_down_gets_the_alert_once_it_is_up(
    desk: Desk, status: int | None
) -> None:
    desk.report()
    if status is None:
        desk.tick()
    else:
        desk.webhook.status = status
        with desk.up():
            desk.tick()
    (waiting,) = desk.rows
    assert (waiting["status"], waiting["attempts"]) == ("pending", 1)
    desk.webhook.status = 200
    with desk.up() as webhook:
        desk.tick(later=SOON)
        assert webhook.received == []
        desk.tick(later=LATER)
        desk.tick(later=LATER)
    assert len(webhook.received) == 1
    assert desk.rows[0]["status"] == "delivered"


def test_pauses_between_attempts_grow_to_half_an_hour(desk: Desk) -> None:
    desk.report()
    pauses = []
    for _ in range(9):
        desk.tick(later=LATER)
        pauses.append(desk.rows[0]["nextAttemptAt"] - desk.now)
    assert pauses[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert pauses[-1] == timedelta(minutes=30)


def test_a_channel_that_is_up_is_not_told_twice_because_another_is_down(desk: Desk) -> None:
    down = Webhook(free_port())
    desk.settings = AlertSettings(alert_urls=f"{desk.webhook.url},{down.url}")
    desk.report()
    with desk.up() as webhook:
        desk.tick()
        with listening(down):
            desk.tick(later=LATER)
    assert (len(webhook.received), len(down.received)) == (1, 1)
    assert desk.rows[0]["deliveredTo"] == ["all-1-json", "all-2-json"]


def test_a_new_process_remembers_what_was_told(desk: Desk) -> None:
    with desk.up() as webhook:
        desk.report()
        desk.tick()
        desk.restart()
        desk.report()
        desk.tick()
        desk.restart()
        desk.report(passed=True)
        desk.tick()
    assert [title.split("]")[0] for title in webhook.titles] == ["[ERROR", "[RECOVERED"]


def test_a_restart_before_the_cursor_was_saved_doubles_nothing(desk: Desk) -> None:
    with desk.up() as webhook:
        for passed in (False, True, False):
            desk.report(passed=passed)
        desk.tick(saves_cursor=False)
        desk.restart()
        desk.tick()
    assert sorted(webhook.titles) == sorted(set(webhook.titles))
    assert len(desk.rows) == 3


def test_a_restart_before_sending_loses_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.report()
    with monkeypatch.context() as dies:
        dies.setattr(module, "deliver", _dies)
        with pytest.raises(KeyboardInterrupt):
            desk.tick()
    desk.restart()
    with desk.up() as webhook:
        desk.tick()
    assert len(webhook.received) == 1


def test_a_restart_between_sending_and_recording_sends_again_with_the_same_id(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.report()
    with desk.up() as webhook:
        with monkeypatch.context() as dies:
            dies.setattr(AlertOutbox, "record", _dies)
            with pytest.raises(KeyboardInterrupt):
                desk.tick()
        desk.restart()
        desk.tick(later=SOON)
        desk.tick(later=SOON)
    assert len(desk.rows) == 1
    first, second = (message["message"] for message in webhook.received)
    assert first == second
    assert f"alert {desk.rows[0]['alertId']}" in first


def test_a_thousand_failed_checks_are_one_bounded_message_within_seconds(desk: Desk) -> None:
    # On disk, each report would take 50 ms.
    with dg.DagsterInstance.ephemeral() as desk.instance:
        _thousand_fail(desk)


def _thousand_fail(desk: Desk) -> None:
    for number in range(CHECKS_PER_TICK + 1):
        desk.report(f"check_{number:04}")
    with desk.up() as webhook:
        begin = time.monotonic()
        desk.tick()
        seconds = time.monotonic() - begin
        desk.tick()
    assert seconds < 10
    assert webhook.titles == [
        "[ERROR] 1000 alerts: video/raw_events",
        "[ERROR] video/raw_events: check_1000, 2025-01-03",
    ]
    assert len(webhook.received[0]["message"]) <= 6000
    assert "of 1000 alerts are listed" in webhook.bodies
    assert len(desk.rows) == CHECKS_PER_TICK + 1


def test_without_a_channel_alerts_go_to_the_log_and_the_table(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.settings = AlertSettings()
    desk.report()
    result = desk.tick()
    desk.tick()
    assert result.skip_reason.skip_message == "1 new alerts, 0 messages"
    assert [row["status"] for row in desk.rows] == ["logged"]
    [line] = (line for line in capfd.readouterr().err.splitlines() if "ALERT" in line)
    said = "video/raw_events: no_null_keys, 2025-01-03: raw_events: 3 rows have no user"
    assert f"ALERT ERROR {said} (alert {desk.rows[0]['alertId']})" in line


def test_no_part_of_a_url_reaches_a_log_a_table_or_the_cursor(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    desk.report()
    desk.tick()
    desk.webhook.status = 404
    with desk.up():
        desk.tick(later=LATER)
        desk.webhook.status = 200
        desk.tick(later=LATER)
    seen = f"{caplog.text}{desk.rows}{desk.cursor}{desk.settings!r}"
    assert len(desk.webhook.received) == 1
    assert TOKEN not in seen


def test_a_refused_message_says_why(desk: Desk) -> None:
    desk.report()
    desk.webhook.status = 404
    with desk.up():
        desk.tick()
    assert desk.rows[0]["lastError"].startswith("all-1-json: Failed to send JSON")
    assert "404" in desk.rows[0]["lastError"]


def test_a_range_run_is_one_message_that_names_the_days_concerned(desk: Desk) -> None:
    with desk.up() as webhook:
        _materialize(desk, ("2025-01-01", "2025-01-05"), {"days": "2025-01-02, 2025-01-04"})
        desk.tick()
        desk.report("dense", passed=True, partition="2025-01-02")
        desk.tick()
    assert webhook.titles == [
        "[ERROR] video/raw_events: dense, 2025-01-02, 2025-01-04",
        "[RECOVERED] video/raw_events: dense, 2025-01-02",
    ]


def test_a_range_run_whose_check_names_no_days_concerns_all_of_them(desk: Desk) -> None:
    with desk.up() as webhook:
        _materialize(desk, ("2025-01-01", "2025-01-31"), {})
        desk.tick()
    assert webhook.titles == [
        "[ERROR] video/raw_events: dense, 2025-01-01 to 2025-01-31, 31 days",
    ]


def test_a_range_run_from_before_the_first_day_of_now_is_told_like_any_other(desk: Desk) -> None:
    earlier = dg.DailyPartitionsDefinition("2024-01-01", timezone="UTC")
    with desk.up() as webhook:
        events = _events({"days": "2024-12-30, 2025-01-01"}, partitions=earlier)
        dg.materialize([events], **_day(desk, "2024-12-30", "2025-01-02"))
        desk.tick()
        desk.report("dense")
        desk.tick()
    assert webhook.titles == [
        "[ERROR] video/raw_events: dense, 2024-12-30, 2025-01-01",
        "[ERROR] video/raw_events: dense, 2025-01-03",
    ]


def test_the_partition_of_a_check_without_partitions_is_that_of_its_run(desk: Desk) -> None:
    with desk.up() as webhook:
        _materialize(desk, ("2025-01-01", "2025-01-01"), {})
        desk.tick()
        _materialize(desk, ("2025-01-02", "2025-01-02"), {}, passed=True)
        desk.tick()
    assert webhook.titles == ["[ERROR] video/raw_events: dense, 2025-01-01"]
    assert f"{UI}/runs/" in webhook.bodies


def test_a_check_of_the_whole_table_names_days_and_ends_them_all(desk: Desk) -> None:
    with desk.up() as webhook:
        for day in ("2025-01-03", "2025-01-04"):
            desk.report("late", partition=None, metadata={"days": day})
            desk.tick()
        desk.report("late", partition=None, passed=True)
        desk.tick()
    assert webhook.titles == [
        "[ERROR] video/raw_events: late, 2025-01-03",
        "[ERROR] video/raw_events: late, 2025-01-04",
        "[RECOVERED] video/raw_events: late, 2025-01-03, 2025-01-04",
    ]


def test_a_check_that_crashes_is_told_as_a_failed_run(desk: Desk) -> None:
    @dg.asset_check(asset=EVENTS, name="crashes")
    def crashes() -> dg.AssetCheckResult:
        raise ValueError("no such column: userId")

    with desk.up() as webhook:
        dg.materialize([_events({}, passed=True), crashes], **_day(desk), raise_on_error=False)
        desk.tick()
        desk.tick()
    assert webhook.titles == ["[ERROR] run of __ephemeral_asset_job__, 2025-01-01"]
    assert "no such column: userId" in webhook.bodies
    assert "1 check has no result, of video/raw_events." in webhook.bodies


def test_a_blocking_check_says_what_it_stopped(desk: Desk) -> None:
    with desk.up() as webhook:
        dg.materialize([_events({}, blocking=True)], **_day(desk), raise_on_error=False)
        desk.tick()
    assert "what depends on it was not computed" in webhook.bodies
    assert webhook.titles == ["[ERROR] 2 alerts: video/raw_events, run of __ephemeral_asset_job__"]


def test_a_run_that_dagster_tries_again_is_not_told(desk: Desk) -> None:
    @dg.asset
    def broken() -> None:
        raise ValueError("passing fault")

    with desk.up() as webhook:
        for retried in ("true", "false"):
            dg.materialize(
                [broken],
                instance=desk.instance,
                tags={"dagster/will_retry": retried},
                raise_on_error=False,
            )
        desk.tick()
    assert webhook.bodies.count("passing fault") == 1


def test_an_asset_that_gets_stale_and_fresh_again_is_told(desk: Desk) -> None:
    with desk.up() as webhook:
        for state in (FreshnessState.PASS, FreshnessState.FAIL, FreshnessState.PASS):
            change = FreshnessStateChange(
                key=EVENTS,
                new_state=state,
                previous_state=FreshnessState.UNKNOWN,
                state_change_timestamp=time.time(),
            )
            desk.instance._report_runless_asset_event(change)  # noqa: SLF001 (as the daemon does)
            desk.tick()
    assert webhook.titles == [
        "[WARN] video/raw_events: freshness",
        "[RECOVERED] video/raw_events: freshness",
    ]


def test_without_its_table_alerts_are_sent_once_and_recorded_when_it_is_back(desk: Desk) -> None:
    blocker = Path(desk.warehouse)
    blocker.write_text("no folder")
    with desk.up() as webhook:
        desk.report()
        desk.tick()
        desk.tick()
        blocker.unlink()
        desk.tick()
        desk.tick()
    assert len(webhook.received) == 1
    assert [(row["status"], row["deliveredTo"]) for row in desk.rows] == [
        ("delivered", ["all-1-json"])
    ]


def test_without_its_table_and_its_channel_no_alert_is_lost(desk: Desk) -> None:
    blocker = Path(desk.warehouse)
    blocker.write_text("no folder")
    desk.report()
    desk.tick()
    blocker.unlink()
    with desk.up() as webhook:
        desk.tick()
    assert len(webhook.received) == 1


def test_checks_of_other_code_locations_are_theirs_to_tell(desk: Desk) -> None:
    with desk.up() as webhook:
        desk.report(asset_key=dg.AssetKey(["other", "table"]))
        desk.tick()
    assert webhook.received == []


def test_a_cursor_that_cannot_be_read_starts_from_the_beginning_without_repeating(
    desk: Desk,
) -> None:
    with desk.up() as webhook:
        desk.report()
        desk.tick()
        desk.cursor = "{broken"
        desk.tick()
    assert len(webhook.received) == 1


def test_the_sensor_is_on_and_evaluates_as_dagster_does(desk: Desk) -> None:
    sensor = alert_sensor(desk.warehouse, desk.settings)
    with desk.up() as webhook:
        desk.report()
        evaluated = sensor.evaluate_tick(
            dg.build_sensor_context(instance=desk.instance, repository_def=repository())
        )
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert evaluated.cursor
    assert len(webhook.received) == 1


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def _day(desk: Desk, first: str = "2025-01-01", last: str = "2025-01-01") -> dict[str, object]:
    if first == last:
        return {"instance": desk.instance, "partition_key": first}
    tags = {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }
    return {"instance": desk.instance, "tags": tags}


def _materialize(
    desk: Desk, days: tuple[str, str], metadata: dict[str, str], *, passed: bool = False
) -> None:
    dg.materialize([_events(metadata, passed=passed)], **_day(desk, *days))


def _events(
    metadata: dict[str, str],
    *,
    passed: bool = False,
    blocking: bool = False,
    partitions: dg.PartitionsDefinition[str] = DAYS,
) -> dg.AssetsDefinition:
    @dg.asset(
        key=EVENTS,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec("dense", asset=EVENTS, blocking=blocking)],
    )
    def raw_events() -> Iterator[dg.MaterializeResult[None]]:
        result = dg.AssetCheckResult(passed=passed, check_name="dense", metadata=metadata)
        yield dg.MaterializeResult(check_results=[result])

    return raw_events
