"""Times as text: ISO 8601, and what exporters write instead, rewritten as such; no guessing.

| text | where it comes from |
|---|---|
| `2025-01-03T10:20:30.123456789Z`, `2025-01-03 12:20:30,5+0200`, `2025-01-03` | ISO 8601 |
| `2025-01-03 10:20:30 UTC`, `... Z`, `... +0000` | BigQuery, Athena, logs |
| `20250103T102030Z` | ISO 8601, basic format |
| `1/3/2025 10:20:30 AM` | Excel and Azure in US English: the month comes first |
| `Fri, 03 Jan 2025 10:20:30 +0000` | RFC 2822: mail and HTTP |

A text without offset is UTC, or in the time zone that the settings name.
"""

from functools import partial

import numpy as np
import pyarrow as pa

from video_assets.arrow.types import ArrowType, Integers, Mask, TextArray, compute
from video_assets.sources.values import integers, mask, only, second_try

_DAY_OF_YEAR = (
    r"(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8])"
)
_LEAP_YEAR = r"\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00"
_DATE = rf"(?:\d{{4}}-(?:{_DAY_OF_YEAR})|(?:{_LEAP_YEAR})-02-29)"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_TIME = rf"[T ]{_CLOCK}(?::[0-5]\d(?:\.\d{{1,6}})?)?"
_OFFSET = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
_LONG_FRACTION = rf"(?:19|2[01])\d\d-(?:{_DAY_OF_YEAR})[T ]{_CLOCK}:[0-5]\d\.\d{{7,9}}"
# Arrow's cast reads these shapes, and others that are no times of ours, such as hours alone.
_SHAPES = (
    (rf"^{_DATE}{_TIME}{_OFFSET}$", pa.timestamp("us", "UTC")),
    (rf"^{_DATE}(?:{_TIME})?$", pa.timestamp("us")),
    (rf"^{_LONG_FRACTION}{_OFFSET}$", pa.timestamp("ns", "UTC")),
    (rf"^{_LONG_FRACTION}$", pa.timestamp("ns")),
)
_NAMED_UTC = rf"^{_DATE}{_TIME} ?(?:UTC|GMT|Z)$"
_MAY_BE_TIME = r"^\s*(?:\d|[A-Za-z]{3},)"
_REWRITTEN = (
    (r"(:\d\d),(\d)", r"\1.\2"),
    (r"([.]\d{6})\d{1,3}(\D|$)", r"\1\2"),
    (r"(\d) ?(?:Z|UTC|GMT)$", r"\1Z"),
    (r"(:\d\d(?:[.]\d+)?) ([+-]\d\d(?::?\d\d)?)$", r"\1\2"),
    (r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", r"\1-\2-\3T\4:\5:\6"),
    (r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(Z|[+-]|$)", r"\1-\2-\3T\4:\5\6"),
)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_REST_OF_CLOCK = r"(?P<rest>:[0-5]\d(?::[0-5]\d(?:[.]\d+)?)?)"
_US = (
    r"^(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}),? "
    rf"(?P<hour>0?[1-9]|1[0-2]){_REST_OF_CLOCK}[ \x{{202F}}](?P<half>[AP])[.]?M[.]?$"
)
_RFC_2822 = (
    rf"^(?:[A-Z]{{3}},? )?(?P<day>\d{{1,2}}) (?P<month>{'|'.join(_MONTHS)}) (?P<year>\d{{4}}) "
    rf"(?P<hour>\d\d){_REST_OF_CLOCK}(?P<offset>{_OFFSET}?)$"
)


def times_of_text(texts: TextArray, zone: str | None = None) -> tuple[Integers, Mask]:
    """Read times.

    Args:
        texts: in any of the notations above.
        zone: IANA name of the time zone of texts without offset; None is UTC. Of a time that a
            change of the clock makes twice, the first is meant.

    Returns:
        Microseconds since 1970 (cut, where there are more digits), and which could be read.
    """
    times, readable = _iso_times(texts, zone)
    times, readable = second_try(texts, times, readable, _times_named_utc)
    return second_try(texts, times, readable, partial(_other_times, zone=zone))


def _iso_times(texts: TextArray, zone: str | None) -> tuple[Integers, Mask]:
    times = np.zeros(len(texts), np.int64)
    readable = np.zeros(len(texts), dtype=bool)
    for shape, type_ in _SHAPES:
        read = partial(_cast, shape=shape, type_=type_, zone=zone)
        times, readable = second_try(texts, times, readable, read)
    return times, readable


def _cast(
    texts: TextArray, shape: str, type_: ArrowType, zone: str | None
) -> tuple[Integers, Mask]:
    fits = compute.match_substring_regex(texts, shape).fill_null(fill_value=False)
    if not fits.true_count:
        return np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    moments = (texts if fits.true_count == len(texts) else only(texts, fits)).cast(type_)
    if zone and type_.tz is None:
        moments = compute.assume_timezone(moments, zone, ambiguous="earliest", nonexistent="latest")
    times, there = integers(moments)
    return (times // 1000 if type_.unit == "ns" else times), there


def _times_named_utc(texts: TextArray) -> tuple[Integers, Mask]:
    """Times with the name of UTC behind, which is soon cut off."""
    found = compute.match_substring_regex(texts, _NAMED_UTC).fill_null(fill_value=False)
    if not found.true_count:
        return np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    plain = compute.utf8_rtrim(only(texts, found), " UTCGMZ")
    return integers(plain.cast(pa.timestamp("us")))


def _other_times(texts: TextArray, zone: str | None) -> tuple[Integers, Mask]:
    may_be_time = compute.match_substring_regex(texts, _MAY_BE_TIME).fill_null(fill_value=False)
    times, readable = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    if may_be_time.true_count:
        rows = mask(may_be_time)
        times[rows], readable[rows] = _iso_times(_as_iso(texts.filter(may_be_time)), zone)
    return times, readable


def _as_iso(texts: TextArray) -> TextArray:
    plain = compute.utf8_upper(compute.utf8_trim_whitespace(texts))
    for shape, plainly in _REWRITTEN:
        found = compute.match_substring_regex(plain, shape)
        if found.true_count:
            rewritten = compute.replace_substring_regex(plain.filter(found), shape, plainly)
            plain = compute.replace_with_mask(plain, found, rewritten)
    for shape in (_US, _RFC_2822):
        found = compute.match_substring_regex(plain, shape)
        if found.true_count:
            parts = compute.extract_regex(plain.filter(found), shape)
            plain = compute.replace_with_mask(plain, found, _joined(parts))
    return plain


def _joined(parts: pa.StructArray) -> TextArray:
    """The parts of times as ISO 8601."""
    part = dict(zip(parts.type.names, parts.flatten(), strict=True))
    month, hour = part["month"], part["hour"]
    if "half" in part:
        after_noon = compute.equal(part["half"], "P").cast(pa.int64())
        of_half = compute.if_else(compute.equal(hour, "12"), "0", hour).cast(pa.int64())
        hour = compute.add(of_half, compute.multiply(after_noon, 12)).cast(pa.string())
    else:
        place = compute.index_in(month, pa.array(_MONTHS)).cast(pa.int64())
        month = compute.add(place, 1).cast(pa.string())
    month, day, hour = (compute.utf8_lpad(p, 2, "0") for p in (month, part["day"], hour))
    date = compute.binary_join_element_wise(part["year"], month, day, "-")
    offset = part.get("offset", pa.repeat("", len(date)))
    clock = compute.binary_join_element_wise(hour, part["rest"], offset, "")
    return compute.binary_join_element_wise(date, clock, "T")
