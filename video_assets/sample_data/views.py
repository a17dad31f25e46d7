"""Daily views of a channel's videos as they are delivered: a file a month, one in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from video_assets.arrow.types import compute
from video_assets.sample_data.defects import Damage, choose_rows, damage
from video_assets.sample_data.metadata import video_names
from video_assets.sample_data.spec import Flags, Floats, Ints, SampleSpec, Stream
from video_assets.sample_data.summary import ViewCounts, add_up

_COLUMNS: Mapping[str, pa.DataType] = {
    "channel_id": pa.string(),
    "video_id": pa.string(),
    "created_date": pa.date32(),
    "date": pa.date32(),
    "viewCount": pa.int64(),
}
VIEWS_SCHEMA = pa.schema(_COLUMNS)
VIEW_DAMAGES: Sequence[Damage] = (
    Damage("missing_video", "video_id", None),
    Damage("missing_date", "date", None),
    Damage("missing_count", "viewCount", None),
    Damage("before_upload", "created_date", date(2099, 1, 1)),
)
# Of daily counts it would be a correction.
COUNTER_DAMAGES: Sequence[Damage] = (*VIEW_DAMAGES, Damage("negative_count", "viewCount", -1))
SHARE_BAD = 0.004
SHARE_REPEATED = 0.005
SHARE_CONFLICTING = 0.005
SHARE_LOWERED = 0.002
SHARE_MISSING = 0.01
SHARE_WITH_MISSING_RUN = 0.15
MISSING_RUN_DAYS = (3, 15)
VIDEOS_A_CHANNEL = 25
MEDIAN_FIRST_DAY_VIEWS = 800.0
VIRAL_FIRST_DAY_VIEWS = 2.0e10
BEYOND_DOUBLE_PRECISION = 2**53 + 1
DECAY_EXPONENT = 0.9
_WEEK = np.array([0.9, 0.9, 0.95, 1.0, 1.05, 1.15, 1.05])  # Monday to Sunday

Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class ChannelVideos:
    """The videos that have daily views, one element each; the first one went viral.

    Attributes:
        names: the video ids.
        channels: the channel of each.
        created: upload days.
        appeal: views to expect on the first day.
        outage_start: first day of a run of missing days.
        outage_days: length of that run, 0 for none.
    """

    names: pa.StringArray
    channels: pa.StringArray
    created: Days
    appeal: Floats
    outage_start: Days
    outage_days: Ints


@dataclass(frozen=True)
class MonthTally:
    """What one month delivers, counted.

    Attributes:
        counts: rows of each kind; `videos` and `missing_days` need all months.
        days_of_video: days with a valid row, by video.
        newest: newest day of a valid row, as days since 1970; 0 for none.
    """

    counts: ViewCounts
    days_of_video: Ints
    newest: int


@dataclass(frozen=True)
class ViewsFile:
    """What one month delivers."""

    month: date
    rows: pa.Table
    tally: MonthTally


@dataclass(frozen=True)
class _Counted:
    """Days that have a count: indices of videos, days, and the counts themselves."""

    video: Ints
    day: Days
    count: Ints

    def take(self, chosen: Ints) -> "_Counted":
        return _Counted(self.video[chosen], self.day[chosen], self.count[chosen])


def invent_channel_videos(spec: SampleSpec) -> ChannelVideos:
    """Videos uploaded all over the range, few of them popular."""
    rng = spec.random(Stream.CHANNEL)
    videos = spec.channel_videos
    start = np.datetime64(spec.first_day, "D")
    created = start + rng.integers(0, spec.view_days, videos)
    created[0] = start
    appeal = MEDIAN_FIRST_DAY_VIEWS * rng.lognormal(0.0, 1.6, videos)
    if not spec.ordinary_counts:
        appeal[0] = VIRAL_FIRST_DAY_VIEWS
    has_outage = rng.random(videos) < SHARE_WITH_MISSING_RUN
    return ChannelVideos(
        names=video_names(videos),
        channels=pa.array([f"channel_{1 + i // VIDEOS_A_CHANNEL:02d}" for i in range(videos)]),
        created=created,
        appeal=appeal,
        outage_start=start + rng.integers(0, spec.view_days, videos),
        outage_days=np.where(has_outage, rng.integers(*MISSING_RUN_DAYS, videos), 0),
    )


def views_files(spec: SampleSpec, videos: ChannelVideos) -> Iterator[ViewsFile]:
    """The files of all months of the range, ascending."""
    all_days = (spec.first_day + timedelta(days=i) for i in range(spec.view_days))
    counters = np.zeros(spec.channel_videos, dtype=np.int64)
    for _, month in groupby(all_days, key=lambda day: (day.year, day.month)):
        days = np.array(list(month), dtype="datetime64[D]")
        rng = spec.random(Stream.VIEWS, days[0].item())
        views = _views(videos, days, rng)
        running = counters[:, None] + np.cumsum(views, axis=1)
        counters = running[:, -1]
        reported = _reported(videos, days, running if spec.cumulative else views, rng)
        if spec.cumulative:
            _lower_some(reported, rng)
        yield _deliver(videos, reported, days[0].item(), spec, rng)


def _views(videos: ChannelVideos, days: Days, rng: np.random.Generator) -> Ints:
    """True views by video and day: fading with age, with a weekly pattern, 0 before the upload."""
    age = (days - videos.created[:, None]).astype(np.int64)
    fading = (1.0 + np.maximum(age, 0)) ** -DECAY_EXPONENT
    weekday = _WEEK[(days.astype(np.int64) + 3) % 7]  # 1 January 1970 was a Thursday
    chance = rng.lognormal(0.0, 0.25, age.shape)
    views = rng.poisson(videos.appeal[:, None] * fading * weekday * chance)
    if videos.appeal[0] == VIRAL_FIRST_DAY_VIEWS:
        views[0, age[0] == 0] = BEYOND_DOUBLE_PRECISION
    return np.where(age >= 0, views, 0)


def _reported(
    videos: ChannelVideos, days: Days, counts: Ints, rng: np.random.Generator
) -> _Counted:
    """The counts of the days that are delivered at all, by day."""
    column, video = np.nonzero(_is_delivered(videos, days, rng).T)
    return _Counted(video, days[column], counts[video, column])


def _is_delivered(videos: ChannelVideos, days: Days, rng: np.random.Generator) -> Flags:
    since_upload = (days - videos.created[:, None]).astype(np.int64)
    in_outage = (days - videos.outage_start[:, None]).astype(np.int64)
    missing = (in_outage >= 0) & (in_outage < videos.outage_days[:, None])
    missing |= rng.random(missing.shape) < SHARE_MISSING
    missing[0, since_upload[0] == 0] = False  # the sample always has its largest count
    delivered: Flags = (since_upload >= 0) & ~missing
    return delivered


def _lower_some(reported: _Counted, rng: np.random.Generator) -> None:
    """Let some counters fall back for a day, as platforms do when they remove false views."""
    chosen = choose_rows(len(reported.count), SHARE_LOWERED, rng)
    reported.count[chosen] -= reported.count[chosen] // 10


def _deliver(
    videos: ChannelVideos, sound: _Counted, month: date, spec: SampleSpec, rng: np.random.Generator
) -> ViewsFile:
    """The rows of a month, in order of day, with repeated, contradicting and unusable rows."""
    rows = len(sound.count)
    repeated = sound.take(choose_rows(rows, SHARE_REPEATED, rng))
    contradicted = choose_rows(rows, SHARE_CONFLICTING, rng)
    conflicts = _with_other_counts(sound.take(contradicted), rng)
    broken = sound.take(choose_rows(rows, SHARE_BAD, rng))
    parts = (sound, repeated, conflicts, broken)
    table = pa.concat_tables(_table(videos, part) for part in parts)
    last = np.arange(table.num_rows)[table.num_rows - len(broken.count) :]
    damages = COUNTER_DAMAGES if spec.cumulative else VIEW_DAMAGES
    table, rejected = damage(table, last, damages, first=month.month)
    table = _without_views_before_upload(table)
    order = np.argsort(np.concatenate([part.day for part in parts]), kind="stable")
    counts = ViewCounts(
        rows=table.num_rows,
        distinct=rows,
        duplicates=len(repeated.count) + len(conflicts.count),
        conflicts=len(conflicts.count),
        rejected=rejected,
        total_views=None if spec.cumulative else _sum_of_latest(sound, contradicted, conflicts),
    )
    days_of_video = np.bincount(sound.video, minlength=spec.channel_videos)
    newest = int(sound.day.max().astype(np.int64)) if rows else 0
    tally = MonthTally(counts, days_of_video, newest)
    return ViewsFile(month.replace(day=1), table.take(order), tally)


def _without_views_before_upload(rows: pa.Table) -> pa.Table:
    is_early = compute.less(rows["date"], rows["created_date"])
    is_early = compute.fill_null(is_early, fill_value=False)
    counts = compute.if_else(is_early, 0, rows["viewCount"])
    return rows.set_column(rows.column_names.index("viewCount"), "viewCount", counts)


def _sum_of_latest(sound: _Counted, contradicted: Ints, conflicts: _Counted) -> int:
    """A contradicting row is delivered after the one that it contradicts."""
    latest = sound.count.copy()
    latest[contradicted] = conflicts.count
    return int(latest.sum())


def _with_other_counts(rows: _Counted, rng: np.random.Generator) -> _Counted:
    change = 1 + (rows.count * rng.uniform(0.0, 0.2, len(rows.count))).astype(np.int64)
    lowered = (rows.count >= change) & (rng.random(len(rows.count)) < 1 / 2)
    return _Counted(rows.video, rows.day, rows.count + np.where(lowered, -change, change))


def _table(videos: ChannelVideos, rows: _Counted) -> pa.Table:
    columns: list[pa.Array[Any]] = [
        videos.channels.take(rows.video),
        videos.names.take(rows.video),
        pa.array(videos.created[rows.video]),
        pa.array(rows.day),
        pa.array(rows.count),
    ]
    return pa.table(columns, schema=VIEWS_SCHEMA)


def total_views(months: Sequence[MonthTally], videos: ChannelVideos) -> ViewCounts:
    """The counts of all months together."""
    counts = [month.counts for month in months]
    days = np.sum([month.days_of_video for month in months], axis=0)
    expected = max(month.newest for month in months) - videos.created.astype(np.int64) + 1
    known = days > 0
    views = [part.total_views for part in counts if part.total_views is not None]
    return ViewCounts(
        rows=sum(part.rows for part in counts),
        distinct=sum(part.distinct for part in counts),
        duplicates=sum(part.duplicates for part in counts),
        conflicts=sum(part.conflicts for part in counts),
        rejected=add_up(part.rejected for part in counts),
        total_views=sum(views) if views else None,
        videos=int(known.sum()),
        missing_days=int((expected - days)[known].sum()),
    )
