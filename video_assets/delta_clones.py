"""Shallow clones: Delta tables whose log names files of other tables by their full addresses.

Neither the embedded engine nor the dataset of delta-rs can open those, so that they are read as
Parquet files.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from resources.storage import find, join, normalized, storage_options
from video_assets.sources.errors import SourceError, readable_storage
from video_assets.sources.listing import Listing, SourceFile

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|/")
_UNREADABLE = {"deletionVectors": "deletion vectors", "columnMapping": "column mapping"}


def with_files_of_clone(listing: Listing) -> Listing:
    """The listing of a shallow clone with the clone's files; any other as it is.

    Raises:
        SourceError: a file is away, or its rows are not all of the table's; names the remedy.
    """
    return replace(listing, cloned=_files_of_clone(listing.delta)) if listing.delta else listing


@readable_storage()
def _files_of_clone(table: SourceFile) -> tuple[SourceFile, ...]:
    try:
        log = DeltaTable(table.uri, storage_options=storage_options(table.uri))
        paths = [str(path) for path in pa.table(log.get_add_actions())["path"].to_pylist()]
    except DeltaError:
        # The engine says what is wrong with it.
        return ()
    if not any(map(_ADDRESS.match, paths)):
        return ()
    features = log.protocol().reader_features or ()
    for feature in features:
        if feature in _UNREADABLE:
            raise SourceError(
                f"{table.uri}: is a shallow clone with {_UNREADABLE[feature]}, whose files cannot "
                "be read one by one. Name the table that it was made of, or make a deep clone."
            )
    return tuple(_files(table, paths))


def _files(table: SourceFile, paths: list[str]) -> Iterator[SourceFile]:
    for path in sorted(paths):
        location = _location(table.uri, path)
        stored = find(location)
        if stored is None:
            raise SourceError(
                f"{table.uri}: is a shallow clone of which {location} is gone, as VACUUM of the "
                "table that it was made of leaves it. Restore the file, or make the clone again."
            )
        yield SourceFile(location, stored.size, "parquet", version=stored.version)


def _location(table: str, path: str) -> str:
    if not _ADDRESS.match(path):
        return join(table, unquote(path))
    if path.startswith(("file:", "/")):
        return unquote(urlsplit(path).path)
    return normalized(unquote(path))
