"""Which player events are valid: rule 1 of the watch-time rules, on Arrow arrays."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from resources.delta.table import TIMESTAMP
from video_assets.arrow.types import ArrowArray, Integers, Mask, TextArray, compute
from video_assets.player_events.dimensions import COLUMN, Values, packed
from video_assets.player_events.reported import COLUMN as REPORTED
from video_assets.player_events.reported import reported_seconds
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.sources.chunks import Chunk
from video_assets.sources.config import SourceConfig
from video_assets.sources.fields import RowKind, dimension_column
from video_assets.sources.tagged import TaggedSchema, Verdict, day_array, tagged_schema
from video_assets.sources.times import MICROSECONDS_PER_DAY, read_times
from video_assets.sources.values import (
    hold_nothing,
    is_text_equal,
    mask,
    per_text,
    read_durations,
    read_ids,
    read_positions,
)
from video_assets.vocabulary import (
    DESCRIBING_COLUMNS,
    EVENT_COLUMNS,
    EVENT_NAMES,
    IGNORE,
    OPTIONAL_EVENT_COLUMNS,
    OtherNames,
    PositionUnit,
)

SEEK = "video_seek"

# What a valid event tells of its video: see `DESCRIBED_VIDEOS`.
UNREADABLE_DURATION = "unreadableDuration"
IS_SAMPLED = "isSampled"
_DESCRIPTION: list["pa.Field[Any]"] = [
    pa.field("videoDuration", pa.float64()),
    pa.field("videoTitle", pa.string()),
    pa.field(UNREADABLE_DURATION, pa.bool_()),
    pa.field(IS_SAMPLED, pa.bool_()),
]
TAGGED_EVENTS = tagged_schema(
    (*RAW_EVENTS.arrow_schema, *_DESCRIPTION), REJECTED_EVENTS.arrow_schema
)


def validate_events(chunk: Chunk, config: SourceConfig, _file_index: int = 0) -> Verdict:
    """Judge player events.

    Args:
        chunk: rows with the columns `timestamp`, `userId`, `sessionId`, `videoId`, `eventName`
            and `currentTime`, of any type that a source may have; `seekTime` where it has one.
        config: event names, and the units of times and positions.

    Returns:
        The columns of `raw_events`, and the reasons in the order of rule 1.
    """
    times, has_time = read_times(
        chunk.columns["timestamp"], config.timestamp_unit, config.time_zone
    )
    ids = {
        name: per_text(chunk.columns[name], read_ids) for name in ("userId", "sessionId", "videoId")
    }
    our_names = partial(_our_event_names, mapped=config.event_names, others=config.other_names)
    names = per_text(per_text(chunk.columns["eventName"], read_ids), our_names)
    positions, finite = read_positions(chunk.columns["currentTime"], config.position_unit)
    no_position = hold_nothing(chunk.columns["currentTime"], ~finite)
    target = _seek_targets(chunk, is_text_equal(names, SEEK), config.position_unit)
    no_time = hold_nothing(chunk.columns["timestamp"], ~has_time)
    days = times // MICROSECONDS_PER_DAY
    values = {
        "timestamp": pa.array(times).cast(TIMESTAMP),
        **ids,
        "eventName": names,
        "currentTime": pa.array(positions),
        "seekTime": target.seconds,
        "eventDate": day_array(days),
        **_description(chunk, config),
        **_dimensions(chunk, config),
        **_reported(chunk),
    }
    reasons = (
        ("missing_timestamp", no_time),
        ("unreadable_timestamp", ~has_time),
        ("missing_user", mask(ids["userId"].is_null())),
        ("missing_session", mask(ids["sessionId"].is_null())),
        ("missing_video", mask(ids["videoId"].is_null())),
        ("unknown_event", mask(names.is_null())),
        ("missing_position", no_position | target.missing),
        ("unreadable_position", ~finite | target.unreadable),
        ("negative_position", (positions < 0) | target.negative),
    )
    return Verdict(values, reasons, days, has_time, ignored=is_text_equal(names, IGNORE))


def days_of_events(times: ArrowArray, config: SourceConfig) -> tuple[Integers, Mask]:
    """The UTC days (since 1970) of times as a source has them, and which are readable."""
    micros, readable = read_times(times, config.timestamp_unit, config.time_zone)
    return micros // MICROSECONDS_PER_DAY, readable


def _description(chunk: Chunk, config: SourceConfig) -> dict[str, ArrowArray]:
    """What the rows tell of their videos, where the source has such columns."""
    told: dict[str, ArrowArray] = {}
    if "videoDuration" in chunk.columns:
        durations, unreadable = read_durations(
            chunk.columns["videoDuration"], config.duration_unit or config.position_unit
        )
        told |= {"videoDuration": durations, UNREADABLE_DURATION: pa.array(unreadable)}
    if "videoTitle" in chunk.columns:
        told["videoTitle"] = per_text(chunk.columns["videoTitle"], read_ids)
    if "itemCount" in chunk.columns:
        events, readable = read_positions(chunk.columns["itemCount"])
        told[IS_SAMPLED] = pa.array(readable & (events > 1))
    return told


def _dimensions(chunk: Chunk, config: SourceConfig) -> dict[str, ArrowArray]:
    """The values of the dimensions that the settings name."""
    if not config.dimensions:
        return {}
    columns = {name: chunk.columns[dimension_column(name)] for name in config.dimensions}
    values = {name: Values.of(per_text(column, read_ids)) for name, column in columns.items()}
    return {COLUMN: packed(values, len(chunk))}


def _reported(chunk: Chunk) -> dict[str, ArrowArray]:
    """What players say was watched, where the source has such a column."""
    if "playedSegments" not in chunk.columns:
        return {}
    segments = per_text(chunk.columns["playedSegments"], read_ids)
    return {REPORTED: reported_seconds(segments)}


class _Targets(NamedTuple):
    """Where seeks went, in seconds, and which rows are seeks without a usable target."""

    seconds: ArrowArray
    missing: Mask
    unreadable: Mask
    negative: Mask


def _seek_targets(chunk: Chunk, seeks: Mask | None, unit: PositionUnit) -> _Targets:
    rows = len(chunk)
    none = np.zeros(rows, dtype=bool)
    if seeks is None:
        return _Targets(pa.nulls(rows, pa.float64()), none, none, none)
    if "seekTime" not in chunk.columns:
        return _Targets(pa.nulls(rows, pa.float64()), seeks, none, none)
    targets, finite = read_positions(chunk.columns["seekTime"], unit)
    broken = seeks & ~finite
    missing = hold_nothing(chunk.columns["seekTime"], broken)
    return _Targets(
        pa.array(targets, mask=~seeks), missing, broken & ~missing, seeks & (targets < 0)
    )


def _our_event_names(names: TextArray, mapped: Mapping[str, str], others: OtherNames) -> TextArray:
    """The source's event names as ours or `ignore`; null for those that are unknown."""
    known = _known_names(mapped)
    places = compute.index_in(names, pa.array(list(known), pa.string()))
    ours = pa.array(list(known.values()), pa.string()).take(places)
    return ours.fill_null(IGNORE) if others == IGNORE else ours


def _known_names(mapped: Mapping[str, str]) -> dict[str, str]:
    """The source's names and what they mean; ours are known, too."""
    return {name: name for name in EVENT_NAMES} | dict(mapped)


def _wanted_names(config: SourceConfig) -> Collection[str] | None:
    if config.other_names != IGNORE:
        return None
    known = _known_names(config.event_names)
    return [name for name, ours in known.items() if ours != IGNORE]


EVENT_ROWS = RowKind(
    title="player events",
    setting="VIDEO_ASSETS_EVENTS",
    day_column="timestamp",
    columns=EVENT_COLUMNS,
    tagged=TaggedSchema(TAGGED_EVENTS, "eventDate"),
    validate=validate_events,
    days_of=days_of_events,
    optional=OPTIONAL_EVENT_COLUMNS,
    mapped_only=DESCRIBING_COLUMNS,
    name_column="eventName",
    wanted_names=_wanted_names,
    judges_distinct_ids=True,
)
