"""User ids as keyed hashes, so that no table, log or page ever holds one.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from video_assets.arrow.types import TextArray
from video_assets.sources.values import per_text

WITHHELD = "withheld, because USER_ID_KEY is set: see the source"
# 128 bits: two of a billion users share a hash with a chance of one in 10^20.
_DIGITS = 32


@dataclass(frozen=True)
class Pseudonyms:
    """Who is who is told by whoever has the key, and by nobody else.

    Attributes:
        key: of the hashes.
    """

    key: bytes = field(repr=False)

    def of_user(self, user: str) -> str:
        """The first 128 bits of HMAC-SHA-256 of an id, as hexadecimal digits."""
        return hmac.new(self.key, user.encode(), hashlib.sha256).hexdigest()[:_DIGITS]

    def in_place_of(self, rows: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        """Tagged rows with pseudonyms as ids, and without the texts of refused rows."""
        for name in columns:
            place = rows.schema.get_field_index(name)
            ids = per_text(rows.column(place), self._hashed)
            rows = rows.set_column(place, name, ids)
        place = rows.schema.get_field_index("rowText")
        texts = rows.column(place)
        if texts.null_count == len(texts):
            return rows
        hidden = pa.array([WITHHELD if told else None for told in texts.is_valid().to_pylist()])
        return rows.set_column(place, "rowText", hidden.cast(pa.string()))

    def _hashed(self, ids: TextArray) -> TextArray:
        if not len(ids) or ids.null_count == len(ids):
            return ids
        coded = ids.dictionary_encode()
        hashed = pa.array(map(self.of_user, coded.dictionary.to_pylist()), pa.string())
        return pa.DictionaryArray.from_arrays(coded.indices, hashed).cast(pa.string())
