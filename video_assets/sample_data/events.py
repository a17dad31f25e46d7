"""Player events as they are delivered: a file a day, one day in memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from video_assets.sample_data.audience import (
    EVENTS_SCHEMA,
    Unfinished,
    ViewingDay,
    invent_audience,
    microseconds,
    split_at_midnight,
    until_midnight,
)
from video_assets.sample_data.defects import (
    EVENT_DAMAGES,
    SHARE_BAD,
    SHARE_DUPLICATED,
    choose_duplicates,
    choose_rows,
    damage,
    delivery_times,
)
from video_assets.sample_data.metadata import Videos
from video_assets.sample_data.spec import SampleSpec, Stream
from video_assets.sample_data.summary import EventCounts
from video_assets.sample_data.worked_example import worked_example

_ARRIVAL = "arrival"


@dataclass(frozen=True)
class EventsFile:
    """What one day delivers, and what happened on that day (none: only late rows came)."""

    day: date
    rows: pa.Table
    counts: EventCounts | None


def event_files(spec: SampleSpec, videos: Videos) -> Iterator[EventsFile]:
    """The files of all days, and one more with the late rows of the last day if there are any.

    A day depends on the days before it, because sessions run on past midnight and viewers come
    back for what they left, and never on how many days follow.
    """
    audience = invent_audience(spec)
    ongoing = late = EVENTS_SCHEMA.empty_table()
    unfinished = Unfinished.none()
    for day in spec.event_days:
        viewing = ViewingDay(
            day,
            audience,
            videos,
            rng=spec.random(Stream.VIEWING, day),
            device_rng=spec.random(Stream.DEVICES, day),
            return_rng=spec.random(Stream.RETURNS, day),
            unfinished=unfinished,
        )
        happened, ongoing = _viewing_on(viewing, ongoing, spec)
        unfinished = viewing.left
        delivered, counts = _delivery_of(happened, day, spec)
        in_time = until_midnight(delivered[_ARRIVAL].to_numpy(), day)
        arrived = delivered.filter(pa.array(in_time))
        yield EventsFile(day, _in_order_of_arrival(late, arrived), counts)
        late = delivered.filter(pa.array(~in_time))
    if late.num_rows:
        yield EventsFile(day + timedelta(days=1), _in_order_of_arrival(late), counts=None)


def _viewing_on(
    viewing: ViewingDay, ongoing: pa.Table, spec: SampleSpec
) -> tuple[pa.Table, pa.Table]:
    """Valid rows of a day, and those of its sessions that run past midnight."""
    day = viewing.day
    wanted = spec.events_on(day) - _duplicates_on(day, spec) - _example_on(day, spec).num_rows
    today, later = split_at_midnight(ongoing, day)
    today = today.slice(0, wanted)
    started = viewing.rows_until(wanted - today.num_rows)
    started_today, started_later = split_at_midnight(started, day)
    return pa.concat_tables([today, started_today]), pa.concat_tables([later, started_later])


def _delivery_of(happened: pa.Table, day: date, spec: SampleSpec) -> tuple[pa.Table, EventCounts]:
    """A day's rows with their defects and time of arrival, the worked example untouched."""
    rng = spec.random(Stream.DEFECTS, day)
    bad = choose_rows(happened.num_rows, SHARE_BAD, rng)
    repeated = choose_duplicates(happened.num_rows, bad, _duplicates_on(day, spec), rng)
    damaged, rejected = damage(happened, bad, EVENT_DAMAGES, (day - spec.first_day).days * len(bad))
    sent = np.concatenate([np.arange(happened.num_rows), repeated])
    arrival = delivery_times(microseconds(happened)[sent], rng)
    example = _example_on(day, spec)
    rows = pa.concat_tables([damaged.take(sent), example])
    arrival = np.concatenate([arrival, microseconds(example)])
    counts = EventCounts(
        rows=rows.num_rows,
        distinct=rows.num_rows - len(repeated) - len(bad),
        duplicates=len(repeated),
        rejected=rejected,
        late=int(np.count_nonzero(~until_midnight(arrival, day))),
    )
    return rows.append_column(_ARRIVAL, pa.array(arrival)), counts


def _duplicates_on(day: date, spec: SampleSpec) -> int:
    return round(spec.events_on(day) * SHARE_DUPLICATED)


def _example_on(day: date, spec: SampleSpec) -> pa.Table:
    example = worked_example(day)
    return example if day == spec.first_day else example.slice(0, 0)


def _in_order_of_arrival(*parts: pa.Table) -> pa.Table:
    rows = pa.concat_tables([part for part in parts if part.num_rows])
    return rows.sort_by(_ARRIVAL).drop_columns(_ARRIVAL)
