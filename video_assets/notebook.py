"""The watch-time rules in a notebook: on Databricks, any Spark Connect session, or embedded.

The same functions compute here as in the pipeline, so the same events give the same rows. Dagster
is not needed.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DataType,
    DoubleType,
    NumericType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from resources.engine.compute_slots import available_cores
from resources.epoch import EPOCH_DAY, day_of
from resources.storage import plain_location
from video_assets.arrow.kernels import spark_schema, tasks_for
from video_assets.engagement.durations import is_usable_duration
from video_assets.engagement.engagement_frames import (
    described,
    engagement_of_task,
    seen_videos,
    sessions_taken,
)
from video_assets.engagement.session_frames import events_by_user, sessions_of_task
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.notebook_summary import SummaryStats, summary_stats
from video_assets.rules import WatchTimeRules
from video_assets.vocabulary import PlayerEvent

SaveMode = Literal["overwrite", "append", "merge"]

IDS = ("userId", "sessionId", "videoId", "eventName")
EVENT_COLUMNS = ("timestamp", *IDS, "currentTime")
SEEK_TIME = "seekTime"
UNIQUE_COLUMNS = ("totalUniqueSecondsWatched", "uniqueWatchPercentage")
KEY = list(ENGAGEMENT.key)
_SCHEME = re.compile("[a-z][a-z0-9+.-]+:")
_MICROS_PER_DAY = 86_400_000_000


class InputTableError(ValueError):
    """A table lacks a column, or has one of a type that cannot be used; the message names both."""


class VideoEngagementAggregator:
    """Player events to one row per user and video, read from and saved to Delta tables.

    Every result column is described in `docs/tables.md`, table `aggregated_user_video_engagement`.
    """

    def __init__(
        self,
        spark: SparkSession,
        input_table: str,
        output_table: str,
        video_metadata_table: str | None = None,
        *,
        rules: WatchTimeRules | None = None,
    ) -> None:
        """Compute with this session.

        Args:
            spark: a session of Databricks, Apache Spark 4 or the embedded engine. On a cluster,
                this package must be installed on the workers too.
            input_table: player events with the columns `timestamp`, `userId`, `sessionId`,
                `videoId`, `eventName` and `currentTime` (seconds), and `seekTime` (seconds) where
                players tell of seeks; further columns are ignored.
                What holds a `/` is the path or URI of a Delta table, all else the name of a table.
            output_table: where `save_results` writes; path or name, as above.
            video_metadata_table: `videoId`, `duration` (seconds) and, where there is one, `title`.
                Without it, or without a video in it, durations are estimated and marked.
            rules: thresholds and weights; the defaults where there are none.
        """
        self.spark = spark
        self.input_table = input_table
        self.output_table = output_table
        self.video_metadata_table = video_metadata_table
        self.rules = rules or WatchTimeRules()

    def run_aggregation(
        self,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        calculate_unique_seconds: bool = True,  # noqa: FBT001, FBT002 (the documented signature)
        use_efficient_method: bool = True,  # noqa: ARG002, FBT001, FBT002 (likewise)
    ) -> DataFrame:
        """One row per user and video that has an event in `start_date <= day < end_date`, UTC.

        Events of up to a day before the first day are read too: they tell whether its first events
        go on with a session, and whether it was playing. Rows that are no valid events (rule 1) are
        left out, and a warning counts them by reason.

        Args:
            start_date: first day, as a date or `YYYY-MM-DD`; None: from the first event on.
            end_date: day after the last, likewise; None: to the last event.
            calculate_unique_seconds: False leaves `totalUniqueSecondsWatched` and
                `uniqueWatchPercentage` null. The score is the same either way.
            use_efficient_method: accepted, and without effect: the efficient method (the union of
                intervals) is exact, so it is always used.

        Returns:
            Columns of `aggregated_user_video_engagement`; computed when it is used.

        Raises:
            InputTableError: a table lacks a column, or has one of an unusable type.
            ValueError: a date cannot be read, or the days are none.
        """
        start, end = _day(start_date, "start_date"), _day(end_date, "end_date")
        if start is not None and end is not None and start >= end:
            raise ValueError(f"no day is from {start} to before {end}: end_date is exclusive")
        events = self._events(start, end)
        rows, first_day, end_day = _what_is_there(events, self.input_table)
        valid = events.where(F.col("reason").isNull())
        days = (start or first_day, end or end_day)
        result = self._engagement(valid, days, tasks_for(rows, _cores(self.spark)))
        return result if calculate_unique_seconds else _without_unique_seconds(result)

    def save_results(
        self,
        df: DataFrame,
        mode: SaveMode = "overwrite",
        partition_by: str | Sequence[str] | None = None,
    ) -> None:
        """Write rows of `run_aggregation` to the output table, `processedAt` set to now.

        Readers see all of it or nothing: every mode is one Delta commit. One writer at a time:
        rows that another one adds while a merge runs may be lost.

        Args:
            df: one row per user and video. `append` computes it twice; cache it when it is large.
            mode: `overwrite` replaces the table. `merge` replaces the rows of the users and videos
                in `df`, and keeps the others. `append` adds rows; where a user and video is there
                already it warns, and merges instead of making a second row.
            partition_by: columns to partition by, when the table is new or overwritten.

        Raises:
            ValueError: the mode is none of these, or a column to partition by is not there.
            InputTableError: `df` lacks a column.
        """
        if mode not in ("overwrite", "append", "merge"):
            raise ValueError(f"mode {mode!r}: use overwrite, append or merge")
        _require_columns(df, ENGAGEMENT.column_names, "the result")
        by = [partition_by] if isinstance(partition_by, str) else list(partition_by or ())
        _require_columns(df, by, "the result, for partition_by,")
        stamped = df.select(*ENGAGEMENT.column_names).withColumn(
            "processedAt", F.lit(datetime.now(UTC)).cast("timestamp")
        )
        nothing = self.spark.createDataFrame([], _nullable(stamped.schema))
        output = _Output(self.spark, self.output_table, by)
        if mode == "overwrite":
            output.replace(nothing.unionByName(stamped))
            return
        output.create(nothing)
        stored = output.read()
        _require_own_columns(stored, self.output_table)
        if mode == "append" and not self._warn_of_repeated(stored, stamped):
            output.add(stamped.select(*stored.columns))
            return
        kept = stored.join(stamped.select(*KEY), on=KEY, how="left_anti")
        output.exchange(kept.select(*stored.columns).unionByName(stamped))

    def generate_summary_stats(self, df: DataFrame) -> SummaryStats:
        """What the rows say in a few numbers: a mapping that prints as a table.

        Args:
            df: rows of `run_aggregation`, or of the output table.

        Returns:
            `users`, `videos`, `pairs`, `tier_counts`, `flag_counts`, `completion_rate` (% of
            pairs), `watch_percentage_quartiles`, `negative_watch_time` (rows; 0 when all is well)
            and `top_videos` (the ten with the most watch hours).

        Raises:
            InputTableError: `df` lacks a column.
        """
        _require_columns(df, ENGAGEMENT.column_names, "the result")
        return summary_stats(df)

    def _events(self, start: date | None, end: date | None) -> DataFrame:
        """Events of the days and those in reach before them, with the reason why one is none."""
        table = _read(self.spark, self.input_table)
        _require_columns(table, EVENT_COLUMNS, f"input_table {self.input_table}")
        _require_types(table, self.input_table)
        moment = F.col("timestamp")
        if start is not None:
            reach = _midnight(start) - timedelta(seconds=self.rules.reach)
            table = table.where(moment >= F.lit(reach))
        if end is not None:
            table = table.where(moment < F.lit(_midnight(end)))
        ids = [F.col(name).cast("string").alias(name) for name in IDS]
        events = table.select("timestamp", *ids, _seconds("currentTime"), _target(table))
        return events.withColumn("reason", _reason())

    def _engagement(self, events: DataFrame, days: tuple[date, date], tasks: int) -> DataFrame:
        """The pipeline's two kernels, one after the other, with nothing stored between them."""
        first_day, end_day = days
        own = partial(_session_batches, rules=self.rules, first_day=first_day, end_day=end_day)
        sessions = events_by_user(events, self.rules, first_day, tasks).mapInArrow(
            own, spark_schema(SESSIONS)
        )
        videos = seen_videos(sessions, self._video_metadata())
        taken = described(sessions, videos).select(*sessions_taken(self.rules).names)
        summed_up = partial(_engagement_batches, rules=self.rules, processed_at=datetime.now(UTC))
        return taken.repartition(tasks, F.col("userId")).mapInArrow(
            summed_up, spark_schema(ENGAGEMENT)
        )

    def _video_metadata(self) -> DataFrame:
        if self.video_metadata_table is None:
            return self.spark.createDataFrame([], spark_schema(VIDEO_METADATA))
        table = _read(self.spark, self.video_metadata_table)
        where = f"video_metadata_table {self.video_metadata_table}"
        _require_columns(table, ("videoId", "duration"), where)
        title = F.col("title") if "title" in table.columns else F.lit(None)
        length = F.col("duration").cast("double")
        # A video that is there twice must not count its viewers twice.
        return table.groupBy(F.col("videoId").cast("string").alias("videoId")).agg(
            F.max(F.when(is_usable_duration(length), length)).alias("duration"),
            F.max(title.cast("string")).alias("title"),
        )

    def _warn_of_repeated(self, stored: DataFrame, new: DataFrame) -> bool:
        repeated = stored.join(new.select(*KEY), on=KEY, how="left_semi").count()
        if repeated:
            warnings.warn(
                f"{repeated} of the users and videos are in {self.output_table} already: their "
                "rows are replaced (append became merge), so that none is there twice.",
                stacklevel=3,
            )
        return repeated > 0


def _session_batches(
    batches: Iterable[pa.RecordBatch], rules: WatchTimeRules, first_day: date, end_day: date
) -> Iterator[pa.RecordBatch]:
    yield from sessions_of_task(batches, rules, first_day, end_day).to_batches()


def _engagement_batches(
    batches: Iterable[pa.RecordBatch], rules: WatchTimeRules, processed_at: datetime
) -> Iterator[pa.RecordBatch]:
    yield from engagement_of_task(batches, rules, processed_at, sessions_taken(rules)).to_batches()


class _Output:
    """A Delta table by path or name, for either engine."""

    def __init__(self, spark: SparkSession, table: str, partition_by: Sequence[str]) -> None:
        self._spark = spark
        self._name = table
        self._path = _writable(table) if _is_path(table) else None
        self._partition_by = list(partition_by)

    def read(self) -> DataFrame:
        return _read(self._spark, self._name)

    def create(self, nothing: DataFrame) -> None:
        """Make the table where it is not there yet."""
        self._save(nothing, "ignore")

    def replace(self, rows: DataFrame) -> None:
        """All rows, columns and partitions."""
        self._save(rows, "overwrite", overwriteSchema="true")

    def exchange(self, rows: DataFrame) -> None:
        """All rows; columns and partitions stay."""
        # A session may be set to replace only those partitions of which there are rows.
        writer = rows.write.format("delta").option("partitionOverwriteMode", "static")
        if self._path is None:
            writer.insertInto(self._name, overwrite=True)
        else:
            writer.mode("overwrite").save(self._path)

    def add(self, rows: DataFrame) -> None:
        """Further rows."""
        if self._path is None:
            rows.write.insertInto(self._name)
        else:
            rows.write.format("delta").mode("append").save(self._path)

    def _save(self, rows: DataFrame, mode: str, **options: str) -> None:
        writer = rows.write.format("delta").mode(mode).options(**options)
        if self._partition_by:
            writer = writer.partitionBy(*self._partition_by)
        if self._path is None:
            writer.saveAsTable(self._name)
        else:
            writer.save(self._path)


def _seconds(name: str) -> Column:
    return F.col(name).cast("double").alias(name)


def _target(table: DataFrame) -> Column:
    """Where a seek went; null for other events, and where the table does not tell."""
    told = _seconds(SEEK_TIME) if SEEK_TIME in table.columns else F.lit(None).cast("double")
    return F.when(_is_seek(), told).alias(SEEK_TIME)


def _is_seek() -> Column:
    return F.col("eventName") == F.lit(PlayerEvent.SEEK.column_value)


def _reason() -> Column:
    """The first part of rule 1 that a row breaks; null for a valid event."""
    position, target = F.col("currentTime"), F.col(SEEK_TIME)
    known = [event.column_value for event in PlayerEvent]
    broken = {
        "missing_timestamp": F.col("timestamp").isNull(),
        "missing_user": _is_empty("userId"),
        "missing_session": _is_empty("sessionId"),
        "missing_video": _is_empty("videoId"),
        "unknown_event": _is_empty("eventName") | ~F.col("eventName").isin(known),
        "missing_position": _is_missing(position) | (_is_seek() & _is_missing(target)),
        "unreadable_position": _is_infinite(position) | (_is_seek() & _is_infinite(target)),
        "negative_position": (position < F.lit(0.0)) | (target < F.lit(0.0)),
    }
    return F.coalesce(*(F.when(holds, F.lit(reason)) for reason, holds in broken.items()))


def _is_missing(seconds: Column) -> Column:
    return seconds.isNull() | F.isnan(seconds)


def _is_infinite(seconds: Column) -> Column:
    return F.abs(seconds) == F.lit(float("inf"))


def _is_empty(name: str) -> Column:
    return F.coalesce(F.col(name), F.lit("")) == F.lit("")


def _what_is_there(events: DataFrame, name: str) -> tuple[int, date, date]:
    """Valid events, their first day, and the day after their last; warns of the others."""
    moment = F.unix_micros("timestamp")
    found = (
        events.groupBy("reason")
        .agg(F.count(F.lit(1)).alias("n"), F.min(moment).alias("a"), F.max(moment).alias("b"))
        .collect()
    )
    refused = {row["reason"]: int(row["n"]) for row in found if row["reason"] is not None}
    if refused:
        total = sum(int(row["n"]) for row in found)
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items()))
        warnings.warn(
            f"{name}: {sum(refused.values())} of {total} rows are no valid events and are left "
            f"out: {reasons}.",
            stacklevel=3,
        )
    for row in found:
        if row["reason"] is None:
            last = _day_of(row["b"])
            return int(row["n"]), _day_of(row["a"]), last + timedelta(days=1)
    return 0, EPOCH_DAY, EPOCH_DAY


def _day_of(micros: int) -> date:
    return day_of(micros // _MICROS_PER_DAY)


def _day(given: date | str | None, name: str) -> date | None:
    if given is None:
        return None
    try:
        moment = given if isinstance(given, date) else datetime.fromisoformat(given)
    except ValueError:
        raise ValueError(f"{name} {given!r}: write a day as YYYY-MM-DD") from None
    if not isinstance(moment, datetime):
        return moment
    if moment.time() != time() or moment.utcoffset():
        raise ValueError(f"{name} {given!r}: only whole UTC days can be chosen")
    return moment.date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _without_unique_seconds(result: DataFrame) -> DataFrame:
    return result.withColumns(
        {name: F.lit(None).cast("double").alias(name) for name in UNIQUE_COLUMNS}
    )


def _read(spark: SparkSession, table: str) -> DataFrame:
    if _is_path(table):
        return spark.read.format("delta").load(_location(table))
    return spark.table(table)


def _is_path(table: str) -> bool:
    return "/" in table


def _location(path: str) -> str:
    """The path; a folder of this machine by a name with which the embedded engine can work."""
    top = Path(path).absolute().parts[:2]
    return path if _SCHEME.match(path) or not Path(*top).exists() else plain_location(path)


def _writable(path: str) -> str:
    location = _location(path)
    if Path(location).is_symlink():
        Path(path).mkdir(parents=True, exist_ok=True)
    return location


def _cores(spark: SparkSession) -> int:
    """How many tasks the engine runs at once, as far as it tells."""
    told = spark.conf.get("spark.sql.shuffle.partitions", None)
    return int(told) if told and told.isdigit() else available_cores()


def _require_columns(table: DataFrame, needed: Iterable[str], where: str) -> None:
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise InputTableError(
            f"{where} has no column {', '.join(missing)}; it has {', '.join(table.columns)}. "
            "Rename or add it."
        )


def _require_own_columns(stored: DataFrame, name: str) -> None:
    if set(stored.columns) != set(ENGAGEMENT.column_names):
        raise InputTableError(
            f"output_table {name} holds something else: its columns are "
            f"{', '.join(stored.columns)}. Save to another table, or with mode overwrite."
        )


def _require_types(table: DataFrame, name: str) -> None:
    """Only what has one meaning: texts are no times, because they may name no time zone."""
    types = {field.name: field.dataType for field in table.schema.fields}
    if not isinstance(types["timestamp"], TimestampType):
        raise _wrong_type(name, "timestamp", types["timestamp"], "a timestamp")
    for column in ("currentTime", SEEK_TIME):
        if not isinstance(types.get(column, DoubleType()), NumericType):
            raise _wrong_type(name, column, types[column], "a number of seconds")
    for column in IDS:
        if not isinstance(types[column], StringType | NumericType):
            raise _wrong_type(name, column, types[column], "text")


def _wrong_type(table: str, column: str, found: DataType, needed: str) -> InputTableError:
    return InputTableError(
        f"input_table {table}: column {column} is {found.simpleString()}, needed is {needed}. "
        "Cast it in a view of the table."
    )


def _nullable(schema: StructType) -> StructType:
    """The same columns, so that results with and without unique seconds fit into one table."""
    return StructType([StructField(field.name, field.dataType) for field in schema.fields])
