"""About how many rows a source has, to share them out by: told by sizes, and by a look inside."""

from collections.abc import Sequence

from resources.storage import read_range
from video_assets.sizes import EVENTS_AT_ONCE, ROWS_PER_BUCKET
from video_assets.sources.errors import readable_storage
from video_assets.sources.listing import Listing, SourceFile

_FILES_SAMPLED = 4
_SAMPLE_BYTES = 64 * 1024
# What ends a row: a line, or an object with another one behind it.
_ENDS_OF_ROWS = (b"\n", b"}{", b"},{", b"}, {")


def rows_of_source(
    listing: Listing,
    bytes_per_row: int = EVENTS_AT_ONCE.bytes_per_row,
    *,
    in_lists: bool = False,
) -> int:
    """About how many rows the files hold; too many rather than too few.

    Args:
        listing: the files.
        bytes_per_row: in compressed Parquet.
        in_lists: whether one line may hold a list of rows.
    """
    rows = listing.total_bytes // bytes_per_row
    if in_lists or rows <= ROWS_PER_BUCKET:
        return rows
    lines = [file for file in listing.files if _is_plain_text(file)]
    text = sum(file.size for file in lines)
    return (listing.total_bytes - text) // bytes_per_row + text // _bytes_of_line(
        lines, bytes_per_row
    )


def _is_plain_text(file: SourceFile) -> bool:
    return file.format in ("json", "csv") and not file.is_packed


def _bytes_of_line(files: Sequence[SourceFile], least: int) -> int:
    """The least of some places in the largest files."""
    largest = sorted(files, key=lambda file: file.size, reverse=True)[:_FILES_SAMPLED]
    samples = [_sample(file, at) for file in largest for at in (0, file.size // 2)]
    return min((_of_sample(sample, least) for sample in samples), default=least)


@readable_storage()
def _sample(file: SourceFile, start: int) -> bytes:
    return read_range(file.uri, start, min(start + _SAMPLE_BYTES, file.size))


def _of_sample(sample: bytes, least: int) -> int:
    rows = sum(map(sample.count, _ENDS_OF_ROWS))
    # One more than what ends in it: the row that it cuts.
    return max(len(sample) // (rows + 1), least) if rows else least
