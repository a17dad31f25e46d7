"""Settings of the sources: where they are."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from video_assets.date_pattern import pattern_problem
from video_assets.settings.texts import EMPTY_IS_UNSET
from video_assets.vocabulary import PositionUnit

SAMPLE_FOLDER = "data/sample"
SAMPLE_SUMMARY = "sample_summary.json"
# Columns of the sample's events that are dimensions; the player's versions are an experiment.
SAMPLE_DEVICE, SAMPLE_PLAYER = "device", "player"
OLD_PLAYER, NEW_PLAYER = "4.2", "5.0"


class SourceSettings(BaseModel):
    """The sources of player events, video metadata and daily views.

    Raises:
        pydantic.ValidationError: a value is not allowed.
    """

    model_config = ConfigDict(frozen=True)

    events: str = Field(
        f"{SAMPLE_FOLDER}/events",
        min_length=1,
        description="path or URI of the player events; may hold a glob or `{date}`",
    )
    video_metadata: Annotated[str | None, EMPTY_IS_UNSET] = Field(
        f"{SAMPLE_FOLDER}/video_metadata.parquet",
        description="path or URI of the video metadata; empty where there is none",
    )
    video_metadata_duration_unit: PositionUnit = Field(
        "s",
        description="how durations in the video metadata are written: `s`, `ms`, `iso8601` "
        "(`PT5M21S`), or `clock` (`00:05:21`)",
    )
    video_chapters: Annotated[str | None, EMPTY_IS_UNSET] = Field(
        None,
        description="path or URI of the videos' chapters, which the report names: a CSV file with "
        "the columns `videoId`, `start` (seconds, or `1:02:03`) and `title`, or a folder of WebVTT "
        "files `<videoId>.vtt`; unset: none",
    )
    daily_views: str = Field(
        f"{SAMPLE_FOLDER}/daily_views",
        min_length=1,
        description="path or URI of the daily views; may hold a glob or `{date}`",
    )
    arrival_days: int = Field(
        0,
        ge=0,
        le=31,
        description="where the arrival of a row decides the folder of a `{date}` path: how many "
        "folders after its own a day reads too",
    )
    include_today: bool = Field(
        default=False,
        description="whether the current UTC day is a partition too, which `new_deliveries` keeps "
        "current; its numbers are marked as unfinished until its deliveries have ended",
    )
    settle_seconds: int = Field(
        60,
        ge=0,
        description="age in seconds from which a delivered file counts as whole, where nobody saw "
        "it before",
    )

    @field_validator("events", "daily_views")
    @classmethod
    def _is_filled_by_a_day(cls, value: str) -> str:
        problem = pattern_problem(value)
        if problem:
            raise ValueError(problem)
        return value
