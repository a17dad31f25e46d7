"""Settings of the analysts' tables."""

from pydantic import BaseModel, ConfigDict, Field


class AnalyticsSettings(BaseModel):
    """How the analysts' tables cut a video into pieces, validated.

    Raises:
        pydantic.ValidationError: a value is out of its range.
    """

    model_config = ConfigDict(frozen=True)

    # Whole seconds, because their multiples are exact: no position falls between two buckets.
    position_bucket_seconds: int = Field(
        5, ge=1, le=3600, description="width of a bucket of the position curve, in seconds of video"
    )
    valid_play_seconds: float = Field(
        30.0,
        ge=0,
        allow_inf_nan=False,
        description="seconds of video that a session must watch to count as a valid play",
    )
    dimension_values: int = Field(
        100,
        ge=1,
        le=10_000,
        description="values of a dimension that `dimension_daily` names on a day, those with most "
        "sessions; the rest is `other`",
    )
