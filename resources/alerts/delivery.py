"""Sending what the outbox holds, and recording what happens when the outbox is out of reach."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from resources.alerts.alert import Alert, Severity, State
from resources.alerts.channels import Channel
from resources.alerts.messages import digest
from resources.alerts.outbox import AlertOutbox, Entry, Status

# Dagster gives a tick up after 60 seconds.
BUDGET_SECONDS = 25.0


@dataclass
class Sent:
    """Which channels took which alerts, and why others did not."""

    taken: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    errors: dict[str, str] = field(default_factory=dict)
    messages: int = 0

    def settled(self, entry: Entry, channels: Sequence[Channel], now: datetime) -> Entry:
        """The entry after this attempt."""
        taken = self.taken[entry.alert.alert_id]
        wanted = {channel.name for channel in channels_for(entry.alert, channels)}
        if wanted <= taken | set(entry.delivered_to):
            return entry.taken(sorted(taken), now)
        error = self.errors.get(entry.alert.alert_id, "no time was left in this tick")
        return entry.refused(sorted(taken), error, now)


def deliver(outbox: AlertOutbox, channels: Sequence[Channel], now: datetime) -> Sent:
    """Send every alert that is due, one message a severity, state and channel.

    An alert is claimed in the table before it is sent and marked after: a daemon that dies
    between leaves it to be sent again when the claim is over. So everything arrives at least
    once; its id in the message tells a repetition.

    Raises:
        deltalake.exceptions.DeltaError: the table cannot be read or written.
    """
    entries = outbox.claim(now)
    sent = send(entries, channels)
    after = datetime.now(UTC)
    outbox.settle([sent.settled(entry, channels, max(now, after)) for entry in entries])
    return sent


def send(entries: Iterable[Entry], channels: Sequence[Channel]) -> Sent:
    """Offer the alerts to the channels that want them and did not take them yet."""
    sent = Sent()
    waiting = list(entries)
    deadline = time.monotonic() + BUDGET_SECONDS
    for channel in channels:
        for alerts in _groups(waiting, channel).values():
            if time.monotonic() < deadline:
                _send_one(channel, alerts, sent)
    return sent


def channels_for(alert: Alert, channels: Iterable[Channel]) -> list[Channel]:
    """The channels that want to hear of alerts of this severity."""
    return [channel for channel in channels if alert.severity in channel.severities]


def entry_for(channels: Sequence[Channel]) -> Callable[[Alert], Entry]:
    """How a new alert is kept: waiting for its channels, or, without any, only logged."""
    return lambda alert: Entry(
        alert, Status.PENDING if channels_for(alert, channels) else Status.LOGGED
    )


def _groups(
    entries: Iterable[Entry], channel: Channel
) -> Mapping[tuple[Severity, State], list[Alert]]:
    groups: dict[tuple[Severity, State], list[Alert]] = defaultdict(list)
    for entry in entries:
        alert = entry.alert
        if channel.name not in entry.delivered_to and channels_for(alert, [channel]):
            groups[alert.severity, alert.state].append(alert)
    return groups


def _send_one(channel: Channel, alerts: Sequence[Alert], sent: Sent) -> None:
    error = channel.send(digest(alerts, channel.longest_body))
    sent.messages += 1
    for alert in alerts:
        if error is None:
            sent.taken[alert.alert_id].add(channel.name)
        else:
            sent.errors[alert.alert_id] = f"{channel.name}: {error}"
