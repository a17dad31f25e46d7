"""About how many rows a source has: told by sizes, and by a look at lines that are long."""

from pathlib import Path

import pytest

from video_assets.sources.estimated_rows import rows_of_source
from video_assets.sources.listing import Listing, SourceFile

_LINES = 20_000


def listing(folder: Path, line: bytes, end: bytes = b"\n") -> Listing:
    path = folder / "events.json"
    path.write_bytes((line + end) * _LINES)
    return Listing((SourceFile(str(path), path.stat().st_size, "json"),))


@pytest.mark.parametrize("end", [b"\n", b""])
def test_rows_of_a_kilobyte_are_not_taken_for_fifty_rows(tmp_path: Path, end: bytes) -> None:
    rows = rows_of_source(listing(tmp_path, b'{"text": "%s"}' % (b"x" * 1000), end))
    assert _LINES <= rows <= 1.1 * _LINES


def test_lines_that_hold_lists_of_rows_are_counted_by_their_size_alone(tmp_path: Path) -> None:
    found = listing(tmp_path, b'{"text": "%s"}' % (b"x" * 1000))
    assert rows_of_source(found, in_lists=True) > 40 * _LINES


def test_a_text_of_no_rows_in_sight_is_counted_by_its_size(tmp_path: Path) -> None:
    found = listing(tmp_path, b" " * 1000, b"")
    assert rows_of_source(found) == found.total_bytes // 20
