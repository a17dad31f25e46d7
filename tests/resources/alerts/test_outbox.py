from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake.exceptions import CommitFailedError
from support.tables import delta, stored

from resources.alerts.alert import Alert, Kind, Observation, Severity, alerts_of
from resources.alerts.outbox import AlertOutbox, Entry, Status
from video_assets.tables import ALERTS

NOW = datetime(2025, 1, 4, 2, tzinfo=UTC)


def seen(
    number: int = 1, *, failing: Sequence[str] = ("d1",), passing: Sequence[str] = ()
) -> Observation:
    return Observation(
        kind=Kind.CHECK,
        subject=f"check {number}",
        severity=Severity.ERROR,
        failing=tuple(failing),
        passing=tuple(passing),
        problem="rows are wrong",
        details=("rows: 3",),
        at=NOW,
        event_id=number,
    )


def pending(alert: Alert) -> Entry:
    return Entry(alert, Status.PENDING)


def entries(*observations: Observation) -> list[Entry]:
    return [pending(alert) for alert in alerts_of(observations, {})]


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    return str(tmp_path)


def test_an_alert_comes_back_as_it_was_recorded(warehouse: str) -> None:
    recorded = entries(seen(failing=("d1", "d2")))
    AlertOutbox(warehouse, ALERTS).record(recorded)
    assert AlertOutbox(warehouse, ALERTS).waiting(NOW) == recorded


def test_an_alert_that_is_recorded_again_stays_one_row(warehouse: str) -> None:
    for _ in range(2):
        AlertOutbox(warehouse, ALERTS).record(entries(seen()))
    assert len(stored(delta(warehouse, ALERTS))) == 1


def test_nothing_new_makes_no_commit_and_no_table(warehouse: str) -> None:
    outbox = AlertOutbox(warehouse, ALERTS)
    outbox.record([])
    assert (outbox.alerts(), outbox.waiting(NOW)) == ([], [])
    assert not list(Path(warehouse).iterdir())


@pytest.mark.parametrize("recorded_before", [0, 1])
def test_daemons_that_record_at_the_same_moment_double_nothing(
    warehouse: str, recorded_before: int
) -> None:
    AlertOutbox(warehouse, ALERTS).record(entries(*map(seen, range(recorded_before))))

    def daemon(_: int) -> None:
        with suppress(CommitFailedError):
            AlertOutbox(warehouse, ALERTS).record(entries(*map(seen, range(5))))

    with ThreadPoolExecutor(4) as daemons:
        list(daemons.map(daemon, range(4)))
    assert len(stored(delta(warehouse, ALERTS))) == 5


def test_a_delivered_alert_waits_no_longer(warehouse: str) -> None:
    outbox = AlertOutbox(warehouse, ALERTS)
    outbox.record([entry.taken(["slack"], NOW) for entry in entries(seen())])
    assert outbox.waiting(NOW + timedelta(days=1)) == []
    assert stored(delta(warehouse, ALERTS))[0]["deliveredTo"] == ["slack"]


def test_an_alert_of_an_older_release_that_a_daemon_held_is_sent(warehouse: str) -> None:
    AlertOutbox(warehouse, ALERTS).record(entries(seen()))
    table = delta(warehouse, ALERTS)
    table.update(updates={"claimedUntil": "CAST('2025-01-04T03:00:00Z' AS TIMESTAMP)"})
    assert AlertOutbox(warehouse, ALERTS).waiting(NOW) == entries(seen())


def test_a_pending_alert_whose_channels_were_all_removed_counts_as_logged() -> None:
    (alert,) = alerts_of([seen()], {})
    assert pending(alert).taken([], NOW).status is Status.LOGGED


def test_the_files_of_the_table_stay_few(warehouse: str) -> None:
    outbox = AlertOutbox(warehouse, ALERTS)
    for number in range(60):
        outbox.record(entries(seen(number)))
    assert len(stored(delta(warehouse, ALERTS))) == 60
    assert len(delta(warehouse, ALERTS).file_uris()) < 60
