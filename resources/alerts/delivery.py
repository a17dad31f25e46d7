"""Sending alerts that wait: one message a severity, state and channel."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from resources.alerts.alert import Alert, Severity, State
from resources.alerts.channels import Channel
from resources.alerts.messages import digest
from resources.alerts.outbox import Entry, Status

# Dagster gives a tick up after 60 seconds.
BUDGET_SECONDS = 25.0


@dataclass
class Delivery:
    """Which channels took which alerts, and why others did not."""

    taken: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    errors: dict[str, str] = field(default_factory=dict)
    messages: int = 0

    def send(self, channel: Channel, alerts: Sequence[Alert]) -> None:
        """Offer alerts of one severity and state to a channel, in one message."""
        error = channel.send(digest(alerts, channel.longest_body))
        self.messages += 1
        for alert in alerts:
            if error is None:
                self.taken[alert.alert_id].add(channel.name)
            else:
                self.errors[alert.alert_id] = f"{channel.name}: {error}"

    def settled(self, entry: Entry, channels: Sequence[Channel], now: datetime) -> Entry:
        """The entry after this attempt."""
        taken = self.taken[entry.alert.alert_id]
        if set(names_for(entry.alert, channels)) <= taken | set(entry.delivered_to):
            return entry.taken(sorted(taken), now)
        error = self.errors.get(entry.alert.alert_id, "no time was left in this tick")
        return entry.refused(sorted(taken), error, now)


def deliver(
    entries: Sequence[Entry], channels: Sequence[Channel], now: datetime
) -> tuple[list[Entry], Delivery]:
    """Offer alerts to the channels that want them and did not take them yet.

    Returns:
        The entries after this attempt, in their order, and what was sent.
    """
    delivery = Delivery()
    deadline = time.monotonic() + BUDGET_SECONDS
    for channel in channels:
        for alerts in _groups(entries, channel).values():
            if time.monotonic() < deadline:
                delivery.send(channel, alerts)
    after = max(now, datetime.now(UTC))
    return [delivery.settled(entry, channels, after) for entry in entries], delivery


def names_for(alert: Alert, channels: Iterable[Channel]) -> list[str]:
    """The channels that want to hear of alerts of this severity."""
    return [channel.name for channel in channels if alert.severity in channel.severities]


def new_entry(alert: Alert, channels: Sequence[Channel]) -> Entry:
    """A new alert: it waits for its channels, or, without any, is only logged."""
    return Entry(alert, Status.PENDING if names_for(alert, channels) else Status.LOGGED)


def _groups(
    entries: Iterable[Entry], channel: Channel
) -> Mapping[tuple[Severity, State], list[Alert]]:
    groups: dict[tuple[Severity, State], list[Alert]] = defaultdict(list)
    for entry in entries:
        alert = entry.alert
        if channel.name not in entry.delivered_to and names_for(alert, [channel]):
            groups[alert.severity, alert.state].append(alert)
    return groups
