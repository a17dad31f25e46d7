"""ZIP archives: which of their files to read, and its bytes."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from resources.storage import StoredFile, StoredObject
from video_assets.sources.errors import SourceError


def member_to_read(archive: StoredObject, wanted: str | None) -> str:
    """The path in an archive of the file to read.

    Args:
        archive: the archive.
        wanted: the file's name, in any folder of the archive; None: the only file.

    Raises:
        SourceError: it is no archive, or the file is not there once.
    """
    with (
        StoredFile(archive) as stored,
        _readable(archive.location),
        zipfile.ZipFile(stored) as zipped,
    ):
        names = [entry.filename for entry in zipped.infolist() if not entry.is_dir()]
    found = [name for name in names if wanted in (None, name, name.rpartition("/")[2])]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(map(repr, names)) or "no file"
    problem = f"holds {listed}" if wanted is None else f"holds no file {wanted!r}, but {listed}"
    raise SourceError(
        f"{archive.location}: {problem}. Of daily views, name the file to read with "
        "VIDEO_ASSETS_DAILY_VIEWS_ZIP_MEMBER; of another source, unpack the archive."
    )


@contextmanager
def opened_member(stored: StoredFile, member: str, where: str) -> Iterator[IO[bytes]]:
    """The bytes of a file in an archive.

    Args:
        stored: the archive.
        member: the file's path in it.
        where: the archive's name, for messages.

    Raises:
        SourceError: the archive is damaged.
    """
    with (
        _readable(where),
        zipfile.ZipFile(stored) as zipped,
        zipped.open(member) as content,
    ):
        yield content


@contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise SourceError(
            f"{where}: not a readable ZIP archive ({error}). Deliver the file again."
        ) from error
