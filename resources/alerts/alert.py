"""What an alert is, and when what was observed becomes one."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What was observed."""

    CHECK = "check"
    FRESHNESS = "freshness"
    RUN = "run"


class Severity(StrEnum):
    """How bad it is, as Dagster's checks name it."""

    WARN = "WARN"
    ERROR = "ERROR"


class State(StrEnum):
    """Whether a problem begins or ends."""

    FAILED = "failed"
    RECOVERED = "recovered"


WHOLE = ""
"""The only partition of what has no partitions."""

EVERYTHING = ("*",)
"""The partitions of a check of the whole table."""

OpenProblems = Mapping[str, Mapping[str, Severity]]
"""Subject -> partition -> severity of a problem that was told and has not ended."""


@dataclass(frozen=True)
class Observation:
    """What one event says of a subject.

    Attributes:
        kind: check, freshness or run.
        subject: what was observed, the same for every event about it.
        severity: how bad a failure of it is.
        failing: partitions that fail.
        passing: partitions that pass; `EVERYTHING`: whatever failed before.
        problem: what is wrong, in a sentence.
        details: what helps to act, a line each.
        at: when it happened.
        event_id: its place in the event log.
        run_id: the run that told it; empty when none did.
        asset: key of the asset, if it is about one.
        check: name of the check, if it is one.
    """

    kind: Kind
    subject: str
    severity: Severity
    failing: tuple[str, ...]
    passing: tuple[str, ...]
    problem: str
    details: tuple[str, ...]
    at: datetime
    event_id: int
    run_id: str = ""
    asset: str | None = None
    check: str | None = None


@dataclass(frozen=True)
class Alert:
    """A change that somebody must be told, once; the fields are those of an observation."""

    alert_id: str
    state: State
    kind: Kind
    subject: str
    severity: Severity
    partitions: tuple[str, ...]
    problem: str
    details: tuple[str, ...]
    at: datetime
    event_id: int
    run_id: str
    asset: str | None
    check: str | None


def alerts_of(observations: Iterable[Observation], told: OpenProblems) -> list[Alert]:
    """The changes: a partition that fails anew, or in another severity, or passes again.

    Args:
        observations: in the order of the event log.
        told: the problems that were told before.
    """
    problems = {subject: dict(partitions) for subject, partitions in told.items()}
    alerts = []
    for seen in observations:
        known = problems.setdefault(seen.subject, {})
        worse = tuple(p for p in seen.failing if known.get(p) != seen.severity)
        passing = tuple(known) if seen.passing == EVERYTHING else seen.passing
        better = tuple(p for p in passing if p in known)
        if worse:
            alerts.append(_alert(seen, State.FAILED, seen.severity, worse))
        if better:
            # Who heard of the problem also hears of its end.
            was_error = any(known[p] is Severity.ERROR for p in better)
            was = Severity.ERROR if was_error else Severity.WARN
            alerts.append(_alert(seen, State.RECOVERED, was, better))
        known |= dict.fromkeys(worse, seen.severity)
        for partition in better:
            del known[partition]
    return alerts


def still_open(alerts: Iterable[Alert]) -> OpenProblems:
    """The problems that began and did not end; a failed run is over and never open."""
    problems: dict[str, dict[str, Severity]] = {}
    for alert in sorted(alerts, key=lambda alert: (alert.at, alert.event_id, alert.state)):
        if alert.kind is Kind.RUN:
            continue
        known = problems.setdefault(alert.subject, {})
        for partition in alert.partitions:
            if alert.state is State.FAILED:
                known[partition] = alert.severity
            else:
                known.pop(partition, None)
    return problems


def _alert(
    seen: Observation, state: State, severity: Severity, partitions: tuple[str, ...]
) -> Alert:
    return Alert(
        alert_id=_id_of(seen, state),
        state=state,
        kind=seen.kind,
        subject=seen.subject,
        severity=severity,
        partitions=partitions,
        problem=seen.problem if state is State.FAILED else "Passes again.",
        details=seen.details,
        at=seen.at,
        event_id=seen.event_id,
        run_id=seen.run_id,
        asset=seen.asset,
        check=seen.check,
    )


def _id_of(seen: Observation, state: State) -> str:
    """The same for the same event, however often it is read; the time tells instances apart."""
    parts = (seen.subject, state, seen.run_id, str(seen.event_id), seen.at.isoformat())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
