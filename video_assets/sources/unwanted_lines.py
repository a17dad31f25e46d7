"""Lines of JSON that hold no row that anybody wants, told by their bytes, so that none is parsed.

A line is wanted if one of the wanted names may stand in it: as it is, or hidden by an escape.
"""

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa

from video_assets.arrow.types import Integers, Mask, compute
from video_assets.sources.fields import Layout
from video_assets.sources.lines import Lines
from video_assets.sources.paths import Literal, Path, SourceName, parse_source_name
from video_assets.sources.values import mask

# Any character may be written as \u0041, and a slash as \/.
_ESCAPES = (r"\\u", r"\\/")
_IN_JSON_AS_IT_IS = re.compile(r'[^"\\\x00-\x1f]+')
_NUMBER = re.compile(r"[-+.\d][-+.\deE]*")


def wanted_pattern(layout: Layout) -> str | None:
    """A regular expression that every line with a wanted row matches; None: all may be wanted."""
    kind, config = layout.kind, layout.config
    wanted = kind.wanted_names(config) if kind.wanted_names else None
    if wanted is None or kind.name_column is None:
        return None
    sources = [parse_source_name(text) for text in config.source_names(kind.name_column)]
    parts = [max(_pieces(name, source), key=len) for name in sorted(wanted) for source in sources]
    if not all(_IN_JSON_AS_IT_IS.fullmatch(p) and not _NUMBER.fullmatch(p) for p in parts):
        return None
    return "|".join([*map(re.escape, sorted(set(parts))), *_ESCAPES])


def _pieces(name: str, source: SourceName) -> list[str]:
    """What of a name comes from single values; empty where that cannot be told.

    Between values stand texts; a piece without any of these texts is from one value.
    """
    parts = [part for part in source.parts if part != Literal("")]
    if any(isinstance(a, Path) and isinstance(b, Path) for a, b in pairwise(parts)):
        return [""]
    texts = [part.text for part in parts if isinstance(part, Literal)]
    if len(texts) == len(parts):
        return [""]
    return re.split("|".join(map(re.escape, texts)), name) if texts else [name]


def matching(lines: Lines, rows: Integers, pattern: str) -> Mask:
    """Which of some lines match a pattern, whatever bytes are in them."""
    some = lines.only(rows)
    edges = np.append(some.starts, len(some.data)).astype(np.int32)
    buffers = [None, pa.py_buffer(edges.tobytes()), pa.py_buffer(some.data)]
    texts = pa.Array.from_buffers(pa.binary(), len(rows), buffers)
    return mask(compute.match_substring_regex(texts, pattern))
