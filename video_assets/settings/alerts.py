"""Settings of the alerts: where they go, and where their links lead."""

import json
import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"
# A comma may also stand inside a URL, between recipients.
_BETWEEN_URLS = re.compile(rf"[,\s]+(?={_SCHEME})")
_URL = re.compile(rf"{_SCHEME}\S+")


def _split(value: object) -> object:
    """The URLs of a text, as a list; no message holds one, because they hold tokens."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if not isinstance(value, str):
        return value
    urls = _parsed(value.strip())
    wrong = [n for n, url in enumerate(urls, 1) if not _URL.fullmatch(str(url))]
    if wrong:
        raise ValueError(
            f"URL number {', '.join(map(str, wrong))} does not begin with a scheme such as "
            "slack:// or mailto://, or holds a blank; several URLs are separated by commas"
        )
    return urls


def _parsed(text: str) -> list[object]:
    if not text:
        return []
    if not text.startswith("["):
        return list(_BETWEEN_URLS.split(text))
    try:
        return list(json.loads(text))
    except ValueError:
        raise ValueError("begins like a JSON list, but is none") from None


SecretUrls = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]


class AlertSettings(BaseModel):
    """Where alerts go, as URLs that Apprise understands (Slack, Teams, e-mail, PagerDuty, ...).

    Raises:
        pydantic.ValidationError: a value is not allowed; the message holds no URL.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    alert_urls: SecretUrls = Field(
        (),
        description="Apprise URLs that get every alert, separated by commas: `slack://...`, "
        "`mailto://...`; without any, alerts go to the log and the table `alerts`",
    )
    alert_urls_error: SecretUrls = Field(
        (), description="Apprise URLs that get alerts of severity ERROR only: `pagerduty://...`"
    )
    alert_urls_warn: SecretUrls = Field(
        (), description="Apprise URLs that get alerts of severity WARN only"
    )
    ui_url: str = Field(
        "http://localhost:3000",
        pattern=r"^https?://\S+$",
        description="where the Dagster UI listens: alerts link to it",
    )
