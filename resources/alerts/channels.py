"""Where messages go: services that Apprise knows by URL; nothing here tells a URL to anybody."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from resources.alerts.alert import Severity, State
from resources.alerts.messages import LONGEST_TITLE, Message

if TYPE_CHECKING:  # it takes long to import, and only who sends needs it
    import apprise

# A sensor's tick has 60 seconds for everything.
SEND_SECONDS = 10.0
LONGEST_BODY = 6000
_LONGEST_REASON = 300
_PARTS = re.compile(r"[^A-Za-z0-9_.+%~=-]+")
_SHORTEST_SECRET = 3


class ChannelError(ValueError):
    """A URL that names no service; the message tells its setting and place, never the URL."""


class ChannelSettings(Protocol):
    """The settings that name channels: Apprise URLs, which hold tokens."""

    @property
    def alert_urls(self) -> Sequence[SecretStr]:
        """Channels of every alert."""

    @property
    def alert_urls_error(self) -> Sequence[SecretStr]:
        """Channels of errors only."""

    @property
    def alert_urls_warn(self) -> Sequence[SecretStr]:
        """Channels of warnings only."""


class Channel(Protocol):
    """Takes messages of some severities."""

    @property
    def name(self) -> str:
        """What tables and logs call it."""

    @property
    def severities(self) -> frozenset[Severity]:
        """What it wants to hear of."""

    @property
    def longest_body(self) -> int:
        """Characters of a body that it takes."""

    def send(self, message: Message) -> str | None:
        """Send; returns why it did not work, or None when it was taken."""


@dataclass(frozen=True)
class AppriseChannel:
    """One service; its URL is in `service` only, which is never printed."""

    name: str
    severities: frozenset[Severity]
    longest_body: int
    service: "apprise.NotifyBase" = field(repr=False, compare=False)
    secrets: tuple[str, ...] = field(repr=False, compare=False)

    def send(self, message: Message) -> str | None:
        """Send; returns why it did not work, without any part of the URL, or None."""
        import apprise  # noqa: PLC0415 (as above)

        sender = apprise.Apprise(asset=self.service.asset)
        sender.add(self.service)
        kinds = {
            Severity.ERROR: apprise.NotifyType.FAILURE,
            Severity.WARN: apprise.NotifyType.WARNING,
        }
        recovered = message.state is State.RECOVERED
        result = sender.notify(
            title=message.title,
            body=message.body,
            notify_type=apprise.NotifyType.SUCCESS if recovered else kinds[message.severity],
            body_format=apprise.NotifyFormat.TEXT,
            timeout=SEND_SECONDS,
        )
        if result:
            return None
        return self._without_secrets(" ".join(line.message for line in result.logs()))

    def _without_secrets(self, reason: str) -> str:
        for secret in self.secrets:
            reason = re.sub(re.escape(secret), "***", reason, flags=re.IGNORECASE)
        return reason[:_LONGEST_REASON] or "no answer, or an answer that refuses it"


def channels_of(settings: ChannelSettings) -> list[Channel]:
    """The channels that the settings name.

    Raises:
        ChannelError: Apprise knows no service of such a URL.
    """
    keep_urls_out_of_logs()
    routes = (
        ("alert_urls", settings.alert_urls, frozenset(Severity)),
        ("alert_urls_error", settings.alert_urls_error, frozenset({Severity.ERROR})),
        ("alert_urls_warn", settings.alert_urls_warn, frozenset({Severity.WARN})),
    )
    return [
        _channel(setting, number, url.get_secret_value(), severities)
        for setting, urls, severities in routes
        for number, url in enumerate(urls, 1)
    ]


def keep_urls_out_of_logs() -> None:
    """Stop the lines of Apprise, and the debug lines of its HTTP client, that hold URLs."""
    apprise_log = logging.getLogger("apprise")
    # Apprise's own handlers, which tell why a message was refused, still get the rest.
    apprise_log.setLevel(logging.WARNING)
    apprise_log.propagate = False
    apprise_log.addHandler(_NOWHERE)
    apprise_log.addFilter(_holds_no_url)
    logging.getLogger("urllib3").setLevel(logging.INFO)


_NOWHERE = logging.NullHandler()


def _holds_no_url(record: logging.LogRecord) -> bool:
    return "://" not in record.getMessage()


def _channel(setting: str, number: int, url: str, severities: frozenset[Severity]) -> Channel:
    import apprise  # noqa: PLC0415 (as above)

    scheme = url.partition("://")[0]
    asset = apprise.AppriseAsset(
        app_id="video_assets",
        app_desc="video_assets",
        async_mode=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=SEND_SECONDS,
        allow_templates=False,
    )
    service = apprise.Apprise.instantiate(url, asset=asset)
    if service is None:
        raise ChannelError(
            f"VIDEO_ASSETS_{setting.upper()}: URL number {number}, of the scheme {scheme}://, is "
            "none that Apprise understands, or lacks a part. The form of each service's URL is at "
            "https://appriseit.com/services/ (`apprise --details` lists them)."
        )
    return AppriseChannel(
        name=f"{setting.removeprefix('alert_urls').removeprefix('_') or 'all'}-{number}-{scheme}",
        severities=severities,
        # Services without titles put it on top of the body.
        longest_body=min(LONGEST_BODY, service.body_maxlen - LONGEST_TITLE),
        service=service,
        secrets=_secrets_of(url),
    )


def _secrets_of(url: str) -> tuple[str, ...]:
    """The parts of a URL behind its scheme, longest first, for no text may hold them."""
    parts = {
        part for part in _PARTS.split(url.partition("://")[2]) if len(part) >= _SHORTEST_SECRET
    }
    return tuple(sorted(parts, key=len, reverse=True))
