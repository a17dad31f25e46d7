"""Every setting of the platform: typed, validated at start-up, from the environment or `.env`."""

import difflib
import json
import logging
import os
import stat
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self, get_args

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from resources.secrecy import without_secrets
from resources.storage import LocationError, provider
from video_assets.rules import WatchTimeRules
from video_assets.settings.alerts import AlertSettings
from video_assets.settings.analytics import AnalyticsSettings
from video_assets.settings.checks import CheckThresholds
from video_assets.settings.daily_views import DailyViewSettings
from video_assets.settings.engine import EngineSettings
from video_assets.settings.events import PlayerEventSettings
from video_assets.settings.experiments import Experiment, ExperimentSettings
from video_assets.settings.maintenance import MaintenanceSettings
from video_assets.settings.sources import (
    NEW_PLAYER,
    OLD_PLAYER,
    SAMPLE_DEVICE,
    SAMPLE_FOLDER,
    SAMPLE_PLAYER,
    SAMPLE_SUMMARY,
    SourceSettings,
)
from video_assets.settings.tables import TableSettings
from video_assets.settings.viewers import ViewerLimits
from video_assets.settings.views import ViewSettings

_LOG = logging.getLogger(__name__)

PREFIX = "VIDEO_ASSETS_"
# Of these the type does not tell that a value may hold a secret.
MAY_HOLD_SECRETS = {"ui_url", "spark_config"}
ADDRESSES = (
    "warehouse",
    "events",
    "user_aliases",
    "video_metadata",
    "video_chapters",
    "daily_views",
    "excluded_viewers_file",
    "youtube_url",
    "ui_url",
)
DOTENV = ".env"
# Settings are loaded by each process of a command, and these inherit the environment.
READERS_REPORTED = "DOTENV_READERS_REPORTED"
OVERRULED_REPORTED = "DOTENV_OVERRULED_REPORTED"
PREFIX_REPORTED = "DOTENV_PREFIX_REPORTED"


class SettingsError(ValueError):
    """A setting has a value that is not allowed; the message names it and says what is."""


class Settings(  # the last base comes first in the table of settings
    WatchTimeRules,
    CheckThresholds,
    ExperimentSettings,
    ViewerLimits,
    AnalyticsSettings,
    MaintenanceSettings,
    AlertSettings,
    EngineSettings,
    ViewSettings,
    DailyViewSettings,
    PlayerEventSettings,
    SourceSettings,
    TableSettings,
    BaseSettings,
):
    """All settings; a field's environment variable is `VIDEO_ASSETS_` and its name in capitals.

    Raises:
        pydantic.ValidationError: a value is not allowed; `load_settings` makes it readable.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=DOTENV, extra="ignore", frozen=True
    )

    @field_validator(*ADDRESSES)
    @classmethod
    def _address_holds_no_secret(cls, address: str | None) -> str | None:
        """Addresses stand in tables, in logs and in the UI."""
        if address and without_secrets(address) != address:
            raise ValueError(
                "must hold no password, token or signature, because everybody sees addresses: "
                "put credentials into the environment variables of the store (AWS_*, AZURE_*, "
                "GOOGLE_*)"
            )
        return address

    @field_validator("warehouse")
    @classmethod
    def _tables_can_lie_there(cls, address: str) -> str:
        try:
            provider(address)
        except LocationError as error:
            raise ValueError(str(error)) from None
        return address

    @model_validator(mode="after")
    def _experiments_are_dimensions(self) -> Self:
        if unnamed := sorted(set(self.experiments) - set(self.events_dimensions)):
            raise ValueError(
                f"EXPERIMENTS has {unnamed}, which EVENTS_DIMENSIONS does not name; it names "
                f"{sorted(self.events_dimensions)}"
            )
        return self

    def first_day_of_events(self, today: date) -> date:
        """The first day of which player events are expected to be there."""
        if self.retention_days is None:
            return self.start_date
        return max(self.start_date, today - timedelta(days=self.retention_days))

    @property
    def rules(self) -> WatchTimeRules:
        """The thresholds of the watch-time rules alone."""
        return WatchTimeRules(**self.model_dump(include=set(WatchTimeRules.model_fields)))


def load_settings() -> Settings:
    """Read and validate every setting.

    Raises:
        SettingsError: names each wrong setting, its value and what is allowed.
    """
    written = dotenv_values(DOTENV)
    unknown = _unknown_settings({*written, *os.environ})
    if unknown:
        raise SettingsError("\n".join(unknown))
    try:
        settings = Settings()
    except ValidationError as error:
        raise SettingsError(_readable(error)) from None
    if not {"start_date", "events"} & settings.model_fields_set:
        settings = settings.model_copy(update={"start_date": _first_day_of_sample(settings)})
    if settings.start_date > datetime.now(UTC).date():
        raise SettingsError(
            f"{environment_name('start_date')} = {settings.start_date} lies in the future, so that "
            "no asset has a day; set it to the first day of your data"
        )
    if not {"events", "events_preset", "events_dimensions"} & settings.model_fields_set:
        settings = settings.model_copy(update=_dimensions_of_sample())
    _report_dotenv(settings, written)
    return settings


def _first_day_of_sample(settings: Settings) -> date:
    """The first day that the generated sample has, which is never long ago in a demo."""
    summary = Path(SAMPLE_FOLDER) / SAMPLE_SUMMARY
    if not summary.is_file():
        return settings.start_date
    return date.fromisoformat(json.loads(summary.read_text("utf-8"))["spec"]["first_day"])


def _dimensions_of_sample() -> dict[str, object]:
    split = {OLD_PLAYER: 1.0, NEW_PLAYER: 1.0}
    return {
        "events_dimensions": {name: (name,) for name in (SAMPLE_DEVICE, SAMPLE_PLAYER)},
        "experiments": {SAMPLE_PLAYER: Experiment(control=OLD_PLAYER, split=split)},
    }


def _report_dotenv(settings: Settings, written: Mapping[str, str | None]) -> None:
    """Say what a person should know of `.env`, each once in a command."""
    may_be_read = settings.file_access == "owner" and _others_read(Path(DOTENV))
    if may_be_read and _is_first(READERS_REPORTED):
        _LOG.warning("%s may hold secrets, and others can read it: chmod 600 %s", DOTENV, DOTENV)
    overruled = _overruled(written)
    if overruled and _is_first(OVERRULED_REPORTED):
        names = ", ".join(overruled)
        _LOG.warning("%s: %s holds, not the environment, in commands of Dagster", names, DOTENV)
    without_prefix = _without_prefix(written)
    if without_prefix and _is_first(PREFIX_REPORTED):
        names = ", ".join(without_prefix)
        _LOG.warning(
            "%s: %s is not used, because names of settings begin with %s", DOTENV, names, PREFIX
        )


def _overruled(written: Mapping[str, str | None]) -> list[str]:
    """Dagster's commands put what is in `.env` over what the environment has, and say nothing."""
    in_force = {
        name: value
        for name, value in written.items()
        if name.startswith(PREFIX) and os.environ.get(name) == value
    }
    started_with = _environment_at_start() if in_force else {}
    return [name for name, value in in_force.items() if started_with.get(name, value) != value]


def _without_prefix(written: Mapping[str, str | None]) -> list[str]:
    """Names of settings in `.env` that may be other programs' as well: too few to refuse."""
    ours = {field.upper() for field in Settings.model_fields}
    return sorted(name for name in ours & written.keys() if PREFIX + name not in written)


def _environment_at_start() -> dict[str, str]:
    """What the process was started with, where the system tells."""
    try:
        entries = Path("/proc/self/environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def _is_first(report: str) -> bool:
    """Whether nobody in this command said it; processes inherit the environment."""
    is_first = report not in os.environ
    os.environ[report] = "yes"
    return is_first


def _others_read(path: Path) -> bool:
    return path.is_file() and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def environment_name(field: str) -> str:
    """The environment variable of a settings field."""
    return f"{PREFIX}{field.upper()}"


def _unknown_settings(names: Iterable[str]) -> list[str]:
    known = {environment_name(field) for field in Settings.model_fields}
    ours = sorted(name for name in names if name.startswith(PREFIX))
    return [_unknown_setting(name, known) for name in ours if name not in known]


def _unknown_setting(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "the README lists the settings"
    return f"{name} is not a setting; {hint}"


def _readable(error: ValidationError) -> str:
    return "\n".join(_readable_detail(detail) for detail in error.errors())


def _readable_detail(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        return f"The settings contradict each other: {message}"
    field = str(detail["loc"][0])
    meaning = Settings.model_fields[field].description
    part = "".join(f", {step}" for step in detail["loc"][1:])
    value = "" if _is_secret(field) else f"{part} = {_shown(detail['input'])!r}"
    return f"{environment_name(field)}{value}: {message} ({meaning})"


def _is_secret(field: str) -> bool:
    return field in MAY_HOLD_SECRETS or _holds_secret(Settings.model_fields[field].annotation)


def _holds_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


def _shown(value: object) -> object:
    return without_secrets(value) if isinstance(value, str) else value
