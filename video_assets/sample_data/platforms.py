"""Small deliveries of view counts, as YouTube writes them; with every trap that its page names."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

_VIDEOS = ("-serQUrgefU", "aB3dEfGh1jK", "TSTbp5LSBdw")
_UPLOADED = date(2025, 3, 28)
_FIRST, _DAYS = date(2025, 3, 28), 8
_BACKFILLED, _CORRECTED, _EMPTY = 1, 4, 6
_COUNTRIES = ("US", "CH", "IN")
_STATUSES = ("subscribed", "not_subscribed")
_DIMENSIONS = (
    "date",
    "channel_id",
    "video_id",
    "live_or_on_demand",
    "subscribed_status",
    "country_code",
)
_METRICS = (
    "engaged_views",
    "views",
    "comments",
    "likes",
    "dislikes",
    "shares",
    "watch_time_minutes",
    "subscribers_gained",
    "subscribers_lost",
)


@dataclass(frozen=True)
class PlatformSample:
    """A delivery that was written.

    Attributes:
        source: what `DAILY_VIEWS` names.
        first_day: first day of views.
        last_day: last day of views.
        views: the sum of all views that count.
    """

    source: str
    first_day: date
    last_day: date
    views: int


def write_youtube_reporting(folder: Path) -> PlatformSample:
    """Bulk reports of eight days: a backfill, a correction, a day with a header alone."""
    total = 0
    for number in range(_DAYS):
        day = _FIRST + timedelta(days=number)
        rows = [] if number == _EMPTY else _report_rows(day, number)
        views = sum(int(row["views"]) for row in rows if row["video_id"])
        total += views
        stamp = f"{day + timedelta(days=2):%Y%m%d}T0400"
        _write_report(folder / f"channel_basic_a3-{day:%Y%m%d}-made-{stamp}.csv", rows)
        if number == _BACKFILLED:
            backfill = [{**row, "views": str(int(row["views"]) + 1)} for row in rows]
            total += sum(1 for row in rows if row["video_id"])
            stamp = f"{day + timedelta(days=9):%Y%m%d}T0400"
            _write_report(folder / f"channel_basic_a3-{day:%Y%m%d}-made-{stamp}.csv", backfill)
    return PlatformSample(str(folder), _FIRST, _FIRST + timedelta(days=_DAYS - 1), total)


def _report_rows(day: date, number: int) -> list[dict[str, str]]:
    rows = []
    for place, video in enumerate(("", *_VIDEOS)):
        for country in _COUNTRIES:
            for status in _STATUSES:
                views = 0 if not video else 10 * place + number + len(status)
                if video == _VIDEOS[0] and number == _CORRECTED:
                    views = -5
                dimensions = (f"{day:%Y%m%d}", "UC-sample", video, "on_demand", status, country)
                metrics = (views, views, 1, 2, 0, 1, round(views * 1.5, 2), 1, 0)
                values = dict(zip(_DIMENSIONS, dimensions, strict=True))
                rows.append(values | dict(zip(_METRICS, map(str, metrics), strict=True)))
    return rows


def _write_report(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*_DIMENSIONS, *_METRICS))
        writer.writeheader()
        writer.writerows(rows)


def write_youtube_studio(folder: Path) -> PlatformSample:
    """An export as ZIP archive: zeros before the upload, thousands, a total line, quoted titles."""
    days = [_FIRST + timedelta(days=n) for n in range(-3, _DAYS)]
    lines: list[Sequence[str]] = [
        ("Date", "Content", "Video title", "Video publish time", "Duration", "Views")
    ]
    total = 0
    for day in days:
        counts = [_studio_views(place, day) for place in range(len(_VIDEOS))]
        total += sum(counts)
        lines.append((f"{day}", "Total", "", "", "", f"{sum(counts):,}"))
        lines += [
            (f"{day}", _guarded(video), f'Film "{video}", part 1', uploaded, "812", f"{count:,}")
            for video, count in zip(_VIDEOS, counts, strict=True)
            for uploaded in (f"{_UPLOADED:%b} {_UPLOADED.day}, {_UPLOADED.year}",)
        ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"Content {_FIRST} {days[-1]} Sample channel.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Chart data.csv", _as_csv(lines))
        archive.writestr("Table data.csv", _as_csv(lines[:1]))
        archive.writestr("Totals.csv", _as_csv([("Date", "Views")]))
    return PlatformSample(str(path), days[0], days[-1], total)


def _studio_views(place: int, day: date) -> int:
    return max(0, (day - _UPLOADED).days + 1) * 700 * (place + 1)


def _guarded(video: str) -> str:
    """The blank keeps spreadsheets from taking an id for a formula."""
    return f" {video}" if video.startswith("-") else video


def _as_csv(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return "\ufeff" + text.getvalue()


PLATFORM_SAMPLES: Mapping[str, Callable[[Path], PlatformSample]] = {
    "youtube_reporting": write_youtube_reporting,
    "youtube_studio": write_youtube_studio,
}
