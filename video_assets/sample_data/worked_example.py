"""The specification's worked example: peter watches 130 seconds of `video_001`."""

from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa

from video_assets.sample_data.audience import EVENTS_SCHEMA

USER = "peter"
SESSION = "peter-session-1"
VIDEO = "video_001"
_NOTHING_MORE = (None, None, None)
_STARTS_AT = time(10, tzinfo=UTC)
_ACTIONS = (  # seconds since the start, event, position
    (0, "video_play", 0.0),
    (30, "video_pause", 30.0),
    (35, "video_resume", 30.0),
    (125, "video_pause", 120.0),
    (130, "video_resume", 110.0),
    (140, "video_pause", 120.0),
)


def worked_example(day: date) -> pa.Table:
    """Peter's events, on a day."""
    start = datetime.combine(day, _STARTS_AT)
    rows = [
        (start + timedelta(seconds=seconds), USER, SESSION, VIDEO, event, position, *_NOTHING_MORE)
        for seconds, event, position in _ACTIONS
    ]
    columns = [
        pa.array(values, field.type)
        for values, field in zip(zip(*rows, strict=True), EVENTS_SCHEMA, strict=True)
    ]
    return pa.table(columns, schema=EVENTS_SCHEMA)
