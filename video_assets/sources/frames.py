"""Sources as DataFrames of tagged rows, on any Spark engine."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

import pyarrow as pa
import pyarrow.types as pat
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructType

from resources.engine.errors import engine_message
from resources.engine.worker_pool import computed_apart
from resources.epoch import EPOCH
from resources.storage import plain_location
from video_assets.sources.errors import SourceError
from video_assets.sources.fates import FILE, Cell, Fate, add_up
from video_assets.sources.fields import Layout
from video_assets.sources.listing import Listing, SourceFile, is_template, list_source
from video_assets.sources.reading import Reading, require_structure
from video_assets.sources.tagged import COUNTED_DAY, OTHER_DAYS, SOURCE_ROWS
from video_assets.sources.times import (
    ANY_DAY,
    EVERY_DAY,
    FIRST_TIME,
    LAST_TIME,
    NANOSECONDS,
    Window,
)
from video_assets.sources.units import Unit, cut_into_units, gather_into_tasks

BatchFunction = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def read_rows(
    spark: SparkSession, layout: Layout, window: Window, listing: Listing | None = None
) -> DataFrame:
    """Rows of a source for some days, valid and rejected ones, lazily.

    Args:
        spark: a Spark Connect session.
        layout: the kind of row, where its source is, and how that is mapped.
        window: the days, UTC.
        listing: the source's files where the caller has listed them already.

    Returns:
        Rows of the kind's tagged schema. Valid: `reason` and `sourceRows` null. Rejected: with
        `reason`. Counters: with `sourceRows`, all else null.

    Raises:
        SourceError: nothing to read, or the source does not fit the settings. What only a task
            finds out is raised by the action: see `reraise_source_error`.
    """
    reading, listing = Reading(layout, window), listing or _listed(layout, window)
    if table := _read_by_engine(listing):
        return _read_delta(spark, reading, table)
    _require_first_files(listing, layout)
    return _read_files(spark, reading, gather_into_tasks(_units(listing)))


def sampled_rows(spark: SparkSession, layout: Layout, listing: Listing, files: int) -> DataFrame:
    """Rows of the first part of some files, whatever their day; see `read_rows`.

    Args:
        spark: a Spark Connect session.
        layout: the kind of row, where its source is, and how that is mapped.
        listing: the source's files.
        files: how many of them are looked at: the newest, the oldest, and some between. Of a
            Delta table all rows are.
    """
    reading = Reading(layout, EVERY_DAY)
    if table := _read_by_engine(listing):
        return _read_delta(spark, reading, table)
    if listing.cloned:
        return _read_files(spark, reading, gather_into_tasks(_units(listing)))
    step = max(1, -(-len(listing.files) // files))
    chosen = tuple(replace(file, day=None) for file in listing.files[::-1][::step])
    units = cut_into_units(Listing(chosen))
    firsts = {unit.file_index: unit for unit in reversed(units)}
    return _read_files(spark, reading, [tuple(firsts.values())])


def map_rows(  # noqa: PLR0913 (what is read, and what becomes of it)
    spark: SparkSession,
    layout: Layout,
    window: Window,
    *,
    function: BatchFunction,
    result: str,
    tasks: int,
    listing: Listing | None = None,
    apart: bool = False,
) -> DataFrame:
    """What a function makes of the rows in the tasks that read them; see `read_rows`.

    Args:
        spark: a Spark Connect session.
        layout: as for `read_rows`.
        window: the days, UTC.
        function: takes the tagged rows of a task, batch by batch; texts may be
            dictionary-encoded, and columns may have the type null. It travels to the tasks.
        result: columns of its result, as SQL declares them.
        tasks: about how many tasks read at most.
        listing: the source's files where the caller has listed them already.
        apart: read in processes where the engine has some; what the engine itself reads, it hands
            to `function` in its tasks.

    Raises:
        SourceError: as for `read_rows`.
    """
    reading, listing = Reading(layout, window), listing or _listed(layout, window)
    if table := _read_by_engine(listing):
        return _read_delta(spark, reading, table).mapInArrow(function, result)
    _require_first_files(listing, layout)
    units = gather_into_tasks(_units(listing), most=tasks)

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return function(reading.read_numbered(_units_of(batches, units)))

    kernel = partial(computed_apart, kernel=read) if apart else read
    return _numbers(spark, len(units)).mapInArrow(kernel, result)


def count_days(spark: SparkSession, layout: Layout, listing: Listing) -> Counter[Cell]:
    """How many rows each file has of each day; nothing but the times is read.

    Args:
        spark: a Spark Connect session.
        layout: the kind of row, and how its source is mapped.
        listing: the files.

    Returns:
        All rows, as waiting.

    Raises:
        SourceError: a file cannot be read as a whole.
    """
    reading = Reading(layout, ANY_DAY)
    if table := _read_by_engine(listing):
        counters = _read_delta_times(spark, reading, table)
    else:
        tasks = gather_into_tasks(_units(listing))

        def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return reading.count_units(_units_of(batches, tasks))

        counters = _numbers(spark, len(tasks)).mapInArrow(count, _counter_schema(reading))
    rows = (F.col(SOURCE_ROWS) + F.col(OTHER_DAYS)).alias("rows")
    counted = counters.select(FILE, COUNTED_DAY, rows).toArrow()
    return add_up(Fate.WAITING, counted, COUNTED_DAY, counted["rows"])


def _counter_schema(reading: Reading) -> StructType:
    return from_arrow_schema(reading.tagged.arrow)


def _read_delta_times(spark: SparkSession, reading: Reading, table: SourceFile) -> DataFrame:
    times = replace(reading, layout=reading.layout.with_day_column_alone())
    rows, names = _needed_columns(spark, times.layout, table)

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        renamed = (batch.rename_columns(names) for batch in batches)
        return times.count_batches(renamed, table.uri)

    return rows.mapInArrow(count, _counter_schema(reading))


def _listed(layout: Layout, window: Window) -> Listing:
    return list_source(layout.config, layout.kind, window.first_day, window.end_day)


def _read_by_engine(listing: Listing) -> SourceFile | None:
    """The Delta table, unless it is a shallow clone, whose files are read here."""
    return None if listing.cloned else listing.delta


def _units(listing: Listing) -> list[Unit]:
    """What to read of files; those of a shallow clone are one delivery, that of their table."""
    if not listing.cloned:
        return cut_into_units(listing)
    return [replace(unit, file_index=0) for unit in cut_into_units(Listing(listing.cloned))]


def _require_first_files(listing: Listing, layout: Layout) -> None:
    """Look at the first file of each format, so that wrong settings fail before a job starts."""
    if listing.delta:
        return
    filled = [file for file in listing.files if file.size]
    firsts = {file.format: file for file in reversed(filled)}
    empty = [require_structure(file, layout) for file in firsts.values()]
    if (
        len(listing.files) + listing.unread == 1
        and all(empty)
        and not is_template(layout.config.uri)
    ):
        raise SourceError(
            f"{listing.files[0].uri}: holds no rows. Set {layout.kind.setting} to the file, "
            f"folder or glob of the {layout.kind.title}."
        )


def _read_files(
    spark: SparkSession, reading: Reading, tasks: Sequence[tuple[Unit, ...]]
) -> DataFrame:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch.column(0):
                yield from reading.read_units(tasks[int(task.as_py())])

    return _numbers(spark, len(tasks)).mapInArrow(read, from_arrow_schema(reading.tagged.arrow))


def _numbers(spark: SparkSession, tasks: int) -> DataFrame:
    """One partition a task: a range is the one input that every engine cuts exactly so."""
    return spark.range(0, tasks, 1, tasks).select(F.col("id").alias("task"))


def _units_of(
    batches: Iterator[pa.RecordBatch], tasks: Sequence[tuple[Unit, ...]]
) -> Iterator[Unit]:
    for batch in batches:
        for task in batch.column(0):
            yield from tasks[int(task.as_py())]


def _read_delta(spark: SparkSession, reading: Reading, table: SourceFile) -> DataFrame:
    rows, names = _needed_columns(spark, reading.layout, table, reading.window)

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        renamed = (batch.rename_columns(names) for batch in batches)
        return reading.read_batches(renamed, table.uri)

    return rows.mapInArrow(read, from_arrow_schema(reading.tagged.arrow))


def _needed_columns(
    spark: SparkSession, layout: Layout, table: SourceFile, window: Window | None = None
) -> tuple[DataFrame, list[str]]:
    """What is needed of a Delta table, as column0, column1 and so on; and the columns' names.

    Sail cannot hand a column whose name holds a dot to a kernel.
    """
    rows = _open_delta(spark, table.uri)
    layout.require(rows.columns, table.uri)
    names = list(layout.roots(rows.columns))
    schema = to_arrow_schema(StructType([rows.schema[name] for name in names]), timezone="UTC")
    layout.require_types(schema, table.uri)
    condition = _may_be_in_window(layout, window, schema) if window else None
    needed = rows if condition is None else rows.filter(condition)
    columns = [_column(name).alias(f"column{place}") for place, name in enumerate(names)]
    return needed.select(columns), names


def _open_delta(spark: SparkSession, uri: str) -> DataFrame:
    try:
        rows = spark.read.format("delta").load(plain_location(uri))
        rows.schema  # noqa: B018 (asks the engine, which names neither path nor setting later)
    except PySparkException as error:
        raise SourceError(
            f"{uri}: this Delta table cannot be read: {engine_message(error)}. "
            "Repair or restore the table, or name another one."
        ) from error
    return rows


def _column(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")


def _may_be_in_window(layout: Layout, window: Window, schema: pa.Schema) -> Column | None:
    """What statistics can decide: keeps the window's rows, those of an unreadable time included."""
    day_column = layout.day_column
    if day_column is None:
        return None
    name = day_column.paths[0].column_of(schema.names) if day_column.is_one_path else None
    bounds = _bounds(schema.field(name).type, layout, window) if name else None
    if name is None or bounds is None:
        return None
    first, start, end, last = (F.lit(bound) for bound in bounds)
    column = _column(name)
    in_window = (column >= start) & (column < end)
    if not window.with_undated:
        return in_window
    return in_window | column.isNull() | (column < first) | (column >= last)


def _bounds(
    type_: pa.DataType, layout: Layout, window: Window
) -> Sequence[datetime | date | int] | None:
    times = (FIRST_TIME, window.start, window.end, LAST_TIME)
    unit = layout.config.timestamp_unit
    if pat.is_date(type_):
        return [_moment(time).date() for time in times]
    if pat.is_timestamp(type_):
        moments = [_moment(time) for time in times]
        return moments if type_.tz else [moment.replace(tzinfo=None) for moment in moments]
    if pat.is_integer(type_) and unit:
        return [time * 1000 // NANOSECONDS[unit] for time in times]
    return None


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
