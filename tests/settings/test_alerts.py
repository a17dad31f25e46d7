import pytest
from pydantic import ValidationError

from resources.alerts.alert import Severity
from resources.alerts.channels import ChannelError, channels_of
from video_assets.settings.alerts import AlertSettings

SLACK = "slack://TokenA000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
MAIL = "mailto://me:pw@example.org?to=a@example.org,b@example.org"


def urls(settings: AlertSettings) -> list[str]:
    return [url.get_secret_value() for url in settings.alert_urls]


@pytest.mark.parametrize(
    "text", [f"{SLACK},{MAIL}", f" {SLACK} , {MAIL} ", f"{SLACK}\n{MAIL}", f'["{SLACK}", "{MAIL}"]']
)
def test_urls_are_separated_by_commas_or_a_json_list(text: str) -> None:
    assert urls(AlertSettings(alert_urls=text)) == [SLACK, MAIL]


def test_no_url_is_no_channel() -> None:
    assert channels_of(AlertSettings(alert_urls="")) == []


@pytest.mark.parametrize("text", ["s3cret", f"s3cret,{SLACK}", '["s3cret"', '["s3cret"]'])
def test_a_wrong_url_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        AlertSettings(alert_urls=text)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("url", ["slack://s3cret", "nosuchservice://s3cret@host"])
def test_a_url_that_names_no_service_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(
        ChannelError, match="VIDEO_ASSETS_ALERT_URLS_ERROR: URL number 2"
    ) as refused:
        channels_of(AlertSettings(alert_urls_error=f"{SLACK},{url}"))
    assert "s3cret" not in str(refused.value)


def test_channels_show_their_kind_and_never_their_url() -> None:
    settings = AlertSettings(alert_urls=SLACK, alert_urls_warn=MAIL)
    slack, mail = channels_of(settings)
    assert (slack.name, mail.name) == ("all-1-slack", "warn-1-mailto")
    assert (slack.severities, mail.severities) == (frozenset(Severity), frozenset({Severity.WARN}))
    shown = f"{slack!r}{mail!r}{settings!r}{settings.model_dump()}"
    assert not any(part in shown for part in ("TokenA000", "XXXX", "example.org"))
