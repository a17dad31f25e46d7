"""Settings of the daily views: where they are, how they are written, and what they mean."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
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
    Names,
)
from video_assets.vocabulary import DAILY_VIEW_COLUMNS, VIEW_MEASURES, SourceFormat

PRESETS = Path(__file__).parents[1] / "daily_views" / "presets"

CombineRule = Literal["sum", "latest", "largest"]
DefinitionChanges = Annotated[dict[date, str], NoDecode, JSON_OBJECT]
OptionalText = Annotated[str | None, EMPTY_IS_UNSET]


class DailyViewSettings(BaseModel):
    """How daily views are read, combined and judged, validated.

    Raises:
        pydantic.ValidationError: a value is not allowed, or a preset cannot be read.
    """

    model_config = ConfigDict(frozen=True)

    daily_views_preset: OptionalText = Field(
        None,
        description="ready settings of a source: `youtube_reporting`, `youtube_studio`, or the "
        "path of an own file (TOML); settings that are set themselves hold before it",
    )
    daily_views_format: SourceFormat = Field(
        "auto", description="format of the daily views; `auto` tells it by suffix or content"
    )
    daily_views_zip_member: OptionalText = Field(
        None, description="file to read of a ZIP archive, such as `Chart data.csv`"
    )
    daily_views_csv: Dialect = Field(
        CsvDialect(),
        description=f"how CSV files of the views are written, {DIALECT_EXAMPLE}",
    )
    daily_views_columns: NameMapping = Field(
        default_factory=dict,
        description='columns of the views, JSON of source name to ours: `{"views": "viewCount"}`; '
        "`channel_id` and `created_date` may be missing",
    )
    daily_views_measures: NameMapping = Field(
        default_factory=dict,
        description="further columns to keep beside the views, JSON of source name to "
        f"{', '.join(f'`{name}`' for name in VIEW_MEASURES)}",
    )
    daily_views_date_format: OptionalText = Field(
        None, description="strptime format of their dates, such as `%y.%d.%m`; unset: ISO 8601"
    )
    daily_views_created_date_format: OptionalText = Field(
        None, description="strptime format of created dates, or ISO 8601; unset: as the dates"
    )
    daily_views_time_zone: OptionalText = Field(
        None,
        description="where the day of a time with an offset is reckoned, such as "
        "`America/Los_Angeles`; unset: UTC. Dates are the source's own, and stay as they are",
    )
    daily_views_thousands: OptionalText = Field(
        None,
        min_length=1,
        max_length=1,
        description="character between the thousands of counts, such as `,`",
    )
    daily_views_ignored_ids: Names = Field(
        (),
        description='`video_id` of rows that are no video\'s, JSON list: `["Total", ""]`; they are '
        "counted and kept nowhere",
    )
    daily_views_combine: Literal["auto", "sum", "latest", "largest"] = Field(
        "auto",
        description="several rows of a video and day: `sum`: those of one file add up, and the "
        "file delivered last holds; `latest`: the row delivered last holds; `largest`: the largest "
        "count holds; `auto`: `latest` for daily counts, `largest` for running totals",
    )
    view_count_kind: Literal["daily", "cumulative"] = Field(
        "daily", description="whether a count is the views of its day or a running total"
    )
    cumulative_lookback: int = Field(
        35, ge=1, le=400, description="days in which a running total looks for its predecessor"
    )
    daily_views_delivery_lag: Annotated[int | None, EMPTY_IS_UNSET] = Field(
        None,
        ge=1,
        le=60,
        description="days after which the views of a day must be there; unset: `DELIVERY_LAG`",
    )
    view_definition_changes: DefinitionChanges = Field(
        default_factory=dict,
        description="days from which the platform counts something else as a view, JSON of day to "
        "what changed; days and months are marked with them",
    )
    no_row_means: Literal["missing", "zero"] = Field(
        "missing",
        description="a video without a row on a day: `missing`, or `zero` views, so that only days "
        "without any file are missing",
    )
    gone_after: int = Field(
        30,
        ge=1,
        description="days without a row after which a video is gone and misses no more days",
    )

    @model_validator(mode="before")
    @classmethod
    def _preset_fills_in(cls, values: Any) -> Any:
        return filled_in(values, "daily_views_preset", _preset)

    @field_validator("daily_views_preset")
    @classmethod
    def _preset_can_be_read(cls, value: str | None) -> str | None:
        return readable(value, _preset)

    @field_validator("daily_views_columns")
    @classmethod
    def _columns_are_ours(cls, value: dict[str, str]) -> dict[str, str]:
        return _with_our_names(value, tuple(DAILY_VIEW_COLUMNS))

    @field_validator("daily_views_measures")
    @classmethod
    def _measures_are_ours(cls, value: dict[str, str]) -> dict[str, str]:
        return _with_our_names(value, tuple(VIEW_MEASURES))

    @field_validator("daily_views_time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        try:
            return value and ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone; use a name such as America/Los_Angeles") from None

    @property
    def combine_rule(self) -> CombineRule:
        """What several rows of a video and day mean."""
        if self.daily_views_combine != "auto":
            return self.daily_views_combine
        return "latest" if self.view_count_kind == "daily" else "largest"

    @property
    def view_measures(self) -> tuple[str, ...]:
        """The measures that the source has, in the order of the table."""
        mapped = self.daily_views_measures.values()
        return tuple(name for name in VIEW_MEASURES if name in mapped)

    @property
    def definition_change_days(self) -> tuple[date, ...]:
        """The days from which something else counts as a view, ascending."""
        return tuple(sorted(self.view_definition_changes))


def _preset(name: str) -> Mapping[str, Any]:
    return read_preset(name, PRESETS, set(DailyViewSettings.model_fields) - {"daily_views_preset"})


def _with_our_names(value: dict[str, str], allowed: tuple[str, ...]) -> dict[str, str]:
    unknown = sorted(set(value.values()) - set(allowed))
    if unknown:
        raise ValueError(f"maps onto {unknown}; our names are {list(allowed)}")
    return value
