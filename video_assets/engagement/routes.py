"""What the tasks emit for the tables of the group.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import pyarrow as pa

from resources.delta.keyed_rows import Keys, Share, rows_without
from resources.delta.stage import Emission
from video_assets.engagement.engagement_frames import engagement_of_task
from video_assets.engagement.session_frames import sessions_of_task
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.engagement.video_metadata import describe_videos
from video_assets.rules import WatchTimeRules
from video_assets.sources.fates import as_counters
from video_assets.vocabulary import DUPLICATES, SOURCE_ROWS

COMPUTED = "rows_computed"
UNREADABLE = "unreadable_durations"


def described_videos(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
    """One row a video of a task that has all rows of its videos."""
    task = describe_videos(batches)
    counted = {
        SOURCE_ROWS: task.source_rows,
        DUPLICATES: task.duplicates,
        "rows_without_video": task.refused,
        UNREADABLE: task.unreadable_durations,
        **as_counters(task.tally),
    }
    yield Emission(VIDEO_METADATA.name, task.videos, counted)


def computed_sessions(
    batches: Iterator[pa.RecordBatch],
    rules: WatchTimeRules,
    first_day: date,
    end_day: date,
    taken: pa.Schema,
) -> Iterator[Emission]:
    """Session rows of a task that has all events of its users."""
    rows = sessions_of_task(batches, rules, first_day, end_day, taken)
    yield Emission(SESSIONS.name, rows)


def kept_engagement(
    batches: Iterator[pa.RecordBatch], without: Keys, locations: Sequence[str], parts: int
) -> Iterator[Emission]:
    """Stored engagement rows of other users and videos, of the parts whose numbers come in."""
    numbers = (int(part.as_py()) for batch in batches for part in batch.column(0))
    for share in (Share(part, parts) for part in numbers):
        for rows in rows_without(without, ENGAGEMENT, locations, share):
            yield Emission(ENGAGEMENT.name, rows)


def computed_engagement(
    batches: Iterator[pa.RecordBatch],
    rules: WatchTimeRules,
    processed_at: datetime,
    taken: pa.Schema,
) -> Iterator[Emission]:
    """Engagement rows of a task that has all session rows of its users."""
    rows = engagement_of_task(batches, rules, processed_at, taken)
    yield Emission(ENGAGEMENT.name, rows, {COMPUTED: rows.num_rows})
