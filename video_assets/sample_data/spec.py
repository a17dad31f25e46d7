"""What a sample shall contain, and the random streams that fill it."""

from datetime import date, timedelta
from enum import IntEnum
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MIN_EVENTS_A_DAY = 20

Count = Annotated[int, Field(ge=1)]


class Stream(IntEnum):
    """Independent random streams, so that one part's size never changes another's content."""

    VIDEOS = 1
    AUDIENCE = 2
    VIEWING = 3
    DEFECTS = 4
    CHANNEL = 5
    VIEWS = 6
    PLAYERS = 7
    DEVICES = 8
    RETURNS = 9


class SampleSpec(BaseModel):
    """Size, days and seed of a sample.

    Raises:
        pydantic.ValidationError: a number is out of its range, or the events do not suffice for
            the days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: Count = Field(60_000, description="rows of player events, defects included")
    first_day: date = Field(date(2025, 1, 1), description="first day of events and of views")
    days: Count = Field(7, description="days of player events")
    users: Count = Field(2_000, description="viewers to draw from")
    videos: Count = Field(120, description="videos that the viewers choose from")
    channel_videos: Count = Field(200, description="videos that have daily views")
    view_days: Count = Field(120, description="days of daily views")
    cumulative: bool = Field(
        default=False, description="deliver running view counters instead of daily counts"
    )
    ordinary_counts: bool = Field(
        default=False, description="leave out the video whose views no double holds exactly"
    )
    seed: int = Field(2025, ge=0, description="the same seed gives the same rows")

    @model_validator(mode="after")
    def _every_day_has_events(self) -> "SampleSpec":
        if self.events < MIN_EVENTS_A_DAY * self.days:
            raise ValueError(
                f"{self.events} events are too few for {self.days} days; ask for at least "
                f"{MIN_EVENTS_A_DAY * self.days} events ({MIN_EVENTS_A_DAY} a day) or fewer days"
            )
        return self

    @property
    def event_days(self) -> tuple[date, ...]:
        """The days of player events, ascending."""
        return tuple(self.first_day + timedelta(days=i) for i in range(self.days))

    def events_on(self, day: date) -> int:
        """Rows of player events that happen on a day, defects included."""
        share, remainder = divmod(self.events, self.days)
        return share + ((day - self.first_day).days < remainder)

    def random(self, stream: Stream, day: date | None = None) -> np.random.Generator:
        """A random generator that depends on the seed, the stream and the day alone."""
        return np.random.default_rng([self.seed, stream, day.toordinal() if day else 0])
