"""Lifetime views: which videos there are, what a source counts for them, and the history."""

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.table import Column, Table
from video_assets.arrow.kernels import Batches, gathered, map_tables
from video_assets.daily_views.missing_dates import created_or_watched
from video_assets.daily_views.monthly_views import definition_on
from video_assets.daily_views.tables import MEASURES
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY

if TYPE_CHECKING:
    from resources.view_counts.source import ViewCounts, ViewCountSource

_LOG = logging.getLogger(__name__)

COUNTED = "counted"
HIDDEN = "hidden"
UNKNOWN = "unknown"
STATUSES = (COUNTED, HIDDEN, UNKNOWN)

DAILY = "daily"
LIFETIME = "lifetime"

_VIDEO_COLUMNS = tuple(
    LIFETIME_SNAPSHOTS[name] for name in ("channel_id", "video_id", "created_date")
)
_BATCH = Column("batch", pa.string(), "first video_id of the call that asks", nullable=False)

_VIDEOS = Table("videos", "one video", _VIDEO_COLUMNS, key=("video_id",))
_BATCHED_VIDEOS = Table("batched_videos", "one video", (*_VIDEO_COLUMNS, _BATCH), ("video_id",))
LIFETIME_ANSWERS = Table(
    name="lifetime_answers",
    grain="one video that the source was asked for; never stored as a table of its own",
    key=("video_id",),
    columns=(
        *LIFETIME_SNAPSHOTS.columns,
        Column(
            "status",
            pa.string(),
            "counted; hidden: the owner hides the count; unknown: no answer (deleted, private)",
            nullable=False,
        ),
        _BATCH,
    ),
)

_UNFILLED = ""
_PROGRESS_SECONDS = 5.0


def distinct_videos(daily_views: DataFrame) -> DataFrame:
    """One row a video, of all its days.

    Args:
        daily_views: rows of `daily_video_views`.

    Returns:
        `channel_id` of the newest `date` (of several the smallest, null only if there is no
        other), `video_id`, and `created_date`, the smallest of those named and of the first day
        with a view.
    """
    # Channels first: engines are slow at comparing a struct for every row.
    by_channel = daily_views.groupBy("video_id", "channel_id").agg(
        F.max("date").alias("last_seen"), F.min(created_or_watched()).alias("created")
    )
    newest_first = F.struct(
        (-F.unix_date(F.col("last_seen"))).alias("age"),
        F.col("channel_id").isNull().alias("is_null"),
        F.col("channel_id").alias("channel_id"),
    )
    videos = by_channel.groupBy("video_id").agg(
        F.min(newest_first).alias("newest"), F.min("created").alias("created_date")
    )
    return videos.select(
        F.col("newest.channel_id").alias("channel_id"), F.col("video_id"), F.col("created_date")
    )


def batched_videos(videos: DataFrame, batch_size: int, max_in_flight: int) -> DataFrame:
    """Share the videos out to as many tasks as calls may be under way, in batches to ask for.

    `max_in_flight` tasks first cut their share of the videos into full batches; what is left over
    in them, less than a batch each, is put together in one task and cut again. So no task ever
    sees all ids, and only the last batch of all may be short.

    Args:
        videos: `channel_id`, `video_id`, `created_date`, one row a video.
        batch_size: most ids that one call may ask for.
        max_in_flight: most calls under way at once; each task makes its calls one by one.

    Returns:
        What `lifetime_answers` takes in its tasks.

    Raises:
        ValueError: `max_in_flight` is below 1.
    """
    if max_in_flight < 1:
        raise ValueError(f"max_in_flight is {max_in_flight}: at least one call must be under way")

    def cut(rows: pa.Table) -> pa.Table:
        return _cut(rows, batch_size)

    shares = videos.repartition(max_in_flight, F.col("video_id"))
    batches = map_tables(shares, cut, _VIDEOS.arrow_schema, _BATCHED_VIDEOS)
    return batches.repartition(max_in_flight, F.col("batch"))


def lifetime_answers(
    batches: Batches, source: "ViewCountSource", asked_on: date, max_in_flight: int
) -> Iterator[pa.RecordBatch]:
    """Ask for the lifetime views of a task's videos: all tasks in ceil(videos / batch size) calls.

    For the task that stores the answers: every evaluation asks again, and a refusal that has to
    pass from one kernel into another can leave the embedded engine's threads in disorder.

    Args:
        batches: rows of one task of `batched_videos`, of the source's batch size.
        source: who is asked; it travels to the tasks.
        asked_on: the day (UTC) that the counts are of.
        max_in_flight: tasks that ask at the same time, for fewer lines in their log.

    Yields:
        The columns of `lifetime_snapshots`, and `status` (`counted`; `hidden`: the owner hides the
        count; `unknown`: no answer, so no snapshot) and `batch`, the first `video_id` of the call
        that asked: rows with `batch = video_id` are the calls.

    Raises:
        ViewCountSourceError: the source refuses, or gives no usable answer.
    """
    rows = gathered(batches, _BATCHED_VIDEOS.arrow_schema)
    seconds = _PROGRESS_SECONDS * max_in_flight
    yield from _answers(_calls(rows, source.batch_size), source, asked_on, seconds)


def view_history(
    daily: DataFrame, snapshots: DataFrame, definition_changes: Sequence[date] = ()
) -> DataFrame:
    """The daily rows and every snapshot as `lifetime_view_history`, told apart by `source`.

    Args:
        daily: rows of `daily_video_views`.
        snapshots: rows of `lifetime_snapshots`; they have no measures beside the views.
        definition_changes: days from which something else counts as a view, ascending.
    """
    unknown = {column.name: F.lit(None).cast(column.type_name) for column in MEASURES}
    since = {"viewDefinitionSince": definition_on(F.col("date"), definition_changes)}
    marked = snapshots.withColumns({**unknown, **since})
    return _from(daily, DAILY).unionByName(_from(marked, LIFETIME))


def _from(views: DataFrame, source: str) -> DataFrame:
    return views.withColumn("source", F.lit(source)).select(*LIFETIME_VIEW_HISTORY.column_names)


def _cut(videos: pa.Table, batch_size: int) -> pa.Table:
    # Sorted, so that a task that is run again cuts the same batches.
    in_order = videos.sort_by("video_id")
    ids = _ids(in_order)
    filled = len(ids) - len(ids) % batch_size
    names = [ids[index - index % batch_size] for index in range(filled)]
    names += [_UNFILLED] * (len(ids) - filled)
    return in_order.append_column(_BATCH.name, pa.array(names, pa.string()))


def _calls(videos: pa.Table, batch_size: int) -> list[pa.Table]:
    # Full batches first, each of exactly batch_size rows; then what the tasks left over.
    in_order = videos.sort_by([("batch", "descending"), ("video_id", "ascending")])
    starts = range(0, in_order.num_rows, batch_size)
    return [in_order.slice(start, batch_size) for start in starts]


def _answers(
    calls: list[pa.Table], source: "ViewCountSource", asked_on: date, progress_seconds: float
) -> Iterator[pa.RecordBatch]:
    progress = _Progress(len(calls), progress_seconds)
    with source.session() as fetch:
        for videos in calls:
            counts = fetch(_ids(videos))
            progress.advance(videos.num_rows, len(counts))
            # One by one, so that a cancelled run makes no further calls.
            yield _answered(videos, counts, asked_on)


def _answered(videos: pa.Table, counts: "ViewCounts", asked_on: date) -> pa.RecordBatch:
    ids = _ids(videos)
    columns: dict[str, list[Any]] = {
        **videos.select(_VIDEOS.column_names).to_pydict(),
        "date": [asked_on] * len(ids),
        "viewCount": [counts.get(video_id) for video_id in ids],
        "status": [_status(counts, video_id) for video_id in ids],
        "batch": ids[:1] * len(ids),
    }
    return pa.RecordBatch.from_pydict(columns, schema=LIFETIME_ANSWERS.arrow_schema)


def _ids(videos: pa.Table) -> list[str]:
    return cast("list[str]", videos["video_id"].to_pylist())


def _status(counts: "ViewCounts", video_id: str) -> str:
    if video_id not in counts:
        return UNKNOWN
    return HIDDEN if counts[video_id] is None else COUNTED


class _Progress:
    """Logs how far one task is, a line in `seconds` at most."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls = calls
        self._seconds = seconds
        self._done = self._videos = self._answers = 0
        self._logged_at = time.monotonic()

    def advance(self, videos: int, answers: int) -> None:
        self._done += 1
        self._videos += videos
        self._answers += answers
        now = time.monotonic()
        if now - self._logged_at >= self._seconds:
            self._logged_at = now
            _LOG.info(
                "lifetime views: a task made %d of %d calls, asked for %d videos, got %d answers",
                self._done,
                self._calls,
                self._videos,
                self._answers,
            )
