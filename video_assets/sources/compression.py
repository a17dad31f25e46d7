"""Compressed text: gzip, bzip2 and zstandard, of any number of members each."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, cast

import pyarrow as pa

from video_assets.sources.errors import SourceError
from video_assets.sources.lines import ByteStream

Compression = Literal["gzip", "bz2", "zstd"]

_SUFFIXES: dict[str, Compression] = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_FIRST_BYTES: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_STORED_BYTES = 1024 * 1024
_PIECE_BYTES = 4096


def split_name(name: str) -> tuple[str, Compression | None]:
    """A file's name without the suffix of its compression, and the compression."""
    for suffix, compression in _SUFFIXES.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix), compression
    return name, None


def compression_of(head: bytes) -> Compression | None:
    """The compression that the first bytes of a file show."""
    return next((found for first, found in _FIRST_BYTES.items() if head.startswith(first)), None)


def beginning(head: bytes, compression: Compression) -> bytes:
    """What can be read of the first bytes of a compressed file; empty where it is damaged."""
    content = b""
    with pa.CompressedInputStream(pa.PythonFile(io.BytesIO(head), "r"), compression) as stream:
        try:
            while len(content) < len(head) and (piece := stream.read(_PIECE_BYTES)):
                content += piece
        except OSError:
            pass  # the head ends in the middle of a member
    return content


@contextmanager
def decompressed(
    stored: io.RawIOBase, compression: Compression, where: str
) -> Iterator[ByteStream]:
    """The content of a compressed file.

    Args:
        stored: the file.
        compression: how it is compressed.
        where: its name, for messages.

    Raises:
        SourceError: the file is damaged or ends too early.
    """
    source = pa.PythonFile(io.BufferedReader(stored, _STORED_BYTES), "r")
    with pa.CompressedInputStream(source, compression) as stream:
        try:
            yield cast("ByteStream", stream)
        except OSError as error:
            raise SourceError(
                f"{where}: damaged {compression} file ({error}). Deliver the file again."
            ) from error
