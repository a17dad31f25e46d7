"""Statistics of a data file, as the Delta log holds them: readers skip files by them."""

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from resources.epoch import EPOCH, EPOCH_DAY

# Delta's own writers keep this many characters of a string.
_STRING_PREFIX = 32
_GREATEST_CHARACTER = "\U0010ffff"
_MICROSECONDS = 1000
_YEARS = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
_MILLISECOND_RANGE = tuple((moment - EPOCH) // timedelta(milliseconds=1) for moment in _YEARS)


class FileStatistics:
    """Rows, nulls, smallest and largest values of one file's rows, added up chunk by chunk.

    Format: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
    """

    def __init__(self, schema: pa.Schema) -> None:
        """Begin with no rows."""
        self.rows = 0
        self._schema = schema
        self._nulls = {f.name: 0 for f in schema if not pa.types.is_struct(f.type)}
        self._bounds: dict[str, tuple[Any, Any]] = {}
        self._bounded = {f.name for f in schema if _has_bounds(f.type)}

    def add(self, rows: pa.Table) -> None:
        """Count these rows in."""
        self.rows += rows.num_rows
        for name in self._nulls:
            self._nulls[name] += rows[name].null_count
        for name in tuple(self._bounded):
            self._widen(name, rows[name])

    def as_json(self) -> str:
        """The statistics in Delta's format; a column without usable bounds has none."""
        smallest, largest = {}, {}
        for name in sorted(self._bounded & self._bounds.keys()):
            low, high = self._bounds[name]
            smallest[name] = _lower_bound(low, self._schema.field(name).type)
            largest[name] = _upper_bound(high, self._schema.field(name).type)
        return orjson.dumps(
            {
                "numRecords": self.rows,
                "minValues": {name: v for name, v in smallest.items() if v is not None},
                "maxValues": {name: v for name, v in largest.items() if v is not None},
                "nullCount": self._nulls,
            }
        ).decode()

    def _widen(self, name: str, values: "pa.ChunkedArray[Any]") -> None:
        if pa.types.is_floating(values.type) and pc.any(pc.is_nan(values)).as_py():
            # Readers order NaN differently, so no bound is right for all of them.
            self._bounded.discard(name)
            return
        low, high = _extremes(values)
        if low is None:
            return
        known_low, known_high = self._bounds.get(name, (low, high))
        self._bounds[name] = (min(low, known_low), max(high, known_high))


def _has_bounds(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(type_)
        or pa.types.is_floating(type_)
        or pa.types.is_string(type_)
        or pa.types.is_date32(type_)
        or pa.types.is_timestamp(type_)
    )


def _extremes(values: "pa.ChunkedArray[Any]") -> tuple[Any, Any]:
    """Smallest and largest; days and times as counts, because Python's types hold fewer years."""
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    elif pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    extremes = pc.min_max(values)
    return extremes["min"].as_py(), extremes["max"].as_py()


def _lower_bound(value: Any, type_: pa.DataType) -> Any:
    if isinstance(value, str):
        return value[:_STRING_PREFIX]
    if isinstance(value, float):
        # Some readers order -0.0 below 0.0: the bounds hold for them too.
        return _finite(value or -0.0)
    if pa.types.is_timestamp(type_):
        return _iso_time(value // _MICROSECONDS)
    return _iso_day(value) if pa.types.is_date32(type_) else value


def _upper_bound(value: Any, type_: pa.DataType) -> Any:
    if isinstance(value, str):
        return _string_upper_bound(value)
    if isinstance(value, float):
        return _finite(value + 0.0)
    if pa.types.is_timestamp(type_):
        return _iso_time(-(-value // _MICROSECONDS))
    return _iso_day(value) if pa.types.is_date32(type_) else value


def _string_upper_bound(value: str) -> str | None:
    if len(value) <= _STRING_PREFIX:
        return value
    bound = value[:_STRING_PREFIX] + _GREATEST_CHARACTER
    return bound if bound >= value else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _iso_time(milliseconds: int) -> str | None:
    low, high = _MILLISECOND_RANGE
    if not low <= milliseconds <= high:
        return None
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _iso_day(days: int) -> str | None:
    ordinal = days + EPOCH_DAY.toordinal()
    if not 1 <= ordinal <= date.max.toordinal():
        return None
    return date.fromordinal(ordinal).isoformat()
