"""Chapters of videos, as a table or as WebVTT files: read by the report alone, each time."""

import csv
import html
import io
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from posixpath import splitext

from resources.storage import find, found, join, list_keys, normalized, read_range
from video_assets.report.facts import Chapter
from video_assets.sources.errors import SourceError, readable_storage

_COLUMNS = ("videoId", "start", "title")
_WEBVTT = ".vtt"
_TIME = re.compile(r"(?:(\d+):)?(?:([0-5]?\d):)?(\d+(?:\.\d+)?)")
_CUE = re.compile(r"^\s*(\S+)\s+-->\s+\S+")
_TAG = re.compile(r"<[^>]*>")
_NO_CUES = ("NOTE", "STYLE", "REGION", "WEBVTT")


@dataclass(frozen=True)
class Chapters:
    """Chapters by video, in order, and what could not be read.

    Attributes:
        refused: a sentence for each file or row.
    """

    of_videos: Mapping[str, tuple[Chapter, ...]]
    refused: tuple[str, ...] = ()


def read_chapters(location: str | None, videos: Collection[str]) -> Chapters:
    """The chapters of some videos.

    Args:
        location: a CSV file with the columns `videoId`, `start` (seconds, or `1:02:03`) and
            `title`; or a folder of WebVTT files `<videoId>.vtt`, each cue a chapter. None: there
            are none.
        videos: whose chapters are wanted.

    Raises:
        SourceError: nothing is there, or the file lacks a column.
    """
    if location is None:
        return Chapters({})
    refused: list[str] = []
    with readable_storage():
        place = normalized(location)
        rows = _of_table(place, refused) if find(place) else _of_files(place, videos, refused)
        chosen: dict[str, dict[float, Chapter]] = defaultdict(dict)
        for video, chapter in rows:
            if video in videos:
                # Of two with one beginning the later one holds.
                chosen[video][chapter.start] = chapter
    of_videos = {v: tuple(of[start] for start in sorted(of)) for v, of in chosen.items()}
    return Chapters(of_videos, tuple(refused))


def _of_table(place: str, refused: list[str]) -> Iterator[tuple[str, Chapter]]:
    rows = csv.DictReader(io.StringIO(_text(place), newline=""))
    lacking = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if lacking:
        raise SourceError(
            f"{place}: the file of chapters has no column {', '.join(lacking)}; name videoId, "
            "start and title in its first line."
        )
    for row in rows:
        video, start, title = (row[name] for name in _COLUMNS)
        seconds = _seconds(start or "")
        if not video or not title or seconds is None:
            refused.append(f"{place}, line {rows.line_num}: is no chapter.")
        else:
            yield video, Chapter(seconds, title)


def _of_files(
    folder: str, videos: Collection[str], refused: list[str]
) -> Iterator[tuple[str, Chapter]]:
    keys = [key for key in list_keys(folder) if key.endswith(_WEBVTT)]
    if not keys:
        raise SourceError(
            f"{folder}: there are no chapters. Name a CSV file, or a folder of <videoId>.vtt."
        )
    for key in sorted(keys):
        video, _ = splitext(key)
        if video in videos:
            place = join(folder, key)
            text = _text(place)
            if not text.startswith(_NO_CUES[-1]):
                refused.append(f"{place}: does not begin with WEBVTT.")
                continue
            yield from ((video, chapter) for chapter in _cues(place, text, refused))


def _cues(place: str, text: str, refused: list[str]) -> Iterator[Chapter]:
    for block in re.split(r"\n{2,}", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        if not block.strip() or lines[0].startswith(_NO_CUES):
            continue
        # A line before the times is the cue's own name.
        at = next((n for n, line in enumerate(lines[:2]) if "-->" in line), None)
        cue = None if at is None else _CUE.match(lines[at])
        seconds = _seconds(cue[1]) if cue else None
        title = " ".join(lines[at + 1 :]) if at is not None else ""
        title = html.unescape(_TAG.sub("", title)).strip()
        if seconds is None or not title:
            refused.append(f"{place}: {lines[0][:40]!r} is no chapter.")
        else:
            yield Chapter(seconds, title)


def _seconds(text: str) -> float | None:
    """A position: seconds, `2:03` or `1:02:03`, each with a fraction or without."""
    time = _TIME.fullmatch(text.strip())
    if time is None:
        return None
    first, second, seconds = time.groups()
    hours, minutes = (first, second) if second is not None else (None, first)
    return 3600 * float(hours or 0) + 60 * float(minutes or 0) + float(seconds)


def _text(place: str) -> str:
    stored = found(place)
    return read_range(stored.location, 0, stored.size).decode("utf-8-sig", errors="replace")
