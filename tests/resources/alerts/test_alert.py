from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from resources.alerts.alert import (
    Kind,
    Observation,
    Severity,
    State,
    alerts_of,
    still_open,
)

NOW = datetime(2025, 1, 4, 2, tzinfo=UTC)
PARTITIONS = ("d1", "d2", "d3")

events = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.dictionaries(st.sampled_from(PARTITIONS), st.booleans(), min_size=1),
        st.sampled_from(Severity),
    ),
    max_size=12,
)


def observations(
    drawn: list[tuple[str, dict[str, bool], Severity]],
) -> list[Observation]:
    return [
        Observation(
            kind=Kind.CHECK,
            subject=subject,
            severity=severity,
            failing=tuple(p for p, passed in partitions.items() if not passed),
            passing=tuple(p for p, passed in partitions.items() if passed),
            problem="",
            details=(),
            at=NOW + timedelta(seconds=number),
            event_id=number,
        )
        for number, (subject, partitions, severity) in enumerate(drawn)
    ]


@given(events, st.integers(0, 12))
def test_pages_of_any_size_give_the_same_alerts(drawn: list, cut: int) -> None:
    seen = observations(drawn)
    first = alerts_of(seen[:cut], {})
    assert first + alerts_of(seen[cut:], still_open(first)) == alerts_of(seen, {})


@given(events, st.integers(0, 12))
def test_events_that_are_read_twice_end_in_the_same_open_problems(drawn: list, cut: int) -> None:
    seen = observations(drawn)
    once = {alert.alert_id: alert for alert in alerts_of(seen, {})}
    again = alerts_of(seen[cut:], still_open(once.values()))
    known = {**{alert.alert_id: alert for alert in again}, **once}
    assert still_open(once.values()) == still_open(known.values())


@given(events)
def test_what_is_open_is_what_failed_last(drawn: list) -> None:
    last: dict[tuple[str, str], Severity | None] = {}
    for subject, partitions, severity in drawn:
        for partition, passed in partitions.items():
            last[subject, partition] = None if passed else severity
    told = still_open(alerts_of(observations(drawn), {}))
    found = {(s, p): severity for s, known in told.items() for p, severity in known.items()}
    assert found == {key: severity for key, severity in last.items() if severity}


def test_the_end_of_problems_goes_where_the_worst_of_them_went() -> None:
    drawn = [
        ("a", {"d1": False}, Severity.WARN),
        ("a", {"d2": False}, Severity.ERROR),
        ("a", {"d1": True, "d2": True}, Severity.WARN),
    ]
    end = alerts_of(observations(drawn), {})[-1]
    assert (end.state, end.severity, end.partitions) == (
        State.RECOVERED,
        Severity.ERROR,
        ("d1", "d2"),
    )
