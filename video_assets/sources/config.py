"""How a source is named and mapped: the settings of one source, as the readers need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from video_assets.csv_dialect import CsvDialect
from video_assets.vocabulary import OtherNames, PositionUnit, SourceFormat, TimestampUnit


@dataclass(frozen=True)
class SourceConfig:
    """One source and how its columns and values map onto ours.

    Attributes:
        uri: file, folder, glob or template with `{date}`; a path or a URI.
        format: `auto` tells it by suffix or content.
        columns: name in the source (see `paths`) to ours; several names of one of ours are
            alternatives, the first that a row has counts. Ours are known without an entry.
        dimensions: name of a dimension to the source's names of it, alternatives likewise.
        explode: path of a list in a row whose elements are the rows; see `explode`.
        event_names: event name in the source to ours, or to `ignore`; ours are known without an
            entry.
        other_names: what becomes of rows with any other event name.
        timestamp_unit: unit of times that are numbers since 1970; None refuses such numbers.
        time_zone: IANA name of the zone of time texts without offset; None is UTC.
        position_unit: how positions are written.
        duration_unit: how durations are written; None: as positions.
        date_format: strptime format of dates; None reads ISO 8601.
        csv: how CSV files are written.
        zip_member: name of the file to read of a ZIP archive; None: the only one.
        arrival_days: how many days after a day the files of a `{date}` template bring rows of it.
    """

    uri: str
    format: SourceFormat = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    dimensions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    explode: str | None = None
    event_names: Mapping[str, str] = field(default_factory=dict)
    other_names: OtherNames = "reject"
    timestamp_unit: TimestampUnit | None = None
    time_zone: str | None = None
    position_unit: PositionUnit = "s"
    duration_unit: PositionUnit | None = None
    date_format: str | None = None
    csv: CsvDialect = field(default_factory=CsvDialect)
    zip_member: str | None = None
    arrival_days: int = 0

    def source_names(self, our_name: str) -> tuple[str, ...]:
        """The source's names of one of our columns, in the order in which they count."""
        mapped = tuple(source for source, ours in self.columns.items() if ours == our_name)
        return mapped or (our_name,)
