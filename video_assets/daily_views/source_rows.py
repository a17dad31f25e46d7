"""Which daily view counts are valid, on Arrow arrays."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from video_assets.arrow.types import ArrowArray, Integers, Mask, TextArray, compute
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MEASURES, REJECTED_DAILY_VIEWS
from video_assets.sources.chunks import Chunk
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import RowKind
from video_assets.sources.tagged import TaggedSchema, Verdict, day_array, tagged_schema
from video_assets.sources.times import read_days
from video_assets.sources.values import (
    hold_nothing,
    mask,
    per_text,
    read_counts,
    read_ids,
    read_positions,
    without_thousands,
)
from video_assets.vocabulary import DAILY_VIEW_COLUMNS, VIEW_MEASURES

DELIVERY_ORDER = "deliveryOrder"
# A zero before the upload day; exports carry years of them, so that they are no sign of trouble.
BEFORE_UPLOAD = "before_upload"

_IDENTIFYING = ("channel_id", "video_id", "created_date", "date", "reportedCount")
_OPTIONAL = frozenset({"channel_id", "created_date"})


@dataclass(frozen=True)
class ViewNotation:
    """How a source of daily views writes what it counts.

    Attributes:
        measures: which of `MEASURES` it has.
        counts_may_be_negative: a count below 0 is a correction, not a mistake.
        created_date_format: strptime format of created dates; None: as the dates.
        time_zone: where the day of a moment is reckoned; None: in UTC.
        thousands: the character between the thousands of a number.
        ignored_ids: ids of rows that are no videos', such as totals.
    """

    measures: frozenset[str] = frozenset()
    counts_may_be_negative: bool = True
    created_date_format: str | None = None
    time_zone: str | None = None
    thousands: str | None = None
    ignored_ids: frozenset[str] = frozenset()


def tagged_daily_views(measures: frozenset[str]) -> pa.Schema:
    """The schema of tagged daily views, with the measures that the source has."""
    valid = [
        field
        for field in DAILY_VIDEO_VIEWS.arrow_schema
        if field.name in _IDENTIFYING or field.name in measures
    ]
    more = [pa.field(DELIVERY_ORDER, pa.int64())]
    return tagged_schema(valid, REJECTED_DAILY_VIEWS.arrow_schema, more)


def daily_view_rows(notation: ViewNotation, mapped: Collection[str] = ()) -> RowKind:
    """Daily views as a source writes them, as a kind of source row.

    Args:
        notation: what the source has, and how it writes it.
        mapped: our columns that the settings name in the source: a file must have them, measures
            apart.
    """
    measures = {name: role for name, role in VIEW_MEASURES.items() if name in notation.measures}
    return RowKind(
        title="daily views",
        setting="VIDEO_ASSETS_DAILY_VIEWS",
        day_column="date",
        columns={**DAILY_VIEW_COLUMNS, **measures},
        tagged=TaggedSchema(tagged_daily_views(notation.measures), "date"),
        validate=partial(validate_daily_views, notation=notation),
        days_of=partial(days_of_views, notation=notation),
        day_zone=notation.time_zone,
        optional=(_OPTIONAL - set(mapped)) | measures.keys(),
        judges_distinct_ids=True,
    )


def validate_daily_views(
    chunk: Chunk, config: SourceConfig, file_index: int, notation: ViewNotation
) -> Verdict:
    """Judge daily view counts.

    Args:
        chunk: rows with the columns `channel_id`, `video_id`, `created_date`, `date`, `viewCount`
            and the measures of the notation, of any type that a source may have.
        config: how dates are written.
        file_index: place of the file in the order of delivery.
        notation: how the rest is written.

    Returns:
        The columns of `daily_video_views` that a source has (the count as `reportedCount`) and
        `deliveryOrder`, which ascends from file to file and row to row; and the reasons, in order.
        A created date or measure that cannot be read is null: it is no reason to lose views.
    """
    videos = per_text(chunk.columns["video_id"], _ids)
    created_column = chunk.columns["created_date"]
    days, has_day = days_of_views(chunk.columns["date"], config, notation)
    created, has_created = read_days(
        created_column,
        config.timestamp_unit,
        notation.created_date_format or config.date_format,
        or_iso=True,
        time_zone=notation.time_zone,
    )
    count_column = without_thousands(chunk.columns["viewCount"], notation.thousands)
    counts, has_count, is_whole = read_counts(count_column)
    measures = {
        column.name: _measure(chunk.columns[column.name], column.type, notation.thousands)
        for column in MEASURES
        if column.name in notation.measures
    }
    values = {
        "channel_id": per_text(chunk.columns["channel_id"], _ids),
        "video_id": videos,
        "created_date": day_array(created, has_created),
        "date": day_array(days),
        "reportedCount": pa.array(counts),
        **measures,
        DELIVERY_ORDER: pa.array(chunk.delivery_order(file_index)),
    }
    is_zero: Mask = counts == 0
    for measure in measures.values():
        is_zero &= mask(compute.equal(measure.fill_null(0), 0))
    reasons = (
        ("missing_video", mask(videos.is_null())),
        ("missing_date", hold_nothing(chunk.columns["date"], ~has_day)),
        ("unreadable_date", ~has_day),
        ("missing_count", ~has_count),
        ("unreadable_count", ~is_whole),
        ("negative_count", (counts < 0) & (not notation.counts_may_be_negative)),
        (BEFORE_UPLOAD, has_created & (days < created) & is_zero),
    )
    ignored = _is_one_of(videos, notation.ignored_ids) if notation.ignored_ids else None
    return Verdict(values, reasons, days, has_day, ignored)


def days_of_views(
    dates: ArrowArray, config: SourceConfig, notation: ViewNotation
) -> tuple[Integers, Mask]:
    """The days (since 1970) of dates as a source has them, and which are readable."""
    return read_days(
        dates,
        config.timestamp_unit,
        config.date_format,
        or_iso=False,
        time_zone=notation.time_zone,
    )


def _ids(array: ArrowArray) -> TextArray:
    """Ids without the blank that spreadsheets' exports set before a minus sign."""
    return compute.utf8_trim_whitespace(read_ids(array))


def _is_one_of(videos: TextArray, ids: frozenset[str]) -> Mask:
    """Which videos have one of the ids; a null has the empty one."""
    encoded = videos if isinstance(videos, pa.DictionaryArray) else videos.dictionary_encode()
    texts = pa.array([*encoded.dictionary.to_pylist(), ""], pa.string())
    found = mask(compute.is_in(texts, pa.array(sorted(ids), pa.string())))
    return np.asarray(found[encoded.indices.fill_null(-1).to_numpy()])


def _measure(array: ArrowArray, type_: pa.DataType, thousands: str | None) -> ArrowArray:
    array = without_thousands(array, thousands)
    if pa.types.is_floating(type_):
        numbers, finite = read_positions(array)
        return pa.array(numbers, type_, mask=~finite)
    counts, there, is_whole = read_counts(array)
    return pa.array(counts, type_, mask=~(there & is_whole))


DAILY_VIEW_ROWS = daily_view_rows(ViewNotation())
