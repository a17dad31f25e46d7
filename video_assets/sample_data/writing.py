"""Write a sample as Parquet files, as the sources would deliver it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from video_assets.sample_data.events import event_files
from video_assets.sample_data.metadata import Videos, invent_videos, metadata_table
from video_assets.sample_data.spec import SampleSpec
from video_assets.sample_data.summary import (
    EventCounts,
    SampleSummary,
    ViewCounts,
    total_events,
)
from video_assets.sample_data.views import invent_channel_videos, total_views, views_files
from video_assets.settings.sources import SAMPLE_SUMMARY

EVENTS_FOLDER = "events"
VIEWS_FOLDER = "daily_views"
METADATA_FILE = "video_metadata.parquet"

OnFile = Callable[[Path], None]


def _ignore(_: Path) -> None: ...


def write_sample(folder: Path, spec: SampleSpec, on_file: OnFile = _ignore) -> SampleSummary:
    """Write a sample; an earlier sample in the folder is replaced.

    Args:
        folder: gets `events/events-YYYY-MM-DD.parquet` (a file a day, late rows in the next
            day's), `daily_views/daily-views-YYYY-MM.parquet`, `video_metadata.parquet`, and
            `sample_summary.json`.
        spec: sizes, days and seed.
        on_file: called with each file written, to show progress.

    Returns:
        What the sample holds, counted; the same as `SampleSummary.load(folder)`.
    """
    _remove_earlier_sample(folder)
    videos = invent_videos(spec)
    metadata = metadata_table(spec, videos)
    _write(metadata, folder / METADATA_FILE, on_file)
    days = _write_events(folder / EVENTS_FOLDER, spec, videos, on_file)
    views = _write_views(folder / VIEWS_FOLDER, spec, on_file)
    summary = SampleSummary(
        spec=spec,
        events=total_events(days.values()),
        event_days=days,
        videos=metadata.num_rows,
        views=views,
    )
    summary.save(folder)
    return summary


def _write_events(
    folder: Path, spec: SampleSpec, videos: Videos, on_file: OnFile
) -> dict[date, EventCounts]:
    days = {}
    for file in event_files(spec, videos):
        _write(file.rows, folder / f"events-{file.day}.parquet", on_file)
        if file.counts:
            days[file.day] = file.counts
    return days


def _write_views(folder: Path, spec: SampleSpec, on_file: OnFile) -> ViewCounts:
    videos = invent_channel_videos(spec)
    months = []
    for file in views_files(spec, videos):
        _write(file.rows, folder / f"daily-views-{file.month:%Y-%m}.parquet", on_file)
        months.append(file.tally)
    return total_views(months, videos)


def _write(rows: pa.Table, path: Path, on_file: OnFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, compression="zstd")
    on_file(path)


def _remove_earlier_sample(folder: Path) -> None:
    """Days of a longer, earlier sample must not mix with this one; other files stay."""
    for pattern in (
        f"{EVENTS_FOLDER}/events-*.parquet",
        f"{VIEWS_FOLDER}/daily-views-*.parquet",
        METADATA_FILE,
        SAMPLE_SUMMARY,
    ):
        for path in folder.glob(pattern):
            path.unlink()
