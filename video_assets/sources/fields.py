"""What a kind of row brings along, and which columns a source of such rows must have."""

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.types as pat

from video_assets.arrow.types import (
    ArrowArray,
    Integers,
    Mask,
    TextArray,
    compute,
    is_id,
    is_number,
    is_text,
    plain,
)
from video_assets.sources.chunks import Chunk
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.explode import Exploded
from video_assets.sources.nested import type_at, values_at
from video_assets.sources.paths import Literal, Path, SourceName, parse_source_name
from video_assets.sources.tagged import TaggedSchema, Verdict
from video_assets.vocabulary import Role


def dimension_column(name: str) -> str:
    """What a dimension is called among our columns, none of which holds a blank."""
    return f"dimension {name}"


def _no_days(values: ArrowArray, _: SourceConfig) -> tuple[Integers, Mask]:
    return np.zeros(len(values), np.int64), np.zeros(len(values), dtype=bool)


@dataclass(frozen=True)
class RowKind:
    """A kind of source row.

    Attributes:
        title: what the rows are, for messages.
        setting: the settings' names start with it.
        day_column: our column that decides the day of a row; None where rows have no day.
        columns: our columns and their roles, in order.
        tagged: schema of the rows that come out.
        validate: judges the rows of a chunk, with the place of its file in the order of delivery;
            it travels to the tasks.
        days_of: the days (since 1970) of values of the day column, and which are readable.
        day_zone: where it reckons the day of a moment; None: in UTC.
        optional: our columns that a source need not have; their values are null then.
        mapped_only: those of them that are read only where the settings map something onto them.
        name_column: our column with the name by which rows are wanted or not.
        wanted_names: the source's names of wanted rows; None: all rows are wanted.
        judges_distinct_ids: whether it looks at each distinct id of a dictionary once, so that
            readers need not write dictionaries out.
    """

    title: str
    setting: str
    day_column: str | None
    columns: Mapping[str, Role]
    tagged: TaggedSchema
    validate: Callable[[Chunk, SourceConfig, int], Verdict]
    days_of: Callable[[ArrowArray, SourceConfig], tuple[Integers, Mask]] = _no_days
    day_zone: str | None = None
    optional: frozenset[str] = frozenset()
    mapped_only: frozenset[str] = frozenset()
    name_column: str | None = None
    wanted_names: Callable[[SourceConfig], Collection[str] | None] | None = None
    judges_distinct_ids: bool = False


@dataclass(frozen=True)
class NeededColumn:
    """One column to read.

    Attributes:
        ours: our name.
        names: the source's names; the first that a row has counts.
        role: what it means.
        list_path: path of the list in whose elements it may lie; None where rows hold no rows.
    """

    ours: str
    names: tuple[SourceName, ...]
    role: Role
    list_path: Path | None = None

    @property
    def source(self) -> str:
        """The source's name, as the settings have it."""
        return " or ".join(name.text for name in self.names)

    @property
    def is_one_path(self) -> bool:
        """Whether it is a value of the row as it stands, neither joined nor one of several."""
        is_one = len(self.names) == 1 and len(self.names[0].parts) == 1 and bool(self.paths)
        return is_one and self.list_path is None

    def may_be_in(self, existing: Container[str]) -> bool:
        """Whether a source with these columns can have it."""
        if self.list_path and self.list_path.column_of(existing):
            return True
        return any(all(path.column_of(existing) for path in name.paths) for name in self.names)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The values of a row that it needs, each once."""
        return tuple(dict.fromkeys(path for name in self.names for path in name.paths))

    def combined(self, values: Mapping[Path, ArrowArray], rows: int) -> ArrowArray:
        """The column, made of the values at its paths.

        Args:
            values: by path.
            rows: how many.
        """
        alternatives = [_joined(name, values, rows) for name in self.names]
        if len(alternatives) == 1:
            return alternatives[0]
        texts = (as_text(array) for array in alternatives)
        blank_is_absent = (compute.if_else(compute.equal(t, ""), None, t) for t in texts)
        return compute.coalesce(*blank_is_absent)


@dataclass(frozen=True)
class NeededRows:
    """The rows of a part of a file.

    Attributes:
        columns: our columns.
        exploded: where the rows come from, if they are elements of lists.
    """

    columns: dict[str, ArrowArray]
    exploded: Exploded | None = None

    def of_parents(self, values: Integers) -> Integers:
        """What is known of the rows of the file, for each of these rows."""
        return values if self.exploded is None else values[self.exploded.parents]


@dataclass(frozen=True)
class Layout:
    """What to read from every file of a source, and how."""

    kind: RowKind
    config: SourceConfig

    @property
    def columns(self) -> tuple[NeededColumn, ...]:
        """The columns to read, in our order, and after them the dimensions."""
        kind, config = self.kind, self.config
        ours = (
            self._column(name, config.source_names(name), role)
            for name, role in kind.columns.items()
            if name not in kind.mapped_only or name in config.columns.values()
        )
        dimensions = (
            self._column(dimension_column(name), sources, Role.LABEL)
            for name, sources in config.dimensions.items()
        )
        return (*ours, *dimensions)

    def _column(self, ours: str, sources: Iterable[str], role: Role) -> NeededColumn:
        return NeededColumn(ours, tuple(map(parse_source_name, sources)), role, self.list_path)

    @property
    def list_path(self) -> Path | None:
        """Where in a row the list lies whose elements are the rows."""
        if self.config.explode is None:
            return None
        return parse_source_name(self.config.explode).paths[0]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The values of a row of the file that are needed, each once."""
        needed = (path for column in self.columns for path in column.paths)
        lists = () if self.list_path is None else (self.list_path,)
        return tuple(dict.fromkeys((*lists, *needed)))

    @property
    def day_column(self) -> NeededColumn | None:
        """The column that decides the day of a row."""
        days = (column for column in self.columns if column.ours == self.kind.day_column)
        return next(days, None)

    @property
    def id_paths(self) -> frozenset[Path]:
        """Those of the paths whose values are ids, or parts of ids."""
        ids = (column for column in self.columns if column.role is Role.ID)
        return frozenset(path for column in ids for path in column.paths)

    def with_day_column_alone(self) -> "Layout":
        """To read of each row what decides its day, and nothing else; rows without days stay."""
        day = self.kind.day_column
        if day is None:
            return self
        alone = replace(self.kind, columns={day: self.kind.columns[day]}, optional=frozenset())
        return Layout(alone, replace(self.config, dimensions={}))

    def roots(self, existing: Container[str]) -> tuple[str, ...]:
        """The columns of a file that hold what is needed, each once."""
        names = (path.column_of(existing) for path in self.paths)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def needed_of(self, columns: Mapping[str, ArrowArray], rows: int) -> NeededRows:
        """Our columns, made of those of a file.

        Args:
            columns: the file's, by name: `roots`.
            rows: how many rows they have.
        """
        return self.needed_at(values_at(columns, self.paths, rows), rows)

    def needed_at(self, values: Mapping[Path, ArrowArray], rows: int) -> NeededRows:
        """Our columns, made of the values at their paths.

        Args:
            values: by path: `paths`.
            rows: how many rows they have.
        """
        exploded = None
        if self.list_path is not None:
            exploded = Exploded.of(values[self.list_path])
            paths = [path for path in self.paths if path != self.list_path]
            values = exploded.values_at(paths, values, self.id_paths)
            rows = len(exploded.parents)
        columns = {column.ours: column.combined(values, rows) for column in self.columns}
        return NeededRows(columns, exploded)

    def require(self, existing: Iterable[str], where: str) -> None:
        """Refuse a file that lacks a needed column, or has it twice.

        Raises:
            SourceError: names the file, the missing columns, those that exist, and the remedy.
        """
        there = list(existing)
        missing = [
            column
            for column in self.columns
            if self._must_be_there(column) and not column.may_be_in(there)
        ]
        if missing:
            raise SourceError(self.missing_message(missing, there, where))
        twice = next((name for name in self.roots(there) if there.count(name) > 1), None)
        if twice:
            raise SourceError(
                f"{where}: names column {twice!r} more than once. Rename one of them, "
                f"or map another column with {self.kind.setting}_COLUMNS."
            )

    def _must_be_there(self, column: NeededColumn) -> bool:
        return column.role is not Role.LABEL and column.ours not in self.kind.optional

    def missing_message(
        self, missing: Iterable[NeededColumn], existing: Iterable[str], where: str
    ) -> str:
        """One sentence on the columns that a file lacks, one on the remedy."""
        names = ", ".join(repr(column.source) for column in missing)
        example = next(iter(missing)).ours
        others = ", ".join(map(repr, existing))
        what_there_is = f"the columns are {others}" if others else "there is no column at all"
        return (
            f"{where}: no column {names}; {what_there_is}. "
            f"Map the source's names onto ours with {self.kind.setting}_COLUMNS, "
            f'such as {{"its name": "{example}"}}.'
        )

    def require_types(self, schema: pa.Schema, where: str) -> None:
        """Refuse a file whose typed columns cannot hold what they must.

        Raises:
            SourceError: names the file, the column, its type, the allowed types and the remedy.
        """
        self.require(schema.names, where)
        for column in self.columns:
            found = self._known_type(column, schema)
            if found is not None:
                self.require_type(column, plain(found), where)

    def _known_type(self, column: NeededColumn, schema: pa.Schema) -> pa.DataType | None:
        name = column.paths[0].column_of(schema.names) if column.is_one_path else None
        if name is None:
            return None
        steps = () if name == column.paths[0].plain else column.paths[0].steps[1:]
        return type_at(schema.field(name).type, steps)

    def require_type(self, column: NeededColumn, found: pa.DataType, where: str) -> None:
        """Refuse a column of a type that cannot hold what it must; see `require_types`."""
        if self._allows(column.role, found):
            return
        raise SourceError(
            f"{where}: column {column.source!r} is {found}, but {column.ours} must be "
            f"{column.role.value}{self._remedy(column.role, found)}"
        )

    def _allows(self, role: Role, found: pa.DataType) -> bool:
        if pat.is_null(found) or is_text(found):
            return True
        if role is Role.ID:
            return is_id(found)
        if role is Role.LABEL:
            return is_id(found) or is_number(found) or pat.is_boolean(found)
        if role in (Role.POSITION, Role.COUNT):
            return is_number(found)
        if is_number(found):
            return self.numbers_are_times or (
                role is Role.DATE and self.config.date_format is not None and pat.is_integer(found)
            )
        return bool(pat.is_timestamp(found) or pat.is_date(found))

    @property
    def numbers_are_times(self) -> bool:
        """Whether the settings say what a time that is a number means."""
        return self.config.timestamp_unit is not None

    def _remedy(self, role: Role, found: pa.DataType) -> str:
        if role is Role.TIME and is_number(found):
            return f"; for numbers, set {self.kind.setting}_TIMESTAMP_UNIT to s, ms, us or ns."
        if role is Role.DATE and is_number(found):
            return f"; for numbers such as 20250131, set {self.kind.setting}_DATE_FORMAT (%Y%m%d)."
        return (
            f". Convert it at the source, or map another column with {self.kind.setting}_COLUMNS."
        )


def _joined(name: SourceName, values: Mapping[Path, ArrowArray], rows: int) -> ArrowArray:
    arrays = [
        pa.repeat(part.text, rows) if isinstance(part, Literal) else values[part]
        for part in name.parts
    ]
    if len(arrays) == 1:
        return arrays[0]
    return compute.binary_join_element_wise(*map(as_text, arrays), "", null_handling="emit_null")


def as_text(array: ArrowArray) -> TextArray:
    """Values as text, without a dictionary."""
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    return array if array.type == pa.string() else array.cast(pa.string())
