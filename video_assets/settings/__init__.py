"""Every setting of the platform: typed, validated at start-up, from the environment or `.env`."""

import difflib
import json
import os
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from video_assets.rules import WatchTimeRules
from video_assets.settings.alerts import AlertSettings
from video_assets.settings.analytics import AnalyticsSettings
from video_assets.settings.checks import CheckThresholds
from video_assets.vocabulary import DAILY_VIEW_COLUMNS, EVENT_COLUMNS, EVENT_NAMES

PREFIX = "VIDEO_ASSETS_"
DOTENV = ".env"
SAMPLE_FOLDER = "data/sample"

SourceFormat = Literal["auto", "parquet", "json", "csv", "delta"]

OPTIONAL_FIELDS = (
    "video_metadata",
    "events_timestamp_unit",
    "daily_views_date_format",
    "as_of_date",
    "spark_remote",
)


def _parse_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "{}")
    except json.JSONDecodeError as error:
        raise ValueError(f"must be a JSON object of strings; {error}") from None


NameMapping = Annotated[dict[str, str], NoDecode, BeforeValidator(_parse_json)]


class SettingsError(ValueError):
    """A setting has a value that is not allowed; the message names it and says what is."""


class Settings(WatchTimeRules, CheckThresholds, AnalyticsSettings, AlertSettings, BaseSettings):
    """All settings; a field's environment variable is `VIDEO_ASSETS_` and its name in capitals.

    Raises:
        pydantic.ValidationError: a value is not allowed; `load_settings` makes it readable.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=DOTENV, extra="ignore", frozen=True
    )

    warehouse: str = Field(
        "data/warehouse",
        min_length=1,
        description="root path or URI (`s3://`, `abfss://`, `gs://`) of the Delta tables",
    )
    start_date: date = Field(date(2025, 1, 1), description="first daily partition")

    events: str = Field(
        f"{SAMPLE_FOLDER}/events",
        min_length=1,
        description="path or URI of the player events; may hold a glob or `{date}`",
    )
    events_format: SourceFormat = Field(
        "auto", description="format of the player events; `auto` tells it by suffix or content"
    )
    events_columns: NameMapping = Field(
        default_factory=dict,
        description='columns of the events, JSON of source name to ours: `{"ts": "timestamp"}`',
    )
    event_names: NameMapping = Field(
        default_factory=dict,
        description='event names, JSON of source name to ours: `{"started": "video_play"}`',
    )
    events_timestamp_unit: Literal["s", "ms", "us"] | None = Field(
        None, description="unit of times that are numbers since 1970"
    )
    video_metadata: str | None = Field(
        f"{SAMPLE_FOLDER}/video_metadata.parquet",
        description="path or URI of the video metadata; empty where there is none",
    )

    engagement_refresh: Literal["changed", "all"] = Field(
        "changed",
        description="engagement rows to compute: those that changes of the sessions or of the "
        "video metadata concern, or `all`",
    )

    daily_views: str = Field(
        f"{SAMPLE_FOLDER}/daily_views",
        min_length=1,
        description="path or URI of the daily views; may hold a glob or `{date}`",
    )
    daily_views_format: SourceFormat = Field(
        "auto", description="format of the daily views; `auto` tells it by suffix or content"
    )
    daily_views_columns: NameMapping = Field(
        default_factory=dict,
        description='columns of the views, JSON of source name to ours: `{"views": "viewCount"}`',
    )
    daily_views_date_format: str | None = Field(
        None, description="strptime format of their dates, such as `%y.%d.%m`; unset: ISO 8601"
    )
    view_count_kind: Literal["daily", "cumulative"] = Field(
        "daily", description="whether a count is the views of its day or a running total"
    )
    cumulative_lookback: int = Field(
        35, ge=1, le=400, description="days in which a running total looks for its predecessor"
    )
    as_of_date: date | None = Field(
        None, description="last day that a video should have; unset: newest `date` in the data"
    )

    view_count_source: Literal["simulator", "youtube"] = Field(
        "simulator",
        description="who is asked for lifetime views; `youtube` needs `YOUTUBE_API_KEY`",
    )
    youtube_url: str = Field(
        "https://www.googleapis.com/youtube/v3",
        pattern=r"^https?://.+",
        description="base URL of the YouTube Data API, for a proxy",
    )
    view_count_requests: Annotated[int, Field(ge=1, le=64)] = Field(
        4, description="requests to that API in flight at once"
    )

    engine: Literal["sail", "spark"] = Field(
        "sail", description="`sail`: embedded, no Java; `spark`: Apache Spark 4"
    )
    spark_remote: str | None = Field(
        None,
        pattern=r"^(sc://.+|local(\[.+\])?)$",
        description="Spark Connect URL (`sc://host:15002`) or `local[*]`, for the engine `spark`",
    )
    spark_config: NameMapping = Field(
        default_factory=dict,
        description='Spark session settings, JSON: `{"spark.sql.shuffle.partitions": "64"}`',
    )

    @field_validator(*OPTIONAL_FIELDS, mode="before")
    @classmethod
    def _empty_means_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("events_columns", "event_names", "daily_views_columns")
    @classmethod
    def _maps_onto_known_names(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        allowed = {
            "events_columns": EVENT_COLUMNS,
            "event_names": EVENT_NAMES,
            "daily_views_columns": DAILY_VIEW_COLUMNS,
        }[str(info.field_name)]
        unknown = sorted(set(value.values()) - set(allowed))
        if unknown:
            raise ValueError(f"maps onto {unknown}; our names are {list(allowed)}")
        if info.field_name != "event_names" and len(set(value.values())) < len(value):
            raise ValueError("maps two source columns onto one of ours")
        return value

    @model_validator(mode="after")
    def _spark_remote_needs_the_engine(self) -> Self:
        if self.spark_remote and self.engine != "spark":
            raise ValueError("spark_remote is set, but engine is `sail`: set engine to `spark`")
        return self

    @property
    def rules(self) -> WatchTimeRules:
        """The thresholds of the watch-time rules alone."""
        return WatchTimeRules(**self.model_dump(include=set(WatchTimeRules.model_fields)))


def load_settings() -> Settings:
    """Read and validate every setting.

    Raises:
        SettingsError: names each wrong setting, its value and what is allowed.
    """
    unknown = _unknown_settings({*dotenv_values(DOTENV), *os.environ})
    if unknown:
        raise SettingsError("\n".join(unknown))
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_readable(error)) from None


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
    value = "" if field in AlertSettings.model_fields else f" = {detail['input']!r}"
    return f"{environment_name(field)}{value}: {message} ({meaning})"
