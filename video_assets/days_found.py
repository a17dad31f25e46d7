"""The days of some rows of a source, for errors that say what a delivery holds instead."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import functions as F

from resources.engine.engine import Engine
from video_assets.days import UNDATED, DayRange
from video_assets.ingestion import clear_source_errors, listed_days
from video_assets.sources.fields import Layout
from video_assets.sources.frames import sampled_rows
from video_assets.sources.tagged import SOURCE_ROWS
from video_assets.vocabulary import TimestampUnit

FILES_LOOKED_AT = 3
UNITS: Mapping[TimestampUnit, str] = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}


@dataclass(frozen=True)
class DaysFound:
    """What a look at some rows finds.

    Attributes:
        rows: rows with a readable day.
        undated: rows without one.
        first: the first day; None: there is none.
        last: the last day.
    """

    rows: int
    undated: int
    first: date | None
    last: date | None

    @property
    def share_undated(self) -> float:
        """Rows without a readable day, of all rows."""
        return self.undated / max(self.rows + self.undated, 1)

    def overlap(self, first: date, last: date) -> bool:
        """Whether they reach into the days from `first` to `last`, both included."""
        if self.first is None or self.last is None:
            return False
        return self.first <= last and self.last >= first

    def __str__(self) -> str:
        """The days, for a message."""
        return f"{self.first} to {self.last}"


@dataclass(frozen=True)
class DaysOfSource:
    """A source, and a way to look at some of its rows.

    Attributes:
        spark: the engine.
        layout: the kind of row, and where its source is.
        run: the days whose files are looked at.
    """

    spark: Engine
    layout: Layout
    run: DayRange

    def found(self, unit: TimestampUnit | None = None) -> DaysFound:
        """The days of some rows, with another unit of numeric times where one is named.

        Raises:
            SourceError: the source cannot be read.
        """
        config = replace(self.layout.config, timestamp_unit=unit) if unit else self.layout.config
        layout = replace(self.layout, config=config)
        session = self.spark.spark_session
        with clear_source_errors():
            listing = listed_days(self.layout.config, layout.kind, self.run)
            rows = sampled_rows(session, layout, listing, FILES_LOOKED_AT)
            day = F.col(layout.kind.tagged.day_column)
            is_undated = F.col("reason").isNotNull() & (day == F.lit(UNDATED))
            dated = F.when(~is_undated, day)
            summary = rows.where(F.col(SOURCE_ROWS).isNull()).agg(
                F.count(dated).alias("rows"),
                F.count_if(is_undated).alias("undated"),
                F.min(dated).alias("first"),
                F.max(dated).alias("last"),
            )
            [row] = summary.collect()
        return DaysFound(**row.asDict())

    def likely_unit(self, first: date, last: date) -> tuple[TimestampUnit, DaysFound] | None:
        """The other unit of numeric times that puts rows between two days, with their days."""
        configured = self.layout.config.timestamp_unit
        if configured is None:
            return None
        for unit in UNITS:
            if unit != configured and (found := self.found(unit)).overlap(first, last):
                return unit, found
        return None
