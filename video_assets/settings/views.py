"""Settings of the view counts: until when they should be there, and who is asked for them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from video_assets.settings.texts import EMPTY_IS_UNSET


class ViewSettings(BaseModel):
    """How view counts are understood and asked for.

    Raises:
        pydantic.ValidationError: a value is not allowed.
    """

    model_config = ConfigDict(frozen=True)

    as_of_date: Annotated[date | None, EMPTY_IS_UNSET] = Field(
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
