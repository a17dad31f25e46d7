import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_assets.sources import lines as module
from video_assets.sources.lines import blocks_of_lines, is_utf8, readable_text


class Trickle(io.BytesIO):
    """Yields at most a few bytes at a time, as a network may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 7))


def lines_of(
    data: bytes, start: int = 0, end: int | None = None, block: int = 16
) -> list[tuple[int, bytes]]:
    stream = Trickle(data)
    stream.seek(max(start - 1, 0))
    return [
        (block_.offset + int(block_.starts[index]), block_.line(index))
        for block_ in blocks_of_lines(stream, start, end, block)
        for index in range(len(block_))
    ]


def test_lines_may_end_in_lf_or_crlf_or_with_the_file() -> None:
    assert [line for _, line in lines_of(b"a\r\nb\n\nc")] == [b"a", b"b", b"", b"c"]


def test_lines_are_numbered_from_the_start_of_the_file_only() -> None:
    data = b"a\nb\nc\nd\n"
    whole = list(blocks_of_lines(io.BytesIO(data), block_bytes=4))
    assert [block.first_number for block in whole] == [1, 3]
    stream = io.BytesIO(data)
    stream.seek(3)
    assert [block.first_number for block in blocks_of_lines(stream, 4)] == [None]


@given(
    st.lists(st.sampled_from([b"\n", b"a", b"\r\n", b"xyz", b"\xff", b"a long line"]), max_size=30),
    st.lists(st.integers(0, 120), max_size=4),
    st.integers(1, 40),
)
def test_every_line_belongs_to_exactly_one_range(
    parts: list[bytes], cuts: list[int], block: int
) -> None:
    data = b"".join(parts)
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    cut_up = [line for start, end in pairwise(edges) for line in lines_of(data, start, end, block)]
    assert cut_up == lines_of(data, block=1000)
    expected = data.split(b"\n")[: -1 if data.endswith(b"\n") or not data else None]
    assert [line for _, line in cut_up] == [line.removesuffix(b"\r") for line in expected]


def test_a_line_beyond_all_bounds_is_cut_and_made_unreadable_but_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONGEST_LINE", 100)
    monkeypatch.setattr(module, "_KEPT_OF_TOO_LONG_LINE", 10)
    found = lines_of(b"a\n" + b"x" * 1000 + b"\nb\n")
    assert [line for _, line in found] == [b"a", b"x" * 10 + b"\xff", b"b"]
    assert [offset for offset, _ in found] == [0, 2, 1003]


def test_text_is_shown_with_replacements_for_what_cannot_be_shown() -> None:
    assert readable_text(b"a\xffb\0") == "a\ufffdb\ufffd"


@given(st.binary(max_size=20))
def test_utf8_is_told_from_other_bytes(data: bytes) -> None:
    def decodes() -> bool:
        try:
            data.decode()
        except UnicodeDecodeError:
            return False
        return True

    assert is_utf8(data) == decodes()
