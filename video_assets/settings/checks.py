"""The thresholds of the asset checks: how much is too much, too little or too late."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class CheckThresholds(BaseModel):
    """What the checks tolerate, validated; shares between 0 and 1.

    Raises:
        pydantic.ValidationError: a value is out of its range, or more days of history are needed
            than are looked at.
    """

    model_config = ConfigDict(frozen=True)

    max_rejected_share: Share = Field(
        0.05, description="share of refused source rows above which a check warns"
    )
    max_refused_share: Share = Field(
        0.5,
        description="share of refused source rows of a day above which its run fails, so that the "
        "rows that are there stay; 1 insists on replacing them",
    )
    max_conflict_share: Share = Field(
        0.05,
        description="share of daily views with a contradicting row above which a check warns",
    )
    max_correction_share: Share = Field(
        0.1, description="share of a day's views taken back by the platform that is reported"
    )
    max_variant_changes: Share = Field(
        0.01, description="share of an experiment's viewers with several variants that is reported"
    )
    max_lifetime_drift: Share = Field(
        0.05,
        description="share by which the sum of a video's days may differ from its lifetime views",
    )
    min_lifetime_drift: int = Field(
        100, ge=0, description="views by which these may differ in any case"
    )
    min_row_count_ratio: Share = Field(
        0.5, description="a day with fewer events than this times the median before it is reported"
    )
    max_row_count_ratio: float = Field(
        2.0,
        ge=1,
        allow_inf_nan=False,
        description="a day with more events than this times the median before it is reported",
    )
    row_count_history_days: int = Field(
        7, ge=1, le=366, description="days before a day that this median is of"
    )
    min_row_count_history: int = Field(
        3, ge=1, le=366, description="days with events among them that the median needs"
    )
    # Lone plays and short looks are normal, and all of them are flagged. When they are more than
    # half of the rows, the numbers as a whole describe something else than watching.
    max_flagged_share: Share = Field(
        0.5, description="share of engagement rows with a quality flag above which a check warns"
    )
    max_unknown_durations: Share = Field(
        0.05,
        description="share of watched videos without a readable duration above which a check warns",
    )
    max_cut_share: Share = Field(
        0.01,
        description="share of stretches that MAX_SEGMENT or MAX_PLAYBACK_RATE alone keeps from "
        "being watched segments above which a check warns",
    )
    max_report_difference: Share = Field(
        0.1,
        description="share by which the seconds that a player reports (`playedSegments`) may "
        "differ from ours; POSITION_TOLERANCE seconds may in any case",
    )
    max_differing_reports: Share = Field(
        0.05,
        description="share of sessions whose player reports otherwise above which a check warns",
    )
    max_hours_since_processing: float = Field(
        24.0, gt=0, allow_inf_nan=False, description="age in hours of engagement that is reported"
    )

    max_forecast_age: int = Field(
        3,
        ge=1,
        description="days since the newest that the forecast of completion knows, above which a "
        "check warns",
    )

    delivery_lag: int = Field(
        1, ge=1, le=60, description="days after which the events and views of a day must be there"
    )

    @model_validator(mode="after")
    def _history_can_be_long_enough(self) -> Self:
        if self.min_row_count_history > self.row_count_history_days:
            raise ValueError(
                f"min_row_count_history ({self.min_row_count_history}) <= "
                f"row_count_history_days ({self.row_count_history_days}) must hold"
            )
        return self
