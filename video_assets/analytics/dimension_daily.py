"""The table `dimension_daily`: each video on each day by device, country and what else is named."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from resources.delta.table import Table, required
from resources.epoch import day_number
from video_assets.analytics.tables import DIMENSION_DAILY
from video_assets.analytics.video_daily import (
    SESSIONS_TAKEN,
    VIEWER_DAYS,
    first_day,
    measured,
    measures,
    restated,
    summed_by_viewer,
    with_new_viewers,
)
from video_assets.arrow.columns import integers, to_table, with_plain_texts
from video_assets.arrow.kernels import map_tables
from video_assets.arrow.types import TextArray
from video_assets.days import DayRange
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.dimensions import Values, unpacked

UNKNOWN, OTHER = "unknown", "other"

# Of days with more values of a dimension than are named: those that are.
NamedValues = Mapping[tuple[str, date], frozenset[str]]

_WITH_DIMENSIONS = pa.schema([*SESSIONS_TAKEN, *SESSIONS.fields("dimensions")])
_VALUE = (
    required("dimension", pa.string(), "name of the dimension"),
    required("value", pa.string(), "value of the session"),
)
_VALUE_DAYS = Table(
    name="value_days",
    grain="one viewer of a video on a day, with sessions of one value; never stored",
    key=("dimension", "value", "videoId", "date"),
    columns=(*_VALUE, *VIEWER_DAYS.columns),
)
_COUNTS = Table(
    name="value_counts",
    grain="one value of a dimension, video and day; never stored",
    key=("dimension", "value", "videoId", "date"),
    columns=(*_VALUE, *VIEWER_DAYS.columns[:2], required("rows", pa.int64(), "rows that have it")),
)
_PACKED_COUNTS = pa.schema(
    [
        pa.field("dimensions", pa.string()),
        *_COUNTS.fields("videoId", "date", "rows"),
    ]
)


@dataclass(frozen=True)
class Comparison:
    """What plays are compared by.

    Attributes:
        names: the dimensions.
        most_values: values of a dimension that a day names.
    """

    names: Sequence[str]
    most_values: int


def dimension_daily(
    sessions: DataFrame, engagement: DataFrame, by: Comparison, days: DayRange, tasks: int
) -> DataFrame:
    """One row per value of a dimension, video and day, over all of its viewers that day.

    Args:
        sessions: rows of `sessions` of the days.
        engagement: all rows of `aggregated_user_video_engagement`, which know the first days.
        by: the dimensions.
        days: the days.
        tasks: how many tasks share the sessions.

    Returns:
        Rows of `dimension_daily`.
    """
    named = _most_frequent(sessions, by)
    by_user = sessions.select(*_WITH_DIMENSIONS.names).repartition(tasks, F.col("userId"))
    kernel = partial(value_days, names=by.names, named=named)
    viewers = map_tables(by_user, kernel, _WITH_DIMENSIONS, _VALUE_DAYS)
    counted = viewers.groupBy(*DIMENSION_DAILY.key).agg(*measures())
    new = engagement.where((first_day() >= days.first) & (first_day() < days.end))
    new_viewers = _new_viewers(new, by.names, named)
    completed = with_new_viewers(counted, new_viewers, engagement, DIMENSION_DAILY.key)
    return completed.select(*measured(DIMENSION_DAILY))


def restated_dimension_daily(stored: DataFrame, engagement: DataFrame, since: date) -> DataFrame:
    """Rows of days whose first days changed, as they should be; see `restated`.

    Args:
        stored: rows of `dimension_daily` from a day on.
        engagement: all rows of `aggregated_user_video_engagement`.
        since: that day.
    """
    # Days may hold dimensions that are not named any more.
    names = [row["dimension"] for row in stored.select("dimension").distinct().collect()]
    new = engagement.where(first_day() >= since)
    new_viewers = _new_viewers(new, names, _stored_beside_others(stored))
    return restated(
        stored,
        DIMENSION_DAILY,
        lambda rows: with_new_viewers(rows, new_viewers, engagement, DIMENSION_DAILY.key),
    )


def value_days(sessions: pa.Table, names: Sequence[str], named: NamedValues) -> pa.Table:
    """What each viewer of a video did on a day, by the value of each dimension.

    Args:
        sessions: columns of `SESSIONS_TAKEN` and `dimensions`; all rows of a user must be among
            them.
        names: the dimensions.
        named: of days with too many values those that stay; the rest is `other`.
    """
    rows = with_plain_texts(sessions)
    if rows.num_rows == 0:
        return _VALUE_DAYS.arrow_schema.empty_table()
    parts = []
    for name, texts in _texts_by_name(rows, "sessionDate", names, named):
        numbers = texts.dictionary_encode().indices.to_numpy().astype(np.int64)
        first, columns = summed_by_viewer(rows, numbers)
        value = {"dimension": pa.repeat(name, len(first)), "value": texts.take(pa.array(first))}
        parts.append(to_table({**value, **columns}, _VALUE_DAYS.arrow_schema))
    return pa.concat_tables(parts)


def _most_frequent(sessions: DataFrame, by: Comparison) -> NamedValues:
    """Of days with more values of a dimension than are named: those with most sessions."""
    packed = sessions.groupBy("dimensions", F.col("sessionDate").alias("date")).agg(
        F.lit("").alias("videoId"), F.count(F.lit(1)).alias("rows")
    )
    values = _counted(packed, by.names, {}).where(~F.col("value").isin(UNKNOWN, OTHER))
    of_day = Window.partitionBy("dimension", "date")
    place = F.row_number().over(of_day.orderBy(F.col("rows").desc(), "value"))
    ranked = values.withColumns({"values": F.count(F.lit(1)).over(of_day), "place": place})
    return _named(
        ranked.where(
            (F.col("values") > F.lit(by.most_values)) & (F.col("place") <= F.lit(by.most_values))
        )
    )


def _stored_beside_others(stored: DataFrame) -> NamedValues:
    """The values of stored days on which some are `other`."""
    days = stored.where(F.col("value") == OTHER).select("dimension", "date").distinct()
    return _named(stored.join(days, ["dimension", "date"], "left_semi"))


def _named(rows: DataFrame) -> NamedValues:
    """What is collected is bounded by the values that a day names."""
    named: dict[tuple[str, date], set[str]] = defaultdict(set)
    for row in rows.select("dimension", "date", "value").distinct().collect():
        named[row["dimension"], row["date"]].add(row["value"])
    return {day: frozenset(values) for day, values in named.items()}


def _new_viewers(engagement: DataFrame, names: Sequence[str], named: NamedValues) -> DataFrame:
    """A viewer is new under the value of the first session."""
    packed = engagement.groupBy(
        F.col("firstDimensions").alias("dimensions"), "videoId", first_day().alias("date")
    ).agg(F.count(F.lit(1)).alias("rows"))
    return _counted(packed, names, named).withColumnRenamed("rows", "newViewers")


def _counted(packed: DataFrame, names: Sequence[str], named: NamedValues) -> DataFrame:
    """Rows by value, video and day, of rows counted by packed dimensions, video and day."""
    kernel = partial(_by_value, names=names, named=named)
    by_value = map_tables(packed, kernel, _PACKED_COUNTS, _COUNTS)
    return by_value.groupBy(*_COUNTS.key).agg(F.sum("rows").alias("rows"))


def _by_value(packed: pa.Table, names: Sequence[str], named: NamedValues) -> pa.Table:
    rows = with_plain_texts(packed)
    copied = {name: rows[name] for name in ("videoId", "date", "rows")}
    parts = (
        {"dimension": pa.repeat(name, rows.num_rows), "value": texts, **copied}
        for name, texts in _texts_by_name(rows, "date", names, named)
    )
    return pa.concat_tables(to_table(part, _COUNTS.arrow_schema) for part in parts)


def _texts_by_name(
    rows: pa.Table, day: str, names: Sequence[str], named: NamedValues
) -> Iterator[tuple[str, TextArray]]:
    """Each dimension with the value of each row: never null."""
    values, days = unpacked(rows["dimensions"]), integers(rows, day)
    nothing = Values(np.full(rows.num_rows, -1), ())
    for name in names:
        found = values.get(name, nothing)
        texts = [*found.texts, UNKNOWN, OTHER]
        places = {text: place for place, text in enumerate(texts)}
        codes = np.where(found.codes < 0, places[UNKNOWN], found.codes)
        bounded = {day_number(on): kept for (of, on), kept in named.items() if of == name}
        kept = {
            on * len(texts) + places[text]
            for on, kept in bounded.items()
            for text in (*kept, UNKNOWN)
            if text in places
        }
        is_rest = np.isin(days, [*bounded]) & ~np.isin(days * len(texts) + codes, [*kept])
        rows_of: Any = pa.array(np.where(is_rest, places[OTHER], codes))
        yield name, pa.array(texts).take(rows_of)
