"""The rules of daily views said once more, a row at a time, to compare the tables with.

Slow and plain on purpose; shares nothing with the code under test. Source rows are dicts with our
names in the order of delivery, and `file`, the number of their file, where there are several; dates
are dates, counts integers, and what is missing is None.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

Row = dict[str, Any]
UNDATED = date(1970, 1, 1)
MEASURES = (
    "engagedViews",
    "watchMinutes",
    "likes",
    "dislikes",
    "comments",
    "shares",
    "subscribersGained",
    "subscribersLost",
)
NO_MEASURES = dict.fromkeys(MEASURES)


@dataclass
class Expected:
    """The tables that a source must become, and what a run must count."""

    daily: list[Row] = field(default_factory=list)
    rejected: list[Row] = field(default_factory=list)
    source_rows: int = 0
    used: int = 0
    duplicates: int = 0
    conflicts: int = 0
    negative: int = 0
    lost: int = 0
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


def expect(  # noqa: PLR0913 (all that the rules depend on)
    rows: Sequence[Row],
    first: date,
    last: date,
    kind: str = "daily",
    lookback: int = 35,
    *,
    combine: str = "auto",
) -> Expected:
    """What a source without a day in its path gives for the days from first to last."""
    expected = Expected()
    rule = {"daily": "latest", "cumulative": "largest"}[kind] if combine == "auto" else combine
    delivered: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in rows:
        reason = refusal(row, kind)
        day = row["date"] or UNDATED
        if first <= day <= last or day == UNDATED:
            expected.source_rows += 1
            if reason:
                expected.rejected.append({"reason": reason, "date": day})
        if not reason:
            delivered[row["video_id"], row["date"]].append(row)
    counts = {key: combined(group, rule) for key, group in delivered.items()}
    kept = {
        key: {**example(group, rule, counts[key][0]), "viewCount": counts[key][0]}
        for key, group in delivered.items()
    }
    for key, row in kept.items():
        if first <= key[1] <= last:
            _, used, duplicates, conflicts = counts[key]
            expected.used += used
            expected.duplicates += duplicates
            expected.conflicts += conflicts
            add_day(expected, kept, row, kind, lookback)
    return expected


def refusal(row: Row, kind: str) -> str | None:
    """The first reason not to believe a row."""
    if not row["video_id"]:
        return "missing_video"
    if row["date"] is None:
        return "missing_date"
    if row["viewCount"] is None:
        return "missing_count"
    if row["viewCount"] < 0 and kind == "cumulative":
        return "negative_count"
    created = row["created_date"]
    if row["viewCount"] == 0 and created is not None and row["date"] < created:
        return "before_upload"
    return None


def combined(group: Sequence[Row], rule: str) -> tuple[int, int, int, int]:
    """The count of a video and day, and of its rows how many made it, were outdone, contradict."""
    if rule == "sum":
        return sum_of_last_file(group)
    counts = [row["viewCount"] for row in group]
    count = counts[-1] if rule == "latest" else max(counts)
    return count, 1, len(group) - 1, sum(other != count for other in counts)


def sum_of_last_file(group: Sequence[Row]) -> tuple[int, int, int, int]:
    """The rows of a file add up, and the last file holds."""
    files: dict[int, list[int]] = defaultdict(list)
    for row in group:
        files[row.get("file", 0)].append(row["viewCount"])
    held = files[max(files)]
    conflicts = sum(len(counts) for counts in files.values() if sum(counts) != sum(held))
    return sum(held), len(held), len(group) - len(held), conflicts


def example(group: Sequence[Row], rule: str, count: int) -> Row:
    """The row that names channel and created date."""
    equal = [row for row in group if rule != "largest" or row["viewCount"] == count]
    return {name: value for name, value in equal[-1].items() if name != "file"}


def add_day(
    expected: Expected, kept: Mapping[tuple[str, date], Row], row: Row, kind: str, lookback: int
) -> None:
    count = row["viewCount"]
    views, covered = (count, 1) if kind == "daily" else growth(kept, row, lookback)
    expected.negative += views is not None and views < 0
    expected.lost += kind == "cumulative" and is_lost(kept, row, lookback)
    expected.unknown += views is None
    numbers = {"viewCount": views, "reportedCount": count, "daysCovered": covered}
    expected.daily.append({**NO_MEASURES, **row, **numbers, "viewDefinitionSince": None})


def growth(
    kept: Mapping[tuple[str, date], Row], row: Row, lookback: int
) -> tuple[int | None, int | None]:
    """The growth of a counter since the nearest day before that has one, and of how many days."""
    if is_lost(kept, row, lookback):
        return None, None
    earlier = days_before(kept, row, lookback)
    known = {days: count for days, count in earlier.items() if count > 0} or earlier
    if known:
        return row["viewCount"] - known[min(known)], min(known)
    created = row["created_date"]
    age = None if created is None else (row["date"] - created).days
    return (row["viewCount"], age + 1) if age in (0, 1) else (None, None)  # type: ignore[operator]


def is_lost(kept: Mapping[tuple[str, date], Row], row: Row, lookback: int) -> bool:
    """Whether a counter reads 0 after it was above 0."""
    return row["viewCount"] == 0 and any(days_before(kept, row, lookback).values())


def days_before(kept: Mapping[tuple[str, date], Row], row: Row, lookback: int) -> dict[int, int]:
    """The counters of the lookback, by how many days before."""
    days = range(1, lookback + 1)
    found = {n: kept.get((row["video_id"], row["date"] - timedelta(days=n))) for n in days}
    return {n: int(earlier["viewCount"]) for n, earlier in found.items() if earlier is not None}


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
            **NO_MEASURES,
            "viewDefinitionSince": None,
            "spansDefinitionChange": False,
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
    named = [row["created_date"] for row in days if row["created_date"] is not None]
    watched = [row["date"] for row in days if was_watched(row)]
    seen = {row["date"] for row in days}
    created = min([*named, *watched] or seen)
    channels = [row["channel_id"] for row in days if row["date"] == max(seen)]
    wanted = (created + timedelta(days=n) for n in range((last - created).days + 1))
    return {
        "channel_id": min(channels, key=lambda name: (name is None, name or "")),
        "video_id": video,
        "created_date": created,
        "missing_dates": [day for day in wanted if day not in seen],
        "goneSince": None,
    }


def was_watched(row: Row) -> bool:
    """Whether a day shows that the video was there."""
    views = row["reportedCount"] if row["viewCount"] is None else row["viewCount"]
    return int(views) > 0


def exploded(missing: Iterable[Row]) -> list[Row]:
    """A row for each missing day."""
    return [
        {name: row[name] for name in ("channel_id", "video_id", "created_date", "goneSince")}
        | {"missing_date": day}
        for row in missing
        for day in row["missing_dates"]
    ]
