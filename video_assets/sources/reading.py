"""Inside a task: units in, tagged rows out."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from resources.engine.compute_slots import reader_turn
from resources.storage import StoredFile
from video_assets.sources.chunks import Chunk, OtherRows
from video_assets.sources.compression import decompressed
from video_assets.sources.csv_records import csv_chunks, read_header
from video_assets.sources.errors import marked_for_the_driver, readable_storage
from video_assets.sources.fields import Layout
from video_assets.sources.foreign_formats import require_text
from video_assets.sources.json_records import json_chunks, require_json_columns
from video_assets.sources.json_structure import ObjectsAsLines, spans_lines
from video_assets.sources.lines import ByteStream, Lines, RejoinedStream, blocks_of_lines
from video_assets.sources.listing import SourceFile
from video_assets.sources.parquet_records import (
    chunk_of_batch,
    open_parquet,
    parquet_chunks,
    whole_parquet_chunks,
)
from video_assets.sources.tagged import FateCounts, Scope, TaggedSchema, Verdict
from video_assets.sources.times import Window
from video_assets.sources.units import Unit
from video_assets.sources.zip_archives import opened_member

_HEAD_BYTES = 1024 * 1024
_SAMPLE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Reading:
    """How a run reads a source: what to read, and for which days."""

    layout: Layout
    window: Window

    @property
    def tagged(self) -> TaggedSchema:
        """The schema of the rows that come out."""
        return self.layout.kind.tagged

    def read_units(self, units: Iterable[Unit]) -> Iterator[pa.RecordBatch]:
        """Tagged rows of some units, with a counter row each.

        Raises:
            SourceError: a file cannot be read as a whole; marked for the driver.
        """
        for batch in self.read_numbered(units):
            yield batch.cast(self.tagged.arrow)

    def read_numbered(self, units: Iterable[Unit]) -> Iterator[pa.RecordBatch]:
        """The same, with texts as dictionaries where the file has such: for the task that reads.

        Raises:
            SourceError: a file cannot be read as a whole; marked for the driver.
        """
        with marked_for_the_driver():
            for unit in units:
                yield from self._tagged_rows(self._chunks(unit), self._scope(unit))

    def read_batches(
        self, batches: Iterable[pa.RecordBatch], source: str
    ) -> Iterator[pa.RecordBatch]:
        """Tagged rows of batches that an engine read, with one counter row.

        Raises:
            SourceError: a column has a type that it cannot have; marked for the driver.
        """
        with marked_for_the_driver():
            chunks = (chunk_of_batch(batch, self.layout, None) for batch in batches)
            yield from self._tagged_rows(chunks, Scope(self.window, None, source))

    def count_units(self, units: Iterable[Unit]) -> Iterator[pa.RecordBatch]:
        """The counts of some units by file and day, of which nothing but the times is read.

        Raises:
            SourceError: a file cannot be read as a whole; marked for the driver.
        """
        times = self.layout.with_day_column_alone()
        with marked_for_the_driver():
            for unit in units:
                with reader_turn():
                    counted = list(self._counts(_all_chunks(unit, times), self._scope(unit)))
                yield from counted

    def count_batches(
        self, batches: Iterable[pa.RecordBatch], source: str
    ) -> Iterator[pa.RecordBatch]:
        """The counts by day of batches that an engine read, of the times alone.

        Raises:
            SourceError: the column has a type that it cannot have; marked for the driver.
        """
        times = self.layout.with_day_column_alone()
        with marked_for_the_driver():
            chunks = (chunk_of_batch(batch, times, None) for batch in batches)
            yield from self._counts(chunks, Scope(self.window, None, source))

    def _counts(self, chunks: Iterable[Chunk], scope: Scope) -> Iterator[pa.RecordBatch]:
        times = self.layout.with_day_column_alone()
        counts = FateCounts(scope)
        for chunk in chunks:
            counts.add(chunk, _days_alone(chunk, times))
        yield from self.tagged.counter(counts, scope)

    def _scope(self, unit: Unit) -> Scope:
        file, window = unit.file, self.window
        if file.days is not None and not file.has_statistics:
            window = window.of_file(file.days)
        return Scope(window, file.day, file.uri, unit.file_index, file.arrival_days)

    def _tagged_rows(
        self, chunks: Iterable[Chunk | OtherRows], scope: Scope
    ) -> Iterator[pa.RecordBatch]:
        kind, config = self.layout.kind, self.layout.config
        counts = FateCounts(scope)
        for chunk in chunks:
            if isinstance(chunk, OtherRows):
                days, readable = kind.days_of(chunk.times, config)
                counts.add_others(days[readable])
                continue
            verdict, of_chunk = kind.validate(chunk, config, scope.file), scope.of(chunk)
            yield from self.tagged.batches(chunk, verdict, of_chunk)
            yield from self.tagged.broken(chunk, of_chunk)
            counts.add(chunk, verdict)
        yield from self.tagged.counter(counts, scope)

    def _chunks(self, unit: Unit) -> Iterator[Chunk | OtherRows]:
        file = unit.file
        if file.size and file.format == "parquet" and file.day is None:
            return parquet_chunks(unit, self.layout, self.window)
        return _all_chunks(unit, self.layout)


def _all_chunks(unit: Unit, layout: Layout) -> Iterator[Chunk]:
    file = unit.file
    if not file.size:
        return iter(())
    if file.format == "parquet":
        return whole_parquet_chunks(unit, layout)
    if file.format == "csv":
        return csv_chunks(_lines(unit), layout, file.uri)
    return json_chunks(_lines(unit), layout)


def _days_alone(chunk: Chunk, layout: Layout) -> Verdict:
    """The days of rows that nobody judges."""
    day = layout.day_column
    values = chunk.columns[day.ours] if day else next(iter(chunk.columns.values()))
    return Verdict({}, (), *layout.kind.days_of(values, layout.config))


def _lines(unit: Unit) -> Iterator[Lines]:
    with _open_text(unit.file, unit.start) as stream:
        end = None if unit.end == unit.file.size else unit.end
        yield from blocks_of_lines(stream, unit.start, end)


@contextmanager
def _open_text(file: SourceFile, offset: int = 0) -> Iterator[ByteStream]:
    """The lines of a file from an offset on, which in a compressed file is 0.

    Raises:
        SourceError: it is no text in UTF-8, or damaged.
    """
    with _stored_text(file, offset) as stream:
        if offset:
            yield stream
            return
        head = stream.read(_HEAD_BYTES)
        require_text(head, file.uri)
        text = RejoinedStream(head, stream)
        yield ObjectsAsLines(text) if file.format == "json" and spans_lines(head) else text


@contextmanager
def _stored_text(file: SourceFile, offset: int) -> Iterator[ByteStream]:
    with StoredFile(file.stored) as stored:
        if file.member:
            with opened_member(stored, file.member, file.uri) as member:
                yield member
            return
        stored.seek(max(offset - 1, 0))
        if file.compression is None:
            yield stored
            return
        with decompressed(stored, file.compression, file.uri) as stream:
            yield stream


@readable_storage()
def require_structure(file: SourceFile, layout: Layout) -> bool:
    """Refuse a file that shows at its beginning that the settings do not fit it.

    Returns:
        Whether it shows that there are no rows in it.

    Raises:
        SourceError: names the file, the column and the remedy.
    """
    if file.format == "parquet":
        with open_parquet(file) as parquet:
            layout.require_types(parquet.schema_arrow, file.uri)
            return bool(parquet.metadata.num_rows == 0)
    with _open_text(file) as stream:
        blocks = blocks_of_lines(stream, block_bytes=_SAMPLE_BYTES)
        head, more = next(blocks, None), next(blocks, None)
    if head is None:
        return True
    if file.format == "csv":
        header = read_header(head, layout, file.uri)
        rows = int(head.not_blank(b" ").sum()) - (header.lines if header else 0)
        return more is None and rows <= 0
    require_json_columns(head, layout, file.uri)
    return more is None and not head.not_blank(b" \t\r").any()
