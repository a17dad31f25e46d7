"""What a person reads: one message for all that happened at once, of bounded length."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from resources.alerts.alert import WHOLE, Alert, Severity, State
from resources.delta.schema_check import describe_days

LISTED = 10
LONGEST_TITLE = 250
_NAMED_IN_TITLE = 3
_SUBJECTS_COUNTED = 10
_LONGEST_PROBLEM = 500
_LONGEST_DETAIL = 300
_FOLDED = "..."
_SHOWN_PARTITIONS = 5


@dataclass(frozen=True)
class Message:
    """A message, its severity, and whether it tells of problems or of their end."""

    title: str
    body: str
    severity: Severity
    state: State


def digest(alerts: Sequence[Alert], longest: int) -> Message:
    """One message for alerts of one severity and state, whatever their number.

    Args:
        alerts: at least one.
        longest: characters that the body may have; fewer alerts are listed in full where it
            would be longer, and all are counted.
    """
    ordered = sorted(alerts, key=lambda alert: (alert.at, alert.event_id))
    severity, state = ordered[0].severity, ordered[0].state
    title = f"[{_label(severity, state)}] {_title(ordered)}"
    return Message(_cut(title, LONGEST_TITLE), _body(ordered, longest), severity, state)


def headline(alert: Alert) -> str:
    """The subject and its partitions, in a line."""
    partitions = _partitions(alert.partitions)
    return f"{alert.subject}, {partitions}" if partitions else alert.subject


def in_a_line(alert: Alert) -> str:
    """One alert for a log; the table of alerts has it in full."""
    problem = _cut(" ".join(alert.problem.split()), _LONGEST_PROBLEM)
    return f"{headline(alert)}: {problem} (alert {alert.alert_id})"


def entry(alert: Alert) -> str:
    """One alert in full."""
    return "\n".join(
        [
            headline(alert),
            _cut(alert.problem, _LONGEST_PROBLEM),
            *(_cut(line, _LONGEST_DETAIL) for line in alert.details),
            f"{alert.at:%Y-%m-%d %H:%M:%S} UTC, alert {alert.alert_id}",
        ]
    )


def _label(severity: Severity, state: State) -> str:
    return "RECOVERED" if state is State.RECOVERED else severity.value


def _title(alerts: Sequence[Alert]) -> str:
    if len(alerts) == 1:
        return headline(alerts[0])
    subjects = list(dict.fromkeys(alert.asset or alert.subject for alert in alerts))
    named = ", ".join(subjects[:_NAMED_IN_TITLE])
    more = len(subjects) - _NAMED_IN_TITLE
    return f"{len(alerts)} alerts: {named}" + (f" and {more} more" if more > 0 else "")


def _body(alerts: Sequence[Alert], longest: int) -> str:
    for listed in range(min(LISTED, len(alerts)), 0, -1):
        body = "\n\n".join([*map(entry, alerts[:listed]), *_rest(alerts, listed)])
        if len(body) <= longest:
            return body
    return _cut("\n\n".join([*_rest(alerts, 1), entry(alerts[0])]), longest)


def _rest(alerts: Sequence[Alert], listed: int) -> list[str]:
    unlisted = len(alerts) - listed
    if not unlisted:
        return []
    counts = Counter(alert.subject for alert in alerts).most_common(_SUBJECTS_COUNTED)
    return [
        f"{listed} of {len(alerts)} alerts are listed, {unlisted} are not; the table `alerts` "
        "has all of them. By subject:\n"
        + "\n".join(f"{count} x {_cut(subject, _LONGEST_DETAIL)}" for subject, count in counts)
    ]


def _partitions(partitions: Sequence[str]) -> str:
    named = [name for name in partitions if name != WHOLE]
    try:
        return describe_days(map(date.fromisoformat, named)) if named else ""
    except ValueError:
        shown = ", ".join(named[:_SHOWN_PARTITIONS])
        more = len(named) - _SHOWN_PARTITIONS
        return f"{shown} and {more} more" if more > 0 else shown


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - len(_FOLDED)] + _FOLDED
