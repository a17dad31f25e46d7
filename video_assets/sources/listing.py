"""Which files a source consists of: a file, a folder, a glob, or a template with `{date}`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from resources.epoch import EPOCH
from resources.storage import StoredObject, find, normalized, read_range, walk
from video_assets.date_pattern import DATE, day_groups, day_of, path_of_day
from video_assets.sizes import UNIT_BYTES
from video_assets.sources.compression import Compression, beginning, compression_of, split_name
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError, readable_storage
from video_assets.sources.fields import RowKind
from video_assets.sources.json_structure import begins_array, spans_lines
from video_assets.sources.zip_archives import member_to_read

FileFormat = Literal["parquet", "json", "csv", "delta"]

_WILDCARD = re.compile(r"\*\*/?|\*|\?|\[!?[^\]]+\]")
_WILDCARD_BUT_BRACKETS = re.compile(r"\*\*/?|\*|\?")
_SIZE_OF_ADDED = re.compile(rb'"add":\s*\{[^\n]*?"size":\s*(\d+)')
_COMMIT = re.compile(r"/_delta_log/(\d{20})[^/]*$")
# How others name files that they are still writing, besides a leading dot or underscore.
_UNFINISHED = (".tmp", "._COPYING_")
_SUFFIXES: dict[str, FileFormat] = {
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
}
# Digits of a time may follow, as in 20250131T0400 and 20250131040000.
_DATE_IN_NAME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<between>[-_.]?)(?P<month>\d\d)(?P=between)(?P<day>\d\d)"
    r"(?=(?:\d{4}|\d{6})?(?:\D|$))"
)
_DELTA_LOG = "_delta_log"
_HEAD_BYTES = 64 * 1024
_DAYS_NAMED = 5


@dataclass(frozen=True)
class SourceFile:
    """One file of a source, or a Delta table.

    Attributes:
        uri: where it is, as users name it: a plain path on a disk, a URI elsewhere.
        size: bytes as stored; of a Delta table, those of all its files, removed ones included.
        format: how to read it.
        compression: how its text is compressed; None where it is not. A ZIP archive has a member.
        is_array: whether it is a large JSON file of an array, or of objects of several lines, which
            cannot be cut.
        day: the day that a `{date}` template gave it.
        modified: when it was written last (UTC), where known.
        member: the file to read of a ZIP archive.
        version: its ETag, which must not change while it is read.
        arrival_days: how many days before its own a file of a `{date}` template brings rows of.
        days_known: whether it is known which days it has rows of, so that a reader need not count
            the rows that it skips.
        days: the days that it has rows of, 1970-01-01 among them where some have none; None: nobody
            looked into it.
    """

    uri: str
    size: int
    format: FileFormat
    compression: Compression | None = None
    day: date | None = None
    is_array: bool = False
    modified: datetime | None = None
    member: str | None = None
    version: str = ""
    arrival_days: int = 0
    days_known: bool = True
    days: frozenset[date] | None = None

    @property
    def is_packed(self) -> bool:
        """Whether its text has to be unpacked, so that it can only be read from its beginning."""
        return self.compression is not None or self.member is not None

    @property
    def has_statistics(self) -> bool:
        """Whether it tells which of its rows may be of some days, so that others are not read."""
        return self.format in ("parquet", "delta")

    @property
    def own_day(self) -> date | None:
        """The file's own date: that of its `{date}` path, else the last date in its name."""
        return self.day or last_date_in(self.uri.rpartition("/")[2])

    @property
    def delivered(self) -> tuple[date, datetime, str]:
        """What the order of delivery goes by: the file's own date, its time, its name.

        A file without a date of its own has that of its time.
        """
        modified = self.modified or EPOCH
        return (self.own_day or modified.date(), modified, self.uri)

    @property
    def stored(self) -> StoredObject:
        """The file as an object to open."""
        return StoredObject(self.uri, self.size, version=self.version)


@dataclass(frozen=True)
class FoundFile:
    """One file of a source that nobody looked into yet.

    Attributes:
        stored: where it is.
        day: the day that a `{date}` template gave it.
    """

    stored: StoredObject
    day: date | None = None

    @property
    def version(self) -> str:
        """What tells its content from an earlier one: ETag, commit of a Delta table, or time."""
        is_on_disk = "://" not in self.stored.location and not self.stored.is_folder
        if is_on_disk:
            return _text_of_time(self.stored.modified)
        return self.stored.version.strip('"') or _text_of_time(self.stored.modified)


@dataclass(frozen=True)
class Found:
    """The files of some days.

    Attributes:
        files: in no particular order.
        missing: days of a `{date}` template without a file, and where it was looked for.
    """

    files: tuple[FoundFile, ...]
    missing: Mapping[date, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """The files that a run has to read, in order of delivery; see `SourceFile.delivered`.

    Attributes:
        files: those that it reads.
        missing: days of a `{date}` template without a file, and where it was looked for.
        unread: how many files of the source it need not read.
        unreadable: what is wrong with files that it cannot read, by where they are.
        cloned: files of a Delta table that is a shallow clone, which no engine finds by its name.
    """

    files: tuple[SourceFile, ...]
    missing: Mapping[date, str] = field(default_factory=dict)
    unread: int = 0
    unreadable: Mapping[str, SourceError] = field(default_factory=dict)
    cloned: tuple[SourceFile, ...] = ()

    def whole(self) -> "Listing":
        """Itself, where each of its files can be read.

        Raises:
            SourceError: one cannot.
        """
        for error in self.unreadable.values():
            raise error
        return self

    @property
    def total_bytes(self) -> int:
        """Bytes as stored, to choose the number of partitions by."""
        return sum(file.size for file in self.files)

    @property
    def delta(self) -> SourceFile | None:
        """The Delta table, if the source is one."""
        return next((file for file in self.files if file.format == "delta"), None)


def list_source(
    config: SourceConfig,
    kind: RowKind,
    first_day: date,
    end_day: date,
    *,
    days_may_be_missing: bool = False,
) -> Listing:
    """The files that may hold rows of the days [first_day, end_day); see `find_source`."""
    found = find_source(config, kind, first_day, end_day, days_may_be_missing=days_may_be_missing)
    return with_formats(config, found.files, found.missing).whole()


def with_formats(
    config: SourceConfig,
    found: Sequence[FoundFile],
    missing: Mapping[date, str] | None = None,
    unread: int = 0,
) -> Listing:
    """The files with what it takes to read them; looks into those that their name does not tell.

    Args:
        config: the source.
        found: some of its files.
        missing: the days that have none, and where it was looked for.
        unread: how many other files it has.
    """
    files: list[SourceFile] = []
    unreadable: dict[str, SourceError] = {}
    for file in found:
        try:
            files.append(_with_format(file.stored, config, file.day))
        except SourceError as error:
            unreadable[file.stored.location] = error
    ordered = tuple(sorted(files, key=lambda file: file.delivered))
    return Listing(ordered, missing or {}, unread, unreadable)


@readable_storage()
def find_source(
    config: SourceConfig,
    kind: RowKind,
    first_day: date,
    end_day: date,
    *,
    days_may_be_missing: bool = False,
) -> Found:
    """Find the files that may hold rows of the days [first_day, end_day), without opening them.

    Args:
        config: the source.
        kind: what its rows are; errors name its settings.
        first_day: first day asked for; matters to templates only.
        end_day: day after the last one.
        days_may_be_missing: days of a template without a file are no error; they are `missing`.

    Raises:
        SourceError: nothing is there, a day of a template has no file, or every file is empty.
    """
    if first_day >= end_day:
        raise SourceError(f"{config.uri}: no day lies in [{first_day}, {end_day})")
    if DATE.search(config.uri):
        of_days, missing = _files_by_day(config, first_day, end_day)
        if missing and not days_may_be_missing:
            raise SourceError(missing_days(missing, kind))
        return Found(tuple(of_days), missing)
    objects = list(_matching(normalized(config.uri), {}))
    if not objects:
        why = f"{_why_nothing(config.uri)} {_remedy(kind)}{_where_it_was_set(config.uri)}"
        raise SourceError(f"{config.uri}: {why}")
    if not any(found.size for found in objects):
        raise SourceError(f"{config.uri}: holds no rows, every file is empty. {_remedy(kind)}")
    return Found(tuple(FoundFile(found) for found in objects))


@readable_storage()
def find_all(config: SourceConfig) -> list[FoundFile]:
    """Find all files of a source, of a template those of all days; none where there is none.

    One look at the folder above the first `{date}` finds them, however many days there are.
    """
    location = normalized(config.uri)
    if not is_template(location):
        return [FoundFile(found) for found in _matching(location, {})]
    first = min(
        found.start() for found in (DATE.search(location), _WILDCARD.search(location)) if found
    )
    folder = location[:first].rpartition("/")[0]
    taken: dict[str, str] = {}
    pattern = _template_pattern(location, taken)
    matches = ((found, pattern.match(found.location)) for found in _folder(folder))
    dated = ((found, day_of(match, taken)) for found, match in matches if match)
    return [FoundFile(found, day) for found, day in dated if day and _is_of(location, found, day)]


def _template_pattern(template: str, taken: dict[str, str]) -> re.Pattern[str]:
    parts = re.split(rf"({DATE.pattern.replace('(?::([^', '(?::(?:[^')})", template)
    texts = (
        day_groups(found[1], taken) if (found := DATE.fullmatch(part)) else _glob_expression(part)
        for part in parts
    )
    return re.compile(rf"{''.join(texts)}(?:/.*)?$", re.DOTALL)


def _is_of(template: str, found: StoredObject, day: date) -> bool:
    """Whether a file lies where its day's files are looked for."""
    pattern = _glob_pattern(normalized(path_of_day(template, day)), _WILDCARD)
    return pattern.match(found.location) is not None


def _text_of_time(modified: datetime | None) -> str:
    return (modified or EPOCH).isoformat(timespec="microseconds")


def last_date_in(name: str) -> date | None:
    """The last date in a file's name, as `2025-01-31`, `2025_01_31` or `20250131`."""
    for found in reversed(list(_DATE_IN_NAME.finditer(name))):
        year, month, day = (int(found[part]) for part in ("year", "month", "day"))
        with suppress(ValueError):
            return date(year, month, day)
    return None


def is_template(uri: str) -> bool:
    """Whether a path holds `{date}`, so that each day has its own files."""
    return DATE.search(uri) is not None


def _remedy(kind: RowKind) -> str:
    return f"Set {kind.setting} to the file, folder or glob of the {kind.title}."


def _where_it_was_set(uri: str) -> str:
    """Of a path that begins at the working directory: which one, and that its `.env` was read."""
    if "://" in uri or Path(uri).is_absolute():
        return ""
    here = Path.cwd()
    return f" It was looked for in {here}, and settings in the environment and {here / '.env'}."


def _why_nothing(uri: str) -> str:
    if _WILDCARD.search(uri):
        return "no file matches this glob."
    return "no such file or folder, or a folder without data files."


def _files_by_day(
    config: SourceConfig, first_day: date, end_day: date
) -> tuple[list[FoundFile], dict[date, str]]:
    """The files of each day and of the days of arrival after it, and where others should be."""
    folders: dict[str, list[StoredObject]] = {}
    files: list[FoundFile] = []
    missing: dict[date, str] = {}
    days = (end_day - first_day).days
    for day in (first_day + timedelta(n) for n in range(days + config.arrival_days)):
        path = path_of_day(config.uri, day)
        objects = list(_matching(normalized(path), folders))
        if not objects and day < end_day:
            missing[day] = path
        files += (FoundFile(found, day) for found in objects)
    return files, missing


def missing_days(missing: Mapping[date, str], kind: RowKind) -> str:
    """Which days of a template have no file, and what to do."""
    named = [f"{day} (expected {path})" for day, path in missing.items()][:_DAYS_NAMED]
    more = len(missing) - len(named)
    return (
        f"no file for {', '.join(named)}{f' and {more} more days' if more else ''}. "
        f"A day without {kind.title} needs an empty file; else the files are late, "
        f"or {kind.setting} names another place."
    )


def _matching(location: str, folders: dict[str, list[StoredObject]]) -> list[StoredObject]:
    exact = find(location)
    if exact:
        return [exact]
    # In names that exist, brackets stand for themselves.
    for wildcard in (_WILDCARD_BUT_BRACKETS, _WILDCARD) if "[" in location else (_WILDCARD,):
        found = _below(location, wildcard, folders)
        if found:
            return found
    return []


def _below(
    location: str, wildcard: re.Pattern[str], folders: dict[str, list[StoredObject]]
) -> list[StoredObject]:
    """What matches a location with wildcards, or lies in the folders that do."""
    first = wildcard.search(location)
    folder = location[: first.start()].rpartition("/")[0] if first else location
    if folder not in folders:
        folders[folder] = _folder(folder)
    below = folders[folder]
    if first:
        pattern = _glob_pattern(location, wildcard)
        below = [found for found in below if pattern.match(found.location)]
    _require_no_table_inside(location, below, folders[folder])
    return below


def _require_no_table_inside(
    location: str, below: Iterable[StoredObject], folder: Iterable[StoredObject]
) -> None:
    tables = {table for table in map(_table_of_log, folder) if table}
    for found in below:
        table = next((table for table in tables if found.location.startswith(f"{table}/")), None)
        if table:
            raise SourceError(
                f"{location}: holds the Delta table {table}, "
                "which cannot be read file by file; name that folder itself."
            )


def _table_of_log(found: StoredObject) -> str | None:
    table, log, _ = found.location.partition(f"/{_DELTA_LOG}/")
    return table if log else None


def _folder(folder: str) -> list[StoredObject]:
    found = sorted(walk(folder), key=lambda found: found.location)
    prefix = len(folder.rstrip("/")) + 1
    if any(item.location[prefix:].startswith(f"{_DELTA_LOG}/") for item in found):
        size = sum(_data_bytes(found)) or sum(_bytes_of_clone(found))
        commit = max(map(_commit_of, found))
        return [StoredObject(folder, size, is_folder=True, version=str(commit))]
    return [item for item in found if not _is_hidden(item.location[prefix:])]


def _commit_of(found: StoredObject) -> int:
    """The version of a Delta table that a file of its log made; -1: none."""
    number = _COMMIT.search(found.location)
    return int(number[1]) if number else -1


def _bytes_of_clone(objects: Iterable[StoredObject]) -> Iterator[int]:
    """Sizes of the files that a shallow clone names: they lie in the table that it was made of."""
    for commit in objects:
        if commit.location.endswith(".json"):
            log = read_range(commit.location, 0, commit.size)
            yield from (int(size) for size in _SIZE_OF_ADDED.findall(log))


def _data_bytes(objects: Iterable[StoredObject]) -> Iterator[int]:
    return (item.size for item in objects if f"/{_DELTA_LOG}/" not in item.location)


def _is_hidden(relative: str) -> bool:
    parts = relative.split("/")
    is_hidden = any(part.startswith((".", "_")) and part != _DELTA_LOG for part in parts)
    return is_hidden or relative.endswith(_UNFINISHED)


def _glob_pattern(glob: str, wildcard: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(rf"{_glob_expression(glob, wildcard)}(?:/.*)?$", re.DOTALL)


def _glob_expression(glob: str, wildcard: re.Pattern[str] = _WILDCARD) -> str:
    parts = re.split(f"({wildcard.pattern})", glob)
    # Every other part is a wildcard.
    return "".join(
        _expression(part) if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )


def _expression(part: str) -> str:
    if part == "**/":
        return r"(?:.*/)?"
    if part == "**":
        return r".*"
    if part == "*":
        return r"[^/]*"
    if part == "?":
        return r"[^/]"
    inner = part[1:-1].replace("\\", r"\\")
    return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"


@readable_storage()
def _with_format(found: StoredObject, config: SourceConfig, day: date | None) -> SourceFile:
    if found.location.lower().endswith(".zip"):
        return _zipped(found, config, day)
    name, compression = split_name(found.location.rpartition("/")[2].lower())
    suffix = _SUFFIXES.get(f".{name.rpartition('.')[2]}")
    if found.is_folder or config.format == "delta":
        return _delta_table(found, config, day)
    if suffix is None and found.size:
        head = read_range(found.location, 0, min(found.size, _HEAD_BYTES))
        compression = compression_of(head)
        suffix = _format_of_content(beginning(head, compression) if compression else head)
    told = suffix or "csv" if config.format == "auto" else cast("FileFormat", config.format)
    if told == "parquet":
        compression = None
    is_array = told == "json" and compression is None and _is_large_array(found)
    return SourceFile(
        found.location,
        found.size,
        told,
        compression,
        day,
        is_array,
        found.modified,
        version=found.version,
        arrival_days=config.arrival_days,
    )


def _is_large_array(found: StoredObject) -> bool:
    return found.size > UNIT_BYTES and spans_lines(read_range(found.location, 0, _HEAD_BYTES))


def _zipped(found: StoredObject, config: SourceConfig, day: date | None) -> SourceFile:
    member = member_to_read(found, config.zip_member)
    format_ = _SUFFIXES.get(f".{member.lower().rpartition('.')[2]}", "csv")
    return SourceFile(
        found.location,
        found.size,
        format_,
        day=day,
        modified=found.modified,
        member=member,
        version=found.version,
        arrival_days=config.arrival_days,
    )


def _delta_table(found: StoredObject, config: SourceConfig, day: date | None) -> SourceFile:
    if day is not None:
        raise SourceError(
            f"{config.uri}: a Delta table cannot be named by day; name its folder without "
            "{date}, its statistics find the day's files."
        )
    if not found.is_folder:
        raise SourceError(
            f"{found.location}: the format is set to delta, but this is no Delta table "
            f"(no {_DELTA_LOG} folder). Set the format to auto."
        )
    if config.format not in ("auto", "delta"):
        raise SourceError(
            f"{found.location}: is a Delta table, but the format is set to {config.format}."
        )
    return SourceFile(found.location, found.size, "delta", version=found.version)


def _format_of_content(head: bytes) -> FileFormat:
    if head.startswith(b"PAR1"):
        return "parquet"
    is_json = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") or begins_array(head)
    return "json" if is_json else "csv"
