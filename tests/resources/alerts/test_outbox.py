from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.tables import stored

from resources.alerts.alert import Alert, Kind, Observation, OpenProblems, Severity, alerts_of
from resources.alerts.outbox import LEASE, AlertOutbox, Entry, Status
from resources.alerts.table import ALERTS

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


def record(outbox: AlertOutbox, *observations: Observation) -> list[Entry]:
    def changes(known: OpenProblems) -> list[Alert]:
        return alerts_of(observations, known)

    return outbox.record(changes, pending)


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    return str(tmp_path)


def test_an_alert_comes_back_as_it_was_recorded(warehouse: str) -> None:
    (entry,) = record(AlertOutbox(warehouse), seen(failing=("d1", "d2")))
    (claimed,) = AlertOutbox(warehouse).claim(NOW)
    assert replace(claimed, claimed_until=None) == entry


def test_an_event_that_is_read_again_is_not_recorded_again(warehouse: str) -> None:
    outbox = AlertOutbox(warehouse)
    assert len(record(outbox, seen())) == 1
    assert record(outbox, seen()) == []


def test_nothing_new_makes_no_commit_and_no_table(warehouse: str) -> None:
    assert record(AlertOutbox(warehouse), seen(failing=(), passing=("d1",))) == []
    assert AlertOutbox(warehouse).claim(NOW) == []
    assert not list(Path(warehouse).iterdir())


def test_two_daemons_record_each_alert_once(warehouse: str) -> None:
    def daemon(_: int) -> list[Entry]:
        return record(AlertOutbox(warehouse), *map(seen, range(5)))

    with ThreadPoolExecutor(4) as daemons:
        recorded = list(daemons.map(daemon, range(4)))
    assert sorted(map(len, recorded)) == [0, 0, 0, 5]
    assert len(stored(warehouse, ALERTS)) == 5


@pytest.mark.parametrize("recorded_before", [0, 1])
def test_what_another_daemon_records_meanwhile_is_not_recorded_again(
    warehouse: str, recorded_before: int
) -> None:
    record(AlertOutbox(warehouse), *map(seen, range(recorded_before)))
    others: list[list[Entry]] = []

    def changes(known: OpenProblems) -> list[Alert]:
        if not others:
            others.append(record(AlertOutbox(warehouse), seen(7)))
        return alerts_of([seen(7)], known)

    assert AlertOutbox(warehouse).record(changes, pending) == []
    assert list(map(len, others)) == [1]


def test_two_daemons_never_claim_the_same_alert(warehouse: str) -> None:
    record(AlertOutbox(warehouse), *map(seen, range(5)))
    with ThreadPoolExecutor(4) as daemons:
        claims = list(daemons.map(lambda _: AlertOutbox(warehouse).claim(NOW), range(4)))
    assert sorted(map(len, claims)) == [0, 0, 0, 5]


def test_a_claim_of_a_daemon_that_died_ends(warehouse: str) -> None:
    record(AlertOutbox(warehouse), seen())
    assert AlertOutbox(warehouse).claim(NOW)
    assert AlertOutbox(warehouse).claim(NOW + LEASE - timedelta(seconds=1)) == []
    assert AlertOutbox(warehouse).claim(NOW + LEASE)


def test_a_delivered_alert_is_not_claimed_again(warehouse: str) -> None:
    outbox = AlertOutbox(warehouse)
    record(outbox, seen())
    outbox.settle([entry.taken(["slack"], NOW) for entry in outbox.claim(NOW)])
    assert outbox.claim(NOW + timedelta(days=1)) == []
    assert stored(warehouse, ALERTS)[0]["deliveredTo"] == ["slack"]


def test_a_pending_alert_whose_channels_were_all_removed_counts_as_logged() -> None:
    (alert,) = alerts_of([seen()], {})
    assert pending(alert).taken([], NOW).status is Status.LOGGED


def test_the_files_of_the_table_stay_few(warehouse: str) -> None:
    outbox = AlertOutbox(warehouse)
    for number in range(60):
        record(outbox, seen(number))
    outbox.settle([entry.taken(["slack"], NOW) for entry in outbox.claim(NOW)])
    assert len(record(outbox, seen(61))) == 1
    assert len(stored(warehouse, ALERTS)) == 61
