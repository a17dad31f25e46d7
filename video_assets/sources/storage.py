"""Bytes by path or URI, the same way on a disk and in an object store."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import from_url

from video_assets.sources.errors import SourceError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

LOCAL_ROOT = "file:///"


@dataclass(frozen=True)
class Location:
    """A place in a store: the store's root URL, and the key below it without leading slash."""

    root: str
    key: str

    @property
    def uri(self) -> str:
        """The place as users name it: a plain path on a disk, a URI elsewhere."""
        return f"/{self.key}" if self.root == LOCAL_ROOT else f"{self.root}/{self.key}"

    def with_key(self, key: str) -> "Location":
        """Another place in the same store."""
        return Location(self.root, key)


@dataclass(frozen=True)
class StoredObject:
    """An object that exists, with its size in bytes; or a folder that is read as one."""

    location: Location
    size: int
    is_folder: bool = False


def locate(uri: str) -> Location:
    """Where a path or URI points; relative paths start at the working directory."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Location(LOCAL_ROOT, os.path.abspath(os.path.expanduser(uri)).lstrip("/"))  # noqa: PTH100, PTH111 (pathlib would resolve nothing more and fails on globs of other systems)
    if scheme == "file":
        return Location(LOCAL_ROOT, unquote(urlsplit(uri).path).strip("/"))
    host, _, key = rest.partition("/")
    return Location(f"{scheme}://{host}", key.strip("/"))


@lru_cache(maxsize=64)
def _store(root: str) -> "ObjectStore":
    try:
        return from_url(root)
    except (BaseError, ValueError) as error:
        raise SourceError(f"{root}: not a storage that can be read: {error}") from error


def find(location: Location) -> StoredObject | None:
    """The object at a place; None where there is none, or a folder."""
    with _readable(location):
        try:
            meta = _store(location.root).head(location.key)
        except (FileNotFoundError, IsADirectoryError):
            return None
    return StoredObject(location, meta["size"])


def walk(location: Location) -> Iterator[StoredObject]:
    """Every object below a place, in no particular order."""
    with _readable(location):
        for page in _store(location.root).list(prefix=location.key or None):
            for meta in page:
                yield StoredObject(location.with_key(meta["path"]), meta["size"])


def read_range(location: Location, start: int, end: int) -> bytes:
    """The bytes [start, end) of an object."""
    if end <= start:
        return b""
    with _readable(location):
        return bytes(_store(location.root).get_range(location.key, start=start, end=end))


@contextmanager
def _readable(location: Location) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise SourceError(f"{location.uri}: cannot be read: {error}") from error


class StoredFile(io.RawIOBase):
    """An object as a seekable binary file, for libraries that want one."""

    def __init__(self, stored: StoredObject) -> None:
        """Open an object; nothing is fetched yet."""
        super().__init__()
        self._stored = stored
        self._position = 0

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def seekable(self) -> bool:
        """Whether it can be sought: always."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, and return the new position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._stored.size}
        self._position = base[whence] + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes from the position; all that is left when negative."""
        left = max(self._stored.size - self._position, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        data = read_range(self._stored.location, self._position, self._position + wanted)
        self._position += len(data)
        return data

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Fill a buffer from the position, and say with how many bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
