"""The environment of the report's templates: everything of the data is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from video_assets import wording
from video_assets.report.saving import csv_address, csv_name

# A row of a table, or its columns.
Row = Sequence[str]
# Between the cells of a row while it is escaped, which no text on a page holds.
_BETWEEN = "\0"


def cells(row: Row, end: str = "</td>") -> Markup:
    """A row's cells, escaped as a whole, because reports have a million cells.

    Args:
        row: their texts.
        end: what ends a cell; HTML can do without.
    """
    escaped = str(escape(_BETWEEN.join(row)))
    # What is of the data is escaped, and what is not is written here.
    return Markup(f"<td>{escaped.replace(_BETWEEN, f'{end}<td>')}{end}")  # noqa: S704 (as above)


TEMPLATES = Environment(
    loader=PackageLoader("video_assets.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    read.__name__: read
    for read in (
        cells,
        wording.count,
        wording.full_day,
        wording.hours,
        wording.moment,
        wording.name,
        wording.percent,
        wording.short_day,
    )
}
TEMPLATES.globals |= {"csv_address": csv_address, "csv_name": csv_name}


@dataclass(frozen=True)
class Tile:
    """A headline figure as the templates show it, with what it is, or how it changed."""

    name: str
    value: str
    more: str
