"""Settings of who counts as a viewer in rankings and curves."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from video_assets.settings.texts import EMPTY_IS_UNSET, Names


class ViewerLimits(BaseModel):
    """What a person can do, and who is none of the audience.

    Raises:
        pydantic.ValidationError: a value is out of its range.
    """

    model_config = ConfigDict(frozen=True)

    viewer_hours_a_day: float = Field(
        16.0,
        gt=0,
        allow_inf_nan=False,
        description="hours that a person can watch on a UTC day, all devices together; who "
        "watches more is left out of rankings and curves",
    )
    viewer_plays_of_a_video: int = Field(
        50,
        ge=1,
        description="times that a person can start one video, or run it to its end, on a UTC day; "
        "likewise",
    )
    viewer_places_at_once: int = Field(
        3,
        ge=1,
        description="sessions that a person can have running at the same moment; likewise",
    )
    excluded_viewers: Names = Field(
        (),
        description="user ids of staff and tests, JSON list; they are left out of rankings and "
        "curves",
    )
    excluded_viewers_file: Annotated[str | None, EMPTY_IS_UNSET] = Field(
        None,
        description="the same as a file, path or URI: one id a line, read by each run",
    )
    count_excluded_viewers: bool = Field(
        default=False,
        description="rankings and curves count also who would be left out",
    )
