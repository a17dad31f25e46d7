"""An unfinished day for which more files came: their rows are added, the others are not read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.maintenance import join_files
from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable, StoredDay
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.arrow.blocks import Shares
from video_assets.day_counters import counted_by_day, refused_by_day, valid_by_day
from video_assets.deliveries.delivery import Delivery
from video_assets.deliveries.growth import Growth, growth_of
from video_assets.player_events.erased_users import pseudonyms_of
from video_assets.player_events.stored_events import with_stored
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.source_chunks import SourceChunk
from video_assets.sources.fates import Fate
from video_assets.sources.frames import read_rows
from video_assets.unfinished_days import SECONDS_BETWEEN_LOOKS
from video_assets.vocabulary import DUPLICATES, ERASED, IGNORED, SOURCE_ROWS, WAITING

# Raise it when the code makes other rows of the same source.
_REVISION = 1
_READ_AS = "readAs"
# Each look adds a file; to read so many costs little.
MOST_FILES = 32
_COUNTED = {DUPLICATES: Fate.REPEATED, IGNORED: Fate.IGNORED, ERASED: Fate.ERASED}


def read_as(settings: Settings, delivery: Delivery) -> Mapping[str, str]:
    """What tells the rows that the settings make of a source from those that others make."""
    hidden = pseudonyms_of(settings)
    which_key = hidden.of_user("") if hidden else ""
    told_by = (_REVISION, delivery.source.layout.config, which_key, settings.user_aliases)
    return {_READ_AS: hashlib.sha256(repr(told_by).encode()).hexdigest()[:16]}


def growing_day(
    spark: Engine, settings: Settings, delivery: Delivery, unfinished: Days, now: datetime
) -> "GrowingDay | None":
    """What to add to the day of a run; None where it has to be read as a whole.

    A day grows while it is unfinished, its stored rows are those that these settings make of its
    files, and nothing is wrong with it but that files came.
    """
    days = delivery.run.days
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session).snapshot()
    if len(days) > 1 or not unfinished.issuperset(days):
        return None
    if stored.origin_of_day(RAW_EVENTS, days[0]) != read_as(settings, delivery):
        return None
    stored_days = delivery.source.stored_days()
    files = growth_of(delivery.account, delivery.found, delivery.days, stored_days)
    if files is None or not _has_rows_of(files, delivery.days, stored):
        return None
    return GrowingDay(days[0], delivery.days, _settled(files, settings, now), stored)


def _has_rows_of(files: Growth, days: Days, stored: Warehouse) -> bool:
    """Whether nobody took rows away since they were stored, as `erase_users` does."""
    tables = {RAW_EVENTS: Fate.VALID, REJECTED_EVENTS: Fate.REJECTED}
    return all(
        stored.rows_per_day(table).get(day, 0) == files.rows_of(fate, day)
        for table, fate in tables.items()
        for day in days
    )


def _settled(files: Growth, settings: Settings, now: datetime) -> Growth:
    """Without files that may still grow: their next version would have the day read whole."""
    age = timedelta(seconds=min(settings.settle_seconds, SECONDS_BETWEEN_LOOKS))
    whole = tuple(f for f in files.came if not f.stored.modified or now - f.stored.modified >= age)
    return replace(files, came=whole or files.came)


@dataclass(frozen=True)
class GrowingDay:
    """A day that grows.

    Attributes:
        day: the day.
        days: it, and 1970-01-01 where rows may have no day.
        files: what came, and what is there.
        stored: the tables as they were when the files were found.
    """

    day: date
    days: Days
    files: Growth
    stored: Warehouse

    def join_files(self) -> None:
        """Join what many looks added, one file each."""
        for table in (RAW_EVENTS, REJECTED_EVENTS):
            location = self.stored.location(table)
            for day in sorted(self.days):
                join_files(location, table, str(day), MOST_FILES)

    def near(self, spark: Engine, delivery: Delivery, chunk: SourceChunk) -> DataFrame:
        """The stored events that new ones may repeat: those of the span of their times."""
        rows = read_rows(spark.spark_session, delivery.source.layout, chunk.window, chunk.listing)
        time = F.when(F.col("reason").isNull(), F.col("timestamp"))
        span = rows.agg(F.min(time).alias("first"), F.max(time).alias("last")).collect()[0]
        first, last = (F.lit(time and time.replace(tzinfo=UTC)) for time in span)
        is_near = F.col("timestamp").between(first, last)
        return self._of_day(RAW_EVENTS).where(is_near)

    def beside(self, blocks: DataFrame, near: DataFrame, shares: Shares) -> DataFrame:
        """Blocks of new rows with what they are compared and summed up with."""
        return with_stored(blocks, near, self._of_day(DESCRIBED_VIDEOS), shares)

    def added(self, tables: Mapping[str, StagedTable]) -> dict[str, StagedTable]:
        """What was staged of the new rows, as an addition; the counters are of the whole day."""
        events, rejected = tables[RAW_EVENTS.name], tables[REJECTED_EVENTS.name]
        counters = {
            name: events.counters.get(name, 0) + self._counters().get(name, 0)
            for name in {*events.counters, *self._counters()}
        }
        grown = replace(events, beside=self._stored_days(RAW_EVENTS, events), counters=counters)
        refused = replace(rejected, beside=self._stored_days(REJECTED_EVENTS, rejected))
        return {**tables, RAW_EVENTS.name: grown, REJECTED_EVENTS.name: refused}

    def _counters(self) -> dict[str, int]:
        """What a run that read all files would have counted in those that are there."""
        files, day = self.files, self.day
        rows = {fate: sum(files.rows_of(fate, day) for day in self.days) for fate in Fate}
        everything = sum(map(files.rows, self.days))
        valid = (files.rows_of(f, day) for f in (Fate.VALID, Fate.REPEATED, Fate.ERASED))
        return {
            SOURCE_ROWS: everything,
            WAITING: everything - sum(rows.values()),
            **{name: rows[fate] for name, fate in _COUNTED.items()},
            **counted_by_day({day: sum(valid)}, {day: files.rows_of(Fate.REJECTED, day)}),
        }

    def _of_day(self, table: Table) -> DataFrame:
        return self.stored.frame(table).where(F.col("eventDate") == F.lit(self.day))

    def _stored_days(self, table: Table, staged: StagedTable) -> dict[date, StoredDay]:
        rows = self.stored.rows_per_day(table)
        return {
            day: StoredDay(self.stored.replacement(table, day) or 0, rows.get(day, 0))
            for day in staged.replaced or ()
        }


def is_mostly_refused(events: StagedTable, tolerated: float) -> bool:
    """Whether so many rows of a day are refused that the day will not be written."""
    refused, valid = refused_by_day(events.counters), valid_by_day(events.counters)
    rows = ((refused.get(day, 0), valid.get(day, 0)) for day in events.replaced or ())
    return any(no > tolerated * (no + yes) for no, yes in rows)
