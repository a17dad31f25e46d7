"""Settings of the player events: how they are written, and how they map onto ours."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from video_assets.csv_dialect import CsvDialect
from video_assets.settings.presets import filled_in, read_preset, readable
from video_assets.settings.texts import (
    DIALECT_EXAMPLE,
    EMPTY_IS_UNSET,
    JSON_OBJECT,
    Dialect,
    NameMapping,
)
from video_assets.vocabulary import (
    ALIAS_COLUMNS,
    EVENT_COLUMNS,
    EVENT_NAMES,
    IGNORE,
    OtherNames,
    PositionUnit,
    SourceFormat,
    TimestampUnit,
)

PRESETS = Path(__file__).parents[1] / "player_events" / "presets"

_DIMENSION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MOST_DIMENSIONS = 20


def _lists_of_paths(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: (path,) if isinstance(path, str) else path for name, path in value.items()}


# The last one comes first.
Dimensions = Annotated[
    dict[str, tuple[str, ...]], NoDecode, BeforeValidator(_lists_of_paths), JSON_OBJECT
]
OptionalText = Annotated[str | None, EMPTY_IS_UNSET]


class PlayerEventSettings(BaseModel):
    """How player events are read, validated.

    Raises:
        pydantic.ValidationError: a value is not allowed, a mapping names none of our columns, or a
            preset cannot be read.
    """

    model_config = ConfigDict(frozen=True)

    events_preset: OptionalText = Field(
        None,
        description="ready settings of a source of events (docs/sources.md lists them), or the "
        "path of an own file (TOML); settings that are set themselves hold before it",
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
        description='columns of the events, JSON of source name to ours: `{"ts": "timestamp"}`; '
        "what is mapped onto `videoDuration` and `videoTitle` describes videos, and an "
        "`itemCount` above 1 tells that events were sampled; `playedSegments` "
        "(`0[.]12[,]60[.]72`) is what the player itself says was watched",
    )
    events_dimensions: Dimensions = Field(
        default_factory=dict,
        description="what `dimension_daily` compares, JSON of a name to the path of its value, or "
        'to several of which the first that a row has counts: `{"device": "context.device.type", '
        '"country": ["geo.country", "country"]}`; presets name the usual ones, and the generated '
        "sample has its own",
    )
    events_explode: OptionalText = Field(
        None,
        description="path of a list in a row whose elements are the events; what an element lacks "
        "is looked up in the row, and a row without the list is an event itself",
    )
    event_names: NameMapping = Field(
        default_factory=dict,
        description="event names, JSON of source name to ours or to `ignore`: "
        '`{"started": "video_play", "loaded": "ignore"}`',
    )
    events_other_names: OtherNames = Field(
        "reject",
        description="rows with any other event name, or none: `reject` or `ignore`; ignored rows "
        "are counted and kept nowhere, and lines of JSON without a known name are not even parsed",
    )
    events_session: Literal["column", "none"] = Field(
        "column",
        description="where sessions come from: the `column` sessionId, or `none`: the source has "
        "no sessions, and only the time between events tells them apart",
    )
    events_timestamp_unit: Annotated[TimestampUnit | None, EMPTY_IS_UNSET] = Field(
        None, description="unit of times that are numbers since 1970"
    )
    events_time_zone: OptionalText = Field(
        None,
        description="time zone of time texts without offset, such as `Europe/Zurich`; unset: UTC",
    )
    events_position_unit: PositionUnit = Field(
        "s",
        description="how positions are written: `s`, `ms`, `iso8601` (`PT5M21S`), or `clock` "
        "(`00:05:21`)",
    )
    events_duration_unit: Annotated[PositionUnit | None, EMPTY_IS_UNSET] = Field(
        None, description="how durations of videos in events are written; unset: as positions"
    )

    user_aliases: OptionalText = Field(
        None,
        description="path or URI of a table of anonymous ids (`anonymousId`) and who logged in "
        "(`userId`), with the time of the login (`timestamp`): events of before and after are one "
        "user's; unset: ids are users",
    )
    user_aliases_columns: NameMapping = Field(
        default_factory=dict,
        description='columns of that table, JSON of source name to ours: `{"anon": "anonymousId"}`',
    )

    @model_validator(mode="before")
    @classmethod
    def _events_preset_fills_in(cls, values: Any) -> Any:
        return filled_in(values, "events_preset", _preset)

    @field_validator("events_preset")
    @classmethod
    def _events_preset_can_be_read(cls, value: str | None) -> str | None:
        return readable(value, _preset)

    @field_validator("events_time_zone")
    @classmethod
    def _is_a_time_zone(cls, value: str | None) -> str | None:
        if value and value not in available_timezones():
            raise ValueError("is no time zone of the IANA database, such as `Europe/Zurich`")
        return value

    @field_validator("events_dimensions")
    @classmethod
    def _dimensions_have_names_and_paths(
        cls, value: dict[str, tuple[str, ...]]
    ) -> dict[str, tuple[str, ...]]:
        wrong = [name for name in value if not _DIMENSION_NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"names {wrong}; a name is made of letters, digits and `_`")
        if pathless := [name for name, paths in value.items() if not all(paths) or not paths]:
            raise ValueError(f"gives {pathless} no path")
        if len(value) > _MOST_DIMENSIONS:
            raise ValueError(f"names {len(value)} dimensions; {_MOST_DIMENSIONS} at most")
        return value

    @field_validator("events_columns", "event_names", "user_aliases_columns")
    @classmethod
    def _maps_onto_known_names(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        allowed = {
            "events_columns": EVENT_COLUMNS,
            "event_names": (*EVENT_NAMES, IGNORE),
            "user_aliases_columns": ALIAS_COLUMNS,
        }[str(info.field_name)]
        unknown = sorted(set(value.values()) - set(allowed))
        if unknown:
            raise ValueError(f"maps onto {unknown}; our names are {list(allowed)}")
        return value


_OF_PRESETS = {name for name in PlayerEventSettings.model_fields if name.startswith("event")} - {
    "events_preset"
}


def _preset(name: str) -> Mapping[str, Any]:
    return read_preset(name, PRESETS, _OF_PRESETS)
