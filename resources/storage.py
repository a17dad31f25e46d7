"""Every byte that is read or written: objects by path or URI, on a disk or in an object store.

A location is a local path or a URI (`s3://`, `abfss://`, `gs://`), in the spelling of `normalized`.
Credentials and endpoints come from the standard environment variables alone (`AWS_*`, `AZURE_*`,
`GOOGLE_*`), in the driver as in every worker.
"""

import errno
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
import pyarrow as pa
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import LocalStore, from_url

if TYPE_CHECKING:
    from obstore import ObjectMeta, WritableFile
    from obstore.store import ObjectStore

PROVIDERS = {
    "file": "local",
    "s3": "s3",
    "s3a": "s3",
    "abfs": "azure",
    "abfss": "azure",
    "az": "azure",
    "gs": "gcs",
}
_READ_ONLY = ("http", "https")
# S3 takes parts of a multipart upload from this size on.
PART_BYTES = 5 * 1024 * 1024
_PARALLEL_PARTS = 4
_VARIABLES = {"s3": "AWS_", "azure": "AZURE_", "gcs": "GOOGLE_"}
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./=+@,:~-]*")


class StorageError(Exception):
    """A path or URI cannot be used, or what lies there cannot be read; the message names it."""


class LocationError(StorageError):
    """A path or URI that nothing can be stored at."""


def normalized(location: str | os.PathLike[str]) -> str:
    """The location without a trailing slash; local ones as an absolute path without `file://`.

    A relative path starts at the working directory, `~` at the home of the user.

    Raises:
        LocationError: the URI's scheme is not supported.
    """
    text = os.fspath(location)
    scheme = _SCHEME.match(text)
    if scheme is None:
        # Path.resolve would follow links, and pathlib refuses globs of other systems.
        return os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111
    if scheme[1] == "file":
        return os.path.abspath(unquote(urlsplit(text).path))  # noqa: PTH100 (as above)
    if scheme[1] not in (*PROVIDERS, *_READ_ONLY):
        raise _unsupported(text, scheme[1])
    return text.rstrip("/")


def _unsupported(text: str, scheme: str) -> LocationError:
    return LocationError(
        f"{text}: the scheme {scheme}:// is not supported. "
        f"Use a local path or one of {', '.join(f'{name}://' for name in PROVIDERS)}."
    )


def provider(location: str | os.PathLike[str]) -> str:
    """`local`, `s3`, `azure` or `gcs`, as `dagster_deltalake` names them.

    Raises:
        LocationError: the URI's scheme is not supported, or serves for reading only.
    """
    text = normalized(location)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return "local"
    if scheme[1] not in PROVIDERS:
        raise _unsupported(text, scheme[1])
    return PROVIDERS[scheme[1]]


def join(root: str | os.PathLike[str], *parts: str) -> str:
    """The location of `parts` below `root`."""
    return "/".join([normalized(root).rstrip("/"), *parts])


def storage_options(location: str | os.PathLike[str]) -> dict[str, str]:
    """Options for `deltalake`, from the environment variables of the location's provider."""
    prefix = _VARIABLES.get(provider(location))
    return {k: v for k, v in os.environ.items() if k.startswith(prefix)} if prefix else {}


@dataclass(frozen=True)
class StoredObject:
    """An object that exists; or a folder that is read as one.

    Attributes:
        location: where it is.
        size: in bytes.
        is_folder: whether it is a folder.
        modified: when it was written last (UTC), where known.
        version: its ETag, where reads are to be of that version alone; empty: of any.
    """

    location: str
    size: int
    is_folder: bool = False
    modified: datetime | None = None
    version: str = ""


def find(location: str) -> StoredObject | None:
    """The object at a location; None where there is none, or a folder.

    Raises:
        StorageError: the storage does not answer.
    """
    store, key = _place(location)
    if not key:
        return None
    with _readable(location):
        try:
            meta = store.head(key)
        except (FileNotFoundError, IsADirectoryError):
            return None
    return _stored(location, meta)


def found(location: str) -> StoredObject:
    """The object at a location.

    Raises:
        StorageError: there is none, or the storage does not answer.
    """
    stored = find(location)
    if stored is None:
        raise _gone(location)
    return stored


def _gone(location: str) -> StorageError:
    return StorageError(f"{location}: is not there any more. Run this again.")


def walk(location: str) -> Iterator[StoredObject]:
    """Every object below a location, in no particular order.

    Raises:
        StorageError: the storage does not answer.
    """
    store, key = _place(location)
    root = f"{location.removesuffix(key).rstrip('/')}/"
    with _readable(location):
        for page in store.list(prefix=key or None):
            for meta in page:
                yield _stored(f"{root}{meta['path']}", meta)


def _stored(location: str, meta: "ObjectMeta") -> StoredObject:
    tag = meta["e_tag"] or ""
    # A weak tag says nothing about bytes.
    version = "" if tag.startswith("W/") else tag
    return StoredObject(location, meta["size"], modified=meta["last_modified"], version=version)


def read_range(location: str, start: int, end: int, version: str = "") -> bytes:
    """The bytes [start, end) of an object, of one version if it is named.

    Raises:
        StorageError: it is not there or another version, or the storage does not answer.
    """
    if end <= start:
        return b""
    store, key = _place(location)
    with _readable(location):
        if not version:
            return bytes(store.get_range(key, start=start, end=end))
        if isinstance(store, LocalStore) and Path(location).is_file():
            data = _local_range(location, start, end)
            if store.head(key)["e_tag"] != version:
                raise _changed(location)
            return data
        try:
            found = store.get(key, options={"range": (start, end), "if_match": version})
        except PreconditionError:
            raise _changed(location) from None
        return bytes(found.bytes())


def _local_range(location: str, start: int, end: int) -> bytes:
    """The same of a local file, which obstore reads at a quarter of the speed."""
    with Path(location).open("rb", buffering=0) as file:
        file.seek(start)
        return file.read(end - start)


def _changed(location: str) -> StorageError:
    return StorageError(
        f"{location}: changed while it was read. Run this again when it is whole. Whoever "
        "delivers should write under a name that begins with a dot, and rename at the end."
    )


def _place(location: str) -> "tuple[ObjectStore, str]":
    """The store of a location, and the key in it."""
    scheme = _SCHEME.match(location)
    if scheme is None:
        return _store("file:///"), location.lstrip("/")
    host, _, key = location[scheme.end() :].partition("/")
    return _store(scheme[0] + host), key


@lru_cache(maxsize=64)
def _store(root: str) -> "ObjectStore":
    with _readable(root):
        return from_url(root)


@contextmanager
def _readable(location: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise _gone(location) from None
    except (BaseError, OSError, ValueError) as error:
        raise StorageError(f"{location}: cannot be read: {error}") from error


class StoredFile(io.RawIOBase):
    """An object as a seekable binary file, for libraries that want one.

    Only the ranges asked for are fetched.
    """

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
        position = base[whence] + offset
        if position < 0:
            raise OSError(errno.EINVAL, "the position would be before the beginning")
        self._position = position
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes from the position; all that is left when negative."""
        left = max(self._stored.size - self._position, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._bytes(self._position, self._position + wanted)
        self._position += len(data)
        return data

    def _bytes(self, start: int, end: int) -> bytes:
        return read_range(self._stored.location, start, end, self._stored.version)

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Fill a buffer from the position, and say with how many bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def native_file(location: str, fetched_below: int = 0) -> pa.NativeFile:
    """An object that nobody changes once it is there, such as a table's data file, for Arrow.

    Arrow reads a local file itself. Of an object in a store it gets the ranges that it asks for.

    Args:
        location: path or URI.
        fetched_below: a store's object of fewer bytes is fetched whole, in one request.

    Raises:
        StorageError: it is not there, or the storage does not answer.
    """
    with _readable(location):
        if provider(location) == "local":
            return pa.OSFile(location, "rb")
        if not fetched_below:
            return _native_ranges(found(location))
        store, key = _place(location)
        answer = store.get(key)
        if answer.meta["size"] < fetched_below:
            return pa.BufferReader(answer.bytes())
        return _native_ranges(_stored(location, answer.meta))


def _native_ranges(stored: StoredObject) -> pa.NativeFile:
    return pa.PythonFile(StoredFile(stored), mode="r")


def object_store(root: str | os.PathLike[str], *, create: bool = False) -> "ObjectStore":
    """The objects below `root`; keys are relative to it and use `/`.

    Args:
        root: folder, or URI of a prefix.
        create: make the local folder when it is not there.
    """
    location = normalized(root)
    if provider(location) == "local":
        return LocalStore(location, mkdir=create)
    return from_url(location)


class ObjectSink:
    """A binary file that is an object once it is closed; counts what was written.

    Up to `PART_BYTES` and a few parts under way are held in memory.
    """

    def __init__(self, store: "ObjectStore", key: str) -> None:
        """Begin the object `key`; nothing is visible before `close`."""
        self.key = key
        self.size = 0
        self._file: WritableFile = obstore.open_writer(
            store, key, buffer_size=PART_BYTES, max_concurrency=_PARALLEL_PARTS
        )

    def write(self, data: bytes) -> int:
        """Append bytes."""
        written = self._file.write(data)
        self.size += written
        return written

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Do nothing: an object is complete when it is closed, and not before."""

    def close(self) -> None:
        """Complete the object."""
        if not self.closed:
            self._file.close()

    @property
    def closed(self) -> bool:
        """Whether the object is complete."""
        return self._file.closed()

    def writable(self) -> bool:
        """Whether bytes can be appended."""
        return not self.closed

    def readable(self) -> bool:
        """A sink is never read."""
        return False

    def seekable(self) -> bool:
        """A sink only grows at its end."""
        return False


@contextmanager
def open_sink(location: str | os.PathLike[str]) -> Iterator[ObjectSink]:
    """Write one object; its local parent folders are made. After an error it is not there."""
    root, _, key = normalized(location).rpartition("/")
    sink = ObjectSink(object_store(root or "/", create=True), key)
    yield sink
    sink.close()


def read_objects(root: str | os.PathLike[str], keys: Iterable[str]) -> Iterator[pa.Buffer]:
    """The whole content of each object."""
    store = object_store(root)
    for key in keys:
        yield pa.py_buffer(obstore.get(store, key).bytes())


def _is_no_folder(root: str | os.PathLike[str]) -> bool:
    """Whether a local folder is not there, for which the library has an error of its own."""
    return provider(root) == "local" and not Path(normalized(root)).is_dir()


def list_keys(root: str | os.PathLike[str], prefix: str | None = None) -> Iterator[str]:
    """Keys below `root`, in no order; a local folder that is not there has none."""
    if _is_no_folder(root):
        return
    for page in obstore.list(object_store(root), prefix):
        yield from (entry["path"] for entry in page)


def delete_keys(root: str | os.PathLike[str], keys: Iterable[str]) -> None:
    """Delete objects; those that are gone already are no error."""
    all_keys = list(keys)
    if not all_keys or _is_no_folder(root):
        return
    store = object_store(root)
    try:
        obstore.delete(store, all_keys)
    except FileNotFoundError:
        for key in all_keys:
            with suppress(FileNotFoundError):
                obstore.delete(store, key)


def plain_location(location: str | os.PathLike[str]) -> str:
    """The location by a name under which Sail finds a Delta table.

    It finds none under a path with a space, a percent sign or a letter beyond ASCII; a link with
    a plain name leads it there. Locations with a plain name, and URIs, stay as they are.

    Raises:
        LocationError: the folder for such links cannot be used.
    """
    path = normalized(location)
    if provider(path) != "local" or _PLAIN_PATH.fullmatch(path):
        return path
    link = _links_folder() / hashlib.sha256(path.encode()).hexdigest()[:24]
    try:
        link.symlink_to(path, target_is_directory=True)
    except FileExistsError:
        if os.readlink(link) != path:  # noqa: PTH115 (compared as text)
            raise LocationError(f"{link} should lead to {path}. Delete it.") from None
    return str(link)


def _links_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"video_assets_{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or not _PLAIN_PATH.fullmatch(str(folder)):
        raise LocationError(
            f"{folder} must belong to you and have a plain name, because a table's path has a "
            "space or special character. Set TMPDIR to another folder, or rename the path."
        )
    return folder
