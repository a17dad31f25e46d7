"""The rules of daily views said once more, a row at a time, to compare the tables with.

Slow and plain on purpose; shares nothing with the code under test. Source rows are dicts with our
names in the order of delivery; dates are dates, counts integers, and what is missing is None.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

Row = dict[str, Any]
UNDATED = date(1970, 1, 1)


@dataclass
class Expected:
    """The tables that a source must become, and what a run must count."""

    daily: list[Row] = field(default_factory=list)
    rejected: list[Row] = field(default_factory=list)
    source_rows: int = 0
    duplicates: int = 0
    conflicts: int = 0
    fell: int = 0
    unknown: int = 0

    @property
    def reasons(self) -> Counter[str]:
        return Counter(row["reason"] for row in self.rejected)

    def tables(self, as_of: date | None = None) -> dict[str, list[Row]]:
        missing = missing_dates(self.daily, as_of)
        return {
            "daily_video_views": self.daily,
            "rejected_daily_views": self.rejected,
            "monthly_views": monthly_views(self.daily),
            "missing_dates": missing,
            "missing_date": exploded(missing),
        }


def expect(
    rows: Sequence[Row],
    first: date,
    last: date,
    kind: str = "daily",
    lookback: int = 35,
) -> Expected:
    """What a source without a day in its path gives for the days from first to last."""
    expected = Expected()
    delivered: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in rows:
        reason = refusal(row)
        day = row["date"] or UNDATED
        if first <= day <= last or day == UNDATED:
            expected.source_rows += 1
            if reason:
                expected.rejected.append({"reason": reason, "date": day})
        if not reason:
            delivered[row["video_id"], row["date"]].append(row)
    kept = {key: best(group) for key, group in delivered.items()}
    for (video, day), row in kept.items():
        if first <= day <= last:
            group = delivered[video, day]
            expected.duplicates += len(group) - 1
            expected.conflicts += sum(other["viewCount"] != row["viewCount"] for other in group)
            add_day(expected, kept, row, kind, lookback)
    return expected


def refusal(row: Row) -> str | None:
    """The first reason not to believe a row."""
    if not row["video_id"]:
        return "missing_video"
    if row["date"] is None:
        return "missing_date"
    if row["viewCount"] is None:
        return "missing_count"
    if row["viewCount"] < 0:
        return "negative_count"
    if row["created_date"] is not None and row["date"] < row["created_date"]:
        return "date_before_created_date"
    return None


def best(group: Sequence[Row]) -> Row:
    """The largest count, of several the latest."""
    largest = max(row["viewCount"] for row in group)
    return [row for row in group if row["viewCount"] == largest][-1]


def add_day(
    expected: Expected, kept: Mapping[tuple[str, date], Row], row: Row, kind: str, lookback: int
) -> None:
    views: int | None = row["viewCount"]
    if kind == "cumulative":
        views = difference(kept, row, lookback)
        expected.fell += views is not None and views < 0
        views = views if views is None else max(views, 0)
    expected.unknown += views is None
    expected.daily.append({**row, "viewCount": views, "reportedCount": row["viewCount"]})


def difference(kept: Mapping[tuple[str, date], Row], row: Row, lookback: int) -> int | None:
    """The growth of a counter since the nearest day before that has one."""
    for days in range(1, lookback + 1):
        earlier = kept.get((row["video_id"], row["date"] - timedelta(days=days)))
        if earlier is not None:
            return int(row["viewCount"] - earlier["viewCount"])
    return int(row["viewCount"]) if row["date"] == row["created_date"] else None


def monthly_views(daily: Iterable[Row]) -> list[Row]:
    """The sums of the known days."""
    months: dict[tuple[str | None, str, date], list[int | None]] = defaultdict(list)
    for row in daily:
        key = (row["channel_id"], row["video_id"], row["date"].replace(day=1))
        months[key].append(row["viewCount"])
    return [
        {
            "channel_id": channel,
            "video_id": video,
            "month": f"{start:%Y-%m}",
            "aggViewCount": sum(known) if (known := [v for v in views if v is not None]) else None,
            "month_start": start,
        }
        for (channel, video, start), views in months.items()
    ]


def missing_dates(daily: Sequence[Row], as_of: date | None = None) -> list[Row]:
    """Of each video the days from its creation on that have no row."""
    last = as_of or max((row["date"] for row in daily), default=date.min)
    videos: dict[str, list[Row]] = defaultdict(list)
    for row in daily:
        videos[row["video_id"]].append(row)
    rows = [missing_dates_of(video, days, last) for video, days in videos.items()]
    return [row for row in rows if row["missing_dates"]]


def missing_dates_of(video: str, days: Sequence[Row], last: date) -> Row:
    known = [row["created_date"] for row in days if row["created_date"] is not None]
    seen = {row["date"] for row in days}
    created = min(known or seen)
    channels = [row["channel_id"] for row in days if row["date"] == max(seen)]
    wanted = (created + timedelta(days=n) for n in range((last - created).days + 1))
    return {
        "channel_id": min(channels, key=lambda name: (name is None, name or "")),
        "video_id": video,
        "created_date": created,
        "missing_dates": [day for day in wanted if day not in seen],
    }


def exploded(missing: Iterable[Row]) -> list[Row]:
    """A row for each missing day."""
    return [
        {name: row[name] for name in ("channel_id", "video_id", "created_date")}
        | {"missing_date": day}
        for row in missing
        for day in row["missing_dates"]
    ]
