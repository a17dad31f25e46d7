"""What a sample holds, counted while it is made: the truth to compare results with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from video_assets.sample_data.spec import SampleSpec
from video_assets.settings.sources import SAMPLE_SUMMARY


class _Counts(BaseModel):
    model_config = ConfigDict(frozen=True)


class EventCounts(_Counts):
    """Player events by the day on which they happen (not the file that delivers them).

    Attributes:
        rows: rows as delivered; `distinct` + `duplicates` + rejected rows.
        distinct: valid, distinct events.
        duplicates: further copies of valid events.
        rejected: rows by the reason for which they must be refused.
        late: rows that come in the next day's file.
    """

    rows: int = 0
    distinct: int = 0
    duplicates: int = 0
    rejected: Mapping[str, int] = {}
    late: int = 0


class ViewCounts(_Counts):
    """Daily views.

    Attributes:
        rows: rows as delivered; `distinct` + `duplicates` + rejected rows.
        distinct: distinct (video, date) of valid rows.
        duplicates: further rows of the same video and date, `conflicts` among them.
        conflicts: further rows with another count than the first.
        rejected: rows by the reason for which they must be refused.
        total_views: sum of the latest count of each video and date; null for running counters.
        videos: videos with a valid row.
        missing_days: days without a valid row, from the upload to the newest day of all.
    """

    rows: int = 0
    distinct: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: Mapping[str, int] = {}
    total_views: int | None = None
    videos: int = 0
    missing_days: int = 0


class SampleSummary(_Counts):
    """The counts of a whole sample."""

    spec: SampleSpec
    events: EventCounts
    event_days: Mapping[date, EventCounts]
    videos: int
    views: ViewCounts

    def save(self, folder: Path) -> None:
        """Write the summary beside the sample's data."""
        (folder / SAMPLE_SUMMARY).write_text(self.model_dump_json(indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "SampleSummary":
        """Read the summary of a sample.

        Raises:
            FileNotFoundError: the folder holds no sample.
        """
        return cls.model_validate_json((folder / SAMPLE_SUMMARY).read_text(encoding="utf-8"))


def total_events(days: Iterable[EventCounts]) -> EventCounts:
    """The sum of several days."""
    days = tuple(days)
    return EventCounts(
        rows=sum(day.rows for day in days),
        distinct=sum(day.distinct for day in days),
        duplicates=sum(day.duplicates for day in days),
        rejected=add_up(day.rejected for day in days),
        late=sum(day.late for day in days),
    )


def add_up(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """The sum of several counts by reason."""
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(sorted(total.items()))
