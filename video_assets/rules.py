"""The thresholds of the watch-time rules: every number that an operator may change."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

SECONDS_PER_DAY = 86_400.0
LARGEST_PLAYBACK_RATE = 16.0

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(allow_inf_nan=False)]
Percentage = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class WatchTimeRules(BaseModel):
    """Thresholds and weights of the watch-time rules, validated; times in seconds.

    Raises:
        pydantic.ValidationError: a value is out of its range, the tiers are not ordered, or a
            session could reach further back than the day before it.
    """

    model_config = ConfigDict(frozen=True)

    session_timeout: Annotated[Seconds, Field(gt=0)] = Field(
        1800.0, description="idle seconds after which a new session starts"
    )
    max_segment: Annotated[Seconds, Field(gt=0)] = Field(
        14_400.0, description="longest stretch of video, in seconds, that one segment may cover"
    )
    max_playback_rate: float = Field(
        2.0,
        ge=1,
        le=LARGEST_PLAYBACK_RATE,
        description="fastest playback, in seconds of video per second of wall clock",
    )
    position_tolerance: Seconds = Field(
        5.0, description="seconds by which a position may run ahead of the fastest playback"
    )
    forward_skip: Seconds = Field(
        5.0, description="a forward jump of more than these seconds is a skip"
    )
    backward_skip: Seconds = Field(
        2.0, description="a backward jump of more than these seconds is a skip"
    )
    unterminated_credit: Seconds = Field(
        0.0, description="seconds credited for a play with nothing after it (browser closed)"
    )
    score_weight_watch_minutes: Weight = Field(
        1.0, description="score points per minute of watch time"
    )
    score_weight_completions: Weight = Field(50.0, description="score points per completion")
    score_weight_sessions: Weight = Field(5.0, description="score points per session")
    score_weight_skips: Weight = Field(
        -2.0, description="score points per skip, forward or backward"
    )
    score_weight_unique_percentage: Weight = Field(
        0.3, description="score points per percent of the video watched at least once"
    )
    tier_high: Weight = Field(75.0, description="lowest score of the tier High")
    tier_medium: Weight = Field(40.0, description="lowest score of the tier Medium")
    tier_low: Weight = Field(10.0, description="lowest score of the tier Low")
    duration_tolerance: float = Field(
        1.1,
        ge=1,
        le=10,
        description="factor by which a position or watch time may exceed the duration",
    )
    sufficient_watch_percentage: Percentage = Field(
        75.0, description="watch percentage that a completion is expected to have"
    )
    reached_end: float = Field(
        0.95,
        gt=0,
        le=1,
        description="share of the duration from which on a watched segment reaches the end",
    )
    very_short_watch: Seconds = Field(
        10.0, description="watch time below these seconds is flagged as very short"
    )

    @model_validator(mode="after")
    def _tiers_are_ordered(self) -> "WatchTimeRules":
        if not self.tier_low <= self.tier_medium <= self.tier_high:
            raise ValueError(
                f"tier_low ({self.tier_low}) <= tier_medium ({self.tier_medium}) <= "
                f"tier_high ({self.tier_high}) must hold"
            )
        return self

    @model_validator(mode="after")
    def _reach_fits_into_one_day(self) -> "WatchTimeRules":
        if 2 * self.lookback > SECONDS_PER_DAY:
            raise ValueError(
                f"session_timeout + max_segment is {self.lookback:g} s; it must be at most "
                f"{SECONDS_PER_DAY / 2:g} s, because a day is computed from itself and twice that "
                "of the day before"
            )
        return self

    @property
    def lookback(self) -> float:
        """Seconds before an event within which another tells whether the video was playing."""
        return self.session_timeout + self.max_segment

    @property
    def stale_play_within(self) -> float:
        """Seconds after a seek within which a play may still report the position before it."""
        return min(self.session_timeout, SECONDS_PER_DAY - 2 * self.lookback)

    @property
    def reach(self) -> float:
        """Seconds before a day that can still influence it, at most a day.

        The look-back for what came before the day's first event, once more for the order within
        those instants, and what may lie between a seek and a play that belongs to it.
        """
        return 2 * self.lookback + self.stale_play_within
