"""What is no text although it is read as text: told by its first bytes, with what to do."""

from video_assets.sources.compression import compression_of
from video_assets.sources.errors import SourceError

_CONVERT = "Convert it to Parquet, or to JSON or CSV in UTF-8."
_BY_FIRST_BYTES = {
    b"PK\x03\x04": ("a ZIP archive or an Excel workbook", f"Unpack it, or convert it: {_CONVERT}"),
    b"ORC": ("an ORC file", _CONVERT),
    b"Obj\x01": ("an Avro file", _CONVERT),
    b"PAR1": ("a Parquet file", "Give it the suffix .parquet, or set the source's format."),
    b"\xff\xfe": ("text in UTF-16", "Save it as UTF-8."),
    b"\xfe\xff": ("text in UTF-16", "Save it as UTF-8."),
}
_SAMPLE = 64
_SUFFIXES = {"gzip": ".gz", "bz2": ".bz2", "zstd": ".zst"}


def require_text(head: bytes, where: str) -> None:
    """Refuse a file that is something else than text in UTF-8.

    Args:
        head: its first bytes, decompressed.
        where: its name, for the message.

    Raises:
        SourceError: names the file, what it is, and the remedy.
    """
    found = next((what for first, what in _BY_FIRST_BYTES.items() if head.startswith(first)), None)
    compression = compression_of(head)
    if found is None and compression:
        suffix = _SUFFIXES[compression]
        found = f"compressed with {compression}", f"Give its name the suffix {suffix}."
    if found is None and _is_utf_16(head[:_SAMPLE]):
        found = _BY_FIRST_BYTES[b"\xff\xfe"]
    if found:
        what, remedy = found
        raise SourceError(f"{where}: is {what}, which cannot be read as lines. {remedy}")


def _is_utf_16(head: bytes) -> bool:
    """Whether every other byte, and no more, is NUL: plain text in UTF-16 without its mark."""
    halves = head[::2], head[1::2]
    is_one_nul = any(not any(half) for half in halves) and any(all(half) for half in halves)
    return len(head) >= _SAMPLE // 2 and is_one_nul
