"""View counts made up from a hash: the same for everyone, no network."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from resources.view_counts.source import ViewCounts, ViewCountSource, refuse_large_batch

FIRST_COUNTED_DAY = date(2005, 4, 23)
"""Day of the first upload to YouTube: before it, every count is 0."""

_HASH_BYTES = 8
_LARGEST_PACES = (10, 100, 1_000, 10_000, 100_000)

Share = Annotated[float, Field(ge=0, le=1)]


class SimulatedViewCounts(BaseModel, ViewCountSource):
    """Lifetime view counts that depend on nothing but seed, video id and day.

    Every video keeps its own daily pace, from a few views to about 100 000, so a count never falls
    from one day to the next.

    Raises:
        pydantic.ValidationError: a value is out of its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(10, ge=1, description="most ids that one call may ask for")
    seed: int = Field(0, description="another seed, other counts")
    day: date | None = Field(
        None, description="day (UTC) that the counts are of; empty: the day of the call"
    )
    unknown_share: Share = Field(
        0.0, description="share of the ids that get no answer, like deleted videos"
    )
    hidden_share: Share = Field(
        0.0, description="share of the ids whose count the owner hides (null)"
    )

    @model_validator(mode="after")
    def _shares_leave_room(self) -> Self:
        if self.unknown_share + self.hidden_share > 1:
            raise ValueError(
                f"unknown_share ({self.unknown_share}) + hidden_share ({self.hidden_share}) "
                "must be at most 1"
            )
        return self

    def fetch(self, video_ids: Sequence[str]) -> ViewCounts:
        """Made-up lifetime views by id, as `ViewCountSource.fetch`.

        >>> SimulatedViewCounts(day=date(2025, 1, 2)).fetch(["video_001"])
        {'video_001': 179855}
        """
        refuse_large_batch(video_ids, self.batch_size)
        day = self.day or datetime.now(UTC).date()
        known = [video_id for video_id in video_ids if self._place(video_id) >= self.unknown_share]
        return {video_id: self._count(video_id, day) for video_id in known}

    def _count(self, video_id: str, day: date) -> int | None:
        if self._place(video_id) < self.unknown_share + self.hidden_share:
            return None
        age = (day - FIRST_COUNTED_DAY).days
        if age < 0:
            return 0
        pace = 1 + self._hash("pace", video_id) % self._largest_pace(video_id)
        # At most one day's pace, so that a day's luck never outweighs the day before.
        luck = self._hash("luck", video_id, day.isoformat()) % (pace + 1)
        return age * pace + luck

    def _largest_pace(self, video_id: str) -> int:
        return _LARGEST_PACES[self._hash("level", video_id) % len(_LARGEST_PACES)]

    def _place(self, video_id: str) -> float:
        """Where the video stands among all, in [0, 1): the shares are cut from the low end."""
        return (self._hash("place", video_id) >> 11) / 2**53

    def _hash(self, *parts: str) -> int:
        text = "\x1f".join((str(self.seed), *parts))
        return int.from_bytes(blake2b(text.encode(), digest_size=_HASH_BYTES).digest(), "big")
