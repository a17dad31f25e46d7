"""Settings of the sources: where they are, and how their columns and values map onto ours."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from video_assets.csv_dialect import CsvDialect
from video_assets.settings.texts import DIALECT_EXAMPLE, EMPTY_IS_UNSET, Dialect, NameMapping
from video_assets.vocabulary import (
    EVENT_COLUMNS,
    EVENT_NAMES,
    IGNORE,
    OtherNames,
    SourceFormat,
    TimestampUnit,
)

SAMPLE_FOLDER = "data/sample"


class SourceSettings(BaseModel):
    """The sources of player events, video metadata and daily views.

    Raises:
        pydantic.ValidationError: a value is not allowed, or a mapping names none of our columns.
    """

    model_config = ConfigDict(frozen=True)

    events: str = Field(
        f"{SAMPLE_FOLDER}/events",
        min_length=1,
        description="path or URI of the player events; may hold a glob or `{date}`",
    )
    events_format: SourceFormat = Field(
        "auto", description="format of the player events; `auto` tells it by suffix or content"
    )
    events_csv: Dialect = Field(
        CsvDialect(),
        description=f"how CSV files of the events are written, {DIALECT_EXAMPLE}",
    )
    events_columns: NameMapping = Field(
        default_factory=dict,
        description='columns of the events, JSON of source name to ours: `{"ts": "timestamp"}`',
    )
    event_names: NameMapping = Field(
        default_factory=dict,
        description="event names, JSON of source name to ours or to `ignore`: "
        '`{"started": "video_play", "loaded": "ignore"}`',
    )
    events_other_names: OtherNames = Field(
        "reject",
        description="rows with any other event name: `reject` or `ignore`; ignored rows are "
        "counted and kept nowhere",
    )
    events_timestamp_unit: Annotated[TimestampUnit | None, EMPTY_IS_UNSET] = Field(
        None, description="unit of times that are numbers since 1970"
    )
    events_time_zone: Annotated[str | None, EMPTY_IS_UNSET] = Field(
        None,
        description="time zone of time texts without offset, such as `Europe/Zurich`; unset: UTC",
    )
    video_metadata: Annotated[str | None, EMPTY_IS_UNSET] = Field(
        f"{SAMPLE_FOLDER}/video_metadata.parquet",
        description="path or URI of the video metadata; empty where there is none",
    )
    daily_views: str = Field(
        f"{SAMPLE_FOLDER}/daily_views",
        min_length=1,
        description="path or URI of the daily views; may hold a glob or `{date}`",
    )

    @field_validator("events_time_zone")
    @classmethod
    def _is_a_time_zone(cls, value: str | None) -> str | None:
        if value and value not in available_timezones():
            raise ValueError("is no time zone of the IANA database, such as `Europe/Zurich`")
        return value

    @field_validator("events_columns", "event_names")
    @classmethod
    def _maps_onto_known_names(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        allowed = {
            "events_columns": EVENT_COLUMNS,
            "event_names": (*EVENT_NAMES, IGNORE),
        }[str(info.field_name)]
        unknown = sorted(set(value.values()) - set(allowed))
        if unknown:
            raise ValueError(f"maps onto {unknown}; our names are {list(allowed)}")
        return value
